/**
 * A process's memory as the kernel sees it (Linux's mm_struct): the address space, the CPU engine bound to it, the break, and
 * copying from and to the guest with EFAULT. Shared by threads and by a vfork child until it executes; closed when the last user
 * leaves.
 *
 * Guest strings are byte strings: one char (0..255) of the JavaScript string per byte ("latin1"), so that file names which are
 * not UTF-8 survive.
 */

import type { CpuBackend } from '../../emu/cpu.ts';
import type { AddressSpace } from '../../emu/memory/address-space.ts';
import { PAGE_SIZE, READ, WRITE } from '../../emu/memory/layout.ts';
import { type ErrnoName, fail } from '../abi/errno.ts';
import { PATH_MAX } from '../abi/fcntl.ts';
import type { Field } from '../abi/struct.ts';
import type { Inode } from '../vfs/core/inode.ts';

/** Makes something for which the host may have no memory or addresses left (RangeError): ENOMEM. */
export function orNoMemory<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) fail('ENOMEM');
    throw error;
  }
}

const WORTH_A_LOOK = 1 << 20;
/** Of a string, in bytes. */
const SHORT = 64;
const NO_BYTES = new Uint8Array(0);

export class Mm {
  readonly space: AddressSpace;
  readonly backend: CpuBackend;
  readonly view: DataView;
  /** Tasks that use it. */
  users = 1;
  /** The heap: [startBrk, brk). */
  startBrk = 0;
  brk = 0;
  /** Where the initial stack put the arguments and the environment, for /proc/PID/cmdline and environ. */
  argStart = 0;
  argEnd = 0;
  envStart = 0;
  envEnd = 0;
  /** Address of the page of sigreturn trampolines; 0 while there is none. */
  sigPage = 0;
  /** The auxiliary vector as put on the stack, for /proc/PID/auxv. */
  auxv: Uint8Array = NO_BYTES;
  /** The program executed, for /proc/PID/exe. */
  exe: Inode | undefined;
  /** identityOf its file. */
  exeIdentity: string | undefined;
  /** /proc/PID/coredump_filter: anonymous memory and ELF headers. */
  coreFilter = 0x33;
  /** PR_SET_THP_DISABLE: kept for who asks. */
  hugePagesOff = false;
  /** New mappings are locked (MCL_FUTURE). */
  lockFuture = false;
  /** Most bytes that were present when somebody looked. */
  #mostResident = 0;

  constructor(space: AddressSpace, backend: CpuBackend) {
    this.space = space;
    this.backend = backend;
    this.view = space.view;
  }

  /** For fork: everything as it is here, but of a copy of the memory (dup_mm). Locks are not inherited (mlockall(2)). */
  static copy(of: Mm, space: AddressSpace, backend: CpuBackend): Mm {
    const mm = new Mm(space, backend);
    mm.startBrk = of.startBrk;
    mm.brk = of.brk;
    mm.argStart = of.argStart;
    mm.argEnd = of.argEnd;
    mm.envStart = of.envStart;
    mm.envEnd = of.envEnd;
    mm.sigPage = of.sigPage;
    mm.auxv = of.auxv;
    mm.exe = of.exe;
    mm.exeIdentity = of.exeIdentity;
    mm.coreFilter = of.coreFilter;
    mm.hugePagesOff = of.hugePagesOff;
    return mm;
  }

  /** Bytes that are present. */
  get residentBytes(): number {
    return this.space.pages.residents * PAGE_SIZE;
  }

  /** Most bytes that were present at any time (hiwater_rss). */
  get mostResident(): number {
    this.#mostResident = Math.max(this.#mostResident, this.residentBytes);
    return this.#mostResident;
  }

  /** To be called before memory goes: looks how much there is, if what goes is worth a look. */
  noteResident(bytes: number): void {
    if (bytes >= WORTH_A_LOOK) void this.mostResident;
  }

  /** Window on guest bytes that may be read. Throws EFAULT. */
  readable(address: number, length: number): Uint8Array {
    if (!this.space.check(address, length, READ)) fail('EFAULT');
    return this.space.bytes(address, length);
  }

  /** Window on guest bytes that may be written. Throws EFAULT. */
  writable(address: number, length: number): Uint8Array {
    if (!this.space.check(address, length, WRITE)) fail('EFAULT');
    return this.space.bytes(address, length);
  }

  /** Copies bytes to the guest. Throws EFAULT. */
  write(address: number, bytes: Uint8Array): void {
    if (!this.space.check(address, bytes.length, WRITE)) fail('EFAULT');
    this.space.u8.set(bytes, address);
  }

  /** Copies a struct or scalar from the guest. Throws EFAULT. */
  get<T>(type: Field<T>, address: number): T {
    if (!this.space.check(address, type.size, READ)) fail('EFAULT');
    return type.get(this.view, address);
  }

  /** Copies a struct or scalar to the guest. Throws EFAULT. */
  put<T>(type: Field<T>, address: number, value: T): void {
    if (!this.space.check(address, type.size, WRITE)) fail('EFAULT');
    type.set(this.view, address, value);
  }

  /** By what a Buffer's toString comes to in the end. */
  #text(start: number, end: number): string {
    return (this.space.text as unknown as { latin1Slice(a: number, b: number): string }).latin1Slice(
      start,
      end,
    );
  }

  /** A page as a byte string. Throws EFAULT. */
  pageText(address: number): string {
    if (!this.space.check(address, PAGE_SIZE, READ)) fail('EFAULT');
    return this.#text(address, address + PAGE_SIZE);
  }

  /**
   * A NUL-terminated byte string. Throws EFAULT, and `tooLong` when no NUL stands in the first `max` bytes.
   */
  string(address: number, max: number = PATH_MAX, tooLong: ErrnoName = 'ENAMETOOLONG'): string {
    const { u8 } = this.space;
    // Most are short, and end in their page.
    if ((address & 0xfff) <= 0x1000 - SHORT && max >= SHORT && this.space.check(address, SHORT, READ)) {
      const text = this.#text(address, address + SHORT);
      const nul = text.indexOf('\0');
      if (nul >= 0) return text.slice(0, nul);
    }
    let at = address;
    let left = max;
    while (left > 0) {
      // Up to the end of the page: the next one need not be readable.
      const chunk = Math.min(left, 0x1000 - (at & 0xfff));
      if (!this.space.check(at, chunk, READ)) fail('EFAULT');
      const nul = u8.subarray(at, at + chunk).indexOf(0);
      if (nul >= 0) return latin1(u8.subarray(address, at + nul));
      at += chunk;
      left -= chunk;
    }
    fail(tooLong);
  }
}

/** Bytes as a byte string. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
