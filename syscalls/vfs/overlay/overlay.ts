/**
 * An overlay file system: a lower tree that nobody changes, and an upper one that has what has been changed over it
 * (layers.ts). It is made of inodes of any file systems, and behaves as overlayfs without redirect_dir and index: what is in
 * both is one directory, directories of the lower tree cannot be renamed (EXDEV, which programs know from mounts).
 */
import { type DirEntry, DT_CHR } from '../../abi/dirent.ts';
import { fail } from '../../abi/errno.ts';
import { O_ACCMODE, O_RDONLY, O_TRUNC, RENAME_EXCHANGE, RENAME_WHITEOUT } from '../../abi/fcntl.ts';
import {
  type Attributes,
  type FsStatistics,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
} from '../../abi/stat.ts';
import type { Creds } from '../core/creds.ts';
import { DirectoryFile } from '../core/directory-file.ts';
import {
  type AttributeChange,
  checkReplaced,
  FileSystem,
  Inode,
  identityOf,
  isWithin,
} from '../core/inode.ts';
import { type OpenFile, SeekableFile } from '../core/open-file.ts';
import { openFifo } from '../ipc/pipe.ts';
import type { OutsideAddress } from '../net/outside.ts';
import { copyFile, isOpaque, isPrivateXattr, isWhiteout, makeOpaque, makeWhiteout } from './layers.ts';
import { OverlayFile } from './overlay-file.ts';

const OVERLAYFS_SUPER_MAGIC = 0x794c_7630;
/** Numbers of files that the upper tree alone has begin here. */
const FIRST_UPPER = 0x2000_0000;

export class OverlayFs extends FileSystem {
  readonly type: string;
  readonly source: string;
  readonly root: OverlayInode;
  readonly lower: Inode | undefined;
  readonly upper: Inode;
  /** Numbers of upper files, by what they are known by: that of the lower file which they are a copy of, or the next one. */
  readonly #numbers = new Map<string, number>();
  #lastNumber = FIRST_UPPER;

  /**
   * @param lower and upper: roots of file systems that are mounted nowhere, the lower one read-only. Without a lower one, a
   * file or directory
   *   of any file system that is shown once more (a bind mount)
   */
  constructor(lower: Inode | undefined, upper: Inode) {
    super(upper.fs.vfs);
    this.type = lower ? 'overlay' : upper.fs.type;
    this.source = lower ? 'overlay' : upper.fs.source;
    this.lower = lower;
    this.upper = upper;
    this.root = new OverlayInode(this, undefined, '', upper, lower);
  }

  numberOf(upper: Inode): number {
    const key = identityOf(upper);
    let number = this.#numbers.get(key);
    if (number === undefined) this.#numbers.set(key, (number = ++this.#lastNumber));
    return number;
  }
  /** An upper file is a copy of the lower one that has this number. */
  isCopy(upper: Inode, number: number): void {
    this.#numbers.set(identityOf(upper), number);
  }

  statfs(): FsStatistics {
    const below = this.upper.fs.statfs(this.upper);
    return { ...below, type: this.lower ? OVERLAYFS_SUPER_MAGIC : below.type };
  }
  override sync(): void {
    this.upper.fs.sync();
  }
}

const same = (a: Inode | undefined, b: Inode | undefined) =>
  a === b || (a !== undefined && b !== undefined && identityOf(a) === identityOf(b));

export class OverlayInode extends Inode {
  declare readonly fs: OverlayFs;
  #upper: Inode | undefined;
  /** Of a directory, what is seen through it. */
  #lower: Inode | undefined;
  #number = 0;
  /** Directories, and what somebody holds. */
  readonly #children = new Map<string, OverlayInode | WeakRef<OverlayInode>>();

  constructor(
    fs: OverlayFs,
    parent: Inode | undefined,
    name: string,
    upper: Inode | undefined,
    lower: Inode | undefined,
  ) {
    super(fs, parent, name);
    this.#upper = upper;
    this.#lower = lower;
  }

  /** A file of the lower tree that has been changed. */
  isCopied = false;

