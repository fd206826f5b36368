/**
 * Where translations are kept from one run to the next: a directory of the user's, with a file (piece-file.ts) for each program
 * file and the address that it was mapped at.
 *
 * A program file goes by its content (SHA-256). So that it need not be read as a whole in each run, the hash is noted with what
 * the host says of the file (device, inode, size, times): nobody can change a file without changing its ctime. But for a moment
 * a change may leave the same time, so a file that has just been changed is not noted, and its translations are not kept.
 *
 * In an image several users run programs one after the other. Root's translations are for all to read there, and each other
 * user adds to them in a directory of their own (USERS), which nobody else believes.
 *
 * Nothing here is ever a failure of the run: without the directory everything is translated anew.
 */
import fs from 'node:fs';
import path from 'node:path';

import { crc32 } from 'node:zlib';

import type { Archive, KeptFile, NewFile, V8Code } from '../emu/jit/archive.ts';
import type { PageSource } from '../emu/memory/address-space.ts';
import { isTrusted, openPieces, WrittenPieces } from './piece-file.ts';
import { codeNow, moduleWithCode } from './wasm-code.ts';

/** Given by the bundler (src/snapshot/build.cjs): a hash of the sources. */
declare const __BUILD_ID__: string | undefined;
const BUILD_ID = typeof __BUILD_ID__ === 'undefined' ? null : __BUILD_ID__;

/**
 * Files that changed less than so many ms ago may change again without showing it: time stamps go by the host's clock ticks, 10
 * ms at the most.
 */
const SETTLED = 2000;

/** Waits until files that have just been made have settled: before, nothing of them is kept. For who builds; blocks. */
export function letSettle(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SETTLED);
}
/** Larger program files are not hashed. */
const MAX_FILE = 256 << 20;
/** Bytes kept in all; beyond it what was not used for longest goes. */
const MAX_TOTAL = 512 << 20;
/** Lines of the list of hashes. */
const MAX_NOTES = 4096;
/** Room is made so often, in ms; files that were begun so long ago and are not complete are nobody's. */
const PRUNE_GRAIN = 3600 * 1000;
/** What was used within this time, in ms, is not marked as used again. */
const USE_GRAIN = 24 * 3600 * 1000;
const CHUNK = 1 << 20;
/** V8's code of a piece is seldom more. */
const SCRATCH = 1 << 20;

/** Where users who are not root keep what is theirs, in a directory of several; anybody may make a directory there. */
export const USERS = 'users';

/**
 * The archive in a directory; with `shared` it is one of several users. Null when armrun runs from its sources, whose
 * translations may be others in the next run. `variant` tells apart runs whose compiled code differs.
 */
export function openArchive(
  directory: string | null,
  variant: string,
  { shared = false, build = BUILD_ID }: { shared?: boolean; build?: string | null } = {},
): (Archive & { close(): void }) | null {
  if (directory === null || build === null) return null;
  const version = `${build}${variant}`;
  if (!shared) return new DirectoryArchive(directory, version);
  const uid = process.geteuid?.() ?? 0;
  if (uid === 0) return new DirectoryArchive(directory, version, true);
  const own = new DirectoryArchive(path.join(directory, USERS, String(uid)), version);
  return new ArchiveOverRoots(own, new DirectoryArchive(directory, version));
}

/** A user's own translations, and before those that root has left. */
class ArchiveOverRoots implements Archive {
  readonly #own: DirectoryArchive;
  readonly #roots: DirectoryArchive;

  constructor(own: DirectoryArchive, roots: DirectoryArchive) {
    this.#own = own;
    this.#roots = roots;
  }
  close(): void {
    this.#own.close();
    this.#roots.close();
  }
  nameOf(source: PageSource, bias: number): string | null {
    return this.#roots.nameNoted(source, bias) ?? this.#own.nameOf(source, bias);
  }
  open(name: string): KeptFile | null {
    return this.#own.open(name) ?? this.#roots.open(name);
  }
  codeOf(name: string, wasm: Uint8Array<ArrayBuffer>): V8Code | null {
    return this.#own.codeOf(name, wasm) ?? this.#roots.codeOf(name, wasm);
  }
  keepCode(name: string, wasm: Uint8Array<ArrayBuffer>, functions: number): void {
    this.#own.keepCode(name, wasm, functions);
  }
  moduleWithCode(wasm: Uint8Array<ArrayBuffer>, { bytes }: V8Code): WebAssembly.Module | null {
    return moduleWithCode(wasm, bytes);
  }
  create(name: string): NewFile | null {
    return this.#own.create(name);
  }
}

