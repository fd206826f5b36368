/**
 * The ways out of a region for faults and for edges that nothing has gone along yet: short to write where they are, for what is
 * common to them is at the end of the loop that they are in, and of the function.
 */
import { OFF } from '../cpu-state.ts';
import { CPU, VARS } from './convention.ts';
import type { Emitter } from './emitter.ts';
import { LOCAL, Node } from './function-writer.ts';
import type { Links } from './links.ts';
import type { InlinedCall, Region } from './region.ts';
import { OP } from './wasm.ts';

/**
 * The upper byte of the exit word (OFF.exitWord) is the index of the inlined call that is left; or RETURNING, when the region
 * is to return OFF.target.
 */
const EXITED_SHIFT = 24;
const RETURNING = 255;

export class ColdExits {
  /** What may be dirty at ways out of the loop under way (or of what is in none). */
  #dirty = 0;
  /** Label depth of the block behind which the function's common way out is. */
  #label = 0;
  /** Inlined calls that are left. */
  readonly #left = new Set<InlinedCall>();
  readonly #e: Emitter;
  readonly #links: Links;

  constructor(emitter: Emitter, links: Links) {
    this.#e = emitter;
    this.#links = links;
  }

  /** Writes a function's code, and behind it the common way out. */
  around(region: Region, code: () => void): void {
    const e = this.#e;
    this.#left.clear();
    this.#dirty = 0;
    this.#label = e.depth;
    e.open(OP.block);
    e.faultLabel = e.depth;
    e.open(OP.block);
    code();
    e.close();
    this.#storeDirty();
    e.close();
    this.#leave(region);
  }

  /** Writes a loop, and behind it what is common to its ways out. */
  aroundLoop(loop: () => void): void {
    const e = this.#e;
    const { faultLabel } = e;
    const dirty = this.#dirty;
    this.#dirty = 0;
    e.faultLabel = e.depth;
    e.open(OP.block);
    loop();
    e.close();
    e.faultLabel = faultLabel;
    this.#storeDirty();
    e.br(OP.br, this.#label);
    this.#dirty = dirty;
  }

  /** Variables that may be dirty where a fault leaves. */
  mayFaultWith(dirty: number): void {
    this.#dirty |= dirty;
  }

  /** Leaves an inlined call for a location. */
  exit(call: InlinedCall, location: number, dirty: number): void {
    this.#left.add(call);
    this.#dirty |= dirty;
    const { out } = this.#e;
    const word = (dirty | (call.index << EXITED_SHIFT)) >>> 0;
    out.get(CPU);
    out.byte(OP.i64_const);
    out.s64(BigInt.asIntN(64, (BigInt(location >>> 0) << 32n) | BigInt(word)));
    out.mem(OP.i64_store, OFF.exitWord);
    this.#e.br(OP.br, this.#e.faultLabel);
  }

  /** Has the region return a location. */
  return(location: Node, dirty: number): void {
    const e = this.#e;
    this.#dirty |= dirty;
    e.storeState(OFF.exitWord, dirty | (RETURNING << EXITED_SHIFT));
    e.out.get(CPU);
    e.gen(location);
    e.out.mem(OP.i32_store, OFF.target);
    e.br(OP.br, e.faultLabel);
  }

  /**
   * The ways out of a loop (or of what is in none) for faults and rarely taken edges end here. They have put the mask of dirty
   * variables in the state block, and in OFF.target where to go, or 0. Stores what is dirty. (What they would leave in locals V8
   * would carry around every loop, and so it would variables that the loop does not write.)
   */
  #storeDirty(): void {
    const e = this.#e;
    const { out } = e;
    const { ret } = this.#links;
    const dirty = this.#dirty;
    if (dirty === 0) return;
    out.get(CPU);
    out.mem(OP.i32_load, OFF.exitWord);
    out.set(ret);
    for (let v = 0; v < VARS; v++)
      if (dirty & (1 << v)) {
        out.get(ret);
        out.i32(1 << v);
        out.byte(OP.i32_and);
        e.open(OP.if);
        e.storeVars(1 << v);
        e.close();
      }
  }

  /**
   * The common way out, with all of the state in the state block: leaves for good after a fault, else goes to OFF.target. From an
   * inlined call the rest of its function is called there, then what is behind it as the rest of its parent, until
   * the root remains. (An index is higher than the parent's.)
   */
  #leave(region: Region): void {
    const e = this.#e;
    const { out } = e;
    const links = this.#links;
    const { ret, slot, credit: from } = links;
    out.get(CPU);
    out.mem(OP.i32_load, OFF.target);
    out.tee(ret);
    e.open(OP.if);
    out.get(CPU);
    out.get(ret);
    out.mem(OP.i32_store, OFF.exitTo);
    e.storeState(OFF.exitFrom, region.location);
    if (region.inlinedCalls.length > 1) {
      out.get(CPU);
      out.mem(OP.i32_load, OFF.exitWord);
      out.i32(EXITED_SHIFT);
      out.byte(OP.i32_shr_u);
      out.tee(from);
      out.i32(RETURNING);
      out.byte(OP.i32_eq);
      e.open(OP.if);
      out.get(ret);
      out.byte(OP.return);
      e.close();
    }
    const left = new Set<InlinedCall>();
    for (const f of this.#left)
      for (let at: InlinedCall = f; at.parent !== null; at = at.parent) left.add(at);
    for (let i = region.inlinedCalls.length - 1; i > 0; i--) {
      const call = region.inlinedCalls[i]!;
      if (!left.has(call)) continue;
      out.get(from);
      out.i32(i);
      out.byte(OP.i32_eq);
      e.open(OP.if);
      links.lookUp(new Node(LOCAL, ret, null, null, null, 0));
      links.pushCallArguments(call.returnTo);
      out.get(slot);
      links.callIndirect(OP.call_indirect);
      links.returnUnlessAt(call.returnTo);
      out.i32(call.parent!.index);
      out.set(from);
      e.close();
    }
    links.lookUp(new Node(LOCAL, ret, null, null, null, 0));
    links.pushOwnArguments();
    out.get(slot);
    links.callIndirect(OP.return_call_indirect);
    e.close();
  }
}
