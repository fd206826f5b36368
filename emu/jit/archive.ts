/**
 * Where translations are kept from one run to the next: files of pieces, by name. emu opens no file: src/translation-archive.ts
 * is one. Nothing here throws: what cannot be read is not there, and what cannot be written is left.
 */
import type { PageSource } from '../memory/address-space.ts';

export interface Archive {
  /** The name under which translations of this file's content, mapped with this bias, are kept; null when they are not to be. */
  nameOf(source: PageSource, bias: number): string | null;
  /** Null when there is nothing, or nothing that can be trusted. */
  open(name: string): KeptFile | null;
  /** V8's code of a module that is kept under a name; null when there is none. Its bytes are good until the next is asked for. */
  codeOf(name: string, wasm: Uint8Array<ArrayBuffer>): V8Code | null;
  /** Keeps what V8 has now compiled of so many functions, from the first on, of a module that is in this process. */
  keepCode(name: string, wasm: Uint8Array<ArrayBuffer>, functions: number): void;
  /** The module with the code; null when V8 does not take it. */
  moduleWithCode(wasm: Uint8Array<ArrayBuffer>, code: V8Code): WebAssembly.Module | null;
  /** Begins a file that is to be what is kept under a name; null when nothing can be written. */
  create(name: string): NewFile | null;
}

/** What V8 has compiled of a module, of so many functions from the first on. */
export interface V8Code {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly functions: number;
}

export interface PieceFile {
  /** Bytes of a piece, as the file has it. */
  length(piece: number): number;
  /** A copy of a piece, in `into` if that has room for it; null when it is damaged. */
  read(piece: number, into?: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | null;
  /** The same, later. */
  fetch(piece: number): Promise<Uint8Array<ArrayBuffer> | null>;
  /** To be called when nothing more is asked for; what is being fetched still comes. */
  close(): void;
}

/** A file as an earlier run has left it. */
export interface KeptFile extends PieceFile {
  /** What was given with it to say what the pieces hold. */
  readonly index: Int32Array;
}

/** A file under construction. Its pieces can be read when it is published. */
export interface NewFile extends PieceFile {
  /** Adds a piece, whose bytes are the file's from now on; gives its number. `isLast`: publish is called next. */
  add(bytes: Uint8Array, isLast: boolean): number;
  /** Adds a piece of another file, if it is not damaged; gives its number. */
  copy(from: PieceFile, piece: number): number;
  /**
   * Puts it in place of what was kept under the name. To be called once, last. Resolves to false when it did not come to that.
   */
  publish(index: Int32Array): Promise<boolean>;
  /** There is to be no such file. */
  abandon(): void;
}
