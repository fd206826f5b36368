/**
 * Files of pieces, as which translations are kept (translation-archive.ts): what is damaged is found when it is read, piece by
 * piece.
 *
 *   header    HEADER bytes: MAGIC; place, length and sum of the index; the label's length; the label; a sum of all this
 *   pieces    bytes
 *   index     int32s: the number of pieces; place, length and sum of each; then what the owner says of them
 *
 * The label says which file this is to be: one that has another's name is not taken for it. Int32s are in the host's order, sums
 * are CRC-32: they are for what disks and crashes do, not against somebody who makes a file on purpose, who is kept out by the
 * files' owner (`open`).
 *
 * A file is written beside its place, for the most part by Node's threads, and renamed when it is complete.
 */
import fs from 'node:fs';
import { crc32 } from 'node:zlib';

import type { KeptFile, NewFile, PieceFile } from '../emu/jit/archive.ts';

const MAGIC = 0x5052_4d31;
const HEADER = 256;
const MAX_LABEL = HEADER - 6 * 4;
/** Words of a piece in the index. */
const ENTRY = 3;
/** Larger ones are not written, so that all places are int32s. */
const MAX_FILE = 1 << 30;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

/** Whether only this user, or one who may do anything, can have written what it is said of. */
export function isTrusted({ uid, mode }: fs.Stats): boolean {
  return (uid === 0 || uid === process.geteuid?.()) && (mode & 0o022) === 0;
}

/** Opens the file at a path. Null when there is none that can be trusted and is whole. `used` is told its stats. */
export function openPieces(
  path: string,
  label: string,
  used: (fd: number, stats: fs.Stats) => void,
): KeptFile | null {
  let fd = -1;
  try {
    // Not blocking: it may be anything.
    fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const stats = fs.fstatSync(fd);
    const index = stats.isFile() && isTrusted(stats) ? readIndex(fd, label, stats.size) : null;
    if (index !== null) {
      used(fd, stats);
      return new KeptPieces(fd, index);
    }
  } catch {
    // As if there were none.
  }
  if (fd >= 0) fs.closeSync(fd);
  return null;
}

function readIndex(fd: number, label: string, size: number): Int32Array | null {
  const header = new Uint8Array(HEADER);
  if (!readAt(fd, header, 0)) return null;
  const [, at, length, sum] = new Int32Array(header.buffer, 0, 4) as unknown as [
    number,
    number,
    number,
    number,
  ];
  if (Buffer.compare(header, headerOf(label, at, length, sum)) !== 0) return null;
  if (at < HEADER || length < 4 || at + length > size) return null;
  const bytes = new Uint8Array(length);
  if (!readAt(fd, bytes, at) || crc32(bytes) !== sum >>> 0) return null;
  const index = new Int32Array(bytes.buffer, 0, length >> 2);
  return index[0]! >= 0 && index[0]! * ENTRY < index.length ? index : null;
}

function headerOf(label: string, at: number, length: number, sum: number): Uint8Array {
  const bytes = new Uint8Array(HEADER);
  const words = new Int32Array(bytes.buffer);
  words.set([MAGIC, at, length, sum, label.length]);
  Buffer.from(bytes.buffer).write(label, 20, 'latin1');
  words[HEADER / 4 - 1] = crc32(bytes.subarray(0, HEADER - 4));
  return bytes;
}

function readAt(fd: number, bytes: Uint8Array, at: number): boolean {
  return fs.readSync(fd, bytes, 0, bytes.length, at) === bytes.length;
}

/** An open file and the places of its pieces. */
class Pieces implements PieceFile {
  readonly fd: number;
  /** ENTRY words for each piece. */
  readonly entries: number[] | Int32Array;
  #fetching = 0;
  /** Nothing more is to be read; and the descriptor is no more. */
  #isClosing = false;
  #isClosed = false;

  constructor(fd: number, entries: number[] | Int32Array) {
    this.fd = fd;
    this.entries = entries;
  }

  length(piece: number): number {
    const length = this.entries[piece * ENTRY + 1] ?? 0;
    return length > 0 && length <= MAX_FILE ? length : 0;
  }

