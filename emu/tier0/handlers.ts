/**
 * What is generated when armrun is built (generate.ts): the interpreter's module, for each form of instruction which handler it
 * has and where its operands stand, which handlers most programs need, and the tables of kinds.ts.
 *
 * As bytes, which a file holds: eight words (magic, lengths of the following, the first handler of a pair, how many are usual),
 * the module, the layouts as JSON, then for each form its key (a double) in ascending order, then for each form its handler and
 * layout (two halfwords), then the tables, then the usual handlers (halfwords).
 */
import type { Operand } from './operand.ts';

export interface FormEntry {
  readonly key: number;
  readonly handler: number;
  readonly operands: readonly Operand[];
}

/** What there is beside the module and the forms. */
interface Rest {
  readonly tables?: Uint8Array;
  readonly firstPair: number;
  readonly usual?: readonly number[];
}

const MAGIC = 0x3154_5241;
const HEADER = 32;
const padded = (length: number): number => (length + 7) & ~7;

export class Handlers {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #keys: Float64Array;
  /** Handler and layout of each form. */
  readonly #entries: Uint16Array;
  readonly #layouts: readonly (readonly Operand[])[];
  readonly tables: Uint8Array;
  /** Handlers from this one on are of pairs. */
  readonly firstPair: number;
  /** Those that most programs need (usual.ts). */
  readonly usual: Uint16Array;

  /** Throws when the bytes are no handlers. */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    const { buffer, byteOffset } = bytes;
    const [magic, wasm, layouts, forms, tables, firstPair, usual] = new Uint32Array(
      buffer,
      byteOffset,
      HEADER / 4,
    );
    if (magic !== MAGIC) throw new Error('not a file of interpreter handlers');
    const layoutsAt = HEADER + padded(wasm!);
    const keysAt = layoutsAt + padded(layouts!);
    this.bytes = bytes;
    this.firstPair = firstPair!;
    this.#layouts = JSON.parse(new TextDecoder().decode(bytes.subarray(layoutsAt, layoutsAt + layouts!)));
    this.#keys = new Float64Array(buffer, byteOffset + keysAt, forms!);
    this.#entries = new Uint16Array(buffer, byteOffset + keysAt + 8 * forms!, 2 * forms!);
    this.tables = new Uint8Array(buffer, byteOffset + keysAt + 12 * forms!, tables!);
    this.usual = new Uint16Array(buffer, byteOffset + padded(keysAt + 12 * forms! + tables!), usual!);
  }

  static of(
    wasm: Uint8Array,
    forms: readonly FormEntry[],
    { tables = new Uint8Array(), firstPair, usual = [] }: Rest,
  ): Handlers {
    const sorted = [...forms].sort((a, b) => a.key - b.key);
    const layouts = [...new Set(sorted.map(({ operands }) => JSON.stringify(operands)))];
    const text = new TextEncoder().encode(`[${layouts.join()}]`);
    const keysAt = HEADER + padded(wasm.length) + padded(text.length);
    const tablesAt = keysAt + 12 * forms.length;
    const usualAt = padded(tablesAt + tables.length);
    const bytes = new Uint8Array(usualAt + 2 * usual.length);
    const header = [MAGIC, wasm.length, text.length, forms.length, tables.length, firstPair, usual.length];
    new Uint32Array(bytes.buffer, 0, header.length).set(header);
    bytes.set(tables, tablesAt);
    new Uint16Array(bytes.buffer, usualAt).set(usual);
    bytes.set(wasm, HEADER);
    bytes.set(text, HEADER + padded(wasm.length));
    new Float64Array(bytes.buffer, keysAt, forms.length).set(sorted.map(({ key }) => key));
    new Uint16Array(bytes.buffer, keysAt + 8 * forms.length).set(
      sorted.flatMap(({ handler, operands }) => [handler, layouts.indexOf(JSON.stringify(operands))]),
    );
    return new Handlers(bytes);
  }

  get wasm(): Uint8Array<ArrayBuffer> {
    const [, length] = new Uint32Array(this.bytes.buffer, this.bytes.byteOffset, 2);
    return this.bytes.subarray(HEADER, HEADER + length!);
  }

  /** Index of a form, -1 when it has no handler. */
  find(key: number): number {
    const keys = this.#keys;
    let low = 0;
    let high = keys.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const k = keys[middle]!;
      if (k === key) return middle;
      if (k < key) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
  handlerOf(form: number): number {
    return this.#entries[2 * form]!;
  }
  operandsOf(form: number): readonly Operand[] {
    return this.#layouts[this.#entries[2 * form + 1]!]!;
  }
}
