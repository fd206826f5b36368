/** What the kernel tells /proc of its processes: the ProcSource that syscalls/vfs/proc/proc.ts shows. */
import { PAGE_SIZE, READ, WRITE } from '../../emu/memory/layout.ts';
import { fail } from '../abi/errno.ts';
import { CAP, capable, credsFor } from '../vfs/core/creds.ts';
import type { ProcProcess, ProcSource, ProcThread } from '../vfs/proc/source.ts';
import { Tty } from '../vfs/tty/tty.ts';
import { committed, memoryUse } from './commit.ts';
import { mayInspect } from './inspect.ts';
import type { Kernel } from './kernel.ts';
import { VERSION } from './kernel.ts';
import type { PidNamespace } from './pid-namespace.ts';
import type { Process } from './process.ts';
import { accessRemote } from './remote-memory.ts';
import { sysvSource } from './sysv-proc.ts';
import type { Task } from './task.ts';

/** @param pids the namespace that is shown; the first one in it */
export function procSource(kernel: Kernel, pids: PidNamespace = kernel.pids): ProcSource {
  /** Of who looks. */
  const namespaces = () => kernel.scheduler.current?.ns ?? kernel.namespaces;
  const find = (number: number) => kernel.processes.get(pids.pidOf(number));
  return {
    pids,
    pidOf: (number) => pids.pidOf(number),
    viewer: () => kernel.scheduler.current?.creds ?? credsFor(0, 0),
    viewRoot: () => kernel.scheduler.current?.fs.root ?? fail('ENOENT'),
    current() {
      const t = kernel.scheduler.current;
      const pid = t ? pids.numberOf(t.process.pid) : 0;
      return t && pid !== 0 ? { pid, tid: pids.numberOf(t.tid) } : undefined;
    },
    process(number) {
      const p = find(number);
      return p && describe(p, pids);
    },
    mayInspect(number) {
      const looking = kernel.scheduler.current;
      const p = find(number);
      return looking !== undefined && p !== undefined && mayInspect(looking, p.leader);
    },
    numbers: () =>
      [...kernel.processes.keys()]
        .map((pid) => pids.numberOf(pid))
        .filter((number) => number !== 0)
        .sort((a, b) => a - b),
    get hostname() {
      return namespaces().uts.hostname;
    },
    get domainname() {
      return namespaces().uts.domainname;
    },
    release: kernel.options.release,
    version: VERSION,
    setHostname(name) {
      namespaces().uts.hostname = name;
    },
    now: () => kernel.now() + namespaces().time.boottime,
    get switches() {
      return kernel.scheduler.switches;
    },
    model: kernel.options.model,
    cpus: kernel.cpus,
    memory: () => ({ ...memoryUse(kernel), committed: committed(kernel) }),
    isMemoryLimited: kernel.vfs.memory.limited,
    settings: kernel,
    leases: kernel.vfs.leases,
    get network() {
      return namespaces().net;
    },
    get sysv() {
      return sysvSource(namespaces().ipc.sysv);
    },
  };
}

function thread(t: Task, pids: PidNamespace): ProcThread {
  const { process, kernel } = t;
  const viewer = kernel.scheduler.current?.ns ?? kernel.namespaces;
  const state =
    process.zombie || t.state === 'dead' ? 'Z' : process.stopped ? 'T' : t.state === 'sleeping' ? 'S' : 'R';
  return {
    tid: pids.numberOf(t.tid),
    numbers: numbers(process, pids, t.tid),
    comm: t.comm,
    state,
    cpuUse: t.cpuUse,
    switches: t.switches,
    startTime: t.startTime + viewer.time.boottime,
    nice: t.nice,
    affinity: (t.affinity & (2 ** t.kernel.cpus - 1)) >>> 0,
    pending: t.pending.set,
    blocked: t.blocked,
    setComm(comm) {
      t.comm = comm.slice(0, 15);
    },
  };
}

/** Nothing of one that has no process 1 yet (pidns_for_children_get). */
const shownToChildren = (pids: PidNamespace) =>
  pids.init !== undefined || pids.parent === undefined ? pids : undefined;