export class DirectoryArchive implements Archive {
  readonly #directory: string;
  readonly #shared: boolean;
  readonly #version: string;
  readonly #files: string;
  #closed = false;
  /** Whether what is in the directory of files is believed; null when that has not been looked at. */
  #trusted: boolean | null = null;
  /** Whether anything can be written; null when that has not been tried. */
  #writable: boolean | null = null;
  #notes: string | undefined;
  readonly #begun = new Set<NewFile>();
  #scratch: Uint8Array<ArrayBuffer> | undefined;
  #count = 0;

  /** What others may do with files and directories here. */
  readonly #modes: { file: number; directory: number };

  constructor(directory: string, version: string, shared = false) {
    this.#modes = shared ? { file: 0o644, directory: 0o755 } : { file: 0o600, directory: 0o700 };
    this.#shared = shared;
    this.#directory = directory;
    this.#version = version;
    this.#files = path.join(directory, version);
  }

  /**
   * Nothing more is read or written, and what is not complete is given up. To be called at the end of a run, or when the
   * directory is to be no more.
   */
  close(): void {
    this.#closed = true;
    for (const file of [...this.#begun]) file.abandon();
  }

  /** The name, when the file's hash is on the list. */
  nameNoted({ key }: PageSource, bias: number): string | null {
    const hash = key === null || this.#closed ? null : this.#noted(key);
    return hash === null ? null : `${hash}-${bias.toString(16)}`;
  }

  nameOf(source: PageSource, bias: number): string | null {
    const { key } = source;
    if (key === null || this.#closed) return null;
    let hash = this.#noted(key);
    if (hash === null) {
      hash = this.#hash(source);
      if (hash === null) return null;
      this.#note(key, hash);
    }
    return `${hash}-${bias.toString(16)}`;
  }

  open(name: string): KeptFile | null {
    if (this.#closed) return null;
    this.#trusted ??= attempt(() => isTrusted(fs.lstatSync(this.#files))) ?? false;
    if (!this.#trusted) return null;
    return openPieces(path.join(this.#files, name), this.#label(name), (fd, { mtimeMs }) => {
      if (Date.now() - mtimeMs > USE_GRAIN) attempt(() => fs.futimesSync(fd, new Date(), new Date()));
    });
  }

  create(name: string): NewFile | null {
    if (this.#closed) return null;
    this.#writable ??= this.#prepare();
    if (!this.#writable) return null;
    const file = path.join(this.#files, name);
    const temporary = `${file}.${process.pid}.${this.#count++}${UNFINISHED}`;
    const begun = attempt(
      () =>
        new WrittenPieces(file, temporary, this.#label(name), this.#modes.file, (ended) =>
          this.#begun.delete(ended),
        ),
    );
    if (begun === null) this.#writable = false;
    else this.#begun.add(begun);
    return begun;
  }

  codeOf(name: string, wasm: Uint8Array<ArrayBuffer>): V8Code | null {
    const file = this.open(codeName(name, wasm));
    if (file === null) return null;
    // The kernel clears new memory, which takes as long as reading into it.
    this.#scratch ??= new Uint8Array(SCRATCH);
    const of = file.read(0, this.#scratch);
    const isOfIt = of !== null && Buffer.compare(of, wasm) === 0;
    const bytes = isOfIt ? file.read(1, this.#scratch) : null;
    const [functions = 0] = file.index;
    file.close();
    return bytes && { bytes, functions };
  }

  keepCode(name: string, wasm: Uint8Array<ArrayBuffer>, functions: number): void {
    const bytes = codeNow(wasm);
    const file = bytes && this.create(codeName(name, wasm));
    if (!bytes || !file) return;
    file.add(wasm, false);
    file.add(bytes, false);
    void file.publish(Int32Array.of(functions)).then(() => file.close());
  }

  moduleWithCode(wasm: Uint8Array<ArrayBuffer>, { bytes }: V8Code): WebAssembly.Module | null {
    return moduleWithCode(wasm, bytes);
  }

  #label(name: string): string {
    return `${this.#version}/${name}`;
  }

  /**
   * Makes the directory of files, and room in it. False when nothing can be written there, or others could have put something
   * there.
   */
  #prepare(): boolean {
    const trusted = attempt(() => {
      makeDirectory(this.#files, this.#modes.directory);
      if (this.#shared) this.#openToUsers();
      return isTrusted(fs.lstatSync(this.#files));
    });
    if (trusted === true) attempt(() => this.#prune());
    return trusted === true;
  }

  #openToUsers(): void {
    // Of armrun's own, whatever the umask: who builds may have another one in each line.
    for (const directory of [this.#directory, this.#files]) fs.chmodSync(directory, this.#modes.directory);
    const users = path.join(this.#directory, USERS);
    if (fs.existsSync(users)) return;
    fs.mkdirSync(users);
    fs.chmodSync(users, 0o1777);
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

  // ---- the list of hashes: lines of key, hash and a sum of both ----

  get #list(): string {
    return path.join(this.#directory, 'hashes');
  }

  #noted(key: string): string | null {
    this.#notes ??=
      attempt(() => (isTrusted(fs.statSync(this.#list)) ? fs.readFileSync(this.#list, 'latin1') : '')) ?? '';
    const notes = this.#notes;
    // Keys have no spaces, but one may end as another does.
    let at = notes.lastIndexOf(`${key} `);
    while (at > 0 && notes[at - 1] !== '\n') at = notes.lastIndexOf(`${key} `, at - 1);
    if (at < 0) return null;
    const [, hash = '', sum] = notes.slice(at, notes.indexOf('\n', at)).split(' ');
    return hash.length === 40 && sum === sumOf(key, hash) ? hash : null;
  }

  #note(key: string, hash: string): void {
    const line = `${key} ${hash} ${sumOf(key, hash)}\n`;
    const notes = this.#notes!;
    // What a crash has left without its end does not take this line with it.
    const isCut = notes !== '' && !notes.endsWith('\n');
    this.#notes = `${notes}${isCut ? '\n' : ''}${line}`;
    attempt(() => {
      makeDirectory(this.#directory, this.#modes.directory, 1);
      const lines = this.#notes!.split('\n');
      if (lines.length <= MAX_NOTES)
        fs.writeFileSync(this.#list, isCut ? `\n${line}` : line, { flag: 'a', mode: this.#modes.file });
      else {
        this.#notes = lines.slice(-MAX_NOTES / 2).join('\n');
        const temporary = `${this.#list}.${process.pid}${UNFINISHED}`;
        fs.writeFileSync(temporary, this.#notes, { mode: this.#modes.file });
        fs.renameSync(temporary, this.#list);
      }
    });
  }

  /** Makes room, now and then. */
  #prune(): void {
    const mark = path.join(this.#directory, 'pruned');
    const last = fs.statSync(mark, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (Math.abs(Date.now() - last) < PRUNE_GRAIN) return;
    fs.writeFileSync(mark, '', { mode: 0o600 });
    const files = fs
      .readdirSync(this.#directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.parentPath !== this.#directory)
      .map((entry) => {
        const file = path.join(entry.parentPath, entry.name);
        const { size, mtimeMs } = fs.statSync(file);
        return { file, size, mtimeMs };
      })
      .sort((a, b) => a.mtimeMs - b.mtimeMs);
    let total = files.reduce((sum, { size }) => sum + size, 0);
    for (const { file, size, mtimeMs } of files) {
      const isLeft = file.endsWith(UNFINISHED) && Date.now() - mtimeMs > PRUNE_GRAIN;
      if (total <= MAX_TOTAL && !isLeft) continue;
      fs.rmSync(file, { force: true });
      total -= size;
    }
  }
}

/** V8's code of a module is in a file beside, with the module, which tells whether it is of this one. */
function codeName(name: string, wasm: Uint8Array): string {
  return `${name}-${crc32(wasm).toString(16)}`;
}

/** The end of the names of files that are being written. */
const UNFINISHED = '.new';

function sumOf(key: string, hash: string): string {
  return crc32(`${key} ${hash}`).toString(16);
}

/**
 * Makes a directory, and up to so many above it: what is armrun's, and `.cache`, but no home directory where there is none.
 * (Node's own way makes them all, and does not come to an end where one cannot be made, as in /proc.)
 */
function makeDirectory(directory: string, mode: number, above = 2): void {
  try {
    fs.mkdirSync(directory, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || above === 0) throw error;
    makeDirectory(path.dirname(directory), mode, above - 1);
    fs.mkdirSync(directory, { mode });
  }
}

/** What cannot be read is not there, and what cannot be written is left. */
function attempt<T>(body: () => T): T | null {
  try {
    return body();
  } catch {
    return null;
  }
}
