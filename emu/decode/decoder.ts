/**
 * The decoder: from bits at an address to an instruction (ARM ARM A5, A6, ITSTATE by A2.5.2).
 */

import { ALWAYS } from '../machine/machine.ts';
import { fieldsOf } from './build.ts';
import { lacksRegisters, onModelChange } from './features.ts';
import type { DecodeContext, Insn, IsaName, Row } from './row.ts';
import { itRow } from './t16.ts';
import { A32_CONDITIONAL, A32_UNCONDITIONAL, ROWS, type RowTable, T16, T32, UNDEFINED } from './tables.ts';

export { ROWS };

/** Reused by every decode; shapes keep neither. */
const context: { -readonly [K in keyof DecodeContext]: DecodeContext[K] } = {
  thumb: false,
  inIT: false,
  lastInIT: false,
};

/** The row that matched last. */
let matched: Row = UNDEFINED.A32;

/** Args by the first candidate that matches and takes the fields, which becomes `matched`; null when there is none. */
function match(table: RowTable, bits: number): unknown {
  const candidates = table.candidatesFor(bits);
  for (let i = 0; i < candidates.length; i++) {
    const { row, mask, value, fields } = candidates[i]!;
    if ((bits & mask) !== value) continue;
    const args = row.shape.decode(fieldsOf(row, bits, fields), context);
    if (args === null || lacksRegisters(args)) continue;
    matched = row;
    return args;
  }
  return null;
}

const NO_ARGS = { imm: 0 };

/** The first row that an encoding matches, whatever its fields say; undefined when there is none. */
export function firstMatch(isa: IsaName, bits: number): Row | undefined {
  const table =
    isa === 'T32' ? T32 : isa === 'T16' ? T16 : bits >>> 28 === 15 ? A32_UNCONDITIONAL : A32_CONDITIONAL;
  const candidates = table.candidatesFor(bits);
  for (let i = 0; i < candidates.length; i++) {
    const { row, mask, value } = candidates[i]!;
    if ((bits & mask) === value) return row;
  }
  return undefined;
}

/** True when a halfword is the first one of a 32-bit Thumb instruction. */
export function isThumb32(hw1: number): boolean {
  return hw1 >= 0xe800;
}

/** ITSTATE after an instruction in an IT block (ITAdvance). */
export function advanceIT(itstate: number): number {
  return itstate & 7 ? (itstate & 0xe0) | ((itstate << 1) & 0x1f) : 0;
}

/**
 * Instructions decoded before, by their bits: a program has each encoding two to four times, and what it says is the same
 * everywhere. Direct mapped, so that the guest cannot fill it.
 */
class Decoded {
  /** Made when something is decoded: the startup snapshot need not have it. */
  #insns: (Insn | undefined)[] | undefined;

  constructor() {
    onModelChange(() => {
      this.#insns = undefined;
    });
  }

  get(bits: number): Insn | undefined {
    const insn = this.#insns?.[place(bits)];
    return insn !== undefined && insn.bits === bits ? insn : undefined;
  }

  add(insn: Insn): Insn {
    this.#insns ??= new Array<Insn | undefined>(1 << DECODED_BITS).fill(undefined);
    this.#insns[place(insn.bits)] = insn;
    return insn;
  }
}

const DECODED_BITS = 15;

/** Multiplicative hashing. */
function place(bits: number): number {
  return Math.imul(bits, 0x9e37_79b1) >>> (32 - DECODED_BITS);
}

const decodedA32 = new Decoded();
/** Outside IT blocks; T16 and T32 have no bits in common. Inside them few are, and each in few places. */
const decodedThumb = new Decoded();

/** Decodes an A32 instruction. What is undefined has the row UNDEFINED.A32. */
export function decodeA32(bits: number): Insn {
  return decodedA32.get(bits >>> 0) ?? decodedA32.add(newA32(bits));
}

/** As decodeA32, without looking whether it has been decoded before. */
export function newA32(bits: number): Insn {
  context.thumb = false;
  context.inIT = false;
  context.lastInIT = false;
  const cond = bits >>> 28;
  const args = match(cond === 15 ? A32_UNCONDITIONAL : A32_CONDITIONAL, bits);
  return {
    row: args === null ? UNDEFINED.A32 : matched,
    args: args ?? NO_ARGS,
    size: 4,
    thumb: false,
    cond: cond === 15 ? ALWAYS : cond,
    bits: bits >>> 0,
    itBefore: 0,
    itAfter: 0,
  };
}

/**
 * Decodes a Thumb instruction; hw2 is looked at only when isThumb32(hw1). What is undefined has the row UNDEFINED.T16 or .T32.
 */
export function decodeThumb(hw1: number, hw2: number, itstate: number): Insn {
  const bits = bitsOf(hw1, hw2);
  if (itstate !== 0) return thumb(bits, itstate);
  return decodedThumb.get(bits) ?? decodedThumb.add(thumb(bits, 0));
}

/** As decodeThumb, without looking whether it has been decoded before. */
export function newThumb(hw1: number, hw2: number, itstate: number): Insn {
  return thumb(bitsOf(hw1, hw2), itstate);
}

function bitsOf(hw1: number, hw2: number): number {
  return isThumb32(hw1) ? ((hw1 << 16) | hw2) >>> 0 : hw1;
}

function thumb(bits: number, itstate: number): Insn {
  const inIT = (itstate & 15) !== 0;
  context.thumb = true;
  context.inIT = inIT;
  context.lastInIT = (itstate & 15) === 8;
  const wide = bits > 0xffff;
  const args = match(wide ? T32 : T16, bits);
  const row = args === null ? UNDEFINED[wide ? 'T32' : 'T16'] : matched;
  let cond = ALWAYS;
  // Thumb's only conditional encodings are B T1 and T3; BKPT and HLT run whatever the condition.
  if (inIT && row.mnemonic !== 'bkpt' && row.mnemonic !== 'hlt')
    cond = itstate >> 4 === 15 ? ALWAYS : itstate >> 4;
  if (row.hasCond) cond = row.isa === 'T16' ? (bits >> 8) & 15 : (bits >> 22) & 15;
  return {
    row,
    args: args ?? NO_ARGS,
    size: wide ? 4 : 2,
    thumb: true,
    cond,
    bits,
    itBefore: itstate,
    itAfter: row === itRow ? bits & 0xff : advanceIT(itstate),
  };
}
