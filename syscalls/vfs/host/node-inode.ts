/** Files of a NodeFs. See node-fs.ts for how links of the host are kept from being followed. */

import fs from 'node:fs';
import { flushShared, forgetShared } from '../../../emu/memory/shared.ts';
import { Errno, errnoNamed, fail } from '../../abi/errno.ts';
import { O_ACCMODE, O_RDONLY, O_WRONLY } from '../../abi/fcntl.ts';
import type { Attributes } from '../../abi/stat.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG } from '../../abi/stat.ts';
import { isSameTime, nanosecondsOf, secondsOf, type Timespec, timespecNow } from '../../abi/time.ts';
import { type AclEntry, parseAcl } from '../core/acl.ts';
import type { Creds } from '../core/creds.ts';
import { DirectoryFile } from '../core/directory-file.ts';
import type { AttributeChange } from '../core/inode.ts';
import { Inode } from '../core/inode.ts';
import type { OpenFile } from '../core/open-file.ts';
import { checkXattrFlags, Xattrs } from '../core/xattrs.ts';
import { openFifo } from '../ipc/pipe.ts';
import { OutsideAddress, type OutsideName } from '../net/outside.ts';
import { attributesOf, type HostStats } from './attributes.ts';
import { host, rethrow } from './error.ts';
import type { HostCalls } from './ffi/call.ts';
import { getxattr, type HostFile, linkOpen, listxattr, removexattr, setxattr, utimens } from './ffi/files.ts';
import type { Place } from './ffi/names.ts';
import { hostFlags, isPlainRead } from './flags.ts';
import { connectOnHost } from './host-sockets.ts';
import type { Kept } from './kept-attributes.ts';
import type { NodeDirectory } from './node-directory.ts';
import { NodeFile, openForChange } from './node-file.ts';
import type { NodeFs } from './node-fs.ts';

const MOST_EXACT = 65536;
/** Attributes that root sets. */
const ROOTS = /^(security|trusted)\./;

