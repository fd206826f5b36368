/** The evaluator's integers (int32 numbers), and its flags in the state block. */
import { OFF } from '../cpu-state.ts';
import type { Cond } from '../machine/machine.ts';
import { divS, divU, mulhS, mulhU, ror } from './arithmetic.ts';

const NF = OFF.nf >> 2;
const ZF = OFF.zf >> 2;
const CF = OFF.cf >> 2;
const VF = OFF.vf >> 2;
const QF = OFF.qf >> 2;
const GE = OFF.ge >> 2;

export class IntegerMachine {
  /** The state block as words. */
  protected w!: Int32Array;

  // ---- integer arithmetic ----
  add(a: number, b: number): number {
    return (a + b) | 0;
  }
  sub(a: number, b: number): number {
    return (a - b) | 0;
  }
  mul(a: number, b: number): number {
    return Math.imul(a, b);
  }
  mulhS(a: number, b: number): number {
    return mulhS(a, b);
  }
  mulhU(a: number, b: number): number {
    return mulhU(a, b);
  }
  divS(a: number, b: number): number {
    return divS(a, b);
  }
  divU(a: number, b: number): number {
    return divU(a, b);
  }
  and(a: number, b: number): number {
    return a & b;
  }
  or(a: number, b: number): number {
    return a | b;
  }
  xor(a: number, b: number): number {
    return a ^ b;
  }
  not(a: number): number {
    return ~a;
  }
  neg(a: number): number {
    return -a | 0;
  }
  shl(a: number, n: number): number {
    return a << n;
  }
  shr(a: number, n: number): number {
    return (a >>> n) | 0;
  }
  sar(a: number, n: number): number {
    return a >> n;
  }
  ror(a: number, n: number): number {
    return ror(a, n);
  }
  clz(a: number): number {
    return Math.clz32(a);
  }
  ext8(a: number): number {
    return (a << 24) >> 24;
  }
  ext16(a: number): number {
    return (a << 16) >> 16;
  }
  eq(a: number, b: number): number {
    return a === b ? 1 : 0;
  }
  ne(a: number, b: number): number {
    return a !== b ? 1 : 0;
  }
  ltS(a: number, b: number): number {
    return a < b ? 1 : 0;
  }
  ltU(a: number, b: number): number {
    return a >>> 0 < b >>> 0 ? 1 : 0;
  }
  leS(a: number, b: number): number {
    return a <= b ? 1 : 0;
  }
  leU(a: number, b: number): number {
    return a >>> 0 <= b >>> 0 ? 1 : 0;
  }
  select(c: number, a: number, b: number): number {
    return c !== 0 ? a : b;
  }
  when(c: number, body: () => void, otherwise?: () => void): void {
    if (c !== 0) body();
    else if (otherwise !== undefined) otherwise();
  }

  // ---- flags ----
  setNZ(result: number): void {
    this.w[NF] = result;
    this.w[ZF] = result;
  }
  setN(signed: number): void {
    this.w[NF] = signed;
  }
  setZ(zero: number): void {
    this.w[ZF] = zero;
  }
  setC(c: number): void {
    this.w[CF] = c;
  }
  setV(v: number): void {
    this.w[VF] = v;
  }
  orQ(q: number): void {
    if (q !== 0) this.w[QF] = 1;
  }
  setQ(q: number): void {
    this.w[QF] = q;
  }
  setGE(ge: number): void {
    this.w[GE] = ge;
  }
  getGE(): number {
    return this.w[GE]!;
  }
  flagN(): number {
    return this.w[NF]! >>> 31;
  }
  flagZ(): number {
    return this.w[ZF] === 0 ? 1 : 0;
  }
  flagC(): number {
    return this.w[CF]!;
  }
  flagV(): number {
    return this.w[VF]! >>> 31;
  }
  flagQ(): number {
    return this.w[QF]!;
  }
  cond(c: Cond): number {
    return this.holds(c) ? 1 : 0;
  }
  /** ConditionPassed (ARM ARM A8.3.1). */
  holds(c: Cond): boolean {
    const w = this.w;
    switch (c) {
      case 0:
        return w[ZF] === 0;
      case 1:
        return w[ZF] !== 0;
      case 2:
        return w[CF] !== 0;
      case 3:
        return w[CF] === 0;
      case 4:
        return w[NF]! < 0;
      case 5:
        return w[NF]! >= 0;
      case 6:
        return w[VF]! < 0;
      case 7:
        return w[VF]! >= 0;
      case 8:
        return w[CF] !== 0 && w[ZF] !== 0;
      case 9:
        return w[CF] === 0 || w[ZF] === 0;
      case 10:
        return (w[NF]! ^ w[VF]!) >= 0;
      case 11:
        return (w[NF]! ^ w[VF]!) < 0;
      case 12:
        return w[ZF] !== 0 && (w[NF]! ^ w[VF]!) >= 0;
      case 13:
        return w[ZF] === 0 || (w[NF]! ^ w[VF]!) < 0;
      default:
        return true;
    }
  }
}
