/**
 * Directories of a NodeFs, with the operations on names.
 *
 * Each change of a name says so to PassedNames, and to the children that are remembered.
 */
import fs from 'node:fs';
import { type DirEntry, type Dirents, modeToType } from '../../abi/dirent.ts';
import { errnoNamed, fail } from '../../abi/errno.ts';
import { O_DIRECTORY, RENAME_EXCHANGE, RENAME_WHITEOUT } from '../../abi/fcntl.ts';
import { type Attributes, S_IFDIR, S_IFMT, S_IFREG, S_ISGID } from '../../abi/stat.ts';
import { CAP, type Creds, capable } from '../core/creds.ts';
import { checkReplaced, type Inode, isWithin } from '../core/inode.ts';
import type { OpenFile } from '../core/open-file.ts';
import { SpecialInode } from '../core/special.ts';
import { FIRST_USER_NAMESPACE } from '../core/user-namespace.ts';
import { attributesOf, type HostStats } from './attributes.ts';
import { Children } from './children.ts';
import { host, rethrow } from './error.ts';
import { mknod, rename as renameOnHost } from './ffi/files.ts';
import { type Place, pathOf } from './ffi/names.ts';
import { hostFlags } from './flags.ts';
import type { Handle } from './handles.ts';
import { HostName } from './host-sockets.ts';
import { NodeFile } from './node-file.ts';
import type { NodeFs } from './node-fs.ts';
import { NodeInode } from './node-inode.ts';
import { entriesOf, isSeen, readNames } from './node-names.ts';

/** The inode of what the API says is there. */
export function nodeInode(
  fs: NodeFs,
  parent: NodeDirectory | undefined,
  name: string,
  stats: HostStats,
): NodeInode {
  const isDirectory = (stats.mode & S_IFMT) === S_IFDIR;
  return new (isDirectory ? NodeDirectory : NodeInode)(fs, parent, name, stats);
}

export class NodeDirectory extends NodeInode {
  /** The turn in which it was last seen to be one (PassedNames). */
  #seen = -1;
  /** Children whose identity matters, that is directories and open files. */
  #children: Children | undefined;
  /** Special files made by the guest, which the host cannot or may not make. They live as long as the run. */
  #special: Map<string, SpecialInode> | undefined;

  /** For NodeFs. */
  handle: Handle | undefined;

  childPath(name: string): string {
    const own = this.path;
    const path = own === '/' ? `/${name}` : `${own}/${name}`;
    return this.fs.hidden?.get(path) ?? path;
  }
  /** A name in it. */
  at(name: string): { readonly place: Place } {
    return new NameIn(this, name);
  }
  /** As a name in itself. */
  get itself(): { readonly place: Place } {
    return new NameIn(this, '.');
  }
  /** Where a name in it is on the host, for a single use, now. */
  placeOf(name: string): Place {
    const { fs } = this;
    const hiding = fs.hiding?.has(this.path) ?? false;
    return hiding ? fs.place(this.childPath(name)) : fs.placeIn(this, name);
  }

