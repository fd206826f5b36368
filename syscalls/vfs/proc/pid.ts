import { fail } from '../../abi/errno.ts';
import { type Inode, pathOf } from '../core/inode.ts';
import { NAMESPACE_LINKS } from '../core/namespace.ts';
import { SeekableFile } from '../core/open-file.ts';
import type { UserNamespace } from '../core/user-namespace.ts';
import { cpuList } from './cpu.ts';
import { procNet } from './net.ts';
import {
  type DirectoryContent,
  directory,
  type Entry,
  fixed,
  link,
  type MadeInode,
  made,
  text,
} from './nodes.ts';
import { MemFile, mapsText, PagemapFile, ProcessInode, smapsRollup, smapsText } from './pid-memory.ts';
import type { ProcProcess, ProcSource, ProcThread } from './source.ts';
import { idMap, setgroups } from './user-namespace.ts';

const PAGE = 4096;
const STATES = { R: 'R (running)', S: 'S (sleeping)', T: 'T (stopped)', Z: 'Z (zombie)' } as const;

const ticks = (milliseconds: number) => Math.floor(milliseconds / 10);
const mask = (set: bigint) => set.toString(16).padStart(16, '0');
const virtualBytes = (p: ProcProcess) => p.vmas.reduce((sum, v) => sum + v.end - v.start, 0);

function stat(p: ProcProcess, t: ProcThread): string {
  const exec = p.vmas.find((v) => v.prot & 4);
  const stack = p.vmas.find((v) => v.name === '[stack]');
  const fields = [
    t.tid,
    `(${t.comm})`,
    t.state,
    p.ppid,
    p.pgid,
    p.sid,
    p.tty,
    p.foreground || -1,
    0x40_0000, // flags: PF_RANDOMIZE
    ...[0, 0, 0, 0], // faults
    ticks(t.cpuUse.user),
    ticks(t.cpuUse.system),
    ticks(p.childrenUse.user),
    ticks(p.childrenUse.system),
    20 + t.nice,
    t.nice,
    p.threads.length,
    0,
    ticks(t.startTime),
    virtualBytes(p),
    Math.floor(p.residentBytes() / PAGE),
    4294967295,
    exec?.start ?? 0,
    exec?.end ?? 0,
    stack?.end ?? 0,
    ...[0, 0], // stack and instruction pointer, hidden as for running processes
    BigInt.asUintN(31, t.pending),
    BigInt.asUintN(31, t.blocked),
    BigInt.asUintN(31, p.ignored),
    BigInt.asUintN(31, p.caught),
    t.state === 'S' ? 1 : 0,
    ...[0, 0, 17, 31 - Math.clz32(t.affinity & -t.affinity), 0, 0, 0, 0, 0],
    ...[0, 0, 0, 0, 0, 0, 0], // start_data .. env_end
    p.exitCode,
  ];
  return `${fields.join(' ')}\n`;
}

/** RLIMIT_SIGPENDING; unlimited as /proc shows it of 32 bits. */
const pendingLimit = (p: ProcProcess) => Math.min(p.limits[11]!.cur, 0xffff_ffff);

function statm(p: ProcProcess): string {
  const pages = (bytes: number) => Math.floor(bytes / PAGE);
  const sum = (test: (v: ProcProcess['vmas'][number]) => boolean) =>
    p.vmas.filter(test).reduce((s, v) => s + v.end - v.start, 0);
  const resident = pages(p.residentBytes());
  const text = pages(sum((v) => (v.prot & 4) !== 0));
  const data = pages(sum((v) => (v.prot & 2) !== 0 && !v.shared));
  return `${pages(virtualBytes(p))} ${resident} ${Math.min(resident, text)} ${text} 0 ${data} 0\n`;
}

