/** What the kernel tells /proc about its processes (the other side of vfs/proc-source.ts). */
import { AT_HWCAP_VALUE, HWCAP } from '../../emu/elf/hwcap.ts';
import type { Vma } from '../../emu/memory/address-space.ts';
import { PAGE_SHIFT, PAGE_SIZE, READ, WRITE } from '../../emu/memory/layout.ts';
import type { ProcProcess, ProcSource, ProcThread } from '../vfs/proc-source.ts';
import type { Kernel } from './kernel.ts';
import type { Mm } from './mm.ts';
import type { Process } from './process.ts';
import type { Task } from './task.ts';

/** Names of hwcap_str in arch/arm/kernel/setup.c. */
const FEATURES: Readonly<Record<keyof typeof HWCAP, string>> = {
  SWP: 'swp',
  HALF: 'half',
  THUMB: 'thumb',
  FAST_MULT: 'fastmult',
  VFP: 'vfp',
  EDSP: 'edsp',
  THUMBEE: 'thumbee',
  NEON: 'neon',
  VFPv3: 'vfpv3',
  VFPv3D16: 'vfpv3d16',
  TLS: 'tls',
  VFPv4: 'vfpv4',
  IDIVA: 'idiva',
  IDIVT: 'idivt',
  VFPD32: 'vfpd32',
  LPAE: 'lpae',
};

const EMPTY = new Uint8Array(0);

export function procSource(kernel: Kernel, version: string): ProcSource {
  return {
    current() {
      const t = kernel.scheduler.current;
      return t && { pid: t.process.pid, tid: t.tid };
    },
    process(pid) {
      const p = kernel.processes.get(pid);
      return p && describe(p);
    },
    pids: () => [...kernel.processes.keys()].sort((a, b) => a - b),
    get hostname() {
      return kernel.hostname;
    },
    get domainname() {
      return kernel.domainname;
    },
    release: kernel.options.release,
    version,
    setHostname(name) {
      kernel.hostname = name;
    },
    now: kernel.now,
    cpuFeatures: Object.entries(HWCAP)
      .filter(([, bit]) => AT_HWCAP_VALUE & bit)
      .map(([name]) => FEATURES[name as keyof typeof HWCAP])
      .join(' '),
  };
}

function threadState(t: Task): ProcThread['state'] {
  if (t.state === 'dead') return 'Z';
  if (t.process.stopped) return 'T';
  return t.state === 'sleeping' ? 'S' : 'R';
}

function thread(t: Task): ProcThread {
  return {
    tid: t.tid,
    comm: t.comm,
    state: threadState(t),
    cpuTime: t.kernel.scheduler.cpuTime(t),
    startTime: t.startTime,
    nice: t.nice,
    pending: t.pending.set,
    blocked: t.blocked,
    setComm(comm) {
      t.comm = comm;
    },
  };
}

function describe(p: Process): ProcProcess {
  // A leader that has ended leaves what is shared to the others.
  const t = p.leader.state === 'dead' ? ([...p.threads].find((o) => o.state !== 'dead') ?? p.leader) : p.leader;
  const mm = p.zombie ? undefined : t.mm;
  const { ignored, caught } = t.sighand.sets();
  const leader = thread(p.leader);
  return {
    ...leader,
    state: p.zombie ? 'Z' : threadState(t),
    cpuTime: p.cpuTime,
    pid: p.pid,
    ppid: p.ppid,
    pgid: p.pgid,
    sid: p.session.sid,
    tty: (p.session.tty as { rdev?: number } | undefined)?.rdev ?? 0,
    foreground: p.session.tty ? p.session.foreground : 0,
    creds: t.creds,
    umask: t.fs.umask,
    root: t.fs.root,
    cwd: t.fs.cwd,
    exe: mm?.exe,
    files: p.zombie ? undefined : t.files,
    vmas: mm?.space.vmas() ?? [],
    cmdline: () => (mm ? strings(mm, mm.argStart, mm.argEnd) : EMPTY),
    environ: () => (mm ? strings(mm, mm.envStart, mm.envEnd) : EMPTY),
    auxv: mm?.auxv ?? EMPTY,
    residentBytes: () => (mm ? resident(mm) : 0),
    sharedPending: p.pending.set,
    ignored,
    caught,
    childrenTime: p.childrenTime,
    exitCode: p.zombie ? p.status : 0,
    noNewPrivs: t.noNewPrivs,
    limits: p.limits,
    threads: p.zombie ? [leader] : [...p.threads].map(thread),
    readMemory: (address, into) => (mm ? transfer(mm, address, into, READ) : 0),
    writeMemory: (address, from) => (mm ? transfer(mm, address, from, WRITE) : 0),
  };
}

function strings(mm: Mm, start: number, end: number): Uint8Array {
  const bytes = new Uint8Array(end - start);
  return bytes.subarray(0, transfer(mm, start, bytes, READ));
}

/** Copies as much as is accessible, a page at a time. */
function transfer(mm: Mm, address: number, bytes: Uint8Array, access: typeof READ | typeof WRITE): number {
  let done = 0;
  while (done < bytes.length) {
    const at = address + done;
    const length = Math.min(bytes.length - done, PAGE_SIZE - (at % PAGE_SIZE));
    if (at + length > 0xffff_ffff || !mm.space.check(at, length, access)) break;
    const window = mm.space.bytes(at, length);
    if (access === READ) bytes.set(window, done);
    else window.set(bytes.subarray(done, done + length));
    done += length;
  }
  return done;
}

function resident(mm: Mm): number {
  let pages = 0;
  const count = ({ start, end }: Vma) => {
    for (let page = start >>> PAGE_SHIFT; page < end / PAGE_SIZE; page++) if (mm.space.pages.present(page)) pages++;
  };
  mm.space.vmas().forEach(count);
  return pages * PAGE_SIZE;
}