  remember(child: NodeInode): void {
    (this.#children ??= new Children()).set(child.name, child);
  }
  forget(child: NodeInode): void {
    if (this.#children?.get(child.name) === child) this.#children.delete(child.name);
  }
  /** The inode there is already for a name. */
  known(name: string): NodeInode | undefined {
    return this.#children?.get(name);
  }

  protected override changed(): void {
    this.#seen = -1;
  }

  override lookup(name: string, passing = false): Inode | undefined {
    if (this.deleted) return undefined;
    const known = this.#children?.get(name);
    if (passing) {
      const { passed } = this.fs.vfs;
      if (known instanceof NodeDirectory && known.#seen === passed.turn) return known;
      const met = passed.get(this, name);
      if (met !== undefined) return met ?? undefined;
    }
    const stats = this.fs.lstat(this.placeOf(name));
    return stats === undefined ? this.#absence(name, known) : this.#found(name, known, stats);
  }

  override statName(name: string): Attributes | undefined {
    if (this.deleted) return undefined;
    const { fs } = this;
    const known = this.#children?.get(name);
    const stats = fs.lstat(this.placeOf(name));
    if (stats === undefined) return this.#absence(name, known)?.stat();
    // Directories and links are remembered, and so is what is open.
    const plain = known === undefined && (stats.mode & S_IFMT) === S_IFREG && fs.tellsAll;
    if (!plain) return this.#found(name, known, stats).stat();
    fs.looked.at(this, name, stats);
    return attributesOf(stats, stats.dev, fs.vfs.numbers);
  }

  override seen(name: string): Inode | undefined {
    const stats = this.fs.looked.of(this, name);
    if (stats === undefined) return undefined;
    const known = this.#children?.get(name);
    if (known !== undefined) return known;
    const inode = nodeInode(this.fs, this, name, stats);
    // It has not been looked at in this walk.
    inode.outdate();
    return inode;
  }

  /** A look at a name has found nothing. */
  #absence(name: string, known: NodeInode | undefined): Inode | undefined {
    if (known) this.#removed(known);
    const special = this.#special?.get(name);
    if (special === undefined) this.fs.vfs.passed.set(this, name, null);
    return special;
  }
  /** A look at a name has found that. */
  #found(name: string, known: NodeInode | undefined, stats: HostStats): NodeInode {
    const { fs } = this;
    let child = known;
    if (child === undefined || !child.isSame(stats)) {
      if (child) this.#removed(child);
      child = nodeInode(fs, this, name, stats);
      if (child.isDirectory) this.remember(child);
    } else child.update(stats);
    fs.looked.at(this, name, stats);
    if (child instanceof NodeDirectory) {
      child.#seen = fs.vfs.passed.turn;
      fs.lookedAt(child, stats);
    } else if (child.isSymlink) fs.vfs.passed.set(this, name, child);
    return child;
  }

  /** A child's name is gone, and with it the paths of all below. */
  #removed(child: NodeInode): void {
    this.#children!.delete(child.name);
    child.deleted = true;
    if (child instanceof NodeDirectory)
      for (const below of child.#children?.values() ?? []) child.#removed(below);
  }

  /** A directory or open file has another name now, or none that can be reached from here. */
  moved(name: string, newParent: NodeDirectory | undefined, newName: string): void {
    const child = this.#children?.get(name);
    if (child === undefined) return;
    if (newParent === undefined) {
      this.#removed(child);
      return;
    }
    this.#children!.delete(name);
    child.renamed(newParent, newName);
    newParent.remember(child);
    // A moved directory changes all paths below it; a file only its own.
    if (child.isDirectory) this.fs.generation++;
  }

  override leavesToHost(name: string, who: Creds): boolean {
    const { fs } = this;
    if (!fs.native || fs.guest !== undefined || fs.hidden !== undefined) return false;
    if (fs.readOnly || this.deleted) return false;
    if (this.mounts?.has(name) || this.#children?.get(name) !== undefined || this.#special?.has(name))
      return false;
    // The host's checks are the guest's where both are the same user, and may do the same.
    if (who.fsuid !== fs.hostUid || who.user !== FIRST_USER_NAMESPACE) return false;
    if (who.fsuid !== 0) return who.fsgid === fs.hostGid;
    return capable(who, CAP.DAC_OVERRIDE) && capable(who, CAP.FOWNER);
  }

  override list(): DirEntry[] {
    if (this.deleted) return [];
    const found = entriesOf(this);
    if (this.fs.vfs.inOrder) found.sort((a, b) => (a.name < b.name ? -1 : 1));
    const entries = this.#looksAtEach ? found.filter((entry) => isSeen(this, entry)) : found;
    for (const [name, inode] of this.#special ?? [])
      entries.push({ ino: 0, off: 0, type: modeToType(inode.mode), name });
    return entries;
  }
  get #looksAtEach(): boolean {
    return this.fs.hidden !== undefined || (this.fs.guest?.kept.special ?? false);
  }
  override listInto(names: Dirents): void {
    const { calls, vfs } = this.fs;
    const asTheyAre = !this.deleted && !vfs.inOrder && !this.#looksAtEach && !this.#special?.size;
    if (asTheyAre && calls !== undefined) readNames(this, calls, names);
    else super.listInto(names);
  }

  /** A name is about to be made, removed or moved: what is looked up for that is looked up before. */
  #changing(): void {
    this.fs.checkWritable();
    this.fs.vfs.passed.changed();
  }

  /** Nothing may exist under that name, which is about to be made. */
  #absent(name: string): void {
    if (this.deleted) fail('ENOENT');
    this.#changing();
    if (this.#special?.has(name)) fail('EEXIST');
  }

  override create(name: string, mode: number, flags: number, who: Creds): OpenFile {
    this.#absent(name);
    const { api } = this.fs;
    const { O_CREAT, O_EXCL } = fs.constants;
    // Opened for reading and writing by its owner whatever its mode says, as Linux does.
    const fd = this.fs.open(this.at(name), hostFlags(flags) | O_CREAT | O_EXCL, mode & 0o7777);
    try {
      this.#giveTo(who, (uid, gid) => api.fchownSync(fd, uid, gid));
      if (mode & (this.fs.hostUmask | 0o7000)) api.fchmodSync(fd, mode & 0o7777);
      return new NodeFile(new NodeInode(this.fs, this, name, this.fs.fstat(fd)), flags, fd);
    } catch (error) {
      api.closeSync(fd);
      return rethrow(error);
    }
  }

  override createNameless(mode: number, flags: number, who: Creds): OpenFile {
    // Nobody could give it a name later. Programs know file systems that refuse it.
    if (this.fs.calls === undefined) fail('EOPNOTSUPP');
    if (this.deleted) fail('ENOENT');
    this.fs.checkWritable();
    const { api } = this.fs;
    const fd = this.fs.open(this.itself, hostFlags(flags), mode & 0o7777);
    try {
      this.#giveTo(who, (uid, gid) => api.fchownSync(fd, uid, gid));
      if (mode & (this.fs.hostUmask | 0o7000)) api.fchmodSync(fd, mode & 0o7777);
      const stats = this.fs.fstat(fd);
      const inode = new NodeInode(this.fs, this, `#${stats.ino}`, stats);
      inode.deleted = true;
      return new NodeFile(inode, flags & ~O_DIRECTORY, fd);
    } catch (error) {
      api.closeSync(fd);
      return rethrow(error);
    }
  }

  override mkdir(name: string, mode: number, who: Creds): void {
    this.#absent(name);
    host(() => {
      this.fs.mkdir(this.placeOf(name), mode & 0o1777);
      this.#giveTo(who, (uid, gid) => this.fs.chown(this.placeOf(name), uid, gid));
      const inherited = this.mode & S_ISGID;
      if (!this.fs.native || (mode & (this.fs.hostUmask | 0o7000)) !== 0)
        this.fs.chmod(this.placeOf(name), (mode & 0o1777) | inherited);
    });
  }

  override symlink(name: string, target: string, who: Creds): void {
    this.#absent(name);
    host(() => {
      this.fs.symlink(target, this.placeOf(name));
      this.#giveTo(who, (uid, gid) => this.fs.chown(this.placeOf(name), uid, gid));
    });
  }

  override mknod(name: string, mode: number, rdev: number, who: Creds): Inode {
    if ((mode & S_IFMT) === S_IFREG || (mode & S_IFMT) === 0) {
      const file = this.create(name, mode, 2, who).ref();
      file.release();
      return this.lookup(name)!;
    }
    this.#absent(name);
    if (this.fs.lstat(this.placeOf(name)) !== undefined) fail('EEXIST');
    if (this.#makeSpecial(name, mode, rdev, who)) return this.lookup(name)!;
    const inode = new SpecialInode(this.fs, this, name, mode, rdev, who);
    (this.#special ??= new Map()).set(name, inode);
    return inode;
  }

  /** Whether the host has made it: it refuses devices to all but root (mknod(2)). */
  #makeSpecial(name: string, mode: number, rdev: number, who: Creds): boolean {
    const { calls } = this.fs;
    if (calls === undefined) return false;
    try {
      mknod(calls, this.placeOf(name), mode, rdev);
    } catch (error) {
      if (error !== errnoNamed('EPERM')) throw error;
      return this.#keepDevice(name, mode, rdev, who);
    }
    this.#givenTo(name, mode, who);
    return true;
  }
  /** A device that the host refuses is kept beside, for a guest that is root though this process is not. */
  #keepDevice(name: string, mode: number, rdev: number, who: Creds): boolean {
    const { guest } = this.fs;
    if (guest === undefined) return false;
    const gid = this.mode & S_ISGID ? this.stat().gid : who.fsgid;
    host(() => guest.makeDevice(this.fs.path(this.placeOf(name)), mode, rdev, who.fsuid, gid));
    return true;
  }
  /** What the host has made is the guest's user's, with the mode that was asked for. */
  #givenTo(name: string, mode: number, who: Creds): void {
    host(() => {
      this.#giveTo(who, (uid, gid) => this.fs.chown(this.placeOf(name), uid, gid));
      if (mode & (this.fs.hostUmask | 0o7000)) this.fs.chmod(this.placeOf(name), mode & 0o7777);
    });
  }