/** @param user the namespace of who looks */
function status(p: ProcProcess, t: ProcThread, user: UserNamespace): string {
  const { creds } = p;
  const kb = (bytes: number) => `${String(Math.floor(bytes / 1024)).padStart(8)} kB`;
  const oct = (n: number) => n.toString(8).padStart(4, '0');
  const lines: [string, string | number][] = [
    ['Name', t.comm],
    ['Umask', oct(p.umask)],
    ['State', STATES[t.state]],
    ['Tgid', p.pid],
    ['Ngid', 0],
    ['Pid', t.tid],
    ['PPid', p.ppid],
    ['TracerPid', 0],
    ['Uid', [creds.uid, creds.euid, creds.suid, creds.fsuid].map((id) => user.uids.shown(id)).join('\t')],
    ['Gid', [creds.gid, creds.egid, creds.sgid, creds.fsgid].map((id) => user.gids.shown(id)).join('\t')],
    ['FDSize', Math.max(64, (p.files?.fds().at(-1) ?? 0) + 1)],
    ['Groups', `${creds.groups.map((id) => user.gids.shown(id)).join(' ')} `],
    ['NStgid', p.processNumbers.join('\t')],
    ['NSpid', t.numbers.join('\t')],
    ['NSpgid', p.groupNumbers.join('\t')],
    ['NSsid', p.sessionNumbers.join('\t')],
  ];
  if (p.vmas.length > 0) {
    const size = virtualBytes(p);
    const resident = p.residentBytes();
    const part = (test: (v: ProcProcess['vmas'][number]) => boolean) =>
      kb(p.vmas.filter(test).reduce((s, v) => s + v.end - v.start, 0));
    lines.push(
      ['VmPeak', kb(size)],
      ['VmSize', kb(size)],
      ['VmLck', part((v) => v.locked === true)],
      ['VmPin', kb(0)],
      ['VmHWM', kb(p.mostResident())],
      ['VmRSS', kb(resident)],
      ['VmData', part((v) => (v.prot & 2) !== 0 && !v.growsDown && !v.shared)],
      ['VmStk', part((v) => v.growsDown)],
      ['VmExe', part((v) => (v.prot & 4) !== 0)],
      ['VmLib', kb(0)],
      ['VmPTE', kb(0)],
      ['VmSwap', kb(0)],
    );
  }
  lines.push(
    ['Threads', p.threads.length],
    ['SigQ', `${p.queuedSignals}/${pendingLimit(p)}`],
    ['SigPnd', mask(t.pending)],
    ['ShdPnd', mask(p.sharedPending)],
    ['SigBlk', mask(t.blocked)],
    ['SigIgn', mask(p.ignored)],
    ['SigCgt', mask(p.caught)],
    ['CapInh', mask(creds.inheritable)],
    ['CapPrm', mask(creds.permitted)],
    ['CapEff', mask(creds.effective)],
    ['CapBnd', mask(creds.bounding)],
    ['CapAmb', mask(creds.ambient)],
    ['NoNewPrivs', p.noNewPrivs ? 1 : 0],
    ['Cpus_allowed', t.affinity.toString(16)],
    ['Cpus_allowed_list', cpuList(t.affinity)],
    ['voluntary_ctxt_switches', t.switches.voluntary],
    ['nonvoluntary_ctxt_switches', t.switches.involuntary],
  );
  return lines.map(([name, value]) => `${name}:\t${value}\n`).join('');
}

const LIMITS: [string, string, number][] = [
  ['Max cpu time', 'seconds', 0],
  ['Max file size', 'bytes', 1],
  ['Max data size', 'bytes', 2],
  ['Max stack size', 'bytes', 3],
  ['Max core file size', 'bytes', 4],
  ['Max resident set', 'bytes', 5],
  ['Max processes', 'processes', 6],
  ['Max open files', 'files', 7],
  ['Max locked memory', 'bytes', 8],
  ['Max address space', 'bytes', 9],
  ['Max file locks', 'locks', 10],
  ['Max pending signals', 'signals', 11],
  ['Max msgqueue size', 'bytes', 12],
  ['Max nice priority', '', 13],
  ['Max realtime priority', '', 14],
  ['Max realtime timeout', 'us', 15],
];

function limits(p: ProcProcess): string {
  const show = (n: number) => (n === Infinity ? 'unlimited' : String(n)).padEnd(20);
  const rows = LIMITS.map(([name, unit, n]) => {
    const { cur, max } = p.limits[n]!;
    return `${name.padEnd(25)} ${show(cur)} ${show(max)} ${unit.padEnd(10)}\n`;
  });
  return `${'Limit'.padEnd(25)} ${'Soft Limit'.padEnd(20)} ${'Hard Limit'.padEnd(20)} ${'Units'.padEnd(10)}\n${rows.join('')}`;
}

