/**
 * The Cryptographic Extension in AArch32 state (DDI 0487 F6.1: AESD to AESMC, SHA1C to SHA256SU1), composed of operations on
 * lanes and words, by FIPS 197 and FIPS 180-4.
 */
import { type Lanes, lanes, type Machine } from '../machine/machine.ts';
import type { Simd } from './simd.ts';

type Op = <V, W, S>(m: Machine<V, W, S>, a: Simd) => void;

const BYTES: Lanes = lanes(0, false, true);
const QUAD_WORDS: Lanes = lanes(2, true, true);
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const PAIR = [...range(8), ...range(8).map((i) => 16 + i)];

// ---- AES ----

/** The state is four columns of four bytes; row r goes to the left, or the right, by r. */
const SHIFT_ROWS = range(16).map((i) => (i + 4 * (i & 3)) & 15);
const INVERSE_SHIFT_ROWS = range(16).map((i) => (i - 4 * (i & 3)) & 15);

export const aese: Op = (m, a) => {
  const w = m.letW(m.vec2('xor', BYTES, m.getQuad(a.d), m.getQuad(a.m)));
  m.setQuad(a.d, m.vec1('aessub', BYTES, m.shuffle(SHIFT_ROWS, w, w)));
};
export const aesd: Op = (m, a) => {
  const w = m.letW(m.vec2('xor', BYTES, m.getQuad(a.d), m.getQuad(a.m)));
  m.setQuad(a.d, m.vec1('aesisub', BYTES, m.shuffle(INVERSE_SHIFT_ROWS, w, w)));
};

/** Each byte times two. */
function doubled<V, W, S>(m: Machine<V, W, S>, w: W): W {
  const overflow = m.vec2('and', BYTES, m.vecShift('shr', BYTES, w, 7), m.splat(0, m.const(0x1b)));
  return m.letW(m.vec2('xor', BYTES, m.vecShift('shl', BYTES, w, 1), overflow));
}
/** The bytes of each column, those `by` further down first. */
function rotated<V, W, S>(m: Machine<V, W, S>, w: W, by: number): W {
  return m.shuffle(
    range(16).map((i) => (i & 12) | ((i + by) & 3)),
    w,
    w,
  );
}
/** Column times 2, 3, 1, 1: twice the sum with the next byte, and the other three. */
function mixColumns<V, W, S>(m: Machine<V, W, S>, w: W): W {
  const next = m.letW(rotated(m, w, 1));
  const twice = doubled(m, m.letW(m.vec2('xor', BYTES, w, next)));
  const others = m.vec2('xor', BYTES, next, m.vec2('xor', BYTES, rotated(m, w, 2), rotated(m, w, 3)));
  return m.vec2('xor', BYTES, twice, others);
}
export const aesmc: Op = (m, a) => m.setQuad(a.d, mixColumns(m, m.letW(m.getQuad(a.m))));
/** 14, 11, 13, 9 is 2, 3, 1, 1 of the column with four times the byte and the one two further added. */
export const aesimc: Op = (m, a) => {
  const w = m.letW(m.getQuad(a.m));
  const opposite = m.letW(m.vec2('xor', BYTES, w, rotated(m, w, 2)));
  const four = doubled(m, doubled(m, opposite));
  m.setQuad(a.d, mixColumns(m, m.letW(m.vec2('xor', BYTES, w, four))));
};

// ---- SHA: words of a vector, lowest first ----

function wordOf<V, W, S>(m: Machine<V, W, S>, w: W, i: number): V {
  return m.let(m.getLane(QUAD_WORDS, w, i));
}
function wordsOf<V, W, S>(m: Machine<V, W, S>, w: W): [V, V, V, V] {
  return [wordOf(m, w, 0), wordOf(m, w, 1), wordOf(m, w, 2), wordOf(m, w, 3)];
}
function fromWords<V, W, S>(m: Machine<V, W, S>, [a, b, c, d]: readonly [V, V, V, V]): W {
  return m.shuffle(PAIR, m.makeW(a, b), m.makeW(c, d));
}
function rol<V, W, S>(m: Machine<V, W, S>, v: V, n: number): V {
  return m.ror(v, m.const(32 - n));
}
function sum<V, W, S>(m: Machine<V, W, S>, ...values: V[]): V {
  return values.reduce((x, y) => m.add(x, y));
}

type Choice = <V, W, S>(m: Machine<V, W, S>, x: V, y: V, z: V) => V;
const choose: Choice = (m, x, y, z) => m.xor(m.and(m.xor(y, z), x), z);
const parity: Choice = (m, x, y, z) => m.xor(m.xor(x, y), z);
const majority: Choice = (m, x, y, z) => m.or(m.and(x, y), m.and(m.or(x, y), z));

/** Four rounds of SHA-1: d has a to d, n has e, m the words with their constant. */
const sha1 =
  (f: Choice): Op =>
  (m, a) => {
    const w = wordsOf(m, m.letW(m.getQuad(a.m)));
    let [A, B, C, D] = wordsOf(m, m.letW(m.getQuad(a.d)));
    let E = wordOf(m, m.getQuad(a.n), 0);
    for (const word of w) {
      const next = m.let(sum(m, E, rol(m, A, 5), f(m, B, C, D), word));
      E = D;
      D = C;
      C = m.let(rol(m, B, 30));
      B = A;
      A = next;
    }
    m.setQuad(a.d, fromWords(m, [A, B, C, D]));
  };
