/** /proc/PID: what is known of a process's memory: maps, smaps, pagemap, and the memory itself (proc(5); fs/proc/task_mmu.c). */
import type { Vma } from '../../../emu/memory/address-space.ts';
import { USER_END } from '../../../emu/memory/layout.ts';
import { fail } from '../../abi/errno.ts';
import { major, minor, S_IFREG } from '../../abi/stat.ts';
import type { Inode } from '../core/inode.ts';
import { type OpenFile, SeekableFile } from '../core/open-file.ts';
import { type MadeDirectory, MadeInode } from './nodes.ts';
import type { ProcProcess } from './source.ts';

const PAGE = 4096;

/** Finds a mapped file by the name that the maps show. */
type Find = (path: string) => Inode | undefined;

function mapLine(v: ProcProcess['vmas'][number], files: Map<string, Inode>): string {
  const hex = (n: number) => n.toString(16).padStart(8, '0');
  const prot = `${v.prot & 1 ? 'r' : '-'}${v.prot & 2 ? 'w' : '-'}${v.prot & 4 ? 'x' : '-'}${v.shared ? 's' : 'p'}`;
  let dev = '00:00';
  let ino = 0;
  const inode = files.get(v.name);
  if (inode !== undefined && !inode.deleted) {
    const a = inode.stat();
    const two = (n: number) => n.toString(16).padStart(2, '0');
    dev = `${two(major(a.dev))}:${two(minor(a.dev))}`;
    ino = a.ino;
  }
  const line = `${hex(v.start)}-${hex(v.end)} ${prot} ${hex(v.source ? v.offset : 0)} ${dev} ${ino} `;
  return v.name === '' ? `${line}\n` : `${line.padEnd(49 + 24)}${v.name}\n`;
}

/** Fields of smaps and smaps_rollup: sums over areas. Which pages were written to, and who else has them, is not known. */
function smap(areas: readonly Vma[], p: ProcProcess): string {
  const sum = (size: (v: Vma) => number, test: (v: Vma) => boolean = () => true) =>
    areas.filter(test).reduce((total, v) => total + size(v), 0) / 1024;
  const resident = (test?: (v: Vma) => boolean) => sum((v) => p.residentIn(v), test);
  const rows: [string, number][] = [
    ['Size', sum((v) => v.end - v.start)],
    ['KernelPageSize', PAGE / 1024],
    ['MMUPageSize', PAGE / 1024],
    ['Rss', resident()],
    ['Pss', resident()],
    ['Shared_Clean', 0],
    ['Shared_Dirty', 0],
    ['Private_Clean', resident((v) => v.source !== null)],
    ['Private_Dirty', resident((v) => v.source === null)],
    ['Referenced', resident()],
    ['Anonymous', resident((v) => v.source === null)],
    ['LazyFree', 0],
    ['AnonHugePages', 0],
    ['ShmemPmdMapped', 0],
    ['FilePmdMapped', 0],
    ['Shared_Hugetlb', 0],
    ['Private_Hugetlb', 0],
    ['Swap', 0],
    ['SwapPss', 0],
    ['Locked', resident((v) => v.locked === true)],
  ];
  return rows.map(([name, kib]) => `${`${name}:`.padEnd(15)} ${String(kib).padStart(8)} kB\n`).join('');
}

/** As show_smap_vma_flags names them. */
function areaFlags(v: Vma): string {
  const flags: [boolean, string][] = [
    [(v.prot & 1) !== 0, 'rd'],
    [(v.prot & 2) !== 0, 'wr'],
    [(v.prot & 4) !== 0, 'ex'],
    [v.shared, 'sh'],
    [true, 'mr'],
    [!v.shared || v.source?.write !== undefined, 'mw'],
    [true, 'me'],
    [v.shared, 'ms'],
    [v.growsDown, 'gd'],
    [v.locked === true, 'lo'],
  ];
  return flags.map(([on, name]) => (on ? `${name} ` : '')).join('');
}

/** The first and the last address of all areas, as one line of maps. */
function rollupLine(vmas: readonly Vma[]): string {
  const hex = (n: number) => n.toString(16).padStart(8, '0');
  const line = `${hex(vmas[0]?.start ?? 0)}-${hex(vmas.at(-1)?.end ?? 0)} ---p 00000000 00:00 0 `;
  return `${line.padEnd(49 + 24)}[rollup]\n`;
}

