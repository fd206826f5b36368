/** Directory entries: struct linux_dirent64 and the old struct linux_dirent (fs/readdir.c), and d_type values (DT_*). */

export const DT_UNKNOWN = 0;
export const DT_FIFO = 1;
export const DT_CHR = 2;
export const DT_DIR = 4;
export const DT_BLK = 6;
export const DT_REG = 8;
export const DT_LNK = 10;
export const DT_SOCK = 12;

/** d_type of a file mode (IFTODT). */
export function modeToType(mode: number): number {
  return (mode >>> 12) & 15;
}

/**
 * One name in a directory. `ino` and `off` (the cookie of the next entry) are below 2^31, so that no old program meets EOVERFLOW.
 */
export interface DirEntry {
  ino: number;
  off: number;
  type: number;
  /** A byte string (one character per byte). */
  name: string;
}

/** Writes a linux_dirent64 and gives its length, or 0 when `room` is too small. */
export function writeDirent64(into: Uint8Array, at: number, room: number, e: DirEntry): number {
  const length = (19 + e.name.length + 1 + 7) & ~7;
  if (length > room) return 0;
  word(into, at, e.ino);
  word(into, at + 4, 0);
  word(into, at + 8, e.off);
  word(into, at + 12, 0);
  into[at + 16] = length;
  into[at + 17] = length >>> 8;
  into[at + 18] = e.type;
  name(into, at + 19, at + length, e.name);
  return length;
}

/** Writes a linux_dirent, which has its type in the last byte, and gives its length, or 0 when `room` is too small. */
export function writeDirent(into: Uint8Array, at: number, room: number, e: DirEntry): number {
  const length = (10 + e.name.length + 2 + 3) & ~3;
  if (length > room) return 0;
  word(into, at, e.ino);
  word(into, at + 4, e.off);
  into[at + 8] = length;
  into[at + 9] = length >>> 8;
  name(into, at + 10, at + length, e.name);
  into[at + length - 1] = e.type;
  return length;
}

/** Of struct linux_dirent64, before the name: inode number, offset, length, type. */
export const HEAD = 19;
const DOT = 0x2e;

/**
 * The names of a directory as getdents64 gives them, struct linux_dirent64 one behind the other; offsets count from 1. So most of
 * what reads a directory is to copy.
 */
export class Dirents {
  #bytes: Uint8Array;
  #words: Int32Array;
  /** How many there are, and their bytes. */
  count = 0;
  length = 0;
  /** All have inode numbers. */
  complete = true;

  /** @param bytes for which there is room at first */
  constructor(bytes = 0x400) {
    this.#bytes = new Uint8Array(bytes);
    this.#words = new Int32Array(this.#bytes.buffer);
  }

  add(entry: DirEntry): void {
    this.#makeRoom(HEAD + entry.name.length + 8);
    if (entry.ino === 0) this.complete = false;
    entry.off = ++this.count;
    this.length += writeDirent64(this.#bytes, this.length, Infinity, entry);
  }

  /**
   * Adds what a host of ours gives, whose struct it is, too, but for `.` and `..`. Numbers that a 32-bit guest cannot hold are
   * left out.
   * @param isSafe whether a number below 2^32 is one that it can
   */
  addRecords(from: Uint8Array, isSafe: (ino: number) => boolean): void {
    this.#makeRoom(from.length);
    const bytes = this.#bytes;
    const words = this.#words;
    bytes.set(from, this.length);
    const end = this.length + from.length;
    let to = this.length;
    for (let at = to, size = 0; at < end; at += size) {
      size = bytes[at + 16]! | (bytes[at + 17]! << 8);
      if (size < HEAD || at + size > end || size & 7) throw new RangeError(`a name of ${size} bytes`);
      if (isDots(bytes, at + HEAD)) continue;
      if (to !== at) bytes.copyWithin(to, at, at + size);
      const word = to >>> 2;
      if (words[word + 1] !== 0 || !isSafe(words[word]! >>> 0)) {
        words[word] = 0;
        words[word + 1] = 0;
      }
      if (words[word] === 0) this.complete = false;
      words[word + 2] = ++this.count;
      words[word + 3] = 0;
      to += size;
      // What lies behind the zero, which is one of the last eight bytes, is nobody's.
      let zero = Math.max(to - 8, to - size + HEAD);
      while (zero < to && bytes[zero] !== 0) zero++;
      while (zero < to) bytes[zero++] = 0;
    }
    this.length = to;
  }

  /** The one that begins at this byte. */
  at(at: number): DirEntry {
    const bytes = this.#bytes;
    const word = at >>> 2;
    const end = bytes.indexOf(0, at + HEAD);
    const name = Buffer.from(bytes.buffer, at + HEAD, end - at - HEAD).toString('latin1');
    return { ino: this.#words[word]!, off: this.#words[word + 2]!, type: bytes[at + 18]!, name };
  }
  /** Where the next one begins. */
  after(at: number): number {
    return at + (this.#bytes[at + 16]! | (this.#bytes[at + 17]! << 8));
  }
  /** Copies from a byte on as many whole ones as there is room for. Gives their bytes. */
  copy(at: number, into: Uint8Array): number {
    let end = at;
    while (end < this.length) {
      const next = this.after(end);
      if (next - at > into.length) break;
      end = next;
    }
    into.set(this.#bytes.subarray(at, end));
    return end - at;
  }
  /** How many there are before the one that begins at this byte, or the end. */
  indexAt(at: number): number {
    return at < this.length ? this.#words[(at >>> 2) + 2]! - 1 : this.count;
  }
  /** Where one begins, by how many there are before it. */
  placeOf(index: number): number {
    let at = 0;
    for (let i = 0; i < index && at < this.length; i++) at = this.after(at);
    return at;
  }

  entries(): DirEntry[] {
    const entries: DirEntry[] = [];
    for (let at = 0; at < this.length; at = this.after(at)) entries.push(this.at(at));
    return entries;
  }

  #makeRoom(more: number): void {
    if (this.length + more <= this.#bytes.length) return;
    const bytes = new Uint8Array((2 * (this.length + more) + 7) & ~7);
    bytes.set(this.#bytes.subarray(0, this.length));
    this.#bytes = bytes;
    this.#words = new Int32Array(bytes.buffer);
  }
}

/** Whether a name with a zero at its end is `.` or `..`. */
function isDots(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] !== DOT) return false;
  return bytes[at + 1] === 0 || (bytes[at + 1] === DOT && bytes[at + 2] === 0);
}

function word(into: Uint8Array, at: number, value: number): void {
  into[at] = value;
  into[at + 1] = value >>> 8;
  into[at + 2] = value >>> 16;
  into[at + 3] = value >>> 24;
}

function name(into: Uint8Array, at: number, end: number, text: string): void {
  for (let i = 0; i < text.length; i++) into[at + i] = text.charCodeAt(i);
  for (let i = at + text.length; i < end; i++) into[i] = 0;
}
