/**
 * What the guest has made of a file and the host's file cannot be: its owner, a mode that would lock this process out, a
 * device, an attribute that only root may set. Kept by inode, so it follows renames and hard links. An inode's number is given
 * again, so the time of its birth tells which file it is.
 */
import fs from 'node:fs';
import type { PassedNames } from '../core/passed-names.ts';
import { hostCalls } from './ffi/call.ts';
import { flock } from './ffi/locks.ts';

/** What is absent is as the host has it. */
export interface Kept {
  /** Permission bits, and the type (S_IFMT) when the host's file has another. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Of a device. */
  readonly rdev?: number;
  /** Extended attributes by name, in base64. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

export interface KeptAttributes {
  get(file: fs.BigIntStats): Kept | undefined;
  set(file: fs.BigIntStats, kept: Kept): void;
  delete(file: fs.BigIntStats): void;
  /** There is none. */
  readonly empty: boolean;
  /** Some file is of another type than the host has it. */
  readonly special: boolean;
}

const keyOf = (s: fs.BigIntStats) => `${s.ino}:${s.birthtimeNs}`;
const S_IFMT = 0o170000;

/** As long as the run. */
export class AttributesInMemory implements KeptAttributes {
  protected readonly kept = new Map<string, Kept>();
  special = false;

  get empty(): boolean {
    return this.kept.size === 0;
  }
  get(file: fs.BigIntStats): Kept | undefined {
    return this.kept.get(this.key(file));
  }
  set(file: fs.BigIntStats, kept: Kept): void {
    this.put(this.key(file), kept);
  }
  delete(file: fs.BigIntStats): void {
    this.kept.delete(this.key(file));
  }

  protected key(file: fs.BigIntStats): string {
    return keyOf(file);
  }
  protected put(key: string, kept: Kept): void {
    this.kept.set(key, kept);
    if ((kept.mode ?? 0) & S_IFMT) this.special = true;
  }
}

/** The file of a root, by the root's real path: beside it, where no guest comes. */
export function ownersOf(root: string): string {
  return `${root.replace(/\/+$/, '')}.owners`;
}

const HEADER = 'armrun owners 1';
const LOCK_SH = 1;
const LOCK_EX = 2;
/** So many lines are superfluous before the file is written anew. */
const SUPERFLUOUS = 10_000;

/**
 * In a file of the host, a line for each change, appended in one write: runs may share it, and one that is killed leaves whole
 * lines and at most a part of one, which is no JSON. A line is [inode and birth, what is kept] or [inode and birth] when
 * nothing is any more.
 */
export class AttributesFile extends AttributesInMemory {
  readonly #path: string;
  readonly #passed: PassedNames;
  #fd: number;
  /** Bytes of it that are known, and the turn in which that was all. */
  #known = 0;
  #turn = -1;
  #lines = 0;
  /** Files of this file system do not tell when they were born. */
  readonly #birthless: boolean;

  /** Throws what node:fs does. */
  constructor(path: string, passed: PassedNames) {
    super();
    this.#path = path;
    this.#passed = passed;
    this.#fd = this.#open();
    fs.fchmodSync(this.#fd, 0o600);
    const born = () => fs.fstatSync(this.#fd, { bigint: true }).birthtimeNs;
    const before = born();
    fs.futimesSync(this.#fd, 1, 1);
    this.#birthless = born() !== before;
    this.#refresh();
    if (this.#lines > 2 * this.kept.size + SUPERFLUOUS) this.#writeAnew();
    this.#lock(LOCK_SH);
  }

  #open(): number {
    const { O_CREAT, O_RDWR, O_APPEND, O_NOFOLLOW } = fs.constants;
    const fd = fs.openSync(this.#path, O_CREAT | O_RDWR | O_APPEND | O_NOFOLLOW, 0o600);
    const { size } = fs.fstatSync(fd);
    const last = new Uint8Array(1);
    if (size === 0) fs.writeSync(fd, `${HEADER}\n`);
    // Part of a line that somebody was killed over.
    else if (fs.readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a) fs.writeSync(fd, '\n');
    return fd;
  }

  #lock(operation: number): boolean {
    const calls = hostCalls();
    return calls !== undefined && flock(calls, this.#fd, operation);
  }

  /** Without the lines that others have overtaken; not while another run uses the file. */
  #writeAnew(): void {
    if (!this.#lock(LOCK_EX)) return;
    const temporary = `${this.#path}.${process.pid}`;
    const lines = Array.from(this.kept, (entry) => `${JSON.stringify(entry)}\n`);
    const fd = fs.openSync(temporary, 'w', 0o600);
    try {
      fs.writeSync(fd, `${HEADER}\n${lines.join('')}`);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(temporary, this.#path);
    fs.closeSync(this.#fd);
    this.#fd = this.#open();
    this.#known = fs.fstatSync(this.#fd).size;
  }

  /** Takes notice of what has been appended. */
  #refresh(): void {
    this.#turn = this.#passed.turn;
    const { size } = fs.fstatSync(this.#fd);
    if (size <= this.#known) return;
    const bytes = Buffer.alloc(size - this.#known);
    const count = fs.readSync(this.#fd, bytes, 0, bytes.length, this.#known);
    const end = bytes.lastIndexOf(0x0a, count - 1) + 1;
    this.#known += end;
    for (const line of bytes.toString('utf8', 0, end).split('\n')) this.#take(line);
  }

  #take(line: string): void {
    if (line === '' || line === HEADER) return;
    this.#lines++;
    try {
      const [key, kept] = JSON.parse(line) as [string, Kept | undefined];
      if (kept === undefined) this.kept.delete(key);
      else {
        const { mode = 0, uid = 0, gid = 0, rdev = 0 } = kept;
        if ([mode, uid, gid, rdev].every(Number.isInteger)) this.put(key, kept);
      }
    } catch {
      // Nothing that was ever whole.
    }
  }

  #append(line: string): void {
    const text = Buffer.from(`${line}\n`);
    fs.writeSync(this.#fd, text);
    this.#refresh();
  }

  protected override key(file: fs.BigIntStats): string {
    return this.#birthless ? `${file.ino}` : super.key(file);
  }
  override get(file: fs.BigIntStats): Kept | undefined {
    // Another run may have changed something.
    if (this.#turn !== this.#passed.turn) this.#refresh();
    return super.get(file);
  }
  override set(file: fs.BigIntStats, kept: Kept): void {
    this.#append(JSON.stringify([this.key(file), kept]));
  }
  override delete(file: fs.BigIntStats): void {
    const key = this.key(file);
    if (this.kept.has(key)) this.#append(JSON.stringify([key]));
  }

  close(): void {
    fs.fdatasyncSync(this.#fd);
    fs.closeSync(this.#fd);
  }
}