export const sha1c = sha1(choose);
export const sha1p = sha1(parity);
export const sha1m = sha1(majority);
export const sha1h: Op = (m, a) => {
  const zero = m.const(0);
  m.setQuad(a.d, fromWords(m, [m.let(rol(m, wordOf(m, m.getQuad(a.m), 0), 30)), zero, zero, zero]));
};
/** d with n behind it from word 2 on, xor d, xor m. */
export const sha1su0: Op = (m, a) => {
  const d = m.letW(m.getQuad(a.d));
  const joined = m.shuffle(
    range(16).map((i) => 8 + i),
    d,
    m.getQuad(a.n),
  );
  m.setQuad(a.d, m.vec2('xor', BYTES, m.vec2('xor', BYTES, d, joined), m.getQuad(a.m)));
};
export const sha1su1: Op = (m, a) => {
  const d = wordsOf(m, m.letW(m.getQuad(a.d)));
  const w = m.letW(m.getQuad(a.m));
  const t = [1, 2, 3].map((i) => m.let(rol(m, m.xor(d[i - 1]!, wordOf(m, w, i)), 1)));
  const last = m.let(rol(m, m.xor(d[3], t[0]!), 1));
  m.setQuad(a.d, fromWords(m, [t[0]!, t[1]!, t[2]!, last]));
};

function rotations<V, W, S>(m: Machine<V, W, S>, v: V, a: number, b: number, c: number): V {
  return m.xor(m.xor(m.ror(v, m.const(a)), m.ror(v, m.const(b))), m.ror(v, m.const(c)));
}

/** Four rounds of SHA-256 on a to d (x) and e to h (y); gives the half asked for. */
function sha256<V, W, S>(m: Machine<V, W, S>, x: W, y: W, w: W, upper: boolean): W {
  let [A, B, C, D] = wordsOf(m, x);
  let [E, F, G, H] = wordsOf(m, y);
  for (const word of wordsOf(m, w)) {
    const t = m.let(sum(m, H, rotations(m, E, 6, 11, 25), choose(m, E, F, G), word));
    const e = m.let(m.add(D, t));
    const next = m.let(sum(m, t, rotations(m, A, 2, 13, 22), majority(m, A, B, C)));
    [H, G, F, E] = [G, F, E, e];
    [D, C, B, A] = [C, B, A, next];
  }
  return fromWords(m, upper ? [E, F, G, H] : [A, B, C, D]);
}
export const sha256h: Op = (m, a) =>
  m.setQuad(a.d, sha256(m, m.letW(m.getQuad(a.d)), m.letW(m.getQuad(a.n)), m.letW(m.getQuad(a.m)), false));
export const sha256h2: Op = (m, a) =>
  m.setQuad(a.d, sha256(m, m.letW(m.getQuad(a.n)), m.letW(m.getQuad(a.d)), m.letW(m.getQuad(a.m)), true));

function rotateLanes<V, W, S>(m: Machine<V, W, S>, w: W, n: number): W {
  const t = QUAD_WORDS;
  return m.vec2('or', t, m.vecShift('shr', t, w, n), m.vecShift('shl', t, w, 32 - n));
}
/** The small sigmas: two rotations and a shift. */
function sigma<V, W, S>(m: Machine<V, W, S>, w: W, a: number, b: number, shift: number): W {
  const t = QUAD_WORDS;
  const rotatedTwice = m.vec2('xor', t, rotateLanes(m, w, a), rotateLanes(m, w, b));
  return m.vec2('xor', t, rotatedTwice, m.vecShift('shr', t, w, shift));
}
export const sha256su0: Op = (m, a) => {
  const d = m.letW(m.getQuad(a.d));
  const following = m.letW(
    m.shuffle(
      range(16).map((i) => 4 + i),
      d,
      m.getQuad(a.m),
    ),
  );
  m.setQuad(a.d, m.vec2('add', QUAD_WORDS, d, sigma(m, following, 7, 18, 3)));
};
/** Its upper two words depend on the lower two. */
export const sha256su1: Op = (m, a) => {
  const t = QUAD_WORDS;
  const w = m.letW(m.getQuad(a.m));
  const n = m.letW(m.getQuad(a.n));
  const joined = m.shuffle(
    range(16).map((i) => 4 + i),
    n,
    w,
  );
  const base = m.letW(m.vec2('add', t, m.getQuad(a.d), joined));
  const highOf = [...range(8).map((i) => 8 + i), ...range(8).map((i) => 8 + i)];
  const lower = m.letW(m.vec2('add', t, base, sigma(m, m.letW(m.shuffle(highOf, w, w)), 17, 19, 10)));
  const upper = m.vec2(
    'add',
    t,
    base,
    sigma(m, m.letW(m.shuffle([...range(8), ...range(8)], lower, lower)), 17, 19, 10),
  );
  m.setQuad(a.d, m.shuffle([...range(8), ...range(8).map((i) => 24 + i)], lower, upper));
};
