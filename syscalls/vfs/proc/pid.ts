import { fail } from '../../abi/errno.ts';
import { type Inode, pathOf } from '../core/inode.ts';
import type { MountNamespace } from '../core/mount.ts';
import { NAMESPACE_LINKS } from '../core/namespace.ts';
import { SeekableFile } from '../core/open-file.ts';
import type { IdKind, UserNamespace } from '../core/user-namespace.ts';
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
    const { inode, ownRoot } = file();
    return `${pathOf(inode, ownRoot ?? viewRoot(source))}${inode.deleted ? ' (deleted)' : ''}`;
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

/** A process or thread whose directory is looked at. */
class Shown {
  readonly source: ProcSource;
  readonly #pid: number;
  readonly #tid: number;
  readonly #root: () => Inode;

  constructor(source: ProcSource, pid: number, tid: number, root: () => Inode) {
    this.source = source;
    this.#pid = pid;
    this.#tid = tid;
    this.#root = root;
  }

  process(): ProcProcess {
    return this.source.process(this.#pid) ?? fail('ESRCH');
  }
  thread(): ProcThread {
    const process = this.process();
    return process.threads.find((t) => t.tid === this.#tid) ?? process;
  }
  mounts(): MountNamespace {
    return this.process().namespaces.mnt;
  }
  isCurrent(): boolean {
    return this.source.current()?.pid === this.#pid;
  }
  /** Throws EACCES. */
  check(): void {
    if (!this.source.mayInspect(this.#pid)) fail('EACCES');
  }

  of(make: (p: ProcProcess, t: ProcThread) => string | Uint8Array, mode = 0o444): Entry {
    return text(() => make(this.process(), this.thread()), { mode });
  }
  inspected(make: (p: ProcProcess) => string): Entry {
    return text(() => make(this.process()), { check: () => this.check() });
  }
  /** A file, which the link leads to. */
  place(which: (p: ProcProcess) => Inode | undefined): Entry {
    return link(
      () => {
        this.check();
        const inode = which(this.process()) ?? fail('ENOENT');
        return `${pathOf(inode, viewRoot(this.source))}${inode.deleted ? ' (deleted)' : ''}`;
      },
      () => {
        this.check();
        return which(this.process());
      },
    );
  }
  namespace(name: string): Entry {
    return link(
      () => {
        this.check();
        return (this.process().namespaces[name] ?? fail('ENOENT')).text;
      },
      () => {
        this.check();
        return this.#root().fs.vfs.namespaces.inode(this.process().namespaces[name] ?? fail('EACCES'));
      },
    );
  }
  ids(kind: IdKind): Entry {
    return idMap(() => this.process().creds.user, kind, this.source.viewer);
  }
  /** A text of what is mounted, which can be waited for. */
  mounted(make: (mounts: MountNamespace, p: ProcProcess) => string): Entry {
    return text(() => make(this.mounts(), this.process()), {
      changes: () => ({ queue: this.mounts().changes, version: this.mounts().version }),
    });
  }
  /** A file of its memory. */
  memory(File: typeof MemFile | typeof PagemapFile, mode: number): Entry {
    const process = () => this.process();
    return made(
      (parent, name) => new ProcessInode(parent, name, mode, process, (...open) => new File(...open)),
    );
  }
  maps(make: typeof mapsText): Entry {
    return this.inspected((p) => make(p, (path) => fileAt(this.process().root, path)));
  }
}

/**
 * Everything in /proc/PID, and in /proc/PID/task/TID. Made by name, when it is looked for: each static program asks for
 * /proc/self/exe.
 */
const ENTRIES: ReadonlyMap<string, (shown: Shown) => Entry> = new Map(
  Object.entries<(shown: Shown) => Entry>({
    attr: () => directory({ current: text(() => 'unconfined\n') }),
    auxv: (s) => s.of((p) => p.auxv, 0o400),
    cgroup: () => text(() => '0::/\n'),
    cmdline: (s) => s.of((p) => p.cmdline()),
    comm: (s) =>
      text(() => `${s.thread().comm}\n`, {
        write: (name) => s.thread().setComm(name.replace(/\0.*$/s, '').slice(0, 15)),
      }),
    coredump_filter: (s) => coreFilter(() => s.process()),
    cwd: (s) => s.place((p) => p.cwd),
    environ: (s) => s.of((p) => p.environ(), 0o400),
    exe: (s) => s.place((p) => p.exe),
    fd: (s) => {
      const process = () => s.process();
      const links = descriptors(process, (fd) => fdLink(s.source, process, fd, () => s.check()));
      return directory(links, 0o500, () => s.isCurrent());
    },
    fdinfo: (s) => {
      const process = () => s.process();
      return directory(
        descriptors(process, (fd) => fdInfo(process, fd)),
        0o500,
      );
    },
    limits: (s) => s.of((p) => limits(p)),
    maps: (s) => s.maps(mapsText),
    mem: (s) => s.memory(MemFile, 0o600),
    mountinfo: (s) => s.mounted((mounts, { root }) => mounts.info(mounts.root, root)),
    mounts: (s) => s.mounted((mounts, { root }) => mounts.list(mounts.root, root)),
    net: (s) => procNet(() => s.process().network),
    gid_map: (s) => s.ids('gids'),
    ns: (s) => directory(fixed(Object.fromEntries(NAMESPACE_LINKS.map((name) => [name, s.namespace(name)])))),
    projid_map: (s) => s.ids('projects'),
    setgroups: (s) => setgroups(() => s.process().creds.user, s.source.viewer),
    timens_offsets: (s) =>
      text(() => s.process().timeOffsets, {
        writer() {
          const opener = s.source.viewer();
          return (written) => s.process().setTimeOffsets(written, opener);
        },
      }),
    uid_map: (s) => s.ids('uids'),
    oom_adj: () => text(() => '0\n'),
    oom_score: () => text(() => '0\n'),
    oom_score_adj: (s) => oomScoreAdj(() => s.process()),
    pagemap: (s) => s.memory(PagemapFile, 0o400),
    personality: () => text(() => '00000000\n', { mode: 0o400 }),
    root: (s) => s.place((p) => p.root),
    smaps: (s) => s.maps(smapsText),
    smaps_rollup: (s) => s.inspected(smapsRollup),
    stat: (s) => s.of(stat),
    statm: (s) => s.of((p) => statm(p)),
    status: (s) => s.of((p, t) => status(p, t, s.source.viewer().user)),
    wchan: () => text(() => '0'),
  }),
);

const contentOf = (shown: Shown): DirectoryContent => ({
  entry: (name) => ENTRIES.get(name)?.(shown),
  names: () => ENTRIES.keys(),
});

/** The directory of a process. */
export function processDirectory(source: ProcSource, pid: number, root: () => Inode): Entry {
  const process = () => source.process(pid) ?? fail('ENOENT');
  const tasks: DirectoryContent = {
    entry: (name) => {
      const tid = Number(name);
      if (!process().threads.some((t) => t.tid === tid)) return undefined;
      return owned(source, pid, directory(contentOf(new Shown(source, pid, tid, root))));
    },
    names: () => process().threads.map((t) => String(t.tid)),
  };
  const { entry, names } = contentOf(new Shown(source, pid, pid, root));
  const content: DirectoryContent = {
    entry: (name) => (name === 'task' ? directory(tasks) : entry(name)),
    names: () => [...names(), 'task'],
  };
  return owned(source, pid, directory(content));
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