  get real(): Inode {
    return this.#upper ?? this.#lower!;
  }
  override get mode(): number {
    return this.real.mode;
  }
  override stat(): Attributes {
    return this.shown(this.real.stat());
  }
  /** Of a bind mount: that of the file. */
  get identity(): string {
    return this.fs.lower ? `${this.fs.id}:${this.stat().ino}` : identityOf(this.real);
  }
  /** Attributes as this file system shows them. */
  shown(attributes: Attributes): Attributes {
    if (this.fs.lower === undefined) return attributes;
    const isMerged = this.#upper !== undefined && this.#lower !== undefined;
    this.#number ||= this.#lower ? this.#lower.stat().ino : this.fs.numberOf(this.#upper!);
    const nlink = this.deleted ? 0 : isMerged ? 1 : attributes.nlink;
    return { ...attributes, dev: this.fs.dev, ino: this.#number, nlink };
  }

  // What a mode or a list allows does not change with the place of a file.
  override permits(mask: number, who: Creds): boolean {
    return this.real.permits(mask, who);
  }
  override searchable(who: Creds): boolean {
    return this.real.searchable(who);
  }

  // ---- copying up ----

  /** The file in the upper tree, copied there when it is not yet. */
  #up(): Inode {
    if (this.fs.readOnly) fail('EROFS');
    if (this.#upper !== undefined) return this.#upper;
    if (this.deleted) fail('ENOENT');
    const lower = this.#lower!;
    const { ino } = lower.stat();
    const above = this.parent as OverlayInode;
    const dir = above.#up();
    const before = dir.stat();
    const made = copyFile(lower, dir, this.name);
    // The directory has the same names as before.
    dir.setattr({ atime: before.atime, mtime: before.mtime });
    this.fs.isCopy(made, ino);
    this.#number = ino;
    this.#upper = made;
    this.isCopied = true;
    if (!this.isDirectory) this.#lower = undefined;
    return made;
  }

  // ---- the file ----

  override open(flags: number): OpenFile {
    switch (this.mode & S_IFMT) {
      case S_IFDIR:
        return new DirectoryFile(this, flags);
      case S_IFREG:
        if ((flags & O_ACCMODE) !== O_RDONLY || flags & O_TRUNC) this.#up();
        return this.#shownAs(flags, this.real.open(flags));
      case S_IFIFO:
        if (this.fs.lower === undefined) return this.real.open(flags);
        return openFifo(this, `overlay:${identityOf(this)}`, flags);
      case S_IFCHR:
      case S_IFBLK:
        return this.fs.vfs.devices.open(this, flags, this.stat().rdev);
      default:
        return fail(this.isSymlink ? 'ELOOP' : 'ENXIO');
    }
  }
  /** A file of a namespace is what it is under all its names. */
  #shownAs(flags: number, opened: OpenFile): OpenFile {
    return opened instanceof SeekableFile ? new OverlayFile(this, flags, opened) : opened;
  }
  override setattr(change: AttributeChange): void {
    this.#up().setattr(change);
  }
  override readlink(): string {
    return this.real.readlink();
  }
  override sync(): void {
    this.#upper?.sync();
  }
  #isHidden(name: string): boolean {
    return this.fs.lower !== undefined && isPrivateXattr(name);
  }
  override getxattr(name: string): Uint8Array | undefined {
    return this.#isHidden(name) ? undefined : this.real.getxattr(name);
  }
  override setxattr(name: string, value: Uint8Array, flags: number): void {
    if (this.#isHidden(name)) fail('EPERM');
    this.#up().setxattr(name, value, flags);
  }
  override listxattr(): string[] {
    return this.real.listxattr().filter((name) => !this.#isHidden(name));
  }
  override removexattr(name: string): void {
    if (this.getxattr(name) === undefined) fail('ENODATA');
    this.#up().removexattr(name);
  }
  get socket(): unknown {
    return (this.real as Inode & { socket?: unknown }).socket;
  }
  set socket(socket: unknown) {
    (this.real as Inode & { socket?: unknown }).socket = socket;
  }
  get outside(): OutsideAddress | undefined {
    return (this.real as Inode & { outside?: OutsideAddress }).outside;
  }

  // ---- the directory ----

  /** The lower file of a name, whether it is hidden or not. */
  #below(name: string): Inode | undefined {
    const lower = this.#lower;
    return lower?.isDirectory ? lower.lookup(name) : undefined;
  }

  #known(name: string): OverlayInode | undefined {
    const known = this.#children.get(name);
    return known instanceof WeakRef ? known.deref() : known;
  }
  #remember(child: OverlayInode): void {
    this.#children.set(child.name, child.isDirectory ? child : new WeakRef(child));
  }

  override lookup(name: string): OverlayInode | undefined {
    if (!this.isDirectory) fail('ENOTDIR');
    if (this.deleted) return undefined;
    const upper = this.#upper?.lookup(name);
    if (upper !== undefined && this.fs.lower && isWhiteout(upper)) return undefined;
    let lower = this.#below(name);
    if (lower && upper && (!upper.isDirectory || isOpaque(upper))) lower = undefined;
    if (upper !== undefined && !lower?.isDirectory) lower = undefined;
    if (upper === undefined && lower === undefined) return undefined;
    const known = this.#known(name);
    if (known && !known.deleted && same(known.#upper, upper) && same(known.#lower, lower)) {
      known.#upper = upper;
      known.#lower = lower;
      return known;
    }
    const child = new OverlayInode(this.fs, this, name, upper, lower);
    this.#remember(child);
    return child;
  }

  override list(): DirEntry[] {
    if (this.deleted) return [];
    const names = new Map<string, DirEntry | undefined>();
    for (const entry of this.#upper?.list() ?? []) {
      const isGone = this.fs.lower && entry.type === DT_CHR && isWhiteout(this.#upper!.lookup(entry.name)!);
      names.set(entry.name, isGone ? undefined : { ...entry, ino: 0 });
    }
    const lower = this.#lower?.isDirectory ? this.#lower.list() : [];
    for (const entry of lower) if (!names.has(entry.name)) names.set(entry.name, { ...entry, ino: 0 });
    return [...names.values()].filter((entry) => entry !== undefined);
  }

  /** Makes something under a name that is free, in the upper tree. */
  #make<T>(name: string, make: (dir: Inode) => T): T {
    if (this.deleted) fail('ENOENT');
    const dir = this.#up();
    if (this.lookup(name) !== undefined) fail('EEXIST');
    const whiteout = dir.lookup(name) !== undefined;
    if (whiteout) dir.unlink(name);
    try {
      return make(dir);
    } catch (error) {
      if (whiteout) makeWhiteout(dir, name);
      throw error;
    }
  }

  override create(name: string, mode: number, flags: number, who: Creds): OpenFile {
    const real = this.#make(name, (dir) => dir.create(name, mode, flags, who));
    return new OverlayFile(this.lookup(name)!, flags, real);
  }
  override createNameless(mode: number, flags: number, who: Creds): OpenFile {
    const real = this.#up().createNameless(mode, flags, who);
    const inode = new OverlayInode(this.fs, this, real.inode.name, real.inode, undefined);
    inode.deleted = true;
    return new OverlayFile(inode, real.flags, real);
  }
  override mkdir(name: string, mode: number, who: Creds): void {
    this.#make(name, (dir) => {
      dir.mkdir(name, mode, who);
      const lower = this.#below(name);
      if (lower?.isDirectory) makeOpaque(dir.lookup(name)!, lower);
    });
  }
  override symlink(name: string, target: string, who: Creds): void {
    this.#make(name, (dir) => dir.symlink(name, target, who));
  }
  override mknod(name: string, mode: number, rdev: number, who: Creds): Inode {
    // It would be taken for a name that is gone.
    if (this.fs.lower && (mode & S_IFMT) === S_IFCHR && rdev === 0) fail('EPERM');
    this.#make(name, (dir) => dir.mknod(name, mode, rdev, who));
    return this.lookup(name)!;
  }
  override bindSocket(name: string, mode: number, who: Creds, stream: boolean): Inode {
    this.#make(name, (dir) => dir.bindSocket(name, mode, who, stream));
    return this.lookup(name)!;
  }
  override link(name: string, target: Inode): void {
    if (!(target instanceof OverlayInode)) fail('EXDEV');
    const upper = target.deleted ? (target.#upper ?? fail('ENOENT')) : target.#up();
    this.#make(name, (dir) => dir.link(name, upper));
    if (!target.deleted) return;
    target.deleted = false;
    target.parent = this;
    target.name = name;
    this.#remember(target);
  }

  /** A name of the upper tree, if any, is gone: nor is one of the lower tree to be seen. */
  #hide(name: string): void {
    if (this.#below(name) !== undefined) makeWhiteout(this.#up(), name);
  }
  #forget(name: string, child: OverlayInode): void {
    child.deleted = true;
    this.#children.delete(name);
  }
  override unlink(name: string): void {
    const child = this.lookup(name) ?? fail('ENOENT');
    if (child.isDirectory) fail('EISDIR');
    const dir = this.#up();
    if (child.#upper !== undefined) dir.unlink(name);
    this.#hide(name);
    this.#forget(name, child);
  }
  override rmdir(name: string): void {
    const child = this.lookup(name) ?? fail('ENOENT');
    if (!child.isDirectory) fail('ENOTDIR');
    this.#rmdir(name, child);
    this.#hide(name);
  }
  #rmdir(name: string, child: OverlayInode): void {
    if (child.list().length > 0) fail('ENOTEMPTY');
    const dir = this.#up();
    const upper = child.#upper;
    if (upper !== undefined) {
      for (const whiteout of upper.list()) upper.unlink(whiteout.name);
      dir.rmdir(name);
    }
    this.#forget(name, child);
  }

  override rename(name: string, newParent: Inode, newName: string, flags: number): void {
    if (flags & RENAME_WHITEOUT) fail('EINVAL');
    if (!(newParent instanceof OverlayInode)) fail('EXDEV');
    if (newParent.deleted) fail('ENOENT');
    const from = this.lookup(name) ?? fail('ENOENT');
    const to = newParent.lookup(newName);
    if (from.isDirectory && isWithin(newParent, from)) fail('EINVAL');
    if (flags & RENAME_EXCHANGE) {
      this.#exchange(from, newParent, to ?? fail('ENOENT'));
      return;
    }
    if (to !== undefined) {
      checkReplaced(this, from, to, flags);
      if (to.isDirectory && to.list().length > 0) fail('ENOTEMPTY');
      if (same(from.#upper, to.#upper) && from.#upper) return;
    }
    if (from.isDirectory && from.#lower !== undefined) fail('EXDEV');
    from.#up();
    const dir = this.#up();
    const newDir = newParent.#up();
    if (to?.isDirectory) newParent.#rmdir(newName, to);
    const whiteout = newDir.lookup(newName);
    if (from.isDirectory) {
      if (whiteout !== undefined) newDir.unlink(newName);
      const lower = newParent.#below(newName);
      if (lower?.isDirectory) makeOpaque(from.#upper!, lower);
    }
    dir.rename(name, newDir, newName, 0);
    this.#hide(name);
    if (to !== undefined) newParent.#forget(newName, to);
    this.#children.delete(name);
    from.#moved(newParent, newName);
  }

  #exchange(from: OverlayInode, newParent: OverlayInode, to: OverlayInode): void {
    if (to.isDirectory && isWithin(this, to)) fail('EINVAL');
    for (const each of [from, to]) if (each.isDirectory && each.#lower !== undefined) fail('EXDEV');
    const [name, newName] = [from.name, to.name];
    from.#up();
    to.#up();
    this.#up().rename(name, newParent.#up(), newName, RENAME_EXCHANGE);
    for (const [inode, parent, at] of [
      [from, newParent, newName],
      [to, this, name],
    ] as const) {
      const lower = parent.#below(at);
      if (inode.isDirectory && lower?.isDirectory) makeOpaque(inode.#upper!, lower);
      inode.#moved(parent, at);
    }
  }

  #moved(parent: OverlayInode, name: string): void {
    this.parent = parent;
    this.name = name;
    // An upper inode of the host knows where it is by its own parent; one that is nobody's yet is looked up again.
    this.#upper = parent.#upper!.lookup(name) ?? this.#upper;
    parent.#remember(this);
  }
}
