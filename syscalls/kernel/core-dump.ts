/**
 * Core files (core(5); fs/coredump.c, fs/binfmt_elf.c): an ELF file of the notes that a debugger wants and of the memory that
 * coredump_filter chooses. Written as /proc/sys/kernel/core_pattern names it, where RLIMIT_CORE and the process's dumpable flag
 * allow it. A pattern that names a program ("|...") makes none: there is nobody to run it.
 */
import type { Vma } from '../../emu/memory/address-space.ts';
import { PAGE_SIZE, READ } from '../../emu/memory/layout.ts';
import { CLEAN, PRESENT } from '../../emu/memory/page-table.ts';
import { Errno } from '../abi/errno.ts';
import { O_CREAT, O_LARGEFILE, O_NOFOLLOW, O_RDWR } from '../abi/fcntl.ts';
import { RLIMIT } from '../abi/resource.ts';
import { siginfo } from '../abi/siginfo.ts';
import { SIG, type SigInfo, sigmask } from '../abi/signal.ts';
import { S_IFREG } from '../abi/stat.ts';
import type { OpenFile } from '../vfs/core/open-file.ts';
import { checkCreate } from '../vfs/core/permission.ts';
import { resolve } from '../vfs/core/walk.ts';
import { latin1 } from './mm.ts';
import type { Task } from './task.ts';

/** Signals whose default is to dump core (signal(7)). */
const DUMPING = [
  SIG.SIGQUIT,
  SIG.SIGILL,
  SIG.SIGTRAP,
  SIG.SIGABRT,
  SIG.SIGBUS,
  SIG.SIGFPE,
  SIG.SIGSEGV,
  SIG.SIGXCPU,
  SIG.SIGXFSZ,
  SIG.SIGSYS,
].reduce((set, signo) => set | sigmask(signo), 0n);

/** Bits of /proc/PID/coredump_filter. */
const FILTER = { anonPrivate: 1, anonShared: 2, filePrivate: 4, fileShared: 8, elfHeaders: 16 } as const;

const ELF_HEADER = 52;
const PROGRAM_HEADER = 32;
const EM_ARM = 40;
const ET_CORE = 4;
const EF_ARM_EABI5 = 0x0500_0000;
const PT_LOAD = 1;
const PT_NOTE = 4;
const NT = {
  PRSTATUS: 1,
  PRPSINFO: 3,
  AUXV: 6,
  ARM_VFP: 0x400,
  FILE: 0x4649_4c45,
  SIGINFO: 0x5349_4749,
} as const;

/** Whether a task that dies of this signal leaves a core file, which is then written. */
export function dumpCore(t: Task, info: SigInfo): boolean {
  const { process, kernel, mm, creds } = t;
  const limit = process.limits[RLIMIT.RLIMIT_CORE]!.cur;
  if ((DUMPING & sigmask(info.signo)) === 0n || t.dumpable !== 1 || limit < PAGE_SIZE) return false;
  const name = coreName(t, info.signo);
  if (name === undefined) return false;
  try {
    const context = { root: t.fs.root, creds };
    const start = name.startsWith('/') ? t.fs.root : t.fs.cwd;
    const found = resolve(context, start, name, false);
    const flags = O_CREAT | O_RDWR | O_NOFOLLOW | O_LARGEFILE;
    let file: OpenFile;
    if (found.inode === undefined) {
      checkCreate(found.dir, creds);
      file = found.dir.create(found.name, S_IFREG | 0o600, flags, creds);
    } else {
      const { mode, uid, nlink } = found.inode.stat();
      // Not over what others could have laid out for it.
      if (!found.inode.isRegular || uid !== creds.fsuid || nlink !== 1 || mode & 0o077) return false;
      file = found.inode.open(flags);
    }
    file.ref();
    try {
      file.truncate(0);
      write(file, t, info, limit);
      return true;
    } finally {
      file.release();
    }
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
    kernel.warn(
      `no core file of process ${process.pid} (${latin1(Buffer.from(mm.exe?.name ?? ''))}): ${e.message}`,
    );
    return false;
  }
}

