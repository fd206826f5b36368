/**
 * Files and directories of a NodeFs, with the operations on names. See node-fs.ts for how links of the host are kept from being
 * followed.
 *
 * A directory once seen is believed to be a directory for TRUST_MS, which saves a look per component; changes made by the guest
 * itself are seen at once.
 */

import fs from 'node:fs';
import { flushShared, forgetShared } from '../../../emu/memory/shared.ts';
import type { DirEntry } from '../../abi/dirent.ts';
import { modeToType } from '../../abi/dirent.ts';
import { fail } from '../../abi/errno.ts';
import { O_ACCMODE, O_RDONLY, RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from '../../abi/fcntl.ts';
import type { Attributes } from '../../abi/stat.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_ISGID } from '../../abi/stat.ts';
import type { Creds } from '../core/creds.ts';
import { DirectoryFile } from '../core/directory-file.ts';
import type { AttributeChange } from '../core/inode.ts';
import { Inode, isWithin } from '../core/inode.ts';
import type { OpenFile } from '../core/open-file.ts';
import { SpecialInode } from '../core/special.ts';
import { openFifo } from '../ipc/pipe.ts';
import { attributesOf } from './attributes.ts';
import { host, rethrow } from './error.ts';
import { hostFlags } from './flags.ts';
import { NodeFile, openForChange } from './node-file.ts';
import type { NodeFs } from './node-fs.ts';

const TRUST_MS = 100;
const MOST_EXACT = 65536;

export class NodeInode extends Inode {
  declare readonly fs: NodeFs;
  #stats: fs.BigIntStats;
  /** The walk in which #stats was found. */
  #walk: number;
  #path = '';
  #generation = -1;
  /** Directories: when it was last seen to be one (ms). */
  #seen = 0;
  /** The API's descriptors of it that are open. */
  #open: Set<number> | undefined;
  /** Directories: children whose identity matters, that is directories and open files. */
  #children: Map<string, NodeInode> | undefined;
  /** Directories: special files made by the guest, which the host cannot or may not make. They live as long as the run. */
  #special: Map<string, SpecialInode> | undefined;

  constructor(fs: NodeFs, parent: NodeInode | undefined, name: string, stats: fs.BigIntStats) {
    super(fs, parent, name);
    this.#stats = stats;
    this.#walk = this.fs.vfs.walk;
  }

  get path(): string {
    if (this.#generation === this.fs.generation) return this.#path;
    this.#path =
      this === this.fs.root ? this.fs.base || '/' : (this.parent as NodeInode).childPath(this.name);
    this.#generation = this.fs.generation;
    return this.#path;
  }

  childPath(name: string): string {
    const own = this.path;
    const path = own === '/' ? `/${name}` : `${own}/${name}`;
    const { hidden } = this.fs;
    return hidden !== undefined && path === hidden.file ? hidden.instead : path;
  }

  override get mode(): number {
    return Number(this.#stats.mode);
  }

  /** Device and inode number, by which the same file is known under all its names. */
  get identity(): string {
    return `${this.fs.native ? '' : `${this.fs.id}:`}${this.#stats.dev}:${this.#stats.ino}`;
  }

  override stat(): Attributes {
    if (this.#walk !== this.fs.vfs.walk && !this.deleted) this.#refresh();
    const attributes = this.attributes(this.#stats);
    if (this.deleted) attributes.nlink = 0;
    return attributes;
  }

  #refresh(): void {
    const stats = host(() => this.fs.lstat(this.path));
    // The name may be another file's by now.
    if (stats === undefined || !sameFile(stats, this.#stats)) fail('ENOENT');
    this.#stats = stats;
    this.#walk = this.fs.vfs.walk;
  }

  /** Attributes from what the API gave, numbers made safe for a 32-bit guest. */
  attributes(s: fs.BigIntStats): Attributes {
    const { native, id } = this.fs;
    const dev = native ? Number(BigInt.asUintN(32, s.dev)) : id;
    const attributes = attributesOf(s, dev, this.fs.vfs.numbers);
    if (!native && (attributes.mode & S_IFMT) === S_IFLNK) {
      // memfs gives links the mode of a file and no size.
      attributes.mode = S_IFLNK | 0o777;
      attributes.size = this.readlink().length;
    }
    if (this.fs.exactTimes.size > 0) {
      for (const { field, rough, exact } of this.fs.exactTimes.get(this.identity) ?? []) {
        if (attributes[field] === rough) attributes[field] = exact;
      }
    }
    return attributes;
  }

  /** The host checks for itself when the guest's user is the host's. */
  override searchable(who: Creds): boolean {
    return (this.fs.native && who.fsuid === this.fs.hostUid) || super.searchable(who);
  }

  override open(flags: number): OpenFile {
    switch (this.mode & S_IFMT) {
      case S_IFDIR:
        return new DirectoryFile(this, flags);
      case S_IFLNK:
        return fail('ELOOP');
      case S_IFREG: {
        if ((flags & O_ACCMODE) !== O_RDONLY) this.fs.checkWritable();
        const fd = host(() => this.#openFile(hostFlags(flags)));
        this.#walk = -1;
        return new NodeFile(this, flags, fd);
      }
      case S_IFIFO:
        return openFifo(this, this.identity, flags);
      case S_IFCHR:
      case S_IFBLK:
        return this.fs.vfs.devices.open(
          this,
          flags,
          this.stat().rdev,
          this.fs.devices ? () => this.path : undefined,
        );
      default:
        return fail('ENXIO');
    }
  }

  #openFile(flags: number): number {
    if (!this.deleted) return this.fs.api.openSync(this.fs.path(this.path), flags);
    // Its name is gone: it can be had again through a descriptor (/proc/PID/fd).
    const [open] = this.#open ?? [];
    if (open === undefined || !this.fs.native) return fail('ENOENT');
    return reopen(open, flags);
  }

  /** Another descriptor of the file that the API has open as `fd`, with other flags. */
  reopen(fd: number, flags: number): number {
    const bits = hostFlags(flags);
    return host(() => (this.fs.native ? reopen(fd, bits) : this.#openFile(bits)));
  }

  /** A descriptor of the file was opened: the inode is remembered in its directory, so that renaming and unlinking find it. */
  opened(fd: number): void {
    (this.#open ??= new Set()).add(fd);
    if (!this.deleted && this !== this.fs.root) (this.parent as NodeInode).remember(this);
  }
  closed(fd: number): void {
    this.#open?.delete(fd);
    if (!this.#open?.size && !this.deleted && this !== this.fs.root) {
      (this.parent as NodeInode).forget(this);
    }
  }
  remember(child: NodeInode): void {
    (this.#children ??= new Map()).set(child.name, child);
  }
  forget(child: NodeInode): void {
    if (this.#children?.get(child.name) === child) this.#children.delete(child.name);
  }
  /** The inode there is already for a name. */
  known(name: string): NodeInode | undefined {
    return this.#children?.get(name);
  }

  override setattr(change: AttributeChange): void {
    this.fs.checkWritable();
    const { api } = this.fs;
    // Its path is no more its own when its name is gone. (chmod is the only one of these calls that follows a link.)
    if (this.deleted) fail('ENOENT');
    this.#refresh();
    const path = this.fs.path(this.path);
    this.#walk = -1;
    try {
      if (change.size !== undefined) {
        const mapped = this.fs.vfs.sharedPages.get(this.identity);
        if (mapped) flushShared(mapped);
        openForChange(this, (fd) => api.ftruncateSync(fd, change.size!));
        if (mapped) forgetShared(mapped, change.size);
      }
      if (change.uid !== undefined || change.gid !== undefined) {
        const now = this.stat();
        api.lchownSync(path, change.uid ?? now.uid, change.gid ?? now.gid);
      }
      if (change.mode !== undefined) {
        if (this.isSymlink) fail('EOPNOTSUPP');
        api.chmodSync(path, change.mode & 0o7777);
      }
      this.setTimes(change, (atime, mtime) => api.lutimesSync(path, atime, mtime));
    } catch (error) {
      rethrow(error);
    }
    this.#walk = -1;
    this.#seen = 0;
    if (change.mode !== undefined) this.#refresh();
  }

  /** Sets the times through the API, which takes seconds, and remembers what it cannot hold exactly. */
  setTimes(
    change: AttributeChange,
    set: (atime: number, mtime: number) => void,
    look?: () => Attributes,
  ): void {
    if (change.atime === undefined && change.mtime === undefined) return;
    const now = BigInt(Date.now()) * 1_000_000n;
    const before = look ? look() : this.stat();
    const want = {
      atime: change.atime === 'now' ? now : (change.atime ?? before.atime),
      mtime: change.mtime === 'now' ? now : (change.mtime ?? before.mtime),
    };
    this.fs.exactTimes.delete(this.identity);
    set(seconds(want.atime), seconds(want.mtime));
    this.#walk = -1;
    const after = look ? look() : this.stat();
    const inexact = (['atime', 'mtime'] as const).filter((field) => after[field] !== want[field]);
    if (inexact.length === 0) return;
    const { exactTimes } = this.fs;
    // The oldest go: what was set so long ago is hardly compared to the nanosecond.
    if (exactTimes.size >= MOST_EXACT) exactTimes.delete(exactTimes.keys().next().value!);
    exactTimes.set(
      this.identity,
      inexact.map((field) => ({ field, rough: after[field], exact: want[field] })),
    );
  }

  override sync(): void {
    if (!this.fs.native || this.deleted) return;
    const fd = host(() => fs.openSync(this.fs.path(this.path), fs.constants.O_DIRECTORY));
    try {
      host(() => fs.fsyncSync(fd));
    } finally {
      fs.closeSync(fd);
    }
  }

  override readlink(): string {
    if (!this.isSymlink) fail('EINVAL');
    const { api } = this.fs;
    return this.fs.fromHost(
      host(() => api.readlinkSync(this.fs.path(this.path), this.fs.native ? 'latin1' : 'utf8')),
    );
  }

  // ---- directories ----
  override lookup(name: string): Inode | undefined {
    if (this.deleted) return undefined;
    const known = this.#children?.get(name);
    if (known?.isDirectory && Date.now() - known.#seen < TRUST_MS) return known;
    const path = this.childPath(name);
    if (this.fs.hidden?.directory === path) return undefined;
    const stats = host(() => this.fs.lstat(path));
    if (stats === undefined) {
      if (known) this.#removed(known);
      return this.#special?.get(name);
    }
    let child = known;
    if (known === undefined || !sameFile(known.#stats, stats)) {
      if (known) this.#removed(known);
      child = new NodeInode(this.fs, this, name, stats);
      if (child.isDirectory) this.remember(child);
    } else {
      known.#stats = stats;
      known.#walk = this.fs.vfs.walk;
    }
    if (child!.isDirectory) child!.#seen = Date.now();
    return child;
  }

  /** A child's name is gone, and with it the paths of all below. */
  #removed(child: NodeInode): void {
    this.#children!.delete(child.name);
    child.deleted = true;
    for (const below of child.#children?.values() ?? []) child.#removed(below);
  }

  /** A directory or open file has another name now, or none that can be reached from here. */
  moved(name: string, newParent: NodeInode | undefined, newName: string): void {
    const child = this.#children?.get(name);
    if (child === undefined) return;
    if (newParent === undefined) {
      this.#removed(child);
      return;
    }
    this.#children!.delete(name);
    child.parent = newParent;
    child.name = newName;
    newParent.remember(child);
    // A moved directory changes all paths below it; a file only its own.
    if (child.isDirectory) this.fs.generation++;
    else child.#generation = -1;
  }

  override list(): DirEntry[] {
    if (!this.isDirectory) fail('ENOTDIR');
    if (this.deleted) return [];
    const { api, native } = this.fs;
    const names = host(() =>
      api.readdirSync(this.fs.path(this.path), { encoding: native ? 'latin1' : 'utf8', withFileTypes: true }),
    );
    const { hidden } = this.fs;
    const entries: DirEntry[] = [];
    for (const d of names) {
      const name = this.fs.fromHost(d.name);
      let type = typeOf(d);
      if (hidden !== undefined) {
        const path = this.childPath(name);
        if (path === hidden.directory) continue;
        if (path === hidden.instead) {
          const stats = host(() => this.fs.lstat(path));
          if (stats === undefined) continue;
          type = modeToType(Number(stats.mode));
        }
      }
      entries.push({ ino: 0, off: 0, type, name });
    }
    for (const [name, inode] of this.#special ?? [])
      entries.push({ ino: 0, off: 0, type: modeToType(inode.mode), name });
    return entries;
  }

  /** Nothing may exist under that name. */
  #absent(name: string): void {
    if (this.deleted) fail('ENOENT');
    this.fs.checkWritable();
    if (this.#special?.has(name)) fail('EEXIST');
  }

  override create(name: string, mode: number, flags: number, who: Creds): OpenFile {
    this.#absent(name);
    const { api } = this.fs;
    const path = this.fs.path(this.childPath(name));
    const { O_CREAT, O_EXCL } = fs.constants;
    // Opened for reading and writing by its owner whatever its mode says, as Linux does.
    const fd = host(() => api.openSync(path, hostFlags(flags) | O_CREAT | O_EXCL, mode & 0o7777));
    try {
      this.#own(who, (uid, gid) => api.fchownSync(fd, uid, gid));
      if (mode & (this.fs.hostUmask | 0o7000)) api.fchmodSync(fd, mode & 0o7777);
      return new NodeFile(new NodeInode(this.fs, this, name, api.fstatSync(fd, { bigint: true })), flags, fd);
    } catch (error) {
      api.closeSync(fd);
      return rethrow(error);
    }
  }

  override mkdir(name: string, mode: number, who: Creds): void {
    this.#absent(name);
    const { api } = this.fs;
    const path = this.fs.path(this.childPath(name));
    host(() => {
      api.mkdirSync(path, mode & 0o1777);
      this.#own(who, (uid, gid) => api.lchownSync(path, uid, gid));
      const inherited = this.mode & S_ISGID;
      if (!this.fs.native || (mode & (this.fs.hostUmask | 0o7000)) !== 0)
        api.chmodSync(path, (mode & 0o1777) | inherited);
    });
  }

  override symlink(name: string, target: string, who: Creds): void {
    this.#absent(name);
    const { api } = this.fs;
    const path = this.fs.path(this.childPath(name));
    host(() => {
      api.symlinkSync(this.fs.path(target), path);
      this.#own(who, (uid, gid) => api.lchownSync(path, uid, gid));
    });
  }

  override mknod(name: string, mode: number, rdev: number, who: Creds): Inode {
    if ((mode & S_IFMT) === S_IFREG || (mode & S_IFMT) === 0) {
      const file = this.create(name, mode, 2, who).ref();
      file.release();
      return this.lookup(name)!;
    }
    this.#absent(name);
    if (host(() => this.fs.lstat(this.childPath(name))) !== undefined) fail('EEXIST');
    const inode = new SpecialInode(this.fs, this, name, mode, rdev, who);
    (this.#special ??= new Map()).set(name, inode);
    return inode;
  }

  override link(name: string, target: Inode): void {
    this.#absent(name);
    if (!(target instanceof NodeInode)) fail('EPERM');
    if (target.isDirectory) fail('EPERM');
    const { api } = this.fs;
    host(() => api.linkSync(this.fs.path(target.path), this.fs.path(this.childPath(name))));
    target.#walk = -1;
  }

  override unlink(name: string): void {
    this.fs.checkWritable();
    const special = this.#special?.get(name);
    if (special) {
      special.deleted = true;
      this.#special!.delete(name);
      return;
    }
    if (this.#kind(name) === S_IFDIR) fail('EISDIR');
    host(() => this.fs.api.unlinkSync(this.fs.path(this.childPath(name))));
    const known = this.#children?.get(name);
    if (known) this.#removed(known);
  }

  override rmdir(name: string): void {
    this.fs.checkWritable();
    if (this.#special?.has(name)) fail('ENOTDIR');
    const inode = this.lookup(name) ?? fail('ENOENT');
    if (!inode.isDirectory) fail('ENOTDIR');
    if ((inode as NodeInode).#special?.size) fail('ENOTEMPTY');
    const path = this.childPath(name);
    host(() => this.fs.api.rmdirSync(this.fs.path(path)));
    const known = this.#children?.get(name);
    if (known) this.#removed(known);
    this.fs.directoryMoved(path, undefined);
  }

  #kind(name: string): number {
    const stats = host(() => this.fs.lstat(this.childPath(name)));
    return stats ? Number(stats.mode) & S_IFMT : 0;
  }

  override rename(name: string, newParent: Inode, newName: string, flags: number): void {
    this.fs.checkWritable();
    if (flags & RENAME_WHITEOUT) fail('EINVAL');
    if (!(newParent instanceof NodeInode)) fail('EXDEV');
    const from = this.lookup(name) ?? fail('ENOENT');
    const to = newParent.lookup(newName);
    if (from.isDirectory && isWithin(newParent, from)) fail('EINVAL');
    if (flags & RENAME_EXCHANGE) {
      if (to === undefined) fail('ENOENT');
      if (to.isDirectory && isWithin(this, to)) fail('EINVAL');
      this.#exchange(name, newParent, newName);
      return;
    }
    if (to !== undefined) {
      if (flags & RENAME_NOREPLACE) fail('EEXIST');
      if (to.isDirectory && isWithin(this, to)) fail('ENOTEMPTY');
      if (from.isDirectory && !to.isDirectory) fail('ENOTDIR');
      if (!from.isDirectory && to.isDirectory) fail('EISDIR');
      if (to.isDirectory && (to as NodeInode).list().length > 0) fail('ENOTEMPTY');
    }
    this.#move(name, newParent, newName, from, to);
  }

  #move(name: string, newParent: NodeInode, newName: string, from: Inode, to: Inode | undefined): void {
    // Two names of one file: nothing happens (rename(2)).
    if (to === from) return;
    if (to instanceof NodeInode && from instanceof NodeInode && to.identity === from.identity) return;
    if (from instanceof SpecialInode) {
      if (to !== undefined) newParent.unlink(newName);
      this.#special!.delete(name);
      (newParent.#special ??= new Map()).set(newName, from);
      from.parent = newParent;
      from.name = newName;
      return;
    }
    const { api } = this.fs;
    if (to?.isDirectory) newParent.rmdir(newName);
    host(() =>
      api.renameSync(this.fs.path(this.childPath(name)), this.fs.path(newParent.childPath(newName))),
    );
    newParent.#special?.delete(newName);
    const replaced = newParent.#children?.get(newName);
    if (replaced) newParent.#removed(replaced);
    this.moved(name, newParent, newName);
    if (from.isDirectory) this.fs.directoryMoved(this.childPath(name), newParent.childPath(newName));
  }

  /** RENAME_EXCHANGE: node:fs has no such call; in steps, which only other processes of the host could see. */
  #exchange(name: string, newParent: NodeInode, newName: string): void {
    const aside = `.${process.pid.toString(36)}-${Date.now().toString(36)}.exchange`;
    const move = (a: NodeInode, x: string, b: NodeInode, y: string) =>
      a.#move(x, b, y, a.lookup(x)!, undefined);
    move(this, name, this, aside);
    move(newParent, newName, this, name);
    move(this, aside, newParent, newName);
  }

  /** Gives a new file to the guest's user where that is not the host's. Only root can; others own what they make. */
  #own(who: Creds, chown: (uid: number, gid: number) => void): void {
    const gid = this.mode & S_ISGID ? this.stat().gid : who.fsgid;
    if (who.fsuid === this.fs.hostUid && gid === this.fs.hostGid) return;
    if (!this.fs.native || this.fs.hostUid === 0) chown(who.fsuid, gid);
  }
}

function sameFile(a: fs.BigIntStats, b: fs.BigIntStats): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}

function seconds(time: bigint): number {
  return Number(time / 1_000_000_000n) + Number(time % 1_000_000_000n) / 1e9;
}

function typeOf(d: fs.Dirent): number {
  if (d.isFile()) return modeToType(S_IFREG);
  if (d.isDirectory()) return modeToType(S_IFDIR);
  if (d.isSymbolicLink()) return modeToType(S_IFLNK);
  if (d.isFIFO()) return 1;
  if (d.isCharacterDevice()) return 2;
  if (d.isBlockDevice()) return 6;
  if (d.isSocket()) return 12;
  return 0;
}

/** Opens anew, with host flags, what the host has open, whatever its name is now. */
function reopen(fd: number, flags: number): number {
  return fs.openSync(`/proc/self/fd/${fd}`, flags & ~fs.constants.O_NOFOLLOW);
}
