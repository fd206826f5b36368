/** The effects of an instruction as the masks of the compiler's data flow (VAR of convention.ts). */

import type { Insn } from '../decode/row.ts';
import { type Branch, FLAG, type Resources, effectsOf as resourcesOf } from '../evaluator/effects.ts';
import { ALWAYS } from '../machine/machine.ts';
import { REG_MASK, VAR } from './convention.ts';
import type { Effects } from './region.ts';

const FLAG_VARS: readonly (readonly [flag: number, variable: number])[] = [
  [FLAG.N, VAR.nf],
  [FLAG.Z, VAR.zf],
  [FLAG.C, VAR.cf],
  [FLAG.V, VAR.vf],
  [FLAG.Q, VAR.qf],
  [FLAG.GE, VAR.ge],
];

function mask(r: Readonly<Resources>): number {
  let m = r.core & REG_MASK;
  for (const [flag, variable] of FLAG_VARS) if (r.flags & flag) m |= 1 << variable;
  return m;
}

/** Whether where it goes depends on where it stands. */
function isPlaced(branch: Branch | null): boolean {
  return branch !== null && (branch.target !== undefined || (branch.goesBy?.base ?? 0) < 0);
}

/** Of instructions whose effects are the same everywhere. */
const cache = new WeakMap<Insn, Effects>();

export function effectsOf(insn: Insn, pc: number): Effects {
  let e = cache.get(insn);
  if (e === undefined) {
    const r = resourcesOf(insn, pc);
    e = {
      reads: mask(r.reads),
      writes: mask(r.writes),
      mayWrite: mask(r.mayWrite) & ~mask(r.writes),
      memory: r.loads || r.stores,
      access: r.access,
      sums: r.sums,
      compares: r.compares,
      branch: r.branch,
      trap: r.trap,
      conditional: r.branch?.conditional === true || insn.cond < ALWAYS,
    };
    if (!isPlaced(r.branch)) cache.set(insn, e);
  }
  return e;
}
