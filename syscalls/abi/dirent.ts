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