/** Descriptors: `fd` as links that lead to the files themselves, `fdinfo` as texts. */
function descriptors(process: () => ProcProcess, entry: (fd: number) => Entry): DirectoryContent {
  const number = (name: string) => (/^(0|[1-9]\d*)$/.test(name) ? Number(name) : -1);
  return {
    entry: (name) => (process().files?.find(number(name)) ? entry(number(name)) : undefined),
    names: () => (process().files?.fds() ?? []).map(String),
  };
}

function fdLink(source: ProcSource, process: () => ProcProcess, fd: number, check: () => void): Entry {
  const file = () => {
    check();
    return process().files?.find(fd) ?? fail('ENOENT');
  };
  const show = () => {
    const { inode } = file();
    return `${pathOf(inode, viewRoot(source))}${inode.deleted ? ' (deleted)' : ''}`;
  };
  const access = () => {
    const { readable, writable } = process().files?.find(fd) ?? fail('ENOENT');
    return (readable ? 0o500 : 0) | (writable ? 0o300 : 0);
  };
  return (parent, name) => link(show, () => file().inode, access())(parent, name);
}

/** Paths are shown as the looking process would write them. */
function viewRoot(source: ProcSource): Inode {
  return source.viewRoot();
}

function fdInfo(process: () => ProcProcess, fd: number): Entry {
  return text(
    () => {
      const p = process();
      const file = p.files?.find(fd) ?? fail('ENOENT');
      const position = file instanceof SeekableFile ? file.offset : 0;
      const flags = file.flags | (p.files!.closesOnExec(fd) ? 0o2000000 : 0);
      const locks = file.vfs.locks.listOf(file.inode, p.files!, file);
      const where = `mnt_id:\t${file.inode.fs.id}\nino:\t${file.stat().ino}`;
      return `pos:\t${position}\nflags:\t0${flags.toString(8)}\n${where}\n${locks}${file.fdInfo()}`;
    },
    { mode: 0o400 },
  );
}

/** MMF_DUMP_FILTER_MASK. */
const CORE_FILTER_MASK = 0x1ff;

/** The file of an absolute path without links, as maps show them. */
function fileAt(root: Inode, path: string): Inode | undefined {
  let at: Inode | undefined = root;
  for (const name of path.split('/')) {
    if (name !== '') at = at?.isDirectory ? (at.mounts?.get(name) ?? at.lookup(name)) : undefined;
  }
  return at;
}

function coreFilter(process: () => ProcProcess): Entry {
  return text(() => `${process().coreFilter().toString(16).padStart(8, '0')}\n`, {
    write(written) {
      const value = written.trim();
      if (!/^(0[xX][\da-fA-F]+|\d+)$/.test(value)) fail('EINVAL');
      // An octal number begins with 0, as strtoul(3) has it.
      const filter = /^0\d/.test(value) ? Number.parseInt(value, 8) : Number(value);
      process().setCoreFilter(filter & CORE_FILTER_MASK);
    },
  });
}

/** It changes nothing here, but is remembered. */
function oomScoreAdj(process: () => ProcProcess): Entry {
  return text(() => `${process().oomScoreAdj}\n`, {
    write: (value) =>
      process().setOomScoreAdj(Math.max(-1000, Math.min(1000, Number.parseInt(value, 10) || 0))),
  });
}

/** What namespaces it is in, and how they are set up. */
function namespaceEntries(
  source: ProcSource,
  process: () => ProcProcess,
  root: () => Inode,
  check: () => void,
): Record<string, Entry> {
  const user = () => process().creds.user;
  const namespace = (name: string): Entry =>
    link(
      () => {
        check();
        return (process().namespaces[name] ?? fail('ENOENT')).text;
      },
      () => {
        check();
        return root().fs.vfs.namespaces.inode(process().namespaces[name] ?? fail('EACCES'));
      },
    );
  return {
    gid_map: idMap(user, 'gids', source.viewer),
    ns: directory(fixed(Object.fromEntries(NAMESPACE_LINKS.map((name) => [name, namespace(name)])))),
    projid_map: idMap(user, 'projects', source.viewer),
    setgroups: setgroups(user, source.viewer),
    timens_offsets: text(() => process().timeOffsets, {
      writer() {
        const opener = source.viewer();
        return (written) => process().setTimeOffsets(written, opener);
      },
    }),
    uid_map: idMap(user, 'uids', source.viewer),
  };
}

