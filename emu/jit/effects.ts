/** The effects of an instruction as the masks of the compiler's data flow (VAR of convention.ts). */

import type { Insn } from '../decode/row.ts';
import { type Branch, FLAG, type Resources, effectsOf as resourcesOf } from '../evaluator/effects.ts';
import { ALWAYS } from '../machine/machine.ts';
import { REG_MASK, VAR } from './convention.ts';
import type { Effects } from './region.ts';

const FLAG_VARS: readonly { readonly flag: number; readonly variable: number }[] = [
  { flag: FLAG.N, variable: VAR.nf },
  { flag: FLAG.Z, variable: VAR.zf },
  { flag: FLAG.C, variable: VAR.cf },
  { flag: FLAG.V, variable: VAR.vf },
  { flag: FLAG.Q, variable: VAR.qf },
  { flag: FLAG.GE, variable: VAR.ge },
];

function mask({ core, flags }: Readonly<Resources>): number {
  let m = core & REG_MASK;
  if (flags === 0) return m;
  for (const { flag, variable } of FLAG_VARS) if (flags & flag) m |= 1 << variable;
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
