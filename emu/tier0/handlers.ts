/**
 * What is generated when armrun is built (generate.ts): the interpreter's modules, for each form of instruction which handler it
 * has and where its operands stand, and the tables of kinds.ts.
 *
 * As bytes, which a file holds: eight words (magic, lengths of the following, the first handler of a pair, how many handlers are
 * in the first module, length of the other), that module, the layouts as JSON, then for each form its key (a double) in ascending
 * order, then for each form its handler and layout (two halfwords), then the tables; and behind all this, which a start needs,
 * the other module and the stencils (../stencils/stencil.ts).
 */
import { Stencils } from '../stencils/stencil.ts';
import type { Operand } from './operand.ts';

export interface FormEntry {
  readonly key: number;
  readonly handler: number;
  readonly operands: readonly Operand[];
}

/** What there is beside the forms. */
interface Parts {
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly rest: Uint8Array<ArrayBuffer>;
  readonly stencils: Uint8Array<ArrayBuffer>;
  readonly tables?: Uint8Array;
  readonly firstPair: number;
  readonly usual: number;
}

const MAGIC = 0x3254_5241;
export const HANDLERS_HEADER = 32;
const padded = (length: number): number => (length + 7) & ~7;

/** Where things are, by the words of the header. Throws when the bytes are no handlers. */
function placesOf(header: Uint32Array) {
  const [magic, wasm = 0, layouts = 0, forms = 0, tables = 0] = header;
  if (magic !== MAGIC) throw new Error('not a file of interpreter handlers');
  const layoutsAt = HANDLERS_HEADER + padded(wasm);
  const keysAt = layoutsAt + padded(layouts);
  const tablesAt = keysAt + 12 * forms;
  return { layoutsAt, keysAt, tablesAt, restAt: padded(tablesAt + tables) };
}

/** Where the part that a start does not need begins, by the header. Throws when the bytes are no handlers. */
export function restOfHandlersAt(header: Uint8Array<ArrayBuffer>): number {
  return placesOf(new Uint32Array(header.buffer, header.byteOffset, HANDLERS_HEADER / 4)).restAt;
}

export class Handlers {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #restAt: number;
  readonly #stencilsAt: number;
  readonly #read: (from: number, to?: number) => Uint8Array<ArrayBuffer>;
  #rest: Uint8Array<ArrayBuffer> | undefined;
  #stencils: Stencils | undefined;
  readonly #keys: Float64Array;
  /** Handler and layout of each form. */
  readonly #entries: Uint16Array;
  readonly #layouts: readonly (readonly Operand[])[];
  readonly tables: Uint8Array;
  /** Handlers of pairs are from this one on, up to `usual`. */
  readonly firstPair: number;
  /** Handlers below are in the first module. */
  readonly usual: number;

  /**
   * `read` gives bytes `from`..`to`, or to the end, of what the bytes are the beginning of. Throws when these are no handlers.
   */
  constructor(
    bytes: Uint8Array<ArrayBuffer>,
    read: (from: number, to?: number) => Uint8Array<ArrayBuffer> = (from, to) => bytes.subarray(from, to),
  ) {
    const { buffer, byteOffset } = bytes;
    const header = new Uint32Array(buffer, byteOffset, HANDLERS_HEADER / 4);
    const [, , layouts, forms, tables, firstPair, usual, rest] = header;
    const { layoutsAt, keysAt, tablesAt, restAt } = placesOf(header);
    this.#bytes = bytes;
    this.#restAt = restAt;
    this.#stencilsAt = restAt + padded(rest!);
    this.#read = read;
    this.firstPair = firstPair!;
    this.usual = usual!;
    this.#layouts = JSON.parse(new TextDecoder().decode(bytes.subarray(layoutsAt, layoutsAt + layouts!)));
    this.#keys = new Float64Array(buffer, byteOffset + keysAt, forms!);
    this.#entries = new Uint16Array(buffer, byteOffset + keysAt + 8 * forms!, 2 * forms!);
    this.tables = new Uint8Array(buffer, byteOffset + tablesAt, tables!);
  }

  static of(
    forms: readonly FormEntry[],
    { wasm, rest, stencils, tables = new Uint8Array(), firstPair, usual }: Parts,
  ): Handlers {
    const sorted = [...forms].sort((a, b) => a.key - b.key);
    const layouts = [...new Set(sorted.map(({ operands }) => JSON.stringify(operands)))];
    const text = new TextEncoder().encode(`[${layouts.join()}]`);
    const header = Uint32Array.of(
      MAGIC,
      wasm.length,
      text.length,
      forms.length,
      tables.length,
      firstPair,
      usual,
      rest.length,
    );
    const { layoutsAt, keysAt, tablesAt, restAt } = placesOf(header);
    const stencilsAt = restAt + padded(rest.length);
    const bytes = new Uint8Array(stencilsAt + stencils.length);
    new Uint32Array(bytes.buffer, 0, header.length).set(header);
    bytes.set(tables, tablesAt);
    bytes.set(rest, restAt);
    bytes.set(stencils, stencilsAt);
    bytes.set(wasm, HANDLERS_HEADER);
    bytes.set(text, layoutsAt);
    new Float64Array(bytes.buffer, keysAt, forms.length).set(sorted.map(({ key }) => key));
    new Uint16Array(bytes.buffer, keysAt + 8 * forms.length, 2 * forms.length).set(
      sorted.flatMap(({ handler, operands }) => [handler, layouts.indexOf(JSON.stringify(operands))]),
    );
    return new Handlers(bytes);
  }

  /** All of it. */
  get file(): Uint8Array {
    return Buffer.concat([this.#bytes.subarray(0, this.#restAt), this.#read(this.#restAt)]);
  }

  /** The module of the handlers that are not usual. */
  get rest(): Uint8Array<ArrayBuffer> {
    const [length = 0] = new Uint32Array(this.#bytes.buffer, this.#bytes.byteOffset + 28, 1);
    this.#rest ??= this.#read(this.#restAt, this.#restAt + length);
    return this.#rest;
  }

  /** What most handlers do, to be put together. */
  get stencils(): Stencils {
    this.#stencils ??= new Stencils(this.#read(this.#stencilsAt));
    return this.#stencils;
  }

  get wasm(): Uint8Array<ArrayBuffer> {
    const [, length] = new Uint32Array(this.#bytes.buffer, this.#bytes.byteOffset, 2);
    return this.#bytes.subarray(HANDLERS_HEADER, HANDLERS_HEADER + length!);
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