/** The files mapped, by the names the maps show. */
function mappedFiles(p: ProcProcess, find: Find): Map<string, Inode> {
  const files = new Map<string, Inode>();
  for (const { name } of p.vmas) {
    if (name[0] !== '/' || files.has(name)) continue;
    const inode = find(name);
    if (inode) files.set(name, inode);
  }
  return files;
}

/** A file that is about a process, and open stays about that one. */
export class ProcessInode extends MadeInode {
  readonly #process: () => ProcProcess;
  readonly #open: (inode: Inode, flags: number, process: ProcProcess) => OpenFile;
  constructor(
    parent: MadeDirectory,
    name: string,
    mode: number,
    process: () => ProcProcess,
    open: (inode: Inode, flags: number, process: ProcProcess) => OpenFile,
  ) {
    super(parent.fs, parent, name, S_IFREG | mode);
    this.#process = process;
    this.#open = open;
  }
  override open(flags: number): OpenFile {
    return this.#open(this, flags, this.#process());
  }
}

/** /proc/PID/mem: the memory as a file; EIO where nothing is mapped. */
export class MemFile extends SeekableFile {
  readonly #process: ProcProcess;
  constructor(inode: Inode, flags: number, process: ProcProcess) {
    super(inode, flags);
    this.#process = process;
  }
  override get hasLargest(): boolean {
    return false;
  }
  override pread(into: Uint8Array, offset: number): number {
    if (into.length === 0) return 0;
    return this.#process.readMemory(offset, into) || fail('EIO');
  }
  override pwrite(from: Uint8Array, offset: number): number {
    if (from.length === 0) return 0;
    return this.#process.writeMemory(offset, from) || fail('EIO');
  }
  override size(): number {
    return 0xffff_ffff;
  }
}

const PM_PRESENT = 1n << 63n;
/** The page is of a file, or shared. */
const PM_FILE = 1n << 61n;
/** Nobody else has it. */
const PM_MMAP_EXCLUSIVE = 1n << 56n;
const ENTRY = 8;

/**
 * /proc/PID/pagemap: a 64-bit word for each page. Where in the machine's memory a page lies is not told, as to all without
 * CAP_SYS_ADMIN.
 */
export class PagemapFile extends SeekableFile {
  readonly #process: ProcProcess;
  constructor(inode: Inode, flags: number, process: ProcProcess) {
    super(inode, flags);
    this.#process = process;
  }
  override pread(into: Uint8Array, offset: number): number {
    if (into.length % ENTRY || offset % ENTRY) fail('EINVAL');
    const first = offset / ENTRY;
    const count = Math.max(0, Math.min(into.length / ENTRY, USER_END / PAGE - first));
    const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
    const { vmas } = this.#process;
    let at = 0;
    for (let i = 0; i < count; i++) {
      const address = (first + i) * PAGE;
      while (at < vmas.length && vmas[at]!.end <= address) at++;
      const vma = vmas[at];
      let entry = 0n;
      if (vma !== undefined && vma.start <= address) {
        if (this.#process.isPresent(address)) entry |= PM_PRESENT | (vma.shared ? 0n : PM_MMAP_EXCLUSIVE);
        if (vma.source !== null) entry |= PM_FILE;
      }
      view.setBigUint64(ENTRY * i, entry, true);
    }
    return ENTRY * count;
  }
  override pwrite(): number {
    return fail('EINVAL');
  }
  override size(): number {
    return (USER_END / PAGE) * ENTRY;
  }
}

export function mapsText(p: ProcProcess, find: Find): string {
  const files = mappedFiles(p, find);
  return p.vmas.map((v) => mapLine(v, files)).join('');
}

export function smapsText(p: ProcProcess, find: Find): string {
  const files = mappedFiles(p, find);
  return p.vmas.map((v) => `${mapLine(v, files)}${smap([v], p)}VmFlags: ${areaFlags(v)}\n`).join('');
}

export function smapsRollup(p: ProcProcess): string {
  return rollupLine(p.vmas) + smap(p.vmas, p).replace(/^(Size|KernelPageSize|MMUPageSize):.*\n/gm, '');
}