  override bindSocket(name: string, mode: number, who: Creds, stream: boolean): Inode {
    const { calls } = this.fs;
    if (calls === undefined || !stream) return super.bindSocket(name, mode, who, stream);
    this.#absent(name);
    const outsideName = HostName.bind(calls, pathOf(this.placeOf(name)), name);
    if (outsideName === undefined) return super.bindSocket(name, mode, who, stream);
    try {
      this.#givenTo(name, mode, who);
      const made = this.lookup(name) as NodeInode;
      made.outsideName = outsideName;
      return made;
    } catch (error) {
      outsideName.close();
      throw error;
    }
  }

  override link(name: string, target: Inode): void {
    this.#absent(name);
    if (!(target instanceof NodeInode)) fail('EPERM');
    if (target.isDirectory) fail('EPERM');
    if (target.deleted) {
      target.linkOpen(this, name);
      return;
    }
    host(() => this.fs.link(target.place, this.placeOf(name)));
    target.outdate();
  }

  override unlink(name: string): void {
    this.#changing();
    const special = this.#special?.get(name);
    if (special) {
      special.deleted = true;
      this.#special!.delete(name);
      return;
    }
    // The host says so itself.
    if (!this.fs.native && this.#kind(name) === S_IFDIR) fail('EISDIR');
    this.fs.kept.forget(this, name);
    host(() => this.fs.unlink(this.placeOf(name)));
    const known = this.#children?.get(name);
    if (known) this.#removed(known);
  }

  override rmdir(name: string): void {
    if (this.#special?.has(name)) fail('ENOTDIR');
    const inode = this.lookup(name) ?? fail('ENOENT');
    this.#changing();
    if (!inode.isDirectory) fail('ENOTDIR');
    if ((inode as NodeDirectory).#special?.size) fail('ENOTEMPTY');
    const path = this.childPath(name);
    host(() => this.fs.rmdir(this.placeOf(name)));
    const known = this.#children?.get(name);
    if (known) this.#removed(known);
    this.fs.directoryMoved(path, undefined);
  }

  #kind(name: string): number {
    const stats = this.fs.lstat(this.placeOf(name));
    return stats ? stats.mode & S_IFMT : 0;
  }

  override rename(name: string, newParent: Inode, newName: string, flags: number): void {
    this.fs.checkWritable();
    if (flags & RENAME_WHITEOUT) fail('EINVAL');
    if (!(newParent instanceof NodeDirectory)) fail('EXDEV');
    const from = this.lookup(name) ?? fail('ENOENT');
    const to = newParent.lookup(newName);
    this.#changing();
    if (from.isDirectory && isWithin(newParent, from)) fail('EINVAL');
    if (flags & RENAME_EXCHANGE) {
      if (to === undefined) fail('ENOENT');
      if (to.isDirectory && isWithin(this, to)) fail('EINVAL');
      const { calls } = this.fs;
      if (calls === undefined || from instanceof SpecialInode || to instanceof SpecialInode)
        this.#exchange(name, newParent, newName);
      else {
        renameOnHost(calls, this.placeOf(name), newParent.placeOf(newName), RENAME_EXCHANGE);
        exchanged(this, name, newParent, newName, from, to);
      }
      return;
    }
    if (to !== undefined) checkReplaced(this, from, to, flags);
    this.#move(name, newParent, newName, from, to);
  }

  #move(name: string, newParent: NodeDirectory, newName: string, from: Inode, to: Inode | undefined): void {
    // Two names of one file: nothing happens (rename(2)).
    if (to === from) return;
    if (to instanceof NodeInode && from instanceof NodeInode && to.identity === from.identity) return;
    // Once more: names have been looked at since.
    this.#changing();
    if (from instanceof SpecialInode) {
      if (to !== undefined) newParent.unlink(newName);
      this.#special!.delete(name);
      (newParent.#special ??= new Map()).set(newName, from);
      from.parent = newParent;
      from.name = newName;
      return;
    }
    if (to?.isDirectory) newParent.rmdir(newName);
    else newParent.fs.kept.forget(newParent, newName);
    host(() => this.fs.rename(this.placeOf(name), newParent.placeOf(newName)));
    newParent.#special?.delete(newName);
    const replaced = newParent.#children?.get(newName);
    if (replaced) newParent.#removed(replaced);
    this.moved(name, newParent, newName);
    if (from.isDirectory) this.fs.directoryMoved(this.childPath(name), newParent.childPath(newName));
  }

  /** RENAME_EXCHANGE: node:fs has no such call; in steps, which only other processes of the host could see. */
  #exchange(name: string, newParent: NodeDirectory, newName: string): void {
    const aside = asideName();
    const move = (a: NodeDirectory, x: string, b: NodeDirectory, y: string) =>
      a.#move(x, b, y, a.lookup(x)!, undefined);
    move(this, name, this, aside);
    move(newParent, newName, this, name);
    move(this, aside, newParent, newName);
  }

  /** Gives a new file to the guest's user where that is not the host's. Only root can; others own what they make. */
  #giveTo(who: Creds, chown: (uid: number, gid: number) => void): void {
    const gid = this.mode & S_ISGID ? this.stat().gid : who.fsgid;
    if (who.fsuid === this.fs.hostUid && gid === this.fs.hostGid) return;
    if (!this.fs.native || this.fs.hostUid === 0) chown(who.fsuid, gid);
  }
}

/** A name in a directory, whose place is asked for when it is used. */
class NameIn {
  readonly #directory: NodeDirectory;
  readonly #name: string;
  constructor(directory: NodeDirectory, name: string) {
    this.#directory = directory;
    this.#name = name;
  }
  get place(): Place {
    return this.#directory.placeOf(this.#name);
  }
}

/** The host has exchanged two names: what is known of them is, too. */
function exchanged(
  parent: NodeDirectory,
  name: string,
  newParent: NodeDirectory,
  newName: string,
  from: Inode,
  to: Inode,
): void {
  const aside = asideName();
  const steps = [
    [parent, name, parent, aside, from],
    [newParent, newName, parent, name, to],
    [parent, aside, newParent, newName, from],
  ] as const;
  for (const [a, x, b, y, inode] of steps) {
    a.moved(x, b, y);
    if (inode.isDirectory) parent.fs.directoryMoved(a.childPath(x), b.childPath(y));
  }
}

/** A name that no file has. */
function asideName(): string {
  return `.${process.pid.toString(36)}-${Date.now().toString(36)}.exchange`;
}
