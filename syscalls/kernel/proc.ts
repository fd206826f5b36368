/** What the kernel tells /proc of its processes: the ProcSource that syscalls/vfs/proc/proc.ts shows. */
import type { Vma } from '../../emu/memory/address-space.ts';
import { PAGE_SIZE, READ, WRITE } from '../../emu/memory/layout.ts';
import { fail } from '../abi/errno.ts';
import { CAP, type Creds, capable, credsFor } from '../vfs/core/creds.ts';
import type { FdTable } from '../vfs/core/fd-table.ts';
import type { Inode } from '../vfs/core/inode.ts';
import type { Network } from '../vfs/net/network.ts';
import type { ProcProcess, ProcSource, ProcThread } from '../vfs/proc/source.ts';
import { Tty } from '../vfs/tty/tty.ts';
import { committed, memoryUse } from './commit.ts';
import type { CpuUse, Switches } from './cpu-use.ts';
import { mayInspect } from './inspect.ts';
import type { Kernel } from './kernel.ts';
import { VERSION } from './kernel.ts';
import type { Mm } from './mm.ts';
import type { PidNamespace } from './pid-namespace.ts';
import type { Process, Rlimit } from './process.ts';
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
      return p && new ShownProcess(p, pids);
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

/** Nothing of one that has no process 1 yet (pidns_for_children_get). */
const shownToChildren = (pids: PidNamespace) =>
  pids.init !== undefined || pids.parent === undefined ? pids : undefined;

/** In a namespace, and those below it that a process is in. */
const numbers = (of: Process, pids: PidNamespace, pid: number) => of.pids.numbersFrom(pids, pid);

/** A thread as it is when it is asked for. */
class ShownThread implements ProcThread {
  protected readonly task: Task;
  protected readonly pids: PidNamespace;

  constructor(task: Task, pids: PidNamespace) {
    this.task = task;
    this.pids = pids;
  }
  get tid(): number {
    return this.pids.numberOf(this.task.tid);
  }
  get numbers(): readonly number[] {
    const { process, tid } = this.task;
    return numbers(process, this.pids, tid);
  }
  get comm(): string {
    return this.task.comm;
  }
  get state(): ProcThread['state'] {
    const { process, state } = this.task;
    if (process.zombie || state === 'dead') return 'Z';
    if (process.stopped) return 'T';
    return state === 'sleeping' ? 'S' : 'R';
  }
  get cpuUse(): CpuUse {
    return this.task.cpuUse;
  }
  get switches(): Switches {
    return this.task.switches;
  }
  get startTime(): number {
    const { kernel, startTime } = this.task;
    const viewer = kernel.scheduler.current?.ns ?? kernel.namespaces;
    return startTime + viewer.time.boottime;
  }
  get nice(): number {
    return this.task.nice;
  }
  get affinity(): number {
    const { affinity, kernel } = this.task;
    return (affinity & (2 ** kernel.cpus - 1)) >>> 0;
  }
  get pending(): bigint {
    return this.task.pending.set;
  }
  get blocked(): bigint {
    return this.task.blocked;
  }
  setComm(comm: string): void {
    this.task.comm = comm.slice(0, 15);
  }
}

/** A process, and its leader as the thread: one that has ended before the others has no memory and no files to show. */
class ShownProcess extends ShownThread implements ProcProcess {
  readonly #process: Process;
  /** Of now: /proc/PID/pagemap, once open, tells nothing of the memory of a program that is executed later. */
  readonly #mm: Mm;

