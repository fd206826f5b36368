/** /proc: the processes of the run and what Linux tells of itself (proc(5)), none of it the host's. */

import { freemem, loadavg } from 'node:os';
import { fail } from '../../abi/errno.ts';
import type { FsStatistics } from '../../abi/stat.ts';
import { type Inode, noSpace } from '../core/inode.ts';
import type { Vfs } from '../core/vfs.ts';
import { cpuinfo, numbers } from './cpu.ts';
import { type DirectoryContent, directory, fixed, link, MadeDirectory, MadeFs, text } from './nodes.ts';
import { processDirectory } from './pid.ts';
import type { ProcSource } from './source.ts';
import { sysctls } from './sysctl.ts';

/** As far as a 32-bit machine can have so much. */
function meminfo(source: ProcSource): string {
  const memory = source.memory();
  const cap = 3 << 20; // KiB
  const total = Math.min(Math.floor(memory.total / 1024), cap);
  const free = Math.min(Math.floor(memory.free / 1024), total);
  const rows: [string, number][] = [
    ['MemTotal', total],
    ['MemFree', free],
    ['MemAvailable', free],
    ['Buffers', 0],
    ['Cached', 0],
    ['SwapCached', 0],
    ['Active', total - free],
    ['Inactive', 0],
    ['HighTotal', 0],
    ['HighFree', 0],
    ['LowTotal', total],
    ['LowFree', free],
    ['SwapTotal', 0],
    ['SwapFree', 0],
    ['Dirty', 0],
    ['Writeback', 0],
    ['AnonPages', total - free],
    ['Mapped', 0],
    ['Shmem', 0],
    ['Slab', 0],
    ['PageTables', 0],
    ['CommitLimit', total],
    ['Committed_AS', Math.floor(memory.committed / 1024)],
    ['VmallocTotal', 1048576],
    ['VmallocUsed', 0],
  ];
  return rows.map(([name, kib]) => `${`${name}:`.padEnd(16)}${String(kib).padStart(8)} kB\n`).join('');
}

function procStat(source: ProcSource): string {
  const uses = source.numbers().flatMap((pid) => source.process(pid)?.cpuUse ?? []);
  const user = uses.reduce((sum, use) => sum + use.user, 0);
  const system = uses.reduce((sum, use) => sum + use.system, 0);
  const ticks = (ms: number) => Math.floor(Math.max(0, ms) / 10);
  // All tasks share one thread of the host: the first CPU has done everything.
  const line = (cpus: number) =>
    `${ticks(user)} 0 ${ticks(system)} ${ticks(cpus * source.now() - user - system)} 0 0 0 0 0 0\n`;
  const idle = `0 0 0 ${ticks(source.now())} 0 0 0 0 0 0\n`;
  const lines = numbers(source.cpus).map((n) => `cpu${n} ${n === 0 ? line(1) : idle}`);
  const boot = Math.floor((Date.now() - source.now()) / 1000);
  const counts = `intr 0\nctxt ${source.switches}\nbtime ${boot}\nprocesses ${source.numbers().length}\n`;
  return `cpu  ${line(source.cpus)}${lines.join('')}${counts}procs_running 1\nprocs_blocked 0\n`;
}

/** Counts of pages; what nobody counts here is 0. */
function vmstat(): string {
  const free = Math.floor(freemem() / 4096);
  const none = 'pgpgin pgpgout pswpin pswpout pgfree pgfault pgmajfault'.split(' ');
  return `nr_free_pages ${free}\n${none.map((name) => `${name} 0\n`).join('')}`;
}

const FILESYSTEMS = [
  'nodev\tsysfs',
  'nodev\ttmpfs',
  'nodev\tproc',
  'nodev\tdevtmpfs',
  'nodev\tpipefs',
  'nodev\tsockfs',
  'nodev\tdevpts',
  'nodev\tmqueue',
  '\text4',
];

function uptime(source: ProcSource): string {
  const seconds = source.now() / 1000;
  return `${seconds.toFixed(2)} ${(source.cpus * seconds).toFixed(2)}\n`;
}

export class ProcFs extends MadeFs {
  override readonly takesNames = false;
  readonly type = 'proc';
  readonly source = 'proc';
  override readonly instance: object;
  readonly root: Inode;
  /** The kernel's id of a number in it. */
  readonly pidOf: (number: number) => number;

  /** @param treeRoot root of the whole tree, whose mounts are shown */
  constructor(vfs: Vfs, source: ProcSource, treeRoot: () => Inode) {
    super(vfs);
    this.instance = source.pids;
    this.pidOf = source.pidOf;
    const me = () => source.current() ?? fail('ENOENT');
    const constant = fixed({
      cmdline: text(() => 'console=ttyAMA0\n'),
      cpuinfo: text(() => cpuinfo(source)),
      devices: text(() => 'Character devices:\n  1 mem\n  5 /dev/tty\n136 pts\n\nBlock devices:\n'),
      diskstats: text(() => ''),
      filesystems: text(() => `${FILESYSTEMS.join('\n')}\n`),
      loadavg: text(() => {
        const loads = loadavg().map((load) => load.toFixed(2));
        return `${loads.join(' ')} 1/${source.numbers().length} ${source.numbers().at(-1) ?? 0}\n`;
      }),
      locks: text(() => treeRoot().fs.vfs.locks.list()),
      meminfo: text(() => meminfo(source)),
      modules: text(() => ''),
      mounts: link(() => 'self/mounts'),
      net: link(() => 'self/net'),
      partitions: text(() => 'major minor  #blocks  name\n\n'),
      self: link(() => String(me().pid)),
      stat: text(() => procStat(source)),
      swaps: text(() => 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n'),
      sys: sysctls(source),
      sysvipc: directory({
        msg: text(() => source.sysv.messages()),
        sem: text(() => source.sysv.semaphores()),
        shm: text(() => source.sysv.segments()),
      }),
      'thread-self': link(() => `${me().pid}/task/${me().tid}`),
      uptime: text(() => uptime(source)),
      vmstat: text(vmstat),
      version: text(() => `Linux version ${source.release} (armrun) ${source.version}\n`),
    });
    const content: DirectoryContent = {
      entry: (name) => {
        const known = constant.entry(name);
        if (known || !/^[1-9]\d*$/.test(name)) return known;
        const pid = Number(name);
        return source.process(pid) ? processDirectory(source, pid, treeRoot) : undefined;
      },
      names: () => [...source.numbers().map(String), ...constant.names()],
    };
    this.root = new MadeDirectory(this, undefined, '', content);
  }

  statfs(): FsStatistics {
    return noSpace(0x9fa0);
  }
}