/** Everything in /proc/PID, and in /proc/PID/task/TID. */
function entries(source: ProcSource, pid: number, tid: number, root: () => Inode): Record<string, Entry> {
  const process = () => source.process(pid) ?? fail('ESRCH');
  const mounts = () => process().namespaces.mnt;
  const changes = () => ({ queue: mounts().changes, version: mounts().version });
  const thread = () => process().threads.find((t) => t.tid === tid) ?? process();
  const of = (make: (p: ProcProcess, t: ProcThread) => string | Uint8Array, mode = 0o444) =>
    text(() => make(process(), thread()), { mode });
  const check = () => {
    if (!source.mayInspect(pid)) fail('EACCES');
  };
  const inspected = (make: (p: ProcProcess) => string) => text(() => make(process()), { check });
  const place = (which: (p: ProcProcess) => Inode | undefined): Entry =>
    link(
      () => {
        check();
        const inode = which(process()) ?? fail('ENOENT');
        return `${pathOf(inode, viewRoot(source))}${inode.deleted ? ' (deleted)' : ''}`;
      },
      () => {
        check();
        return which(process());
      },
    );
  const find = (path: string) => fileAt(process().root, path);
  return {
    attr: directory({ current: text(() => 'unconfined\n') }),
    auxv: of((p) => p.auxv, 0o400),
    cgroup: text(() => '0::/\n'),
    cmdline: of((p) => p.cmdline()),
    comm: text(() => `${thread().comm}\n`, {
      write: (name) => thread().setComm(name.replace(/\0.*$/s, '').slice(0, 15)),
    }),
    coredump_filter: coreFilter(process),
    cwd: place((p) => p.cwd),
    environ: of((p) => p.environ(), 0o400),
    exe: place((p) => p.exe),
    fd: directory(
      descriptors(process, (fd) => fdLink(source, process, fd, check)),
      0o500,
      () => source.current()?.pid === pid,
    ),
    fdinfo: directory(
      descriptors(process, (fd) => fdInfo(process, fd)),
      0o500,
    ),
    limits: of((p) => limits(p)),
    maps: inspected((p) => mapsText(p, find)),
    mem: made(
      (parent, name) => new ProcessInode(parent, name, 0o600, process, (...open) => new MemFile(...open)),
    ),
    mountinfo: text(() => mounts().info(mounts().root, process().root), { changes }),
    mounts: text(() => mounts().list(mounts().root, process().root), { changes }),
    net: procNet(() => process().network),
    ...namespaceEntries(source, process, root, check),
    oom_adj: text(() => '0\n'),
    oom_score: text(() => '0\n'),
    oom_score_adj: oomScoreAdj(process),
    pagemap: made(
      (parent, name) => new ProcessInode(parent, name, 0o400, process, (...open) => new PagemapFile(...open)),
    ),
    personality: text(() => '00000000\n', { mode: 0o400 }),
    root: place((p) => p.root),
    smaps: inspected((p) => smapsText(p, find)),
    smaps_rollup: inspected(smapsRollup),
    stat: of(stat),
    statm: of((p) => statm(p)),
    status: of((p, t) => status(p, t, source.viewer().user)),
    wchan: text(() => '0'),
  };
}

/** The directory of a process. */
export function processDirectory(source: ProcSource, pid: number, root: () => Inode): Entry {
  const process = () => source.process(pid) ?? fail('ENOENT');
  const tasks: DirectoryContent = {
    entry: (name) => {
      const tid = Number(name);
      if (!process().threads.some((t) => t.tid === tid)) return undefined;
      return owned(source, pid, directory(entries(source, pid, tid, root)));
    },
    names: () => process().threads.map((t) => String(t.tid)),
  };
  return owned(source, pid, directory({ ...entries(source, pid, pid, root), task: directory(tasks) }));
}

/** Files of a process belong to its user. */
function owned(source: ProcSource, pid: number, entry: Entry): Entry {
  return (parent, name) => {
    const inode = entry(parent, name) as MadeInode;
    const creds = source.process(pid)?.creds;
    if (creds) inode.owner = { uid: creds.euid, gid: creds.egid };
    return inode;
  };
}
