/**
 * The kinds of file a made-up file system such as /proc consists of: directories that look things up, texts made when they are
 * read, and links.
 */

import { type DirEntry, modeToType } from '../../abi/dirent.ts';
import { fail } from '../../abi/errno.ts';
import { O_ACCMODE, O_RDONLY } from '../../abi/fcntl.ts';
import { POLLERR, POLLIN, POLLOUT, POLLPRI, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import { type Attributes, S_IFDIR, S_IFLNK, S_IFREG } from '../../abi/stat.ts';
import { timespecNow } from '../../abi/time.ts';
import type { Creds } from '../core/creds.ts';
import { DirectoryFile } from '../core/directory-file.ts';
import { type AttributeChange, FileSystem, Inode } from '../core/inode.ts';
import { type OpenFile, SeekableFile } from '../core/open-file.ts';
import type { WaitQueue } from '../core/wait-queue.ts';

/** A file system of such files. */
export abstract class MadeFs extends FileSystem {
  /** Nanoseconds since 1970: all times of its files. */
  readonly mounted = timespecNow();
  readonly #numbers = new Map<string, number>();

  /** The same number for the same path, below 2^31. */
  numberOf(path: string): number {
    let number = this.#numbers.get(path);
    if (number === undefined) this.#numbers.set(path, (number = 0x1000_0000 + this.#numbers.size));
    return number;
  }
}

export abstract class MadeInode extends Inode {
  declare readonly fs: MadeFs;
  readonly #mode: number;
  owner: { uid: number; gid: number };

  constructor(fs: MadeFs, parent: Inode | undefined, name: string, mode: number) {
    super(fs, parent, name);
    this.#mode = mode;
    this.owner = parent instanceof MadeInode ? parent.owner : { uid: 0, gid: 0 };
  }
  override get mode(): number {
    return this.#mode;
  }
  get key(): string {
    return this.parent instanceof MadeInode && this.parent.fs === this.fs
      ? `${this.parent.key}/${this.name}`
      : this.fs.type;
  }
  /** Mode and size are fixed; what else its owner may change is forgotten at once (proc_setattr). */
  override setattr(change: AttributeChange): void {
    if (change.mode !== undefined || change.size !== undefined) fail('EPERM');
  }
  override stat(): Attributes {
    const { uid, gid } = this.owner;
    const { mounted } = this.fs;
    const times = { atime: mounted, mtime: mounted, ctime: mounted, btime: mounted };
    const ino = this.fs.numberOf(this.key);
    return {
      dev: this.fs.dev,
      ino,
      mode: this.mode,
      nlink: 1,
      uid,
      gid,
      rdev: 0,
      size: 0,
      blksize: 1024,
      blocks: 0,
      ...times,
    };
  }
}

/** What a directory holds: makes the inode of a name in a directory. */
export type Entry = (parent: MadeDirectory, name: string) => Inode;

export interface DirectoryContent {
  entry(name: string): Entry | undefined;
  names(): Iterable<string>;
}

export class MadeDirectory extends MadeInode {
  /** A process's own (proc_pid_instantiate). */
  protected get ofProcess(): boolean {
    return this.parent === this.fs.root && /^\d+$/.test(this.name);
  }
  override get immutable(): boolean {
    return this.ofProcess;
  }
  readonly #content: DirectoryContent;
  readonly #isOwn: (() => boolean) | undefined;
  constructor(
    fs: MadeFs,
    parent: Inode | undefined,
    name: string,
    content: DirectoryContent,
    mode = 0o555,
    isOwn?: () => boolean,
  ) {
    super(fs, parent, name, S_IFDIR | mode);
    this.#content = content;
    this.#isOwn = isOwn;
  }
  override permits(mask: number, who: Creds): boolean {
    return super.permits(mask, who) || this.#isOwn?.() === true;
  }
  override lookup(name: string): Inode | undefined {
    return this.#content.entry(name)?.(this, name);
  }
  override list(): DirEntry[] {
    const entries: DirEntry[] = [];
    for (const name of this.#content.names()) {
      const inode = this.lookup(name);
      if (inode) entries.push({ ino: inode.stat().ino, off: 0, type: modeToType(inode.mode), name });
    }
    return entries;
  }
  override open(flags: number): OpenFile {
    return new DirectoryFile(this, flags);
  }
}

/** A fixed set of names. */
export function fixed(entries: Readonly<Record<string, Entry>>): DirectoryContent {
  const map = new Map(Object.entries(entries));
  return { entry: (name) => map.get(name), names: () => map.keys() };
}

/** @param isOwn whether it is of who looks, who then may do all in it (proc_fd_permission) */
export function directory(
  content: DirectoryContent | Readonly<Record<string, Entry>>,
  mode = 0o555,
  isOwn?: () => boolean,
): Entry {
  const made =
    typeof content.entry === 'function'
      ? (content as DirectoryContent)
      : fixed(content as Readonly<Record<string, Entry>>);
  return (parent, name) => new MadeDirectory(parent.fs, parent, name, made, mode, isOwn);
}

/** Takes what is written, at that offset. */
export type Writer = (text: string, offset: number) => void;

export interface TextOptions {
  mode?: number;
  /** What writing does; without it the file cannot be written to. */
  write?: (text: string) => void;
  /** As `write`, made for each file that is opened for writing: who opens it may count. Throws when it must not be. */
  writer?: () => Writer;
  /** Whether who looks may do what its owner may; others may not, whoever they are (struct ctl_table_root). */
  isOwn?: () => boolean;
  /** Throws when who looks may not open it. */
  check?: () => void;
  /** For one that can be waited for: where, and a number that is another after each change. */
  changes?: () => { readonly queue: WaitQueue; readonly version: number };
}

/** A file whose bytes are made when it is read from its beginning. */
export function text(make: () => string | Uint8Array, options: TextOptions = {}): Entry {
  return (parent, name) => new TextInode(parent, name, make, options);
}

class TextInode extends MadeInode {
  readonly #make: () => string | Uint8Array;
  readonly #writer: (() => Writer) | undefined;
  readonly #check: (() => void) | undefined;
  readonly #changes: TextOptions['changes'];
  readonly #isOwn: (() => boolean) | undefined;
  constructor(parent: MadeDirectory, name: string, make: () => string | Uint8Array, options: TextOptions) {
    super(
      parent.fs,
      parent,
      name,
      S_IFREG | (options.mode ?? (options.write || options.writer ? 0o644 : 0o444)),
    );
    const { write } = options;
    this.#make = make;
    this.#writer = options.writer ?? (write && (() => write));
    this.#check = options.check;
    this.#changes = options.changes;
    this.#isOwn = options.isOwn;
  }
  override permits(mask: number, who: Creds): boolean {
    if (this.#isOwn === undefined) return super.permits(mask, who);
    return ((this.#isOwn() ? this.mode >> 6 : this.mode) & mask) === mask;
  }
  override open(flags: number): OpenFile {
    this.#check?.();
    const writes = (flags & O_ACCMODE) !== O_RDONLY;
    if (writes && !this.#writer) fail('EACCES');
    return new TextFile(this, flags, this.#make, writes ? this.#writer?.() : undefined, this.#changes);
  }
  /** As Linux: truncating such a file does nothing. */
  override setattr({ size: _, ...change }: AttributeChange): void {
    super.setattr(change);
  }
}

class TextFile extends SeekableFile {
  readonly #make: () => string | Uint8Array;
  readonly #write: Writer | undefined;
  readonly #changes: TextOptions['changes'];
  #version: number;
  #bytes: Uint8Array | undefined;

  constructor(
    inode: Inode,
    flags: number,
    make: () => string | Uint8Array,
    write: Writer | undefined,
    changes: TextOptions['changes'],
  ) {
    super(inode, flags, changes?.().queue);
    this.#make = make;
    this.#write = write;
    this.#changes = changes;
    this.#version = changes?.().version ?? 0;
  }
  override get pollable(): boolean {
    return this.#changes !== undefined;
  }
  /** Always readable; a change is told once (mounts_poll). */
  override poll(): number {
    const events = POLLIN | POLLRDNORM;
    if (this.#changes === undefined) return events | POLLOUT | POLLWRNORM;
    const { version } = this.#changes();
    if (version === this.#version) return events;
    this.#version = version;
    return events | POLLERR | POLLPRI;
  }
  override pread(into: Uint8Array, offset: number): number {
    if (offset === 0 || this.#bytes === undefined) {
      const made = this.#make();
      this.#bytes = typeof made === 'string' ? Buffer.from(made, 'latin1') : made;
    }
    const part = this.#bytes.subarray(offset, offset + into.length);
    into.set(part);
    return part.length;
  }
  override pwrite(from: Uint8Array, offset: number): number {
    this.#write?.(Buffer.from(from).toString('latin1'), offset);
    return from.length;
  }
  override size(): number {
    return 0;
  }
}

/** A symbolic link; `follow` gives the file itself when the text is only for show. */
export function link(target: () => string, follow?: () => Inode | undefined, mode = 0o777): Entry {
  return (parent, name) => new LinkInode(parent, name, target, follow, mode);
}

class LinkInode extends MadeInode {
  readonly #target: () => string;
  readonly #follow: (() => Inode | undefined) | undefined;
  constructor(
    parent: MadeDirectory,
    name: string,
    target: () => string,
    follow: (() => Inode | undefined) | undefined,
    mode: number,
  ) {
    super(parent.fs, parent, name, S_IFLNK | mode);
    this.#target = target;
    this.#follow = follow;
  }
  override readlink(): string {
    return this.#target();
  }
  override followLink(): Inode | undefined {
    return this.#follow ? (this.#follow() ?? fail('ENOENT')) : undefined;
  }
  override open(): OpenFile {
    return fail('ELOOP');
  }
}

/** Any inode of one's own. */
export function made(make: (parent: MadeDirectory, name: string) => Inode): Entry {
  return make;
}
