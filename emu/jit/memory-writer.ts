/** Accesses to the guest's memory in compiled code: page tests, loads and stores, exclusives. */

import { OFF } from '../cpu-state.ts';
import type { AccessKind } from '../machine/machine.ts';
import { PAGE_BYTES, READ, WRITE } from '../memory/layout.ts';
import { accessCode, CPU, GROUP_ALIGN, importIndex } from './convention.ts';
import type { EmitterHost } from './emitter.ts';
import { FlagWriter } from './flag-writer.ts';
import { CONST, LOCAL, Node, OPERATION, VARIABLE } from './function-writer.ts';
import { type ByteWriter, F64, I32, OP } from './wasm.ts';

const CHECK = importIndex('check');

export abstract class MemoryWriter extends FlagWriter {
  readonly host: EmitterHost;
  /** The access of the instruction under way has been tested with its group (access-groups.ts). */
  tested = false;
  /** Variables newer in locals than in the state block, before the instruction under way. */
  dirty = 0;
  /** Label depth of the block that faults branch out of. */
  faultLabel = 0;

  constructor(out: ByteWriter, host: EmitterHost) {
    super(out);
    this.host = host;
  }

  abstract reg(n: number): Node;

  /** Writes the page test for `length` bytes at the address in a LOCAL or CONST node. */
  protected test(address: Node, length: number, kind: number, align: number): void {
    const { out } = this;
    // The zeros behind the page bytes are for alignments of up to 8.
    if (align > 8 && !this.tested) {
      this.#testAlignment(address, length, kind, align);
      align = 1;
    }
    if (this.tested) {
      if (align > 1) this.#testAlignment(address, length, kind, align);
      return;
    }
    // A doubleword is often aligned to four bytes only.
    const aligned =
      length === 1 || length === 2 || length === 4 || (length === 8 && !this.host.leavesForPages());
    if (length === 1) {
      this.gen(address);
      out.i32(12);
      out.byte(OP.i32_shr_u);
      out.mem(OP.i32_load8_u, PAGE_BYTES);
    } else if (aligned && align <= length && !this.host.unaligned()) {
      // An address that is not a multiple of the length looks into the zeros behind the page bytes.
      this.#pageByteIfAligned(address, length);
    } else {
      if (align >= 4) this.#pageByteIfAligned(address, align);
      else this.#pageByte(address, 0);
      this.#pageByte(address, length - 1);
      out.byte(OP.i32_and);
    }
    const permissions = this.keepPermissions();
    out.i32(kind);
    out.byte(OP.i32_and);
    this.checkUnless(address, accessCode(length, kind, align), permissions);
  }

  /** Keeps what is on the stack in a local, for `checkIf`; -1 for who does not need it. */
  protected keepPermissions(): number {
    const local = this.temp(I32);
    this.out.tee(local);
    return local;
  }

