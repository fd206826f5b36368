/**
 * N, Z, C, V, Q and GE in compiled code: what is not needed is not computed, what only a way out needs is computed there, and a
 * condition behind a comparison is a comparison.
 */
import type { Cond } from '../machine/machine.ts';
import { ArithmeticWriter } from './arithmetic-writer.ts';
import { CPU, VAR, VAR_OFFSET } from './convention.ts';
import { CONST, Node, OPERATION, VARIABLE } from './function-writer.ts';
import { OP } from './wasm.ts';

/** The comparison that a condition is after CMP, by condition; 0 where it is none (MI PL VS VC). */
const COMPARISONS: readonly number[] = [
  ...[OP.i32_eq, OP.i32_ne, OP.i32_ge_u, OP.i32_lt_u, 0, 0, 0, 0],
  ...[OP.i32_gt_u, OP.i32_le_u, OP.i32_ge_s, OP.i32_lt_s, OP.i32_gt_s, OP.i32_le_s],
];

/** Whether a tree reads no guest register or flag, so that it means the same later. */
function isStable(n: Node): boolean {
  if (n.kind !== OPERATION) return n.kind !== VARIABLE;
  return isStable(n.a!) && (n.b === null || isStable(n.b)) && (n.c === null || isStable(n.c));
}

/** A tree that can be written out besides the one it was made from. */
function copyOf(n: Node): Node {
  if (n.kind !== OPERATION) return n;
  return new Node(OPERATION, n.x, copyOf(n.a!), n.b && copyOf(n.b), n.c && copyOf(n.c), 0);
}

const NOTHING = new Node(CONST, 0, null, null, null, 0);

export class FlagWriter extends ArithmeticWriter {
  /** Variables nobody reads before they are written again. */
  dead = 0;

  /**
   * The operands of the comparison whose flags are current: a condition after CMP a, b becomes one wasm comparison instead of a
   * test of N, Z, C and V. Holds only within a block and until the next flag is set.
   */
  readonly cmp = { valid: false, a: NOTHING, b: NOTHING };
  #flagWritten(v: number, n: Node): void {
    this.cmp.valid = false;
    this.pending.delete(v);
    if (this.dead & (1 << v)) return;
    if (this.deferrable & (1 << v) && isStable(n)) {
      this.pending.set(v, n);
      this.keepTemps();
    } else this.setVar(v, n);
  }

  /**
   * Flags that only a way out of the region at the end of the block needs are computed there, from operands that are kept in
   * temporaries: until then, what each pending flag is.
   */
  pending = new Map<number, Node>();
  /** Flags that may wait for the end of the block. */
  deferrable = 0;

  /** Computes the pending flags after all. */
  settleFlags(): void {
    for (const [v, n] of this.pending) this.setVar(v, n);
    this.pending.clear();
  }

  /** Stores the pending flags; gives their mask. */
  storePending(): number {
    let stored = 0;
    for (const [v, n] of this.pending) {
      stored |= 1 << v;
      this.out.get(CPU);
      this.gen(copyOf(n));
      this.out.mem(OP.i32_store, VAR_OFFSET[v]!);
    }
    return stored;
  }

  #flag(v: number): Node {
    const pending = this.pending.get(v);
    return pending === undefined ? this.readVar(v) : copyOf(pending);
  }
  setNZ(result: Node): void {
    this.cmp.valid = false;
    const both = this.dead & ((1 << VAR.nf) | (1 << VAR.zf));
    if (both === ((1 << VAR.nf) | (1 << VAR.zf))) return;
    const r = both === 0 || this.deferrable !== 0 ? this.let(result) : result;
    this.#flagWritten(VAR.nf, r);
    this.#flagWritten(VAR.zf, r);
  }
  setN(signed: Node): void {
    this.#flagWritten(VAR.nf, signed);
  }
  setZ(zero: Node): void {
    this.#flagWritten(VAR.zf, zero);
  }
  setC(c: Node): void {
    this.#flagWritten(VAR.cf, c);
  }
  setV(v: Node): void {
    const compared = this.#comparison(v);
    this.#flagWritten(VAR.vf, v);
    if (compared) this.cmp.valid = true;
  }
  /**
   * Recognises V as a subtraction sets it, (x ^ y) & (x ^ r), and keeps x and y: N, Z and C have just been set from the same r, x
   * and y.
   */
  #comparison(v: Node): boolean {
    if (v.x !== OP.i32_and || v.kind !== OPERATION) return false;
    const left = v.a!;
    const right = v.b!;
    if (
      left.kind !== OPERATION ||
      left.x !== OP.i32_xor ||
      right.kind !== OPERATION ||
      right.x !== OP.i32_xor
    )
      return false;
    if (left.a !== right.a || !isStable(left)) return false;
    this.cmp.a = left.a!;
    this.cmp.b = left.b!;
    this.keepTemps();
    return true;
  }
  orQ(q: Node): void {
    this.setVar(VAR.qf, this.or(q, this.#flag(VAR.qf)));
  }
  setQ(q: Node): void {
    this.setVar(VAR.qf, q);
  }
  setGE(ge: Node): void {
    this.#flagWritten(VAR.ge, ge);
  }
  getGE(): Node {
    return this.#flag(VAR.ge);
  }
  flagN(): Node {
    return this.shr(this.#flag(VAR.nf), this.const(31));
  }
  flagZ(): Node {
    return this.op1(OP.i32_eqz, this.#flag(VAR.zf));
  }
  flagC(): Node {
    return this.#flag(VAR.cf);
  }
  flagV(): Node {
    return this.shr(this.#flag(VAR.vf), this.const(31));
  }
  flagQ(): Node {
    return this.#flag(VAR.qf);
  }

  cond(c: Cond): Node {
    if (c >= 14) return this.const(1);
    if (this.cmp.valid) {
      const op = COMPARISONS[c]!;
      if (op !== 0) return this.op2(op, this.cmp.a, this.cmp.b);
    }
    const zero = this.const(0);
    const n = () => this.#flag(VAR.nf);
    const z = () => this.#flag(VAR.zf);
    const cf = () => this.#flag(VAR.cf);
    const v = () => this.#flag(VAR.vf);
    switch (c) {
      case 0:
        return this.op1(OP.i32_eqz, z());
      case 1:
        return this.ne(z(), zero);
      case 2:
        return cf();
      case 3:
        return this.op1(OP.i32_eqz, cf());
      case 4:
        return this.ltS(n(), zero);
      case 5:
        return this.op2(OP.i32_ge_s, n(), zero);
      case 6:
        return this.ltS(v(), zero);
      case 7:
        return this.op2(OP.i32_ge_s, v(), zero);
      case 8:
        return this.select(z(), cf(), zero);
      case 9:
        return this.op1(OP.i32_eqz, this.select(z(), cf(), zero));
      case 10:
        return this.op2(OP.i32_ge_s, this.xor(n(), v()), zero);
      case 11:
        return this.ltS(this.xor(n(), v()), zero);
      case 12:
        return this.and(this.ne(z(), zero), this.op2(OP.i32_ge_s, this.xor(n(), v()), zero));
      default:
        return this.or(this.op1(OP.i32_eqz, z()), this.ltS(this.xor(n(), v()), zero));
    }
  }
}