/** What the pattern makes of it (format_corename); undefined for a pattern that names a program, or nothing. */
function coreName(t: Task, signo: number): string | undefined {
  const { process, creds, kernel } = t;
  const { corePattern } = kernel;
  if (corePattern === '' || corePattern.startsWith('|')) return undefined;
  const values: Readonly<Record<string, string | number>> = {
    '%': '%',
    p: process.number,
    P: process.pid,
    i: t.number,
    I: t.tid,
    u: creds.uid,
    g: creds.gid,
    d: t.dumpable,
    s: signo,
    t: Math.floor(Date.now() / 1000),
    h: t.ns.uts.hostname,
    e: t.comm.replaceAll('/', '!'),
    f: (t.mm.exe?.name ?? t.comm).replaceAll('/', '!'),
    c: process.limits[RLIMIT.RLIMIT_CORE]!.cur,
  };
  const name = corePattern.replace(/%(.?)/g, (_all, letter: string) => String(values[letter] ?? ''));
  return kernel.coreUsesPid && !corePattern.includes('%p') ? `${name}.${process.pid}` : name;
}

// ---- memory ----

/** How many bytes of an area go into the file, from its start (vma_dump_size). */
function dumpedBytes(t: Task, vma: Vma): number {
  const { pages, u8 } = t.mm.space;
  const filter = t.mm.coreFilter;
  const whole = (bit: number) => (filter & bit ? vma.end - vma.start : 0);
  if (vma.source === null) return whole(FILTER.anonPrivate);
  if (vma.shared) return whole(vma.source.key === null ? FILTER.anonShared : FILTER.fileShared);
  let changed = false;
  for (let page = vma.start / PAGE_SIZE; page < vma.end / PAGE_SIZE && !changed; page++) {
    changed = (pages.flags[page]! & (PRESENT | CLEAN)) === PRESENT;
  }
  if (changed && filter & FILTER.anonPrivate) return vma.end - vma.start;
  if (filter & FILTER.filePrivate) return vma.end - vma.start;
  // The first page of a program or library, by which its build can be known.
  const isElf =
    vma.offset === 0 &&
    t.mm.space.check(vma.start, 4, READ) &&
    u8[vma.start] === 0x7f &&
    latin1(u8.subarray(vma.start + 1, vma.start + 4)) === 'ELF';
  return isElf && filter & FILTER.elfHeaders ? PAGE_SIZE : 0;
}

// ---- notes ----

