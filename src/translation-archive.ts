/**
 * Where translations are kept from one run to the next: a directory of the user's, with a file for each program file and the address that it was mapped at.
 *
 * A program file goes by its content (SHA-256). So that it need not be read as a whole in each run, the hash is noted with what the host says of the file (device,
 * inode, size, times): nobody can change a file without changing its ctime. But for a moment a change may leave the same time, so a file that has just been
 * changed is not noted, and its translations are not kept.
 *
 * Nothing here is ever a failure of the run: without the directory everything is translated anew.
 */
import fs from 'node:fs';
import path from 'node:path';

import type { Archive } from '../emu/jit/store.ts';
import type { PageSource } from '../emu/memory/address-space.ts';

/** Given by the bundler (src/snapshot/build.cjs): a hash of the sources. */
declare const __BUILD_ID__: string | undefined;
const BUILD_ID = typeof __BUILD_ID__ === 'undefined' ? null : __BUILD_ID__;

/** Files that changed less than so many ms ago may change again without showing it: time stamps go by the host's clock ticks, 10 ms at the most. */
const SETTLED = 2000;
/** Larger program files are not hashed. */
const MAX_FILE = 256 << 20;
/** Bytes kept in all; beyond it what was not used for longest goes. */
const MAX_TOTAL = 512 << 20;
/** Lines of the list of hashes. */
const MAX_NOTES = 4096;
/** What was used within this time, in ms, is not marked as used again. */
const USE_GRAIN = 24 * 3600 * 1000;
const CHUNK = 1 << 20;

/**
 * The archive in a directory. Null when armrun runs from its sources, whose translations may be others in the next run. `variant` tells apart runs whose
 * compiled code differs.
 */
export function openArchive(
  directory: string | null,
  variant: string,
  build: string | null = BUILD_ID,
): DirectoryArchive | null {
  if (directory === null || build === null) return null;
  return new DirectoryArchive(directory, `${build}${variant}`);
}

export class DirectoryArchive implements Archive {
  readonly #directory: string;
  #closed = false;
  readonly #files: string;
  #notes: Map<string, string> | undefined;
  #pruned = false;

  constructor(directory: string, version: string) {
    this.#directory = directory;
    this.#files = path.join(directory, version);
  }

  /** Nothing more is read or written: the directory is to be no more. */
  close(): void {
    this.#closed = true;
  }

  nameOf(source: PageSource, bias: number): string | null {
    const { key } = source;
    if (key === null || this.#closed) return null;
    this.#notes ??= this.#readNotes();
    let hash = this.#notes.get(key);
    if (hash === undefined) {
      const fresh = this.#hash(source);
      if (fresh === null) return null;
      hash = fresh;
      this.#note(key, hash);
    }
    return `${hash}-${bias.toString(16)}`;
  }

  load(name: string): Uint8Array<ArrayBuffer> | null {
    const file = path.join(this.#files, name);
    return attempt(() => {
      const fd = fs.openSync(file, 'r');
      try {
        const { uid, size, mtimeMs } = fs.fstatSync(fd);
        // Compiled code is believed: it must be by this user, or by one who may do anything.
        if (uid !== 0 && uid !== process.geteuid?.()) return null;
        const all = new Uint8Array(size);
        if (size < SEAL || fs.readSync(fd, all, 0, size, 0) !== size) return null;
        const bytes = all.subarray(0, size - SEAL);
        if (Buffer.compare(all.subarray(size - SEAL), seal(bytes)) !== 0) return null;
        if (Date.now() - mtimeMs > USE_GRAIN) fs.futimesSync(fd, new Date(), new Date());
        return bytes;
      } finally {
        fs.closeSync(fd);
      }
    });
  }

  save(name: string, bytes: Uint8Array): void {
    if (this.#closed) return;
    attempt(() => {
      fs.mkdirSync(this.#files, { recursive: true, mode: 0o700 });
      this.#prune(bytes.length);
      this.#replace(path.join(this.#files, name), Buffer.concat([bytes, seal(bytes)]));
    });
  }

  #replace(file: string, bytes: Uint8Array | string): void {
    const temporary = `${file}.${process.pid}`;
    try {
      fs.writeFileSync(temporary, bytes, { mode: 0o600 });
      fs.renameSync(temporary, file);
    } catch (error) {
      fs.rmSync(temporary, { force: true });
      throw error;
    }
  }

  /** SHA-256 of the file as hexadecimal digits; null when it is not to be had. */
  #hash(source: PageSource): string | null {
    const size = source.size();
    if (source.changed === undefined || Date.now() - source.changed < SETTLED || size > MAX_FILE) return null;
    // Not loaded before it is needed: it takes 2 ms.
    const hash = process.getBuiltinModule('node:crypto').createHash('sha256');
    const chunk = new Uint8Array(Math.min(CHUNK, size));
    for (let at = 0; at < size; ) {
      const got = source.read(at, chunk);
      if (got === 0) return null;
      hash.update(chunk.subarray(0, got));
      at += got;
    }
    return source.unchanged?.() === true ? hash.digest('hex').slice(0, 40) : null;
  }

  // ---- the list of hashes ----

  get #list(): string {
    return path.join(this.#directory, 'hashes');
  }

  #readNotes(): Map<string, string> {
    const notes = new Map<string, string>();
    attempt(() => {
      const { uid } = fs.statSync(this.#list);
      if (uid !== 0 && uid !== process.geteuid?.()) return;
      for (const line of fs.readFileSync(this.#list, 'latin1').split('\n')) {
        const [key, hash] = line.split(' ');
        if (key && hash?.length === 40) notes.set(key, hash);
      }
    });
    return notes;
  }

  #note(key: string, hash: string): void {
    const notes = this.#notes!;
    notes.set(key, hash);
    attempt(() => {
      fs.mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      if (notes.size <= MAX_NOTES)
        fs.writeFileSync(this.#list, `${key} ${hash}\n`, { flag: 'a', mode: 0o600 });
      else {
        const kept = [...notes].slice(-MAX_NOTES / 2);
        this.#notes = new Map(kept);
        this.#replace(this.#list, kept.map(([k, h]) => `${k} ${h}\n`).join(''));
      }
    });
  }

  /** Makes room, once a run. */
  #prune(coming: number): void {
    if (this.#pruned) return;
    this.#pruned = true;
    const files = fs
      .readdirSync(this.#directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.parentPath !== this.#directory)
      .map((entry) => {
        const file = path.join(entry.parentPath, entry.name);
        const { size, mtimeMs } = fs.statSync(file);
        return { file, size, mtimeMs };
      })
      .sort((a, b) => a.mtimeMs - b.mtimeMs);
    let total = files.reduce((sum, { size }) => sum + size, coming);
    for (const { file, size } of files) {
      if (total <= MAX_TOTAL) break;
      fs.rmSync(file, { force: true });
      total -= size;
    }
  }
}

const SEAL = 8;
const SAMPLED = 256;

/**
 * What stands at the end of a file, for a file that a crash of the host has left half written: its length, and a sum over one byte in 256, so that a block of zeros shows.
 */
function seal(bytes: Uint8Array): Uint8Array {
  let sum = 0x811c9dc5;
  for (let i = bytes.length - 1; i >= 0; i -= SAMPLED) sum = Math.imul(sum ^ bytes[i]!, 0x01000193);
  return new Uint8Array(Int32Array.of(bytes.length, sum).buffer);
}

/** What cannot be read is not there, and what cannot be written is left. */
function attempt<T>(body: () => T): T | null {
  try {
    return body();
  } catch {
    return null;
  }
}
