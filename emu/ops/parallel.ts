/**
 * Parallel addition and subtraction of bytes and halfwords (ARM ARM A4.4.6), and sums of absolute differences.
 *
 * The lanes are worked on together in one 32-bit word: `top` has the highest bit of each lane. A lane's result has one bit more
 * than the lane; `extra` is that bit (the sign for signed lanes and for differences, the carry for unsigned sums), kept at the
 * lane's top position. Everything else follows from it: GE, halving and saturation.
 */
import type { Machine } from '../machine/machine.ts';
import type { ThreeRegisters } from './media.ts';

/** Prefixes: S, U set GE; Q, UQ saturate; SH, UH halve. */
export type Prefix = 's' | 'q' | 'sh' | 'u' | 'uq' | 'uh';
type Lanes = 8 | 16;
/**
 * What the lanes do: all add, all subtract, or with the halves of m exchanged, high adds and low subtracts, or the other way
 * round.
 */
type Kind = 'add' | 'sub' | 'asx' | 'sax';
/** An op on three registers, as a value. */
export type ParallelOp = <V, W, S>(m: Machine<V, W, S>, a: ThreeRegisters) => void;

const TOP = { 8: 0x80808080 | 0, 16: 0x80008000 | 0 } as const;

/**
 * Lane-wise sum or difference of held values by prefix: the final result (held), and `extra` in the top bits of the lanes
 * (held).
 */
function lanesOf<V, W, S>(
  m: Machine<V, W, S>,
  prefix: Prefix,
  lanes: Lanes,
  subtract: boolean,
  x: V,
  y: V,
): { result: V; extra: V } {
  const top = m.const(TOP[lanes]);
  const rest = m.const(~TOP[lanes]);
  const signed = prefix === 's' || prefix === 'q' || prefix === 'sh';
  let r: V;
  let extra: V;
  if (subtract) {
    // The top bits lend to each lane, so that no borrow crosses lanes.
    const partial = m.sub(m.or(x, top), m.and(y, rest));
    r = m.let(m.xor(partial, m.and(m.xor(x, m.not(y)), top)));
    const notX = m.let(m.not(x));
    const borrow = m.or(m.and(notX, y), m.and(m.or(notX, y), r));
    extra = signed ? m.xor(m.xor(x, y), borrow) : borrow;
  } else {
    const partial = m.add(m.and(x, rest), m.and(y, rest));
    r = m.let(m.xor(partial, m.and(m.xor(x, y), top)));
    const carry = m.or(m.and(x, y), m.and(m.or(x, y), m.not(r)));
    extra = signed ? m.xor(m.xor(x, y), carry) : carry;
  }
  extra = m.let(m.and(extra, top));
  /** Whole lanes of ones where a top bit is set. */
  const fill = (tops: V): V => m.mul(m.shr(tops, m.const(lanes - 1)), m.const(lanes === 8 ? 0xff : 0xffff));
  switch (prefix) {
    case 'sh':
    case 'uh':
      return { result: m.let(m.or(m.and(m.shr(r, m.const(1)), rest), extra)), extra };
    case 'uq':
      return { result: m.let(subtract ? m.and(r, m.not(fill(extra))) : m.or(r, fill(extra))), extra };
    case 'q': {
      const overflow = m.let(fill(m.and(m.xor(extra, r), top)));
      // 0x7f.. for each lane, or one more where the true result is negative.
      const limit = m.add(rest, m.shr(extra, m.const(lanes - 1)));
      return { result: m.let(m.or(m.and(r, m.not(overflow)), m.and(limit, overflow))), extra };
    }
    default:
      return { result: r, extra };
  }
}

function instruction(prefix: Prefix, kind: Kind, lanes: Lanes): ParallelOp {
  return (m, a) => {
    const x = m.let(m.reg(a.n));
    let { result, extra } =
      kind === 'add' || kind === 'sub'
        ? lanesOf(m, prefix, lanes, kind === 'sub', x, m.let(m.reg(a.m)))
        : { result: x, extra: x };
    if (kind === 'asx' || kind === 'sax') {
      const y = m.let(m.ror(m.reg(a.m), m.const(16)));
      const sum = lanesOf(m, prefix, 16, false, x, y);
      const difference = lanesOf(m, prefix, 16, true, x, y);
      const [upper, lower] = kind === 'asx' ? [sum, difference] : [difference, sum];
      const join = (h: typeof x, l: typeof x) =>
        m.let(m.or(m.and(h, m.const(-0x10000)), m.and(l, m.const(0xffff))));
      result = join(upper.result, lower.result);
      // For unsigned sums GE is the carry, for everything else the absence of the extra bit: make them alike.
      const flip = (v: typeof x, subtract: boolean) => (prefix === 'u' && !subtract ? m.not(v) : v);
      extra = join(flip(upper.extra, kind === 'sax'), flip(lower.extra, kind === 'asx'));
    } else if (prefix === 'u' && kind === 'add') extra = m.let(m.not(extra));
    if (prefix === 's' || prefix === 'u') m.setGE(geOf(m, lanes, extra));
    m.setReg(a.d, result);
  };
}

/** GE[3:0] from the lanes whose top bit in `below` (a held value) is clear. */
function geOf<V, W, S>(m: Machine<V, W, S>, lanes: Lanes, below: V): V {
  const bits = m.and(m.not(below), m.const(TOP[lanes]));
  // Bits 7, 15, 23, 31 move to 0, 8, 16, 24 and the product gathers them at 24..27; a halfword's bit counts for two.
  const ones = m.shr(bits, m.const(lanes === 8 ? 7 : 15));
  if (lanes === 8) return m.and(m.shr(m.mul(ones, m.const(0x01020408)), m.const(24)), m.const(15));
  const tops = m.let(ones);
  return m.mul(m.and(m.or(tops, m.shr(tops, m.const(14))), m.const(5)), m.const(3));
}

const instructions = new Map<string, ParallelOp>();

/** One of the 36 instructions, by the two parts of its name: 'sh', 'add16'. The same each time. */
export function parallel(
  prefix: Prefix,
  operation: 'add16' | 'asx' | 'sax' | 'sub16' | 'add8' | 'sub8',
): ParallelOp {
  const name = prefix + operation;
  let op = instructions.get(name);
  if (op === undefined) {
    const [, kind, width] = /^(add|sub|asx|sax)(8|16)?$/.exec(operation)!;
    op = instruction(prefix, kind as Kind, width === '8' ? 8 : 16);
    instructions.set(name, op);
  }
  return op;
}

/** USAD8, USADA8: sum of the absolute differences of the bytes; a is -1 for the form that does not add. */
export function usada8<V, W, S>(m: Machine<V, W, S>, a: ThreeRegisters & { readonly a: number }): void {
  const x = m.let(m.reg(a.n));
  const y = m.let(m.reg(a.m));
  const byte = (v: V, lsb: number): V => m.and(m.shr(v, m.const(lsb)), m.const(0xff));
  let sum: V | null = a.a < 0 ? null : m.reg(a.a);
  for (const lsb of [0, 8, 16, 24]) {
    const difference = m.let(m.sub(byte(x, lsb), byte(y, lsb)));
    const sign = m.let(m.sar(difference, m.const(31)));
    const absolute = m.sub(m.xor(difference, sign), sign);
    sum = sum === null ? absolute : m.add(sum, absolute);
  }
  m.setReg(a.d, sum!);
}
