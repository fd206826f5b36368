/**
 * The disassembler: UAL text in objdump's words, from the row and its shape.
 */
import type { Insn } from './row.ts';
import { condition } from './shapes/text.ts';
import { ROWS } from './tables.ts';

/** Mnemonics that have a 16-bit encoding: their 32-bit ones are marked `.w`. */
const NARROW: ReadonlySet<string> = new Set(
  ROWS.filter((row) => row.isa === 'T16').map((row) => row.mnemonic.toLowerCase()),
);
/** Comparisons always set the flags and have no S. */
const COMPARISONS: ReadonlySet<string> = new Set(['cmp', 'cmn', 'tst', 'teq']);

/** As it reads at an address: 'addseq.w<tab>r0, r1, #4'. Addresses are hexadecimal without prefix, immediates decimal. */
export function disassemble(insn: Insn, pc: number): string {
  const { row, thumb } = insn;
  const args = insn.args as { readonly s?: boolean; readonly dt?: string };
  const text = row.shape.print(args, { pc, thumb });
  // IT and CPS begin with letters of the mnemonic, which end in a tab.
  const [letters, operands] = text.includes('\t') ? text.split('\t') : ['', text];
  const mnemonic = row.mnemonic.toLowerCase() + letters;
  const s = args.s === true && !COMPARISONS.has(mnemonic) ? 's' : '';
  const width = thumb && insn.size === 4 && NARROW.has(row.mnemonic.toLowerCase()) ? '.w' : '';
  const name = mnemonic + s + condition(insn.cond) + width + (args.dt ?? '');
  return operands === '' ? name : `${name}\t${operands}`;
}