  /** Leaves the page byte of address + offset. */
  #pageByte(address: Node, offset: number): void {
    const { out } = this;
    this.gen(address);
    if (offset !== 0) {
      out.i32(offset);
      out.byte(OP.i32_add);
    }
    out.i32(12);
    out.byte(OP.i32_shr_u);
    out.mem(OP.i32_load8_u, PAGE_BYTES);
  }

  /** Leaves the page byte of an address, or 0 when it is not a multiple of the alignment. */
  #pageByteIfAligned(address: Node, align: number): void {
    const { out } = this;
    // A rotation by 20, which V8's optimizing compiler makes of this; its baseline compiler would call a C function for the one
    // of wasm.
    this.gen(address);
    out.i32(20);
    out.byte(OP.i32_shl);
    this.gen(address);
    out.i32(12);
    out.byte(OP.i32_shr_u);
    out.byte(OP.i32_or);
    out.i32((align << 20) - 1);
    out.byte(OP.i32_and);
    out.mem(OP.i32_load8_u, PAGE_BYTES);
  }

  #testAlignment(address: Node, length: number, kind: number, align: number): void {
    this.gen(address);
    this.out.i32(align - 1);
    this.out.byte(OP.i32_and);
    this.checkIf(address, accessCode(length, kind, align));
  }

  /** Tests a whole group of accesses before the first of them: READ for loads only, WRITE for others. */
  testGroup(register: number, offset: number, length: number, kind: number): void {
    const { out } = this;
    const address = this.let(this.add(this.reg(register), this.const(offset)));
    this.#pageByte(address, 0);
    this.#pageByte(address, length - 1);
    out.byte(OP.i32_and);
    out.i32(kind);
    out.byte(OP.i32_and);
    this.checkUnless(address, accessCode(length, kind, GROUP_ALIGN));
  }

  /** As checkIf, with the answer to "is it allowed?". */
  protected checkUnless(address: Node, code: number, permissions = -1): void {
    this.out.byte(OP.i32_eqz);
    this.checkIf(address, code, permissions);
  }

  /**
   * With the answer to "does it fail?" on the wasm stack: if so leaves for the instruction, which the interpreter then does; or
   * asks `check`, and leaves when that says so.
   */
  protected checkIf(address: Node, code: number, permissions = -1): void {
    const { out } = this;
    this.openUnlikely();
    const dirty = this.dirty & ~this.storePending();
    if (this.host.leavesForPages()) {
      // A second use of the page byte keeps V8 from loading it twice: for the test, and for the trap that a load may be.
      if (permissions >= 0) {
        out.get(CPU);
        out.get(permissions);
        out.mem(OP.i32_store8, OFF.exitPage);
      }
      this.host.leave(dirty);
    } else {
      out.get(CPU);
      this.gen(address);
      out.i32(code);
      this.site(this.host.site(dirty));
      if (permissions < 0) out.i32(0);
      else out.get(permissions);
      out.call(CHECK);
      out.byte(OP.i32_eqz);
      this.brIfUnlikely(this.faultLabel);
    }
    this.close();
  }

  load(address: Node, size: 1 | 2 | 4): Node {
    if (address.kind === CONST) {
      const word = this.host.constantWord(address.x >>> 0, size);
      if (word !== undefined) return this.const(word);
    }
    const a = this.let(address);
    this.test(a, size, READ, 1);
    this.gen(a);
    this.out.mem(size === 4 ? OP.i32_load : size === 2 ? OP.i32_load16_u : OP.i32_load8_u, 0);
    return this.fromStack();
  }
  store(address: Node, size: 1 | 2 | 4, v: Node): void {
    const a = this.let(address);
    this.test(a, size, WRITE, 1);
    this.gen(a);
    this.gen(v);
    this.out.mem(size === 4 ? OP.i32_store : size === 2 ? OP.i32_store16 : OP.i32_store8, 0);
  }
  access(address: Node, length: number, kind: AccessKind, align: number): void {
    if (address.kind === OPERATION || address.kind === VARIABLE)
      throw new Error('emitter: access wants its address from let');
    this.test(address, length, kind, align);
  }
  /** Address of an already tested range as a base on the wasm stack and a static offset. */
  protected based(address: Node, offset: number): number {
    // The sum wraps at 32 bits for the guest; wasm's static offset does not, but a tested range never wraps.
    this.gen(address);
    if (offset >= 0) return offset;
    this.out.i32(offset);
    this.out.byte(OP.i32_add);
    return 0;
  }
  loadWord(address: Node, offset: number): Node {
    this.out.mem(OP.i32_load, this.based(address, offset));
    return this.fromStack();
  }
  storeWord(address: Node, offset: number, v: Node): void {
    const o = this.based(address, offset);
    this.gen(v);
    this.out.mem(OP.i32_store, o);
  }
  loadDouble(address: Node, offset: number): Node {
    this.out.mem(OP.f64_load, this.based(address, offset));
    return this.fromStack(F64);
  }
  loadExclusive(address: Node, size: 1 | 2 | 4 | 8): [Node, Node] {
    const a = this.let(address);
    this.test(a, size, READ, size);
    const { out } = this;
    const low = this.temp(I32);
    let high: Node = this.const(0);
    this.gen(a);
    out.mem(size === 1 ? OP.i32_load8_u : size === 2 ? OP.i32_load16_u : OP.i32_load, 0);
    out.set(low);
    const lowNode = new Node(LOCAL, low, null, null, null, 0);
    if (size === 8) high = this.loadWord(a, 4);
    const put = (offset: number, v: Node) => {
      out.get(CPU);
      this.gen(v);
      out.mem(OP.i32_store, offset);
    };
    put(OFF.exArmed, this.const(1));
    put(OFF.exAddress, a);
    put(OFF.exSize, this.const(size));
    put(OFF.exLow, lowNode);
    put(OFF.exHigh, high);
    return [lowNode, high];
  }
  storeExclusive(address: Node, size: 1 | 2 | 4 | 8, low: Node, high: Node): Node {
    const a = this.let(address);
    const lo = this.let(low);
    const hi = this.let(high);
    this.test(a, size, WRITE, size);
    const { out } = this;
    const status = this.temp(I32);
    const state = (offset: number) => {
      out.get(CPU);
      out.mem(OP.i32_load, offset);
    };
    state(OFF.exArmed);
    state(OFF.exAddress);
    this.gen(a);
    out.byte(OP.i32_eq);
    out.byte(OP.i32_and);
    state(OFF.exSize);
    out.i32(size);
    out.byte(OP.i32_eq);
    out.byte(OP.i32_and);
    this.gen(a);
    out.mem(size === 1 ? OP.i32_load8_u : size === 2 ? OP.i32_load16_u : OP.i32_load, 0);
    state(OFF.exLow);
    out.byte(OP.i32_eq);
    out.byte(OP.i32_and);
    if (size === 8) {
      this.gen(a);
      out.mem(OP.i32_load, 4);
      state(OFF.exHigh);
      out.byte(OP.i32_eq);
      out.byte(OP.i32_and);
    }
    out.byte(OP.i32_eqz);
    out.tee(status);
    out.byte(OP.i32_eqz);
    this.open(OP.if);
    this.gen(a);
    this.gen(lo);
    out.mem(size === 1 ? OP.i32_store8 : size === 2 ? OP.i32_store16 : OP.i32_store, 0);
    if (size === 8) {
      this.gen(a);
      this.gen(hi);
      out.mem(OP.i32_store, 4);
    }
    this.close();
    this.clearExclusive();
    return new Node(LOCAL, status, null, null, null, 0);
  }
  clearExclusive(): void {
    this.storeState(OFF.exArmed, 0);
  }
}
