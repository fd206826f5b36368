/** Integer arithmetic with what is known: the effects recorder's. */
import { divS, divU, mulhS, mulhU, ror } from './arithmetic.ts';

/** A constant (int32) or unknown. */
export type Value = number | undefined;

export class ConstantArithmetic {
  add(a: Value, b: Value): Value {
    return a === undefined || b === undefined ? undefined : (a + b) | 0;
  }
  sub(a: Value, b: Value): Value {
    return a === undefined || b === undefined ? undefined : (a - b) | 0;
  }
  mul(a: Value, b: Value): Value {
    return a === undefined || b === undefined ? undefined : Math.imul(a, b);
  }
  mulhS(a: Value, b: Value): Value {
    return a === undefined || b === undefined ? undefined : mulhS(a, b);
  }
  mulhU(a: Value, b: Value): Value {
    return a === undefined || b === undefined ? undefined : mulhU(a, b);
  }
  divS(a: Value, b: Value): Value {
    return a === undefined || b === undefined ? undefined : divS(a, b);
  }
  divU(a: Value, b: Value): Value {
    return a === undefined || b === undefined ? undefined : divU(a, b);
  }
  and(a: Value, b: Value): Value {
    if (a === 0 || b === 0) return 0;
    return a === undefined || b === undefined ? undefined : a & b;
  }
  or(a: Value, b: Value): Value {
    return a === undefined || b === undefined ? undefined : a | b;
  }
  xor(a: Value, b: Value): Value {
    return a === undefined || b === undefined ? undefined : a ^ b;
  }
  not(a: Value): Value {
    return a === undefined ? undefined : ~a;
  }
  neg(a: Value): Value {
    return a === undefined ? undefined : -a | 0;
  }
  shl(a: Value, n: Value): Value {
    return a === undefined || n === undefined ? undefined : a << n;
  }
  shr(a: Value, n: Value): Value {
    return a === undefined || n === undefined ? undefined : (a >>> n) | 0;
  }
  sar(a: Value, n: Value): Value {
    return a === undefined || n === undefined ? undefined : a >> n;
  }
  ror(a: Value, n: Value): Value {
    return a === undefined || n === undefined ? undefined : ror(a, n);
  }
  clz(a: Value): Value {
    return a === undefined ? undefined : Math.clz32(a);
  }
  ext8(a: Value): Value {
    return a === undefined ? undefined : (a << 24) >> 24;
  }
  ext16(a: Value): Value {
    return a === undefined ? undefined : (a << 16) >> 16;
  }
  eq(a: Value, b: Value): Value {
    return a === undefined || b === undefined ? undefined : a === b ? 1 : 0;
  }
  ne(a: Value, b: Value): Value {
    return a === undefined || b === undefined ? undefined : a !== b ? 1 : 0;
  }
  ltS(a: Value, b: Value): Value {
    return a === undefined || b === undefined ? undefined : a < b ? 1 : 0;
  }
  ltU(a: Value, b: Value): Value {
    return a === undefined || b === undefined ? undefined : a >>> 0 < b >>> 0 ? 1 : 0;
  }
  leS(a: Value, b: Value): Value {
    return a === undefined || b === undefined ? undefined : a <= b ? 1 : 0;
  }
  leU(a: Value, b: Value): Value {
    return a === undefined || b === undefined ? undefined : a >>> 0 <= b >>> 0 ? 1 : 0;
  }
}
