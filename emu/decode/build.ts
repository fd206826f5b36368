/**
 * Builders of encoding rows: `a32`, `t16` and `t32` compute mask, value, should-be bits and fields from a bit string (see row.ts).
 */
import type { Fields, IsaName, Op, Row, Shape } from './row.ts';

type Unpredictable<A> = NonNullable<Row<A>['unpredictable']>;
type Builder = <A>(
  name: string,
  mnemonic: string,
  bits: string,
  shape: Shape<A>,
  op: Op<A>,
  unpredictable?: Unpredictable<A>,
) => Row;

interface Run {
  lsb: number;
  width: number;
}

interface Pattern {
  mask: number;
  value: number;
  shouldMask: number;
  shouldValue: number;
  fields: { letter: string; runs: Run[] }[];
}

/** Adds a bit to a field: to its last run when that is just above. */
function addToField(fields: Pattern['fields'], letter: string, lsb: number): void {
  for (const field of fields) {
    if (field.letter !== letter) continue;
    const last = field.runs[field.runs.length - 1]!;
    if (last.lsb === lsb + 1) {
      last.lsb = lsb;
      last.width++;
    } else field.runs.push({ lsb, width: 1 });
    return;
  }
  fields.push({ letter, runs: [{ lsb, width: 1 }] });
}

/** Parses a bit string of `width` bits. Masks are int32 (bit 31 makes them negative). Throws on a malformed string. */
export function parse(bits: string, width: number): Pattern {
  const pattern: Pattern = { mask: 0, value: 0, shouldMask: 0, shouldValue: 0, fields: [] };
  let lsb = width;
  for (let i = 0; i < bits.length; i++) {
    let c = bits[i]!;
    if (c === ' ') continue;
    lsb--;
    if (c === '0' || c === '1') {
      pattern.mask |= 1 << lsb;
      if (c === '1') pattern.value |= 1 << lsb;
    } else if (c === '(') {
      c = bits[i + 1]!;
      if ((c !== '0' && c !== '1') || bits[i + 2] !== ')') throw new Error(`bad bit string: ${bits}`);
      pattern.shouldMask |= 1 << lsb;
      if (c === '1') pattern.shouldValue |= 1 << lsb;
      i += 2;
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) addToField(pattern.fields, c, lsb);
    else if (c !== '-') throw new Error(`bad bit string: ${bits}`);
  }
  if (lsb !== 0) throw new Error(`bad bit string, ${width - lsb} of ${width} bits: ${bits}`);
  return pattern;
}

class EncodingRow<A> implements Row<A> {
  readonly isa: IsaName;
  readonly name: string;
  readonly mnemonic: string;
  readonly bits: string;
  readonly shape: Shape<A>;
  readonly op: Op<A>;
  readonly unpredictable?: Unpredictable<A>;
  readonly mask: number;
  readonly value: number;
  readonly shouldMask: number;
  readonly shouldValue: number;
  readonly hasCond: boolean;
  /** Made when they are first asked for: a program uses few rows, and fields are most of what a row consists of. */
  private parsed: Pattern['fields'] | undefined = undefined;

  constructor(
    isa: IsaName,
    name: string,
    mnemonic: string,
    bits: string,
    shape: Shape<A>,
    op: Op<A>,
    unpredictable: Unpredictable<A> | undefined,
  ) {
    this.isa = isa;
    this.name = name;
    this.mnemonic = mnemonic;
    this.bits = bits;
    this.shape = shape;
    this.op = op;
    if (unpredictable !== undefined) this.unpredictable = unpredictable;
    const pattern = this.parse();
    this.mask = pattern.mask;
    this.value = pattern.value;
    this.shouldMask = pattern.shouldMask;
    this.shouldValue = pattern.shouldValue;
    this.hasCond = pattern.fields.some((field) => field.letter === 'c');
  }

  get fields(): Pattern['fields'] {
    this.parsed ??= this.parse().fields;
    return this.parsed;
  }

  private parse(): Pattern {
    return parse(this.bits, this.isa === 'T16' ? 16 : 32);
  }
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
    const row: Row<A> = new EncodingRow(isa, name, mnemonic, bits, shape, op, unpredictable);
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
