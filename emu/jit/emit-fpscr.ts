/** Cumulative flags of FPSCR, for the writers of scalars and of lanes. */
import { OFF } from '../cpu-state.ts';
import { IXC } from '../evaluator/softfloat.ts';
import { CPU } from './convention.ts';
import type { Emitter } from './emitter.ts';
import { OP } from './wasm.ts';

/** Sets flags, with the answer to "is it to be?" on the wasm stack. */
export function setFlagIf(e: Emitter, flag: number): void {
  const { out } = e;
  e.openUnlikely();
  out.get(CPU);
  out.get(CPU);
  out.mem(OP.i32_load, OFF.fpscr);
  out.i32(flag);
  out.byte(OP.i32_or);
  out.mem(OP.i32_store, OFF.fpscr);
  e.close();
}

/** Sets IXC unless it is set already or `exact` leaves 1 on the wasm stack. */
export function inexactUnless(e: Emitter, exact: () => void): void {
  const { out } = e;
  out.get(CPU);
  out.mem(OP.i32_load, OFF.fpscr);
  out.i32(IXC);
  out.byte(OP.i32_and);
  out.byte(OP.i32_eqz);
  e.openUnlikely();
  exact();
  out.byte(OP.i32_eqz);
  setFlagIf(e, IXC);
  e.close();
}