function note(name: string, type: number, content: Uint8Array): Uint8Array {
  const up = (n: number) => (n + 3) & ~3;
  const bytes = new Uint8Array(12 + up(name.length + 1) + up(content.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, name.length + 1, true);
  view.setUint32(4, content.length, true);
  view.setUint32(8, type, true);
  for (let i = 0; i < name.length; i++) bytes[12 + i] = name.charCodeAt(i);
  bytes.set(content, 12 + up(name.length + 1));
  return bytes;
}

const low32 = (set: bigint) => Number(set & 0xffff_ffffn);

/** struct elf_prstatus. */
function prstatus(t: Task, info: SigInfo): Uint8Array {
  const { process } = t;
  const view = new DataView(new ArrayBuffer(148));
  view.setInt32(0, info.signo, true);
  view.setInt32(4, info.code, true);
  view.setInt16(12, info.signo, true);
  view.setUint32(16, low32(t.pending.set), true);
  view.setUint32(20, low32(t.blocked), true);
  [t.tid, process.ppid, process.pgid, process.session.sid].forEach((id, i) => {
    view.setInt32(24 + 4 * i, id, true);
  });
  const { cpuUse } = t;
  const { childrenUse } = process;
  [cpuUse.user, cpuUse.system, childrenUse.user, childrenUse.system].forEach((ms, i) => {
    view.setInt32(40 + 8 * i, Math.floor(ms / 1000), true);
    view.setInt32(44 + 8 * i, Math.floor((ms % 1000) * 1000), true);
  });
  for (let i = 0; i < 16; i++) view.setUint32(72 + 4 * i, t.cpu.ru[i]!, true);
  view.setUint32(72 + 64, t.cpu.cpsr, true);
  view.setInt32(72 + 68, t.originalR0, true);
  view.setInt32(144, 1, true);
  return new Uint8Array(view.buffer);
}

/** struct elf_prpsinfo. */
function prpsinfo(t: Task): Uint8Array {
  const { process, mm, creds } = t;
  const bytes = new Uint8Array(124);
  const view = new DataView(bytes.buffer);
  bytes[1] = 'R'.charCodeAt(0);
  view.setInt8(3, t.nice);
  view.setUint16(8, creds.uid, true);
  view.setUint16(10, creds.gid, true);
  [process.pid, process.ppid, process.pgid, process.session.sid].forEach((id, i) => {
    view.setInt32(12 + 4 * i, id, true);
  });
  bytes.set(Buffer.from(t.comm, 'latin1').subarray(0, 15), 28);
  const length = Math.min(mm.argEnd - mm.argStart, 79);
  if (length > 0 && mm.space.check(mm.argStart, length, READ)) {
    bytes.set(
      mm.space.bytes(mm.argStart, length).map((byte) => byte || 0x20),
      44,
    );
  }
  return bytes;
}

/** struct user_vfp: d0..d31, fpscr. */
function vfp(t: Task): Uint8Array {
  const words = new Uint32Array(65);
  for (let i = 0; i < 64; i++) words[i] = t.cpu.s[i]!;
  words[64] = t.cpu.fpscr;
  return new Uint8Array(words.buffer);
}

/** NT_FILE: which file is mapped where. */
function mappedFiles(t: Task): Uint8Array {
  const areas = t.mm.space.vmas().filter(({ source, name }) => source !== null && name.startsWith('/'));
  const words = Uint32Array.from([
    areas.length,
    PAGE_SIZE,
    ...areas.flatMap(({ start, end, offset }) => [start, end, offset / PAGE_SIZE]),
  ]);
  const names = Buffer.from(areas.map(({ name }) => `${name}\0`).join(''), 'latin1');
  return Buffer.concat([new Uint8Array(words.buffer), names]);
}

function notes(t: Task, info: SigInfo): Uint8Array {
  const { mm, process } = t;
  const signal = new Uint8Array(siginfo.size);
  siginfo.set(new DataView(signal.buffer), 0, info);
  const ofThread = (thread: Task) => [
    note('CORE', NT.PRSTATUS, prstatus(thread, info)),
    note('LINUX', NT.ARM_VFP, vfp(thread)),
  ];
  const [first, ...rest] = ofThread(t) as [Uint8Array, ...Uint8Array[]];
  return Buffer.concat([
    first,
    note('CORE', NT.PRPSINFO, prpsinfo(t)),
    note('CORE', NT.SIGINFO, signal),
    note('CORE', NT.AUXV, mm.auxv),
    note('CORE', NT.FILE, mappedFiles(t)),
    ...rest,
    ...[...process.threads].filter((thread) => thread !== t).flatMap(ofThread),
  ]);
}

// ---- the file ----

function write(file: OpenFile, t: Task, info: SigInfo, limit: number): void {
  const { space } = t.mm;
  const areas = space.vmas().map((vma) => ({ vma, bytes: dumpedBytes(t, vma) }));
  const noteBytes = notes(t, info);
  const headers = new Uint8Array(ELF_HEADER + PROGRAM_HEADER * (areas.length + 1));
  const view = new DataView(headers.buffer);
  headers.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  view.setUint16(16, ET_CORE, true);
  view.setUint16(18, EM_ARM, true);
  view.setUint32(20, 1, true);
  view.setUint32(28, ELF_HEADER, true);
  view.setUint32(36, EF_ARM_EABI5, true);
  view.setUint16(40, ELF_HEADER, true);
  view.setUint16(42, PROGRAM_HEADER, true);
  view.setUint16(44, areas.length + 1, true);
  let at = ELF_HEADER;
  const header = (...words: readonly number[]) => {
    for (const word of words) {
      view.setUint32(at, word, true);
      at += 4;
    }
  };
  header(PT_NOTE, headers.length, 0, 0, noteBytes.length, 0, 0, 4);
  let offset = Math.ceil((headers.length + noteBytes.length) / PAGE_SIZE) * PAGE_SIZE;
  const put = (from: Uint8Array, where: number) => {
    // Cut where RLIMIT_CORE ends.
    const part = from.subarray(0, Math.max(0, limit - where));
    for (let done = 0; done < part.length; ) done += file.pwrite(part.subarray(done), where + done);
  };
  const loads: { start: number; bytes: number; offset: number }[] = [];
  for (const { vma, bytes } of areas) {
    // p_flags have the bits of PROT_* the other way round.
    const flags = ((vma.prot & 1) << 2) | (vma.prot & 2) | ((vma.prot & 4) >> 2);
    header(PT_LOAD, offset, vma.start, 0, bytes, vma.end - vma.start, flags, PAGE_SIZE);
    loads.push({ start: vma.start, bytes, offset });
    offset += bytes;
  }
  put(headers, 0);
  put(noteBytes, headers.length);
  for (const load of loads) {
    for (let done = 0; done < load.bytes; done += PAGE_SIZE) {
      const address = load.start + done;
      // Pages that were never touched stay holes.
      const needed = space.find(address)?.source !== null || space.pages.present(address / PAGE_SIZE);
      if (needed && space.check(address, PAGE_SIZE, READ))
        put(space.bytes(address, PAGE_SIZE), load.offset + done);
    }
  }
  file.truncate(Math.min(offset, limit));
}
