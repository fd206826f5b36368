/**
 * Words of assembly text, as objdump writes UAL.
 */
import { RRX } from '../../ops/shift.ts';

const REGISTERS = 'r0 r1 r2 r3 r4 r5 r6 r7 r8 r9 sl fp ip sp lr pc'.split(' ');
const CONDITIONS = 'eq ne cs cc mi pl vs vc hi ls ge lt gt le'.split(' ');
const SHIFTS = ['lsl', 'lsr', 'asr', 'ror', 'rrx'];

/** Core register n; 15 is pc. */
export function reg(n: number): string {
  return REGISTERS[n]!;
}

export function regs(...numbers: number[]): string {
  return numbers.map(reg).join(', ');
}

/** Condition suffix; empty for always. */
export function condition(cond: number): string {
  return CONDITIONS[cond] ?? '';
}

export function imm(value: number): string {
  return `#${value}`;
}

/** ', lsl #2' and the like; empty for LSL #0. */
export function shiftBy(type: number, amount: number): string {
  if (type === RRX) return ', rrx';
  return amount === 0 ? '' : `, ${SHIFTS[type]} #${amount}`;
}

export function shiftName(type: number): string {
  return SHIFTS[type]!;
}

/** '{r0, r1, pc}'. */
export function registerList(list: number): string {
  return `{${REGISTERS.filter((_, n) => (list >> n) & 1).join(', ')}}`;
}

/** An address in hexadecimal without prefix. */
export function address(location: number): string {
  return (location >>> 0).toString(16);
}
