/** What /proc shows, as the kernel tells it. The vfs lies below the kernel, which implements these. */
import type { CpuModel } from '../../../emu/cpu-model.ts';
import type { Vma } from '../../../emu/memory/address-space.ts';
import type { Creds } from '../core/creds.ts';
import type { FdTable } from '../core/fd-table.ts';
import type { Inode } from '../core/inode.ts';
import type { MountNamespace } from '../core/mount.ts';
import type { Namespace } from '../core/namespace.ts';
import type { Network } from '../net/network.ts';

export interface ProcThread {
  readonly tid: number;
  /** NSpid: in the namespace that is looked from, and those below it. */
  readonly numbers: readonly number[];
  readonly comm: string;
  /** R running, S sleeping, T stopped, Z ended. */
  readonly state: 'R' | 'S' | 'T' | 'Z';
  /** CPU time in milliseconds, of the program and of the kernel for it. */
  readonly cpuUse: { readonly user: number; readonly system: number };
  /** How often it has left the CPU. */
  readonly switches: { readonly voluntary: number; readonly involuntary: number };
  /** Milliseconds of CLOCK_BOOTTIME as who looks has it. */
  readonly startTime: number;
  readonly nice: number;
  /** The CPUs it may use, as bits. */
  readonly affinity: number;
  /** Signal masks, bit n-1 for signal n. */
  readonly pending: bigint;
  readonly blocked: bigint;
  setComm(comm: string): void;
}

export interface ProcProcess extends ProcThread {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  /** NStgid, NSpgid, NSsid. */
  readonly processNumbers: readonly number[];
  readonly groupNumbers: readonly number[];
  readonly sessionNumbers: readonly number[];
  /** Device number of the controlling terminal, 0 for none, and its foreground process group. */
  readonly tty: number;
  readonly foreground: number;
  readonly creds: Creds;
  readonly network: Network;
  /** By the names of their links; one that has no process 1 yet is not shown. */
  readonly namespaces: Readonly<Record<string, Namespace | undefined>> & { readonly mnt: MountNamespace };
  /** /proc/PID/timens_offsets, as text; who has opened it sets it. */
  readonly timeOffsets: string;
  setTimeOffsets(text: string, opener: Creds): void;
  readonly umask: number;
  readonly root: Inode;
  readonly cwd: Inode;
  /** The program; undefined for a zombie. */
  readonly exe: Inode | undefined;
  /** Undefined for a zombie. */
  readonly files: FdTable | undefined;
  readonly vmas: readonly Vma[];
  /** NUL-terminated strings, as they stand in the process's memory. */
  cmdline(): Uint8Array;
  environ(): Uint8Array;
  readonly auxv: Uint8Array;
  /** Bytes of memory that are present, and the most there ever were. */
  residentBytes(): number;
  mostResident(): number;
  /** Bytes of an area that are present. */
  residentIn(area: Vma): number;
  /** Whether the page at an address is. */
  isPresent(address: number): boolean;
  readonly sharedPending: bigint;
  /** Signals queued for its user. */
  readonly queuedSignals: number;
  readonly ignored: bigint;
  readonly caught: bigint;
  /** CPU time of children it has waited for. */
  readonly childrenUse: { readonly user: number; readonly system: number };
  readonly exitCode: number;
  /** coredump_filter: which memory goes into a core file. */
  coreFilter(): number;
  setCoreFilter(filter: number): void;
  readonly noNewPrivs: boolean;
  readonly oomScoreAdj: number;
  setOomScoreAdj(value: number): void;
  /** Soft and hard limits by RLIMIT number; Infinity for none. */
  readonly limits: readonly { readonly cur: number; readonly max: number }[];
  readonly threads: readonly ProcThread[];
  /** For /proc/PID/mem: bytes read or written; 0 where nothing is mapped. */
  readMemory(address: number, into: Uint8Array): number;
  writeMemory(address: number, from: Uint8Array): number;
}

/** Limits of System V IPC, as /proc/sys/kernel names them; sem is semmsl, semmns, semopm, semmni. */
export interface SysvLimits {
  msgmax: number;
  msgmnb: number;
  msgmni: number;
  sem: readonly number[];
  /** Bytes, and pages. */
  shmmax: number;
  shmall: number;
  shmmni: number;
}

/** What can be set of System V IPC. */
export interface SysvSettings {
  readonly limits: SysvLimits;
  /** The slots of the next objects, -1 for the kernel's choice. */
  readonly messages: { nextId: number };
  readonly semaphores: { nextId: number };
  readonly segments: { nextId: number };
  /** shm_rmid_forced. */
  removeUnused: boolean;
}

export interface SysvSource {
  readonly settings: SysvSettings;
  /** The texts of /proc/sysvipc. */
  messages(): string;
  semaphores(): string;
  segments(): string;
}

/** What of the kernel can be set in /proc/sys. */
export interface KernelSettings {
  /** net.ipv4.ip_unprivileged_port_start */
  unprivilegedPorts: number;
  /** fs.nr_open */
  nrOpen: number;
  /** kernel.core_pattern */
  corePattern: string;
  /** kernel.core_uses_pid */
  coreUsesPid: boolean;
  /** kernel.pid_max */
  pidMax: number;
}

/** One for each PID namespace: all ids are numbers of it. */
export interface ProcSource {
  /** Which namespace it is. */
  readonly pids: Namespace;
  /** The kernel's id. */
  pidOf(number: number): number;
  /** The credentials of who looks, and the root of the tree that it sees. */
  viewer(): Creds;
  viewRoot(): Inode;
  readonly settings: KernelSettings;
  /** fs.lease-break-time, in seconds. */
  readonly leases: { breakTime: number };
  readonly sysv: SysvSource;
  /** The network of who looks. */
  readonly network: Network;
  /** The process and thread that look, if they are seen in it. */
  current(): { readonly pid: number; readonly tid: number } | undefined;
  process(pid: number): ProcProcess | undefined;
  /** Whether who looks may look into it (ptrace(2), "Ptrace access mode checking"). */
  mayInspect(pid: number): boolean;
  /** Of all processes, in order. */
  numbers(): number[];
  readonly hostname: string;
  readonly domainname: string;
  /** uname's release and version. */
  readonly release: string;
  readonly version: string;
  setHostname(name: string): void;
  /** How often a task has left the CPU. */
  readonly switches: number;
  /** Milliseconds of CLOCK_BOOTTIME as who looks has it, now. */
  now(): number;
  /** For /proc/cpuinfo. */
  readonly model: CpuModel;
  /** How many CPUs there are. */
  readonly cpus: number;
  /** Bytes of memory: all, free, what can be promised and what is. */
  memory(): { readonly total: number; readonly free: number; readonly committed: number };
  /** No more memory is promised than there is. */
  readonly isMemoryLimited: boolean;
}