/** In a namespace, and those below it that a process is in. */
const numbers = (of: Process, pids: PidNamespace, pid: number) => of.pids.numbersFrom(pids, pid);

function describe(p: Process, pids: PidNamespace): ProcProcess {
  // As in Linux: a leader that has ended before its threads has no memory and no files to show.
  const t = p.leader;
  const alive = t.state !== 'dead';
  const { mm } = t;
  const { ignored, caught } = t.sighand.sets();
  const bytes = (start: number, end: number): Uint8Array => {
    if (!alive || end <= start || !mm.space.check(start, end - start, READ)) return new Uint8Array(0);
    return Uint8Array.from(mm.space.bytes(start, end - start));
  };
  return {
    ...thread(t, pids),
    tid: pids.numberOf(p.pid),
    cpuUse: p.cpuUse,
    pid: pids.numberOf(p.pid),
    ppid: pids.numberOf(p.ppid),
    pgid: pids.numberOf(p.pgid),
    sid: pids.numberOf(p.session.sid),
    processNumbers: numbers(p, pids, p.pid),
    groupNumbers: numbers(p, pids, p.pgid),
    sessionNumbers: numbers(p, pids, p.session.sid),
    tty: p.session.tty instanceof Tty ? p.session.tty.rdev : 0,
    foreground: p.session.foreground ? pids.numberOf(p.session.foreground) : -1,
    creds: t.creds,
    network: t.network,
    namespaces: {
      ...t.ns,
      pid: p.pids,
      pid_for_children: shownToChildren(t.ns.pid_for_children),
      user: t.creds.user,
    },
    timeOffsets: t.ns.time_for_children.offsets,
    setTimeOffsets(text, opener) {
      const time = t.ns.time_for_children;
      if (!capable(opener, CAP.SYS_TIME, time.owner)) fail('EPERM');
      time.setOffsets(text, t.now() / 1000);
    },
    umask: t.fs.umask,
    root: t.fs.root,
    cwd: t.fs.cwd,
    exe: alive ? mm.exe : undefined,
    files: alive ? t.files : undefined,
    vmas: alive ? mm.space.vmas() : [],
    cmdline() {
      const args = bytes(mm.argStart, mm.argEnd);
      if (args.length === 0 || args.at(-1) === 0) return args;
      // setproctitle(3) has written over the end: one string, which may go on into the environment (get_mm_proctitle).
      const title = bytes(mm.argStart, Math.min(mm.envEnd, mm.argStart + PAGE_SIZE));
      const end = title.indexOf(0);
      return end < 0 ? title : title.subarray(0, end + 1);
    },
    environ: () => bytes(mm.envStart, mm.envEnd),
    auxv: alive ? mm.auxv : new Uint8Array(0),
    residentBytes: () => (alive ? mm.residentBytes : 0),
    mostResident: () => (alive ? mm.mostResident : 0),
    residentIn: ({ start, end }) => PAGE_SIZE * mm.space.pages.resident(start / PAGE_SIZE, end / PAGE_SIZE),
    isPresent: (address) => alive && mm.space.pages.present(address / PAGE_SIZE),
    sharedPending: p.pending.set,
    queuedSignals: p.kernel.queuedSignals.of(t.creds.uid),
    ignored,
    caught,
    childrenUse: p.childrenUse,
    exitCode: p.status,
    // No getter: V8 keeps one of an object literal in the old generation, and the process with it.
    coreFilter: () => mm.coreFilter,
    setCoreFilter(filter) {
      mm.coreFilter = filter;
    },
    noNewPrivs: t.noNewPrivs,
    oomScoreAdj: p.oomScoreAdj,
    setOomScoreAdj(value) {
      p.oomScoreAdj = value;
    },
    limits: p.limits,
    threads: (p.zombie ? [t] : [...p.threads]).map((one) => thread(one, pids)),
    readMemory: (address, into) =>
      accessRemote(t, address, into.length, READ, (window, at) => into.set(window, at)),
    writeMemory: (address, from) =>
      accessRemote(t, address, from.length, WRITE, (window, at) =>
        window.set(from.subarray(at, at + window.length)),
      ),
  };
}
