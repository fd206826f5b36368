/**
 * Integer arithmetic with what is known: the effects recorder's. Enough is known to tell what lies at fixed distances from a
 * register, and where a jump goes by an index or through a table.
 */
import { divS, divU, mulhS, mulhU, ror } from './arithmetic.ts';

/** A constant (int32), what a register or memory holds times and plus a constant, the outcome of a comparison; or unknown. */
export type Value = number | Linear | AtLeast | undefined;

/** `scale` times something plus `offset`, modulo 2^32. */
export class Linear {
  /** The number of a register, which stands for what it held before the instruction; or what is loaded. */
  readonly of: number | Loaded;
  readonly scale: number;
  /** int32 */
  readonly offset: number;

  constructor(of: number | Loaded, scale = 1, offset = 0) {
    this.of = of;
    this.scale = scale;
    this.offset = offset;
  }

  /** That it is a register plus the offset: the register's number, else -1. */
  get base(): number {
    return typeof this.of === 'number' && this.scale === 1 ? this.of : -1;
  }
}

/** What lies in memory, zero-extended. */
export interface Loaded {
  readonly address: Linear;
  /** In bytes. */
  readonly size: 1 | 2 | 4;
}

/** Whether a register (unsigned) is at least as great as a constant. */
export class AtLeast {
  readonly register: number;
  readonly bound: number;

  constructor(register: number, bound: number) {
    this.register = register;
    this.bound = bound;
  }
}

const isNumber = (v: Value): v is number => typeof v === 'number';

/** v times a constant and plus another, where v is linear. */
function linear(v: Value, scale: number, offset: number): Linear | undefined {
  if (!(v instanceof Linear)) return undefined;
  return new Linear(v.of, Math.imul(v.scale, scale), (Math.imul(v.offset, scale) + offset) | 0);
}

export class KnownArithmetic {
  add(a: Value, b: Value): Value {
    if (isNumber(b)) return isNumber(a) ? (a + b) | 0 : linear(a, 1, b);
    return isNumber(a) ? linear(b, 1, a) : undefined;
  }
  sub(a: Value, b: Value): Value {
    if (!isNumber(b)) return undefined;
    return isNumber(a) ? (a - b) | 0 : linear(a, 1, -b | 0);
  }
  mul(a: Value, b: Value): Value {
    return isNumber(a) && isNumber(b) ? Math.imul(a, b) : undefined;
  }
  mulhS(a: Value, b: Value): Value {
    return isNumber(a) && isNumber(b) ? mulhS(a, b) : undefined;
  }
  mulhU(a: Value, b: Value): Value {
    return isNumber(a) && isNumber(b) ? mulhU(a, b) : undefined;
  }
  divS(a: Value, b: Value): Value {
    return isNumber(a) && isNumber(b) ? divS(a, b) : undefined;
  }
  divU(a: Value, b: Value): Value {
    return isNumber(a) && isNumber(b) ? divU(a, b) : undefined;
  }
  and(a: Value, b: Value): Value {
    if (a === 0 || b === 0) return 0;
    return isNumber(a) && isNumber(b) ? a & b : undefined;
  }
  or(a: Value, b: Value): Value {
    if (!isNumber(b)) return undefined;
    // Bit 0 of a location: of what is even.
    if (b === 1 && a instanceof Linear && ((a.scale | a.offset) & 1) === 0) return linear(a, 1, 1);
    return isNumber(a) ? a | b : undefined;
  }
  xor(a: Value, b: Value): Value {
    return isNumber(a) && isNumber(b) ? a ^ b : undefined;
  }
  not(a: Value): Value {
    return isNumber(a) ? ~a : undefined;
  }
  neg(a: Value): Value {
    return isNumber(a) ? -a | 0 : undefined;
  }
  shl(a: Value, n: Value): Value {
    if (!isNumber(n)) return undefined;
    return isNumber(a) ? a << n : linear(a, 1 << n, 0);
  }
  shr(a: Value, n: Value): Value {
    return isNumber(a) && isNumber(n) ? (a >>> n) | 0 : undefined;
  }
  sar(a: Value, n: Value): Value {
    return isNumber(a) && isNumber(n) ? a >> n : undefined;
  }
  ror(a: Value, n: Value): Value {
    return isNumber(a) && isNumber(n) ? ror(a, n) : undefined;
  }
  clz(a: Value): Value {
    return isNumber(a) ? Math.clz32(a) : undefined;
  }
  ext8(a: Value): Value {
    return isNumber(a) ? (a << 24) >> 24 : undefined;
  }
  ext16(a: Value): Value {
    return isNumber(a) ? (a << 16) >> 16 : undefined;
  }
  eq(a: Value, b: Value): Value {
    return isNumber(a) && isNumber(b) ? (a === b ? 1 : 0) : undefined;
  }
  ne(a: Value, b: Value): Value {
    return isNumber(a) && isNumber(b) ? (a !== b ? 1 : 0) : undefined;
  }
  ltS(a: Value, b: Value): Value {
    return isNumber(a) && isNumber(b) ? (a < b ? 1 : 0) : undefined;
  }
  ltU(a: Value, b: Value): Value {
    return isNumber(a) && isNumber(b) ? (a >>> 0 < b >>> 0 ? 1 : 0) : undefined;
  }
  leS(a: Value, b: Value): Value {
    return isNumber(a) && isNumber(b) ? (a <= b ? 1 : 0) : undefined;
  }
  leU(a: Value, b: Value): Value {
    if (!isNumber(a)) return undefined;
    if (b instanceof Linear && b.base >= 0 && b.offset === 0) return new AtLeast(b.base, a >>> 0);
    return isNumber(b) ? (a >>> 0 <= b >>> 0 ? 1 : 0) : undefined;
  }
}
