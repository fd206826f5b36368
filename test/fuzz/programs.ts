/**
 * Random programs for the fuzzer: straight code from rows, cut by branches forward, one loop and one call, all of which end. What
 * chains do not reach: the JIT's control flow, and liveness of registers and flags across it.
 *
 * A program is a list of units: one instruction, or an IT block as a whole, so that a branch never goes into an IT block. It
 * ends, because the only branch backwards counts down.
 */
import type { Insn, Row } from '../../emu/decode/row.ts';
import { effectsOf } from '../../emu/evaluator/effects.ts';
import { type Draft, type Generator, halfwords, terminator } from './generate.ts';
import type { PlacedInsn } from './layout.ts';

/** A branch to be encoded when its target is known. */
type Link =
  | { kind: 'b'; cond: number; to: number }
  | { kind: 'cbz'; register: number; nonzero: boolean; to: number }
  | { kind: 'call' };

interface Piece {
  readonly pc: number;
  readonly size: number;
  bits: number;
  readonly link?: Link;
}

/** Draws of an instruction for one place before the program is given up. */
const DRAWS = 200;

const ALWAYS = 14;
const LR = 14;

export function buildProgram(generator: Generator, rows: readonly Row[]): Draft | string {
  const { random } = generator;
  const thumb = rows[0]!.isa !== 'A32';
  const address = generator.address(thumb, false);
  const units = 4 + random.below(8);
  const pieces: Piece[] = [];
  /** Address of each unit. */
  const unitAt: number[] = [];
  let pc = address;

  // One register counts the loop, LR holds the return address: nothing else may write them.
  const counter = 4 + random.below(9);
  const loopFrom = random.chance(0.6) ? random.below(units - 2) : -1;
  const loopTo = loopFrom < 0 ? -1 : loopFrom + 1 + random.below(units - loopFrom - 1);
  const callAt = random.chance(0.4) ? random.below(units) : -1;
  const reserved = (loopFrom < 0 ? 0 : 1 << counter) | (callAt < 0 ? 0 : 1 << LR);

  const put = (bits: number, size: number, link?: Link): void => {
    pieces.push(link === undefined ? { pc, size, bits } : { pc, size, bits, link });
    pc += size;
  };
  const wide = (): boolean => !thumb || random.chance(0.5);
  /** One unit of straight code; false when none was found. */
  const straight = (): boolean => {
    let it = 0;
    let before: Insn | undefined;
    do {
      let insn: Insn | undefined;
      for (let n = 0; n < DRAWS && insn === undefined; n++) {
        const drawn = generator.draw(rows, pc, it, before);
        if (typeof drawn === 'string') continue;
        const { branch, trap, mayWrite, loads, stores } = effectsOf(drawn, drawn.pc);
        if (branch !== null || trap !== null || (mayWrite.core & reserved) !== 0) continue;
        // Memory instructions mostly fault, and end the program: few of them.
        if ((loads || stores) && random.chance(0.8)) continue;
        insn = drawn;
      }
      if (insn === undefined) return false;
      put(insn.bits, insn.size);
      it = insn.itAfter;
      before = insn;
    } while (it !== 0);
    return true;
  };

  for (let unit = 0; unit < units; unit++) {
    unitAt.push(pc);
    if (unit < units - 1 && random.chance(0.3)) {
      const to = unit + 2 + random.below(Math.min(4, units - unit - 1));
      if (thumb && random.chance(0.3)) {
        put(0, 2, { kind: 'cbz', register: random.below(8), nonzero: random.chance(0.5), to });
      } else {
        put(0, wide() ? 4 : 2, { kind: 'b', cond: random.chance(0.8) ? random.below(14) : ALWAYS, to });
      }
    }
    if (!straight()) return 'no instruction found';
    if (unit === callAt) put(0, 4, { kind: 'call' });
    if (unit === loopTo) {
      // subs counter, counter, #1
      if (thumb) put(((0xf1b0 | counter) << 16) | (counter << 8) | 1, 4);
      else put(0xe250_0001 | (counter << 16) | (counter << 12), 4);
      put(0, wide() ? 4 : 2, { kind: 'b', cond: 1, to: loopFrom });
    }
  }
  unitAt.push(pc);
  pc += thumb ? 2 : 4;
  const callee = pc;
  if (callAt >= 0) {
    for (let n = random.below(3); n >= 0; n--) if (!straight()) return 'no instruction found';
    put(thumb ? 0x4770 : 0xe12f_ff1e, thumb ? 2 : 4); // bx lr
  }

  const code: number[] = [];
  const insns: PlacedInsn[] = [];
  let it = 0;
  for (const piece of pieces) {
    const { link } = piece;
    if (link !== undefined) {
      const to = link.kind === 'call' ? callee : unitAt[Math.min(link.to, units)]!;
      const bits = encode(link, piece.size, thumb, to - piece.pc - (thumb ? 4 : 8));
      if (bits === null) return 'branch out of reach';
      piece.bits = bits;
    }
    if (piece.pc === callee && callAt >= 0) code.push(...terminator(thumb));
    code.push(...halfwords(piece.bits >>> 0, piece.size, thumb));
    const insn = generator.decodeAt(piece.bits >>> 0, piece.size, thumb, piece.pc, it);
    it = insn.itAfter;
    insns.push(insn);
  }
  if (callAt < 0) code.push(...terminator(thumb));
  const rounds = 1 + random.below(4);
  const prepare = (state: Uint32Array): void => {
    if (loopFrom >= 0) state[counter] = rounds;
  };
  return { address, thumb, itstate: 0, insns, code, prepare };
}

/** The encoding of a branch over an offset from the PC as read; null when it does not reach. */
function encode(link: Link, size: number, thumb: boolean, offset: number): number | null {
  if (!thumb) {
    const imm24 = (offset >> 2) & 0xff_ffff;
    if (link.kind === 'call') return 0xeb00_0000 | imm24;
    return link.kind === 'b' ? (link.cond << 28) | 0x0a00_0000 | imm24 : null;
  }
  const imm11 = (offset >> 1) & 0x7ff;
  if (link.kind === 'cbz') {
    if (offset < 0 || offset > 126) return null;
    const op = link.nonzero ? 0xb900 : 0xb100;
    return op | ((offset >> 6) << 9) | (((offset >> 1) & 31) << 3) | link.register;
  }
  const sign = offset < 0 ? 1 : 0;
  if (link.kind === 'call') {
    return ((0xf000 | (sign << 10) | ((offset >> 12) & 0x3ff)) << 16) | 0xf800 | imm11;
  }
  if (size === 2) {
    if (link.cond === ALWAYS) return 0xe000 | imm11;
    return offset < -256 || offset > 254 ? null : 0xd000 | (link.cond << 8) | ((offset >> 1) & 0xff);
  }
  if (link.cond === ALWAYS)
    return ((0xf000 | (sign << 10) | ((offset >> 12) & 0x3ff)) << 16) | 0xb800 | imm11;
  const j = sign === 1 ? 0x2800 : 0;
  return ((0xf000 | (sign << 10) | (link.cond << 6) | ((offset >> 12) & 0x3f)) << 16) | 0x8000 | j | imm11;
}
