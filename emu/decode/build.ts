/**
 * Builders of encoding rows: `a32`, `t16` and `t32` compute mask, value, should-be bits and fields from a bit string (see row.ts).
 */
import type { Field, Fields, IsaName, Op, Row, Shape } from './row.ts';

type Unpredictable<A> = NonNullable<Row<A>['unpredictable']>;
type Builder = <A>(
  name: string,
  mnemonic: string,
  bits: string,
  shape: Shape<A>,
  op: Op<A>,
  unpredictable?: Unpredictable<A>,
) => Row;

interface Pattern {
  mask: number;
  value: number;
  shouldMask: number;
  shouldValue: number;
  fields: Field[];
}

/** Parses a bit string of `width` bits. Masks are int32 (bit 31 makes them negative). Throws on a malformed string. */
function parse(bits: string, width: number): Pattern {
  const tokens = bits.replace(/\s/g, '').match(/\([01]\)|[01a-zA-Z-]/g) ?? [];
  if (tokens.length !== width || tokens.join('') !== bits.replace(/\s/g, ''))
    throw new Error(`bad bit string, ${tokens.length} of ${width} bits: ${bits}`);
  const pattern: Pattern = { mask: 0, value: 0, shouldMask: 0, shouldValue: 0, fields: [] };
  const runs = new Map<string, { lsb: number; width: number }[]>();
  tokens.forEach((token, index) => {
    const lsb = width - 1 - index;
    if (token === '0' || token === '1') {
      pattern.mask |= 1 << lsb;
      pattern.value |= Number(token) << lsb;
    } else if (token.length === 3) {
      pattern.shouldMask |= 1 << lsb;
      pattern.shouldValue |= Number(token[1]) << lsb;
    } else if (token !== '-') {
      const list = runs.get(token) ?? [];
      const last = list.at(-1);
      if (last !== undefined && last.lsb === lsb + 1) {
        last.lsb = lsb;
        last.width++;
      } else list.push({ lsb, width: 1 });
      runs.set(token, list);
    }
  });
  for (const [letter, list] of runs) pattern.fields.push({ letter, runs: list });
  return pattern;
}

function builder(isa: IsaName): Builder {
  return <A>(
    name: string,
    mnemonic: string,
    bits: string,
    shape: Shape<A>,
    op: Op<A>,
    unpredictable?: Unpredictable<A>,
  ): Row => {
    const pattern = parse(bits, isa === 'T16' ? 16 : 32);
    const row: Row<A> = {
      isa,
      name,
      mnemonic,
      bits,
      shape,
      op,
      ...pattern,
      hasCond: pattern.fields.some((field) => field.letter === 'c'),
      ...(unpredictable === undefined ? {} : { unpredictable }),
    };
    // A row's args come only from its own shape, so that forgetting their type is safe.
    return row as unknown as Row;
  };
}

/** Rows: (name, mnemonic, bits, shape, op, unpredictable?). The field letter c is the condition and nothing else. */
export const a32: Builder = builder('A32');
export const t16: Builder = builder('T16');
export const t32: Builder = builder('T32');

/** The fields of an encoding of this row. Fresh when `into` is not given. */
export function fieldsOf(row: Row, bits: number, into: Record<string, number> = {}): Fields {
  const fields = row.fields;
  for (let i = 0; i < fields.length; i++) {
    const { letter, runs } = fields[i]!;
    let value = 0;
    for (let j = 0; j < runs.length; j++) {
      const { lsb, width } = runs[j]!;
      value = (value << width) | ((bits >>> lsb) & ((1 << width) - 1));
    }
    into[letter] = value;
  }
  return into;
}