  constructor(process: Process, pids: PidNamespace) {
    super(process.leader, pids);
    this.#process = process;
    this.#mm = process.leader.mm;
  }
  get #isAlive(): boolean {
    return this.task.state !== 'dead';
  }
  #bytes(start: number, end: number): Uint8Array {
    const { space } = this.#mm;
    if (!this.#isAlive || end <= start || !space.check(start, end - start, READ)) return new Uint8Array(0);
    return Uint8Array.from(space.bytes(start, end - start));
  }
  #numbers(pid: number): readonly number[] {
    return numbers(this.#process, this.pids, pid);
  }

  override get tid(): number {
    return this.pid;
  }
  override get cpuUse(): CpuUse {
    return this.#process.cpuUse;
  }
  get pid(): number {
    return this.pids.numberOf(this.#process.pid);
  }
  get ppid(): number {
    return this.pids.numberOf(this.#process.ppid);
  }
  get pgid(): number {
    return this.pids.numberOf(this.#process.pgid);
  }
  get sid(): number {
    return this.pids.numberOf(this.#process.session.sid);
  }
  get processNumbers(): readonly number[] {
    return this.#numbers(this.#process.pid);
  }
  get groupNumbers(): readonly number[] {
    return this.#numbers(this.#process.pgid);
  }
  get sessionNumbers(): readonly number[] {
    return this.#numbers(this.#process.session.sid);
  }
  get tty(): number {
    const { tty } = this.#process.session;
    return tty instanceof Tty ? tty.rdev : 0;
  }
  get foreground(): number {
    const { foreground } = this.#process.session;
    return foreground ? this.pids.numberOf(foreground) : -1;
  }
  get creds(): Creds {
    return this.task.creds;
  }
  get network(): Network {
    return this.task.network;
  }
  get namespaces(): ProcProcess['namespaces'] {
    const { ns, creds } = this.task;
    return {
      ...ns,
      pid: this.#process.pids,
      pid_for_children: shownToChildren(ns.pid_for_children),
      user: creds.user,
    };
  }
  get timeOffsets(): string {
    return this.task.ns.time_for_children.offsets;
  }
  setTimeOffsets(text: string, opener: Creds): void {
    const time = this.task.ns.time_for_children;
    if (!capable(opener, CAP.SYS_TIME, time.owner)) fail('EPERM');
    time.setOffsets(text, this.task.now() / 1000);
  }
  get umask(): number {
    return this.task.fs.umask;
  }
  get root(): Inode {
    return this.task.fs.root;
  }
  get cwd(): Inode {
    return this.task.fs.cwd;
  }
  get exe(): Inode | undefined {
    return this.#isAlive ? this.#mm.exe : undefined;
  }
  get files(): FdTable | undefined {
    return this.#isAlive ? this.task.files : undefined;
  }
  get vmas(): readonly Vma[] {
    return this.#isAlive ? this.#mm.space.vmas() : [];
  }
  cmdline(): Uint8Array {
    const { argStart, argEnd, envEnd } = this.#mm;
    const args = this.#bytes(argStart, argEnd);
    if (args.length === 0 || args.at(-1) === 0) return args;
    // setproctitle(3) has written over the end: one string, which may go on into the environment (get_mm_proctitle).
    const title = this.#bytes(argStart, Math.min(envEnd, argStart + PAGE_SIZE));
    const end = title.indexOf(0);
    return end < 0 ? title : title.subarray(0, end + 1);
  }
  environ(): Uint8Array {
    const { envStart, envEnd } = this.#mm;
    return this.#bytes(envStart, envEnd);
  }
  get auxv(): Uint8Array {
    return this.#isAlive ? this.#mm.auxv : new Uint8Array(0);
  }
  residentBytes(): number {
    return this.#isAlive ? this.#mm.residentBytes : 0;
  }
  mostResident(): number {
    return this.#isAlive ? this.#mm.mostResident : 0;
  }
  residentIn({ start, end }: Vma): number {
    return PAGE_SIZE * this.#mm.space.pages.resident(start / PAGE_SIZE, end / PAGE_SIZE);
  }
  isPresent(address: number): boolean {
    return this.#isAlive && this.#mm.space.pages.present(address / PAGE_SIZE);
  }
  get sharedPending(): bigint {
    return this.#process.pending.set;
  }
  get queuedSignals(): number {
    return this.#process.kernel.queuedSignals.of(this.task.creds.uid);
  }
  get ignored(): bigint {
    return this.task.sighand.sets().ignored;
  }
  get caught(): bigint {
    return this.task.sighand.sets().caught;
  }
  get childrenUse(): CpuUse {
    return this.#process.childrenUse;
  }
  get exitCode(): number {
    return this.#process.status;
  }
  coreFilter(): number {
    return this.#mm.coreFilter;
  }
  setCoreFilter(filter: number): void {
    this.#mm.coreFilter = filter;
  }
  get noNewPrivs(): boolean {
    return this.task.noNewPrivs;
  }
  get oomScoreAdj(): number {
    return this.#process.oomScoreAdj;
  }
  setOomScoreAdj(value: number): void {
    this.#process.oomScoreAdj = value;
  }
  get limits(): readonly Rlimit[] {
    return this.#process.limits;
  }
  get threads(): readonly ProcThread[] {
    const { zombie, threads } = this.#process;
    return Array.from(zombie ? [this.task] : threads, (one) => new ShownThread(one, this.pids));
  }
  readMemory(address: number, into: Uint8Array): number {
    return accessRemote(this.task, address, into.length, READ, (window, at) => into.set(window, at));
  }
  writeMemory(address: number, from: Uint8Array): number {
    return accessRemote(this.task, address, from.length, WRITE, (window, at) =>
      window.set(from.subarray(at, at + window.length)),
    );
  }
}