  read(piece: number, into?: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | null {
    const length = this.length(piece);
    if (length === 0 || this.#isClosing) return null;
    const bytes =
      into !== undefined && into.length >= length ? into.subarray(0, length) : new Uint8Array(length);
    try {
      return this.#isGood(piece, bytes, fs.readSync(this.fd, bytes, 0, bytes.length, this.#at(piece)))
        ? bytes
        : null;
    } catch {
      return null;
    }
  }

  fetch(piece: number): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.length(piece) === 0 || this.#isClosing) return Promise.resolve(null);
    const bytes = new Uint8Array(this.length(piece));
    this.#fetching++;
    return new Promise((resolve) => {
      fs.read(this.fd, bytes, 0, bytes.length, this.#at(piece), (error, got) => {
        this.#fetching--;
        if (this.#isClosing) this.close();
        resolve(!error && this.#isGood(piece, bytes, got) ? bytes : null);
      });
    });
  }

  close(): void {
    this.#isClosing = true;
    if (this.#fetching > 0 || this.#isClosed) return;
    this.#isClosed = true;
    fs.closeSync(this.fd);
  }

  #at(piece: number): number {
    return this.entries[piece * ENTRY]!;
  }

  #isGood(piece: number, bytes: Uint8Array, got: number): boolean {
    return got === bytes.length && crc32(bytes) === this.entries[piece * ENTRY + 2]! >>> 0;
  }
}

class KeptPieces extends Pieces implements KeptFile {
  readonly index: Int32Array;

  constructor(fd: number, index: Int32Array) {
    const end = 1 + index[0]! * ENTRY;
    super(fd, index.subarray(1, end));
    this.index = index.subarray(end);
  }
}

/** A file being written. */
export class WrittenPieces extends Pieces implements NewFile {
  declare readonly entries: number[];
  readonly #temporary: string;
  readonly #path: string;
  readonly #label: string;
  readonly #ended: (file: WrittenPieces) => void;
  #end = HEADER;
  /** Writing under way, and whether all of it has gone well. */
  readonly #writing: Promise<void>[] = [];
  #isWhole = true;

  /** Throws when it cannot be begun. `ended` is told when it is in its place, or is not to be. */
  constructor(
    path: string,
    temporary: string,
    label: string,
    mode: number,
    ended: (file: WrittenPieces) => void,
  ) {
    if (label.length > MAX_LABEL) throw new RangeError(`label ${label}`);
    super(fs.openSync(temporary, 'wx+', mode), []);
    this.#path = path;
    this.#temporary = temporary;
    this.#label = label;
    this.#ended = ended;
  }

  add(bytes: Uint8Array, isLast: boolean): number {
    const at = this.#place(bytes.length);
    if (isLast) this.#writeNow(bytes, at);
    else this.#start(this.#write(bytes, at));
    return this.entries.push(at, bytes.length, crc32(bytes) | 0) / ENTRY - 1;
  }

  copy(from: PieceFile, piece: number): number {
    const at = this.#place(from.length(piece));
    const entry = this.entries.push(at, 0, 0) - ENTRY;
    const copied = async () => {
      const bytes = await from.fetch(piece);
      if (bytes === null) return true; // It stays empty.
      this.entries[entry + 1] = bytes.length;
      this.entries[entry + 2] = crc32(bytes) | 0;
      return this.#write(bytes, at);
    };
    this.#start(copied());
    return entry / ENTRY;
  }

  async publish(words: Int32Array): Promise<boolean> {
    await Promise.all(this.#writing);
    const { entries } = this;
    const index = new Uint8Array(Int32Array.from([entries.length / ENTRY, ...entries, ...words]).buffer);
    const at = this.#place(index.length);
    // At once: a little is written sooner than another thread is told to.
    this.#writeNow(index, at);
    this.#writeNow(headerOf(this.#label, at, index.length, crc32(index)), 0);
    if (this.#isWhole) {
      try {
        fs.renameSync(this.#temporary, this.#path);
        this.#ended(this);
        return true;
      } catch {
        // Then it is not there.
      }
    }
    this.abandon();
    return false;
  }

  abandon(): void {
    this.#isWhole = false;
    try {
      fs.unlinkSync(this.#temporary);
    } catch {
      // It is in its place already, or there is nothing to be done.
    }
    this.#ended(this);
    void Promise.all(this.#writing).then(() => this.close());
  }

  #place(length: number): number {
    const at = this.#end;
    this.#end += length;
    if (this.#end > MAX_FILE) this.#isWhole = false;
    return at;
  }

  #start(writing: Promise<boolean>): void {
    this.#writing.push(
      writing.then((isWritten) => {
        if (!isWritten) this.#isWhole = false;
      }),
    );
  }

  /** Whether all of it has been written; not when something else of the file could not be. */
  async #write(bytes: Uint8Array, at: number): Promise<boolean> {
    for (let written = 0; written < bytes.length; ) {
      if (!this.#isWhole) return false;
      const got = await new Promise<number>((resolve) => {
        fs.write(this.fd, bytes, written, bytes.length - written, at + written, (error, n) =>
          resolve(error ? 0 : n),
        );
      });
      if (got === 0) return false;
      written += got;
    }
    return this.#isWhole;
  }

  #writeNow(bytes: Uint8Array, at: number): void {
    try {
      for (let written = 0; written < bytes.length && this.#isWhole; )
        written += fs.writeSync(this.fd, bytes, written, bytes.length - written, at + written);
    } catch {
      this.#isWhole = false;
    }
  }
}
