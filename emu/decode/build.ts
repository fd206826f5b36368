/**
 * Bit strings (see row.ts): mask, value, should-be bits and fields, and the fields of an encoding.
 */
import type { Fields, Row } from './row.ts';

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
    const c = bits[i]!;
    if (c === ' ') continue;
    lsb--;
    if (c === '0' || c === '1') {
      pattern.mask |= 1 << lsb;
      if (c === '1') pattern.value |= 1 << lsb;
    } else if (c === '(') {
      const end = bits.indexOf(')', i);
      const should = bits.slice(i + 1, end);
      if (!/^[01]+$/.test(should)) throw new Error(`bad bit string: ${bits}`);
      for (const digit of should) {
        pattern.shouldMask |= 1 << lsb;
        if (digit === '1') pattern.shouldValue |= 1 << lsb;
        lsb--;
      }
      lsb++;
      i = end;
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) addToField(pattern.fields, c, lsb);
    else if (c !== '-') throw new Error(`bad bit string: ${bits}`);
  }
  if (lsb !== 0) throw new Error(`bad bit string, ${width - lsb} of ${width} bits: ${bits}`);
  return pattern;
}

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
