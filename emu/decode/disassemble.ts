/**
 * The disassembler: UAL text in objdump's words, from the row and its shape.
 */
import type { Insn } from './row.ts';
import { condition } from './shapes/text.ts';
import { itRow } from './t16.ts';
import { ROWS } from './tables.ts';

/** Mnemonics that have a 16-bit encoding: their 32-bit ones are marked `.w`. */
const NARROW: ReadonlySet<string> = new Set(
  ROWS.filter((row) => row.isa === 'T16').map((row) => row.mnemonic.toLowerCase()),
);
/** Comparisons always set the flags and have no S. */
const COMPARISONS: ReadonlySet<string> = new Set(['cmp', 'cmn', 'tst', 'teq']);

/** 'addseq.w<tab>r0, r1, #4'. Addresses are hexadecimal without prefix, immediates decimal. */
export function disassemble(insn: Insn): string {
  const { row, thumb } = insn;
  const args = insn.args as { readonly s?: boolean; readonly dt?: string };
  const operands = row.shape.print(args, insn);
  const mnemonic = row.mnemonic.toLowerCase();
  // IT's operands begin with the letters of its mnemonic.
  if (row === itRow) return mnemonic + operands;
  const s = args.s === true && !COMPARISONS.has(mnemonic) ? 's' : '';
  const width = thumb && insn.size === 4 && NARROW.has(mnemonic) ? '.w' : '';
  const name = mnemonic + s + condition(insn.cond) + width + (args.dt ?? '');
  return operands === '' ? name : `${name}\t${operands}`;
}
