/**
 * How a region's function goes over to other code: the arguments of the calling convention (convention.ts), calls through the
 * table, what the jump cache has for a location; and the fuel that it takes on the way.
 */
import { OFF } from '../cpu-state.ts';
import { JUMP_CACHE, JUMP_CACHE_ENTRIES } from '../memory/layout.ts';
import { CPU, DEPTH, importIndex, RETURN } from './convention.ts';
import type { Emitter } from './emitter.ts';
import { addToState, type Node } from './function-writer.ts';
import { I32, OP } from './wasm.ts';

const PREEMPT = importIndex('preempt');

/** Iterations of a loop that fuel is taken for at once. */
const LOOP_FUEL = 32;

export class Links {
  /** A local for the location that a call has returned, or that is looked up. */
  ret = 0;
  /** A local for the slot that has been looked up. */
  slot = 0;
  /** A local for the iterations that fuel has been taken for; at the end of the function it is free. */
  credit = 0;
  #fuel = 0;
  #region = 0;
  readonly #e: Emitter;
  readonly #exactFuel: boolean;

  constructor(emitter: Emitter, exactFuel: boolean) {
    this.#e = emitter;
    this.#exactFuel = exactFuel;
  }

  /** Begins the function of the region at a location. */
  begin(region: number): void {
    this.#region = region;
    this.ret = this.#e.newLocal(I32);
    this.slot = this.#e.newLocal(I32);
    this.#fuel = this.#e.newLocal(I32);
    this.credit = this.#e.newLocal(I32);
  }

  /** With a location on the wasm stack, kept in `ret`: returns it when it is not this one. */
  returnUnlessAt(location: number): void {
    const e = this.#e;
    const { out } = e;
    out.tee(this.ret);
    out.i32(location);
    out.byte(OP.i32_ne);
    e.openUnlikely();
    out.get(this.ret);
    out.byte(OP.return);
    e.close();
  }

  /** Takes units of the time slice; when it is over, asks the kernel, with the state at `location` complete. */
  burnFuel(units: number, location: number, dirty: number): void {
    const e = this.#e;
    const { out } = e;
    out.get(CPU);
    out.get(CPU);
    out.mem(OP.i32_load, OFF.fuel);
    out.i32(-units);
    out.byte(OP.i32_add);
    out.tee(this.#fuel);
    out.mem(OP.i32_store, OFF.fuel);
    out.get(this.#fuel);
    out.i32(0);
    out.byte(OP.i32_lt_s);
    e.openUnlikely();
    e.storeVars(dirty);
    e.storeLocation(location);
    e.storeState(OFF.running, this.#region);
    e.callOrLeave(PREEMPT);
    e.close();
  }

  /** Counts an iteration. Fuel is taken for several at once: a short loop would wait for the memory that it is in. */
  burnLoopFuel(location: number, dirty: number): void {
    const e = this.#e;
    const { out } = e;
    const units = this.#exactFuel ? 1 : LOOP_FUEL;
    out.get(this.credit);
    out.i32(-1);
    out.byte(OP.i32_add);
    out.tee(this.credit);
    out.i32(0);
    out.byte(OP.i32_lt_s);
    e.openUnlikely();
    out.i32(units - 1);
    out.set(this.credit);
    this.burnFuel(units, location, dirty);
    e.close();
  }

  /** Counts instructions exactly, in OFF.icount. */
  countInstructions(n: number): void {
    addToState(this.#e.out, OFF.icount, n);
  }

  /** Puts in `slot` what the jump cache has for a location; slot 0 is the miss stub. */
  lookUp(location: Node): void {
    const { out } = this.#e;
    this.#e.gen(location);
    out.set(this.ret);
    out.get(CPU);
    out.get(this.ret);
    out.mem(OP.i32_store, OFF.target);
    out.get(this.ret);
    out.i32(2);
    out.byte(OP.i32_shl);
    out.i32((JUMP_CACHE_ENTRIES - 1) << 3);
    out.byte(OP.i32_and);
    out.set(this.slot);
    out.get(this.slot);
    out.mem(OP.i32_load, JUMP_CACHE + 4);
    out.i32(0);
    out.get(this.slot);
    out.mem(OP.i32_load, JUMP_CACHE);
    out.get(this.ret);
    out.byte(OP.i32_eq);
    out.byte(OP.select);
    out.set(this.slot);
  }

  /** The arguments of a call that is to return to a location. */
  pushCallArguments(returnTo: number): void {
    const { out } = this.#e;
    out.get(CPU);
    out.get(DEPTH);
    out.i32(1);
    out.byte(OP.i32_add);
    out.i32(returnTo);
  }

  /** The arguments of a tail call: this function's own. */
  pushOwnArguments(): void {
    this.#e.out.get(CPU);
    this.#e.out.get(DEPTH);
    this.#e.out.get(RETURN);
  }

  callIndirect(op: typeof OP.call_indirect | typeof OP.return_call_indirect): void {
    this.#e.out.byte(op);
    this.#e.out.u32(0);
    this.#e.out.u32(0);
  }
}