/** Of a directory that has been removed there is nothing but its attributes, and they are its own. */
function withChange(before: HostStats, { mode, uid, gid, atime, mtime }: AttributeChange): HostStats {
  const now = timespecNow();
  return {
    ...before,
    ...(mode !== undefined && { mode: (before.mode & S_IFMT) | (mode & 0o7777) }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(atime !== undefined && { atime: atime === 'now' ? now : atime }),
    ...(mtime !== undefined && { mtime: mtime === 'now' ? now : mtime }),
    ctime: now,
  };
}

export class NodeInode extends Inode {
  declare readonly fs: NodeFs;
  #stats: HostStats;
  /** The walk in which #stats was found. */
  #walk: number;
  #path = '';
  #identity: string | undefined;
  /** Of a link, once it has been read: where it leads never changes. */
  #target: string | undefined;
  #generation = -1;
  /** The API's descriptors of it that are open. */
  #open: number[] | undefined;

  constructor(fs: NodeFs, parent: NodeDirectory | undefined, name: string, stats: HostStats) {
    super(fs, parent, name);
    this.#stats = stats;
    this.#walk = this.fs.vfs.walk;
  }

  get path(): string {
    if (this.#generation === this.fs.generation) return this.#path;
    this.#path =
      this === this.fs.root ? this.fs.base || '/' : (this.parent as NodeDirectory).childPath(this.name);
    this.#generation = this.fs.generation;
    return this.#path;
  }

  /** Where it is on the host, for a single use, now. */
  get place(): Place {
    return this === this.fs.root
      ? this.fs.place(this.path)
      : (this.parent as NodeDirectory).placeOf(this.name);
  }

  override get mode(): number {
    return this.#stats.mode;
  }

  /** Device and inode number, by which the same file is known under all its names. */
  get identity(): string {
    return (this.#identity ??= `${this.fs.native ? '' : `${this.fs.id}:`}${this.#stats.dev}:${this.#stats.ino}`);
  }

  override get ino(): number {
    return this.attributes(this.#stats).ino;
  }

  override stat(): Attributes {
    if (this.#walk !== this.fs.vfs.walk && !this.deleted) this.#refresh();
    const attributes = this.attributes(this.#stats);
    return this.deleted ? { ...attributes, nlink: 0 } : attributes;
  }

  /** Whether this is what the API says of it: the file, under whatever name. */
  isSame(stats: HostStats): boolean {
    return stats.ino === this.#stats.ino && stats.dev === this.#stats.dev;
  }
  /** Takes what the API says now. */
  update(stats: HostStats): void {
    this.#stats = stats;
    this.#walk = this.fs.vfs.walk;
    this.#target = undefined;
  }
  /** Something has been done to the file: what is known of it is no longer so. */
  outdate(): void {
    this.#walk = -1;
  }
  /** It has another name, or is in another directory. */
  renamed(parent: NodeDirectory, name: string): void {
    this.parent = parent;
    this.name = name;
    this.#generation = -1;
  }
  /** Its permissions have been changed. */
  protected changed(): void {}

  #refresh(): void {
    const stats = this.fs.lstat(this.place);
    // The name may be another file's by now.
    if (stats === undefined || !this.isSame(stats)) fail('ENOENT');
    this.update(stats);
  }

  /** Attributes from what the API gave, numbers made safe for a 32-bit guest. */
  attributes(s: HostStats): Attributes {
    const dev = this.fs.native ? s.dev : this.fs.dev;
    const found = attributesOf(s, dev, this.fs.vfs.numbers);
    return this.fs.tellsAll ? found : corrected(found, this);
  }

  /** The host checks for itself when the guest's user is its own; but it looks at nothing above what it has been given open. */
  override searchable(who: Creds): boolean {
    const isForAll = who.fsuid === 0 || (this.#walk >= 0 && (this.#stats.mode & 0o111) === 0o111);
    return (isForAll && this.fs.native && who.fsuid === this.fs.hostUid) || super.searchable(who);
  }

  override open(flags: number): OpenFile {
    switch (this.mode & S_IFMT) {
      case S_IFDIR:
        return new DirectoryFile(this, flags);
      case S_IFLNK:
        return fail('ELOOP');
      case S_IFREG: {
        if ((flags & O_ACCMODE) !== O_RDONLY) this.fs.checkWritable();
        const kept = this.#walk === this.fs.vfs.walk && isPlainRead(flags) && this.fs.kept.take(this.#stats);
        if (kept) return new NodeFile(this, flags, kept.fd, kept.known);
        const fd = this.#openFile(hostFlags(flags));
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
          this.fs.hostTree ? () => this.path : undefined,
        );
      default:
        return fail('ENXIO');
    }
  }

  #openFile(flags: number): number {
    if (!this.deleted) return this.fs.open(this, flags);
    // Its name is gone: it can be had again through a descriptor (/proc/PID/fd).
    const [open] = this.#open ?? [];
    if (open === undefined || !this.fs.native) return fail('ENOENT');
    return reopen(open, flags);
  }

  /** Another descriptor of the file that the API has open as `fd`, with other flags. */
  reopen(fd: number, flags: number): number {
    const bits = hostFlags(flags);
    return this.fs.native ? reopen(fd, bits) : this.#openFile(bits);
  }

  /** A descriptor of the file was opened: the inode is remembered in its directory, so that renaming and unlinking find it. */
  opened(fd: number): void {
    (this.#open ??= []).push(fd);
    if (!this.deleted && this !== this.fs.root) (this.parent as NodeDirectory).remember(this);
  }
  closed(fd: number): void {
    const open = this.#open!;
    open.splice(open.indexOf(fd), 1);
    if (open.length === 0 && !this.deleted && this !== this.fs.root) {
      (this.parent as NodeDirectory).forget(this);
    }
  }
  override setattr(change: AttributeChange): void {
    this.fs.checkWritable();
    const { api } = this.fs;
    // Its path is no more its own when its name is gone. (chmod is the only one of these calls that follows a link.)
    if (this.deleted && this.isDirectory) {
      this.#stats = withChange(this.#stats, change);
      return;
    }
    if (this.deleted) {
      this.#setNameless(change);
      return;
    }
    if (this.#walk !== this.fs.vfs.walk) this.#refresh();
    // Ids that are not given stay.
    const { uid, gid } = this.#stats;
    this.#walk = -1;
    try {
      if (change.size !== undefined) {
        const mapped = this.fs.vfs.sharedPages.get(this.identity);
        if (mapped) flushShared(mapped);
        openForChange(this, (fd) => api.ftruncateSync(fd, change.size!));
        if (mapped) forgetShared(mapped, change.size);
      }
      if (change.uid !== undefined || change.gid !== undefined) {
        this.fs.chown(this.place, change.uid ?? uid, change.gid ?? gid);
      }
      if (change.mode !== undefined) {
        if (this.isSymlink) fail('EOPNOTSUPP');
        this.fs.chmod(this.place, change.mode & 0o7777);
      }
      const { calls } = this.fs;
      if (calls === undefined)
        this.setTimes(change, (atime, mtime) => api.lutimesSync(this.fs.path(this.place), atime, mtime));
      else if (change.atime !== undefined || change.mtime !== undefined)
        utimens(calls, this.place, change.atime, change.mtime);
    } catch (error) {
      rethrow(error);
    }
    this.#walk = -1;
    this.changed();
    if (change.mode !== undefined) this.#refresh();
  }

  /** Its name is gone: who has it open lends a descriptor (/proc/PID/fd). */
  #setNameless({ size, ...rest }: AttributeChange): void {
    const [open] = this.#open ?? [];
    if (open === undefined || !this.fs.native) fail('ENOENT');
    if (size !== undefined) {
      const fd = reopen(open, hostFlags(O_WRONLY));
      host(() => this.fs.api.ftruncateSync(fd, size));
      fs.closeSync(fd);
    }
    this.setOpen(open, rest);
  }

  /** Changes it through a descriptor of the API's. */
  setOpen(fd: number, change: AttributeChange): void {
    const { api, calls } = this.fs;
    this.fs.checkWritable();
    this.outdate();
    const look = () => this.attributes(this.fs.fstat(fd));
    host(() => {
      if (change.size !== undefined) api.ftruncateSync(fd, change.size);
      if (change.uid !== undefined || change.gid !== undefined) {
        const { uid, gid } = change;
        api.fchownSync(fd, uid ?? look().uid, gid ?? look().gid);
      }
      if (change.mode !== undefined) api.fchmodSync(fd, change.mode & 0o7777);
    });
    if (calls !== undefined) {
      if (change.atime === undefined && change.mtime === undefined) return;
      utimens(calls, fd, change.atime, change.mtime);
      return;
    }
    this.setTimes(change, (atime, mtime) => host(() => api.futimesSync(fd, atime, mtime)), look);
  }

  /** Sets the times through the API, which takes seconds, and remembers what it cannot hold exactly. */
  setTimes(
    change: AttributeChange,
    set: (atime: number, mtime: number) => void,
    look?: () => Attributes,
  ): void {
    if (change.atime === undefined && change.mtime === undefined) return;
    const now = timespecNow();
    const before = look ? look() : this.stat();
    const want = {
      atime: change.atime === 'now' ? now : (change.atime ?? before.atime),
      mtime: change.mtime === 'now' ? now : (change.mtime ?? before.mtime),
    };
    this.fs.exactTimes.delete(this.identity);
    set(secondsOf(want.atime), secondsOf(want.mtime));
    this.#walk = -1;
    const after = look ? look() : this.stat();
    const inexact = (['atime', 'mtime'] as const).filter((field) => !isSameTime(after[field], want[field]));
    if (inexact.length === 0) return;
    const { exactTimes } = this.fs;
    // The oldest go: what was set so long ago is hardly compared to the nanosecond.
    if (exactTimes.size >= MOST_EXACT) exactTimes.delete(exactTimes.keys().next().value!);
    exactTimes.set(
      this.identity,
      inexact.map((field) => ({ field, rough: after[field], exact: want[field] })),
    );
  }

  /** What its host calls act on: its path, or, its name being gone, a descriptor. */
  #hostFile(): HostFile {
    if (!this.deleted) return this.place;
    const [open] = this.#open ?? [];
    return open ?? fail('ENOENT');
  }
  #calls(): HostCalls {
    return this.fs.calls ?? fail('EOPNOTSUPP');
  }

  /** Attributes that only root may set on the host, of a guest that is root there though this process is not. */
  get #keptXattrs(): Readonly<Record<string, string>> | undefined {
    const { guest, native } = this.fs;
    if (!native || guest === undefined || guest.kept.empty || this.#lostXattrs) return undefined;
    return host(() => guest.keptOf(this.#guestFile()))?.xattrs;
  }
  #guestFile(): string | number {
    const file = this.#hostFile();
    return typeof file === 'number' ? file : this.fs.path(this.place);
  }

  /** As of a change of the file, which its list is, too. */
  #list: { readonly ctime: Timespec; readonly acl: readonly AclEntry[] | undefined } | undefined;
  protected override accessList(): readonly AclEntry[] | undefined {
    const { calls } = this.fs;
    if (calls === undefined) return undefined;
    const { ctime } = this.#stats;
    if (this.#list === undefined || !isSameTime(this.#list.ctime, ctime)) {
      let acl: readonly AclEntry[] | undefined;
      try {
        const value = getxattr(calls, this.#hostFile(), 'system.posix_acl_access');
        acl = value && parseAcl(value);
      } catch (error) {
        if (!(error instanceof Errno)) throw error;
      }
      this.#list = { ctime, acl };
    }
    return this.#list.acl;
  }

  /** A directory whose name is gone cannot be found again: what is done to its attributes is done here. */
  #lost: Xattrs | undefined;
  get #lostXattrs(): Xattrs | undefined {
    return this.deleted && this.isDirectory && this.fs.calls ? (this.#lost ??= new Xattrs()) : undefined;
  }

  override getxattr(name: string): Uint8Array | undefined {
    if (this.#lostXattrs) return this.#lostXattrs.get(name);
    const kept = this.#keptXattrs?.[name];
    if (kept !== undefined) return Buffer.from(kept, 'base64');
    return getxattr(this.#calls(), this.#hostFile(), name);
  }
  override setxattr(name: string, value: Uint8Array, flags: number): void {
    this.fs.checkWritable();
    try {
      if (this.#lostXattrs) this.#lostXattrs.set(name, value, flags);
      else setxattr(this.#calls(), this.#hostFile(), name, value, flags);
    } catch (error) {
      const { guest, native } = this.fs;
      if (error !== errnoNamed('EPERM') || !native || guest === undefined || !ROOTS.test(name)) throw error;
      const xattrs = this.#keptXattrs ?? {};
      checkXattrFlags(name in xattrs, flags);
      const kept = { ...xattrs, [name]: Buffer.from(value).toString('base64') };
      host(() => guest.keep(this.#guestFile(), { xattrs: kept }));
    }
    // An access control list is part of the mode.
    this.outdate();
    this.changed();
  }
  override listxattr(): string[] {
    if (this.#lostXattrs) return this.#lostXattrs.names;
    const { calls } = this.fs;
    const kept = Object.keys(this.#keptXattrs ?? {});
    return calls === undefined ? kept : [...listxattr(calls, this.#hostFile()), ...kept];
  }
  override removexattr(name: string): void {
    this.fs.checkWritable();
    const { [name]: kept, ...rest } = this.#keptXattrs ?? {};
    if (this.#lostXattrs) this.#lostXattrs.remove(name);
    else if (kept === undefined) removexattr(this.#calls(), this.#hostFile(), name);
    else {
      const xattrs = Object.keys(rest).length > 0 ? rest : undefined;
      host(() => this.fs.guest!.keep(this.#guestFile(), { xattrs } as Partial<Kept>));
    }
    this.outdate();
  }

  /** Gives it a name again, or its first, which the host does only for a file that is still to have one. */
  linkOpen(parent: NodeDirectory, name: string): void {
    const { calls } = this.fs;
    const [open] = this.#open ?? [];
    if (calls === undefined || open === undefined) fail('ENOENT');
    linkOpen(calls, open, parent.placeOf(name));
    this.deleted = false;
    this.renamed(parent, name);
    parent.remember(this);
    this.outdate();
  }

  /** The name on the host of a socket of the run. */
  outsideName: OutsideName | undefined;
  /** What a bound socket's name leads to. */
  get socket(): unknown {
    return this.fs.vfs.boundSockets.get(this.#socketKey);
  }
  set socket(socket: unknown) {
    const { boundSockets } = this.fs.vfs;
    if (socket === undefined) boundSockets.delete(this.#socketKey);
    else boundSockets.set(this.#socketKey, socket);
  }
  /** The host's socket that is bound to it, where the guest may reach such. */
  get outside(): OutsideAddress | undefined {
    if (!this.fs.reachesSockets || this.fs.calls === undefined) return undefined;
    return new OutsideAddress(() => connectOnHost(this.fs.path(this.place)));
  }

  /** The number of a file that is gone is given again. */
  get #socketKey(): string {
    return `${this.identity}:${nanosecondsOf(this.#stats.btime)}`;
  }

  override sync(): void {
    if (!this.fs.native || this.deleted) return;
    const fd = host(() =>
      fs.openSync(this.fs.path(this.place), fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW),
    );
    try {
      host(() => fs.fsyncSync(fd));
    } finally {
      fs.closeSync(fd);
    }
  }

  override readlink(): string {
    if (!this.isSymlink) fail('EINVAL');
    return (this.#target ??= host(() => this.fs.readlink(this.place)));
  }
}

/** What the API says, where it does not know all that the host would. */
function corrected(found: Attributes, inode: NodeInode): Attributes {
  const attributes = { ...found };
  const { native, exactTimes } = inode.fs;
  if (!native && (attributes.mode & S_IFMT) === S_IFLNK) {
    // memfs gives links the mode of a file and no size.
    attributes.mode = S_IFLNK | 0o777;
    attributes.size = inode.readlink().length;
  }
  for (const { field, rough, exact } of exactTimes.get(inode.identity) ?? []) {
    if (isSameTime(attributes[field], rough)) attributes[field] = exact;
  }
  return attributes;
}

/** Opens anew, with host flags, what the host has open, whatever its name is now. */
function reopen(fd: number, flags: number): number {
  return host(() => fs.openSync(`/proc/self/fd/${fd}`, flags & ~fs.constants.O_NOFOLLOW));
}
