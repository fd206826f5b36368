/**
 * The address space of a guest process: its wasm memory, its virtual memory areas (VMAs) and the page bytes.
 *
 * CONTRACT (to be implemented by the owner of emu/memory; signatures are relied upon by the other parts).
 */
import type { READ, WRITE, EXEC } from './layout.ts';

/** PROT_READ | PROT_WRITE | PROT_EXEC as Linux numbers them; the same bits as READ, WRITE, EXEC of the page bytes. */
export type Prot = number;
export type Access = typeof READ | typeof WRITE | typeof EXEC;

/** Where the bytes of a file mapping come from. emu opens no file: the vfs implements this over an open file. */
export interface PageSource {
  /** Identity of the content (device, inode, size, mtime), by which translations may be shared between processes and runs; null: do not share. */
  readonly key: string | null;
  /** Current size in bytes; pages wholly beyond it give SIGBUS. */
  size(): number;
  /** Fills `into` from `offset`; gives the number of bytes read (short only at the end of the file). */
  read(offset: number, into: Uint8Array): number;
  /** Writes back a page of a shared mapping. */
  write?(offset: number, from: Uint8Array): void;
}

export interface Vma {
  start: number;
  /** Exclusive; page aligned. */
  end: number;
  prot: Prot;
  shared: boolean;
  source: PageSource | null;
  /** Offset in the source of `start`, in bytes. */
  offset: number;
  growsDown: boolean;
  /** As in /proc/PID/maps: a path, [heap], [stack] or ''. */
  name: string;
}

export type FaultResult = 'ok' | 'unmapped' | 'protected' | 'beyond-file';

export declare class AddressSpace {
  readonly memory: WebAssembly.Memory;
  readonly buffer: SharedArrayBuffer;
  /** Views of the whole memory (index = guest address, or address >>> 1, 2, 3). */
  readonly u8: Uint8Array;
  readonly i8: Int8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly view: DataView;
  /** Called with a byte range whose code is no longer what it was: written to (page had CODE), unmapped, remapped or made non-executable. */
  readonly onInvalidate: ((start: number, length: number) => void)[];

  /** Takes a memory from the pool (clean) or makes one; writes the kernel helpers page. */
  static create(): AddressSpace;
  /** A copy for fork: same VMAs, present private pages copied. */
  fork(): AddressSpace;
  /** Gives the memory back to the pool, cleaned. The object must not be used after. */
  close(): void;

  /** Maps [vma.start, vma.end), replacing whatever was there. Pages become present at first access. */
  map(vma: Vma): void;
  unmap(start: number, end: number): void;
  /** False when part of the range is not mapped (ENOMEM). */
  protect(start: number, end: number, prot: Prot): boolean;
  /** mremap: moves or resizes; contents kept. */
  move(start: number, oldLength: number, newStart: number, newLength: number): void;
  find(address: number): Vma | undefined;
  vmas(): readonly Vma[];
  /** Highest free gap of that length (page aligned) below the mmap base, or at `hint` when free there; 0 when there is none. */
  findFree(length: number, hint?: number): number;

  /** A page test failed: loads, copies or grows what is needed. 'ok' means the access may be tried again. */
  fault(address: number, access: Access): FaultResult;
  /** Makes the whole range accessible for the kernel's own use; false means EFAULT. length 0 is always true. */
  check(address: number, length: number, access: Access): boolean;
  /** A window on the guest's bytes; call check first. */
  bytes(address: number, length: number): Uint8Array;
  /** Code of this page has been translated: writes to it will be noticed (page byte CODE, WRITE withheld). */
  markCode(page: number): void;
  /** Frees untouched pages' content (MADV_DONTNEED): next access reads zeros or the file again. */
  discard(start: number, end: number): void;

  /** State blocks for threads (STATE_BASE...). */
  allocateState(): number;
  freeState(base: number): void;
}
