/** What the kernel tells /proc of its processes: the ProcSource that syscalls/vfs/proc/proc.ts shows. */
import { PAGE_SIZE, READ, WRITE } from '../../emu/memory/layout.ts';
import type { ProcProcess, ProcSource, ProcThread } from '../vfs/proc/source.ts';
import { Tty } from '../vfs/tty/tty.ts';
import { committed, memoryUse } from './commit.ts';
import { mayInspect } from './inspect.ts';
import type { Kernel } from './kernel.ts';
import { VERSION } from './kernel.ts';
import type { Process } from './process.ts';
import { accessRemote } from './remote-memory.ts';
import { sysvSource } from './sysv-proc.ts';
import type { Task } from './task.ts';

export function procSource(kernel: Kernel): ProcSource {
  /** Of who looks. */
  const namespaces = () => kernel.scheduler.current?.ns ?? kernel.namespaces;
  return {
    current() {
      const t = kernel.scheduler.current;
      return t && { pid: t.process.pid, tid: t.tid };
    },
    process(pid) {
      const p = kernel.processes.get(pid);
      return p && describe(p);
    },
    mayInspect(pid) {
      const looking = kernel.scheduler.current;
      const p = kernel.processes.get(pid);
      return looking !== undefined && p !== undefined && mayInspect(looking, p.leader);
    },
    pids: () => [...kernel.processes.keys()].sort((a, b) => a - b),
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
    now: kernel.now,
    get switches() {
      return kernel.scheduler.switches;
    },
    model: kernel.options.model,
    cpus: kernel.cpus,
    memory: () => ({ ...memoryUse(kernel), committed: committed(kernel) }),
    isMemoryLimited: kernel.vfs.memory.limited,
    settings: kernel,
    leases: kernel.vfs.leases,
    get sysv() {
      return sysvSource(namespaces().ipc.sysv);
    },
  };
}

function thread(t: Task): ProcThread {
  const { process } = t;
  const state =
    process.zombie || t.state === 'dead' ? 'Z' : process.stopped ? 'T' : t.state === 'sleeping' ? 'S' : 'R';
  return {
    tid: t.tid,
    comm: t.comm,
    state,
    cpuUse: t.cpuUse,
    switches: t.switches,
    startTime: t.startTime,
    nice: t.nice,
    affinity: (t.affinity & (2 ** t.kernel.cpus - 1)) >>> 0,
    pending: t.pending.set,
    blocked: t.blocked,
    setComm(comm) {
      t.comm = comm.slice(0, 15);
    },
  };
}

function describe(p: Process): ProcProcess {
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
    ...thread(t),
    tid: p.pid,
    cpuUse: p.cpuUse,
    pid: p.pid,
    ppid: p.ppid,
    pgid: p.pgid,
    sid: p.session.sid,
    tty: p.session.tty instanceof Tty ? p.session.tty.rdev : 0,
    foreground: p.session.foreground || -1,
    creds: t.creds,
    network: t.network,
    namespaces: t.ns,
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
    get coreFilter() {
      return mm.coreFilter;
    },
    set coreFilter(filter) {
      mm.coreFilter = filter;
    },
    noNewPrivs: t.noNewPrivs,
    oomScoreAdj: p.oomScoreAdj,
    setOomScoreAdj(value) {
      p.oomScoreAdj = value;
    },
    limits: p.limits,
    threads: p.zombie ? [thread(t)] : [...p.threads].map(thread),
    readMemory: (address, into) =>
      accessRemote(t, address, into.length, READ, (window, at) => into.set(window, at)),
    writeMemory: (address, from) =>
      accessRemote(t, address, from.length, WRITE, (window, at) =>
        window.set(from.subarray(at, at + window.length)),
      ),
  };
}
