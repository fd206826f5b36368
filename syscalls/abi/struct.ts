/**
 * Struct layouts as 32-bit ARM has them, declared once: reading, writing and strace printing come from the declaration. Fields
 * are laid out with the AAPCS rules (natural alignment; 64-bit fields on 8 bytes; size rounded up to the strictest alignment), so
 * a declaration names the C fields in order and states no offset.
 *
 * Values: 64-bit fields are numbers (sizes, times; exact to 2^53) with s64/u64 and bigints with u64big (masks, cookies).
 */

export interface Field<T> {
  readonly size: number;
  readonly align: number;
  get(view: DataView, at: number): T;
  set(view: DataView, at: number, value: T): void;
  /** Printed as strace prints it; undefined leaves the field out (padding). */
  print(value: T): string | undefined;
}

function scalar(
  size: number,
  get: (view: DataView, at: number) => number,
  set: (view: DataView, at: number, value: number) => void,
): Field<number> {
  return { size, align: size, get, set, print: String };
}

export const u8 = scalar(
  1,
  (v, a) => v.getUint8(a),
  (v, a, x) => v.setUint8(a, x),
);
export const u16 = scalar(
  2,
  (v, a) => v.getUint16(a, true),
  (v, a, x) => v.setUint16(a, x, true),
);
export const s16 = scalar(
  2,
  (v, a) => v.getInt16(a, true),
  (v, a, x) => v.setInt16(a, x, true),
);
export const u32 = scalar(
  4,
  (v, a) => v.getUint32(a, true),
  (v, a, x) => v.setUint32(a, x, true),
);
export const s32 = scalar(
  4,
  (v, a) => v.getInt32(a, true),
  (v, a, x) => v.setInt32(a, x, true),
);
/** 64-bit numbers; values beyond 2^53 lose low bits when read. Written in two's complement, negative ones too. */
export const s64 = scalar(8, (v, a) => v.getInt32(a + 4, true) * 2 ** 32 + v.getUint32(a, true), set64);
export const u64 = scalar(8, (v, a) => v.getUint32(a + 4, true) * 2 ** 32 + v.getUint32(a, true), set64);
function set64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

export const u64big: Field<bigint> = {
  size: 8,
  align: 8,
  get: (v, a) => v.getBigUint64(a, true),
  set: (v, a, x) => v.setBigUint64(a, x, true),
  print: (x) => `0x${x.toString(16)}`,
};

/** Same layout, printed otherwise. */
export function shown<T>(field: Field<T>, print: (value: T) => string): Field<T> {
  return { ...field, print };
}
export const hex32 = shown(u32, (x) => `0x${x.toString(16)}`);

/** n bytes that mean nothing; written as zeros. */
export function padding(bytes: number): Field<void> {
  return {
    size: bytes,
    align: 1,
    get: () => undefined,
    set: (v, a) => {
      for (let i = 0; i < bytes; i++) v.setUint8(a + i, 0);
    },
    print: () => undefined,
  };
}

/** char[n], NUL-terminated within; one char of the string per byte. */
export function chars(n: number): Field<string> {
  return {
    size: n,
    align: 1,
    get: (v, a) => {
      let s = '';
      for (let i = 0; i < n; i++) {
        const c = v.getUint8(a + i);
        if (c === 0) break;
        s += String.fromCharCode(c);
      }
      return s;
    },
    set: (v, a, s) => {
      for (let i = 0; i < n; i++) v.setUint8(a + i, i < n - 1 && i < s.length ? s.charCodeAt(i) : 0);
    },
    print: (s) => JSON.stringify(s),
  };
}

/** T[n]. */
export function array<T>(element: Field<T>, n: number): Field<T[]> {
  return {
    size: element.size * n,
    align: element.align,
    get: (v, a) => Array.from({ length: n }, (_, i) => element.get(v, a + i * element.size)),
    set: (v, a, xs) => {
      for (let i = 0; i < n; i++) element.set(v, a + i * element.size, xs[i]!);
    },
    print: (xs) => `[${xs.map((x) => element.print(x)).join(', ')}]`,
  };
}

export type ValueOf<F> = F extends Field<infer T> ? T : never;
type Padding<F> = { [K in keyof F]: F[K] extends Field<void> ? K : never }[keyof F];
/** The value of a struct: its fields without the padding. */
export type StructValue<F> = { [K in keyof F as K extends Padding<F> ? never : K]: ValueOf<F[K]> };

export interface Struct<T> extends Field<T> {
  readonly name: string;
  /** Byte offset of every field. */
  readonly offsets: Readonly<Record<string, number>>;
}

/** A struct is itself a field, so structs nest. `name` is C's. */
// biome-ignore lint/suspicious/noExplicitAny: a field of any type
export function struct<const F extends Readonly<Record<string, Field<any>>>>(
  name: string,
  fields: F,
): Struct<StructValue<F>> {
  const offsets: Record<string, number> = {};
  let size = 0;
  let align = 1;
  for (const [key, field] of Object.entries(fields)) {
    size = Math.ceil(size / field.align) * field.align;
    offsets[key] = size;
    size += field.size;
    align = Math.max(align, field.align);
  }
  size = Math.ceil(size / align) * align;
  const entries = Object.entries(fields).map(([key, field]) => ({
    key,
    at: offsets[key]!,
    field: field as Field<unknown>,
  }));
  return {
    name,
    size,
    align,
    offsets,
    get(view, base) {
      const value: Record<string, unknown> = {};
      for (const { key, at, field } of entries) {
        const x = field.get(view, base + at);
        if (x !== undefined) value[key] = x;
      }
      return value as StructValue<F>;
    },
    set(view, base, value) {
      for (let i = 0; i < size; i++) view.setUint8(base + i, 0);
      for (const { key, at, field } of entries) field.set(view, base + at, value[key as keyof typeof value]);
    },
    print(value) {
      const shown: string[] = [];
      for (const { key, field } of entries) {
        const text = field.print(value[key as keyof typeof value]);
        if (text !== undefined) shown.push(`${key}=${text}`);
      }
      return `{${shown.join(', ')}}`;
    },
  };
}
