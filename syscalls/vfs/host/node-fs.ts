/**
 * A file system behind an API like node:fs: the host's own files, or a volume of memfs. One class serves both, so that one
 * test suite holds for both.
 *
 * Every operation goes to `base` + a path whose components the walk has verified one by one, and none follows a symbolic link of
 * the host: files are looked at with lstat, opened with O_NOFOLLOW, and changed through descriptors or calls that act on links
 * themselves. Between the look and the act another process of the host could swap a directory for a link (the guest, whose
 * operations all go through here one after another, cannot); where that matters, in a root or a bind, operations go through
 * directories that are open (handles.ts), if the host has openat2.
 */
import fs from 'node:fs';
import { ERRNO, errnoOf, fail } from '../../abi/errno.ts';
import { type FsStatistics, S_IFDIR, S_IFMT, TMPFS_MAGIC } from '../../abi/stat.ts';
import type { Timespec } from '../../abi/time.ts';
import { FileSystem, type Inode } from '../core/inode.ts';
import type { Vfs } from '../core/vfs.ts';
import { type HostStats, hostStats } from './attributes.ts';
import { host, hostErrno, rethrow } from './error.ts';
import { type HostCalls, hostCalls } from './ffi/call.ts';
import { rename as renameAt, syncfs } from './ffi/files.ts';
import {
  chmodAt,
  chownAt,
  closeFd,
  linkAt,
  mkdirAt,
  openAt,
  type Place,
  pathOf,
  placeOf,
  readlinkAt,
  rmdirAt,
  statAt,
  statOpen,
  symlinkAt,
  unlinkAt,
} from './ffi/names.ts';
import { type GuestApi, withGuestAttributes } from './guest-attributes.ts';
import { chmodItself, DirectoryHandles, isReplaced } from './handles.ts';
import { AttributesInMemory, type KeptAttributes } from './kept-attributes.ts';
import { KeptDescriptors } from './kept-descriptors.ts';
import { LastLook } from './last-look.ts';
import { NodeDirectory, nodeInode } from './node-directory.ts';
import type { NodeInode } from './node-inode.ts';

/** What is used of node:fs; a memfs Volume has the same. */
export type NodeApi = Pick<
  typeof fs,
  | 'lstatSync'
  | 'fstatSync'
  | 'readdirSync'
  | 'readlinkSync'
  | 'openSync'
  | 'closeSync'
  | 'readSync'
  | 'writeSync'
  | 'mkdirSync'
  | 'rmdirSync'
  | 'unlinkSync'
  | 'symlinkSync'
  | 'linkSync'
  | 'renameSync'
  | 'chmodSync'
  | 'fchmodSync'
  | 'lchownSync'
  | 'fchownSync'
  | 'lutimesSync'
  | 'futimesSync'
  | 'ftruncateSync'
  | 'fsyncSync'
  | 'fdatasyncSync'
>;

export interface NodeFsOptions {
  /** The API to use; node:fs unless given. */
  api?: NodeApi;
  /** As in /proc/mounts. */
  type?: string;
  source?: string;
  readOnly?: boolean;
  /**
   * It is the host's own tree: device nodes on it lead to the host's devices, where else they lead only to those that live in
   * this process; and it need not be seen to that nothing outside is reached.
   */
  hostTree?: boolean;
  /** The guest may connect to sockets of the host in it; in the host's own tree it may. */
  reachesSockets?: boolean;
  /** The guest is root in it though this process is not: what the host refuses is kept here. */
  fakeroot?: KeptAttributes | undefined;
  /** One whose directory is in this one, which is as its own is: a bind mount of the guest's. */
  within?: NodeFs;
}

/** A time that the guest has set, and what the API tells since. */
interface ExactTime {
  readonly field: 'atime' | 'mtime';
  readonly rough: Timespec;
  readonly exact: Timespec;
}

const isBelow = (path: string, directory: string) => path === directory || path.startsWith(`${directory}/`);

/**
 * Files and directories that are kept from the guest's view, by where the guest has what it sees by their names; there may be
 * nothing. Paths in the API's view.
 */
export type Hidden = ReadonlyMap<string, string>;

const BIG = { bigint: true, throwIfNoEntry: false } as const;
const NOT_ASCII = /[\x80-\xff]/;

export class NodeFs extends FileSystem {
  readonly api: NodeApi;
  /** The API is the host's: other processes may change files, and the host checks permissions. */
  readonly native: boolean;
  readonly type: string;
  readonly source: string;
  readonly hostTree: boolean;
  readonly reachesSockets: boolean;
  readonly #within: NodeFs | undefined;
  #handles: DirectoryHandles | undefined | null = null;
  /** Of files that nobody has open; one for all that show the same tree. */
  readonly kept: KeptDescriptors;
  readonly root: NodeInode;
  readonly #isDirectory: boolean;
  /**
   * Path of the root in the API's view, a byte string without trailing slash. It changes when a directory moves in which the root
   * lies.
   */
  base: string;
  #hidden: Hidden | undefined;
  /** Directories in which something is hidden; undefined when there is none. */
  hiding: ReadonlySet<string> | undefined;
  /** Raised whenever a directory moves: paths made before are wrong. */
  generation = 0;
  /** Who this process is on the host. */
  readonly hostUid: number;
  readonly hostGid: number;
  /** The API, when the guest's attributes are kept beside it. */
  readonly guest: GuestApi | undefined;
  /** Permission bits the host's umask takes from new files, which the guest's own umask must decide alone. */
  readonly hostUmask: number;
  /** The look at a name that was the last. */
  readonly looked: LastLook;
  /** Exact times the guest has set, where the API, which takes seconds as a double, keeps them only roughly. */
  readonly exactTimes = new Map<string, ExactTime[]>();

  /** @param base path of the root in the API's view, a byte string. Throws Errno when there is none. */
  constructor(vfs: Vfs, base: string, options: NodeFsOptions = {}) {
    super(vfs);
    this.looked = new LastLook(vfs.passed);
    const { fakeroot } = options;
    const outer = options.within;
    const given = options.api ?? fs;
    this.native = outer?.native ?? given === fs;
    if (outer !== undefined) this.guest = outer.guest;
    else if (!this.native) this.guest = withGuestAttributes(given, new AttributesInMemory());
    else if (fakeroot !== undefined) {
      const api: NodeApi = Object.assign(Object.create(fs), { chmodSync: chmodItself });
      const self = { uid: BigInt(process.geteuid!()), gid: BigInt(process.getegid!()) };
      this.guest = withGuestAttributes(api, fakeroot, self);
    }
    this.api = this.guest ?? given;
    // A guest that is root, and files that are this process's, as they are root's for it.
    this.hostUid = this.native && this.guest ? 0 : (process.geteuid?.() ?? 0);
    this.hostGid = this.native && this.guest ? 0 : (process.getegid?.() ?? 0);
    this.type = options.type ?? (this.native ? 'ext4' : 'tmpfs');
    this.source = options.source ?? (this.native ? '/dev/root' : 'tmpfs');
    this.superReadOnly = options.readOnly ?? false;
    this.keptReadOnly = outer?.keptReadOnly ?? this.superReadOnly;
    this.hostTree = options.hostTree ?? false;
    this.reachesSockets = options.reachesSockets ?? this.hostTree;
    this.#within = this.native ? outer : undefined;
    this.kept = this.#within?.kept ?? new KeptDescriptors();
    this.hostUmask = this.native ? process.umask() : 0;
    // Links on the way to the root are the host's own business.
    const real =
      this.native && !outer ? host(() => fs.realpathSync.native(this.#encoded(base), 'latin1')) : base;
    this.base = real.replace(/\/+$/, '');
    const within = this.#within?.place(this.base);
    const first = within === undefined ? this.base || '/' : pathOf(within);
    const stats = hostStats(host(() => this.api.lstatSync(this.#encoded(first), BIG)) ?? fail('ENOENT'));
    this.#isDirectory = (stats.mode & S_IFMT) === S_IFDIR;
    this.root = nodeInode(this, undefined, '', stats);
    if (this.native) vfs.nodeFileSystems.add(new WeakRef(this));
  }

  /** What the API says of a file is all that there is to say. */
  get tellsAll(): boolean {
    return this.native && this.exactTimes.size === 0;
  }

  /** What the guest is not to see. */
  get hidden(): Hidden | undefined {
    return this.#hidden;
  }
  set hidden(hidden: Hidden | undefined) {
    this.#hidden = hidden;
    const directories = [...(hidden?.keys() ?? [])].map(
      (path) => path.slice(0, path.lastIndexOf('/')) || '/',
    );
    this.hiding = hidden && new Set(directories);
  }

  /**
   * To be called when a directory has been moved, or removed (`to` undefined): the others see to it that no path of theirs leads
   * over its old name, where a link might be soon.
   */
  directoryMoved(from: string, to: string | undefined): void {
    if (!this.native) return;
    this.#handles?.forget();
    const { nodeFileSystems } = this.vfs;
    for (const reference of nodeFileSystems) {
      const other = reference.deref();
      if (other === undefined) nodeFileSystems.delete(reference);
      else if (other !== this) other.#movedElsewhere(from, to);
    }
  }

  #movedElsewhere(from: string, to: string | undefined): void {
    this.#handles?.forget();
    if (isBelow(this.base, from)) {
      if (to === undefined) this.root.deleted = true;
      else {
        this.base = to + this.base.slice(from.length);
        this.generation++;
      }
      return;
    }
    const moved = this.#known(from);
    if (moved === undefined) return;
    const slash = to?.lastIndexOf('/') ?? -1;
    const parent = to === undefined ? undefined : this.#found(to.slice(0, slash));
    (moved.parent as NodeDirectory).moved(moved.name, parent, to?.slice(slash + 1) ?? '');
  }

  /** The inode there is of a directory, by its path in the API's view. */
  #known(path: string): NodeInode | undefined {
    if (!isBelow(path, this.base)) return undefined;
    let at: NodeInode | undefined = this.root;
    for (const name of path.slice(this.base.length).split('/')) {
      if (name !== '') at = at instanceof NodeDirectory ? at.known(name) : undefined;
    }
    return at;
  }

  /** As #known, but looked for when there is none. */
  #found(path: string): NodeDirectory | undefined {
    if (!isBelow(path, this.base)) return undefined;
    let at: Inode | undefined = this.root;
    for (const name of path.slice(this.base.length).split('/')) if (name !== '') at = at?.lookup(name);
    return at instanceof NodeDirectory ? at : undefined;
  }

  /** What keeps paths below this base; undefined when nothing does, null when that has not been seen to yet. */
  #confined(): DirectoryHandles | undefined {
    if (this.#handles !== null) return this.#handles;
    const calls = this.hostTree ? undefined : this.calls;
    // The root of a bind may be a file.
    const top = this.#isDirectory ? this.base || '/' : this.base.slice(0, this.base.lastIndexOf('/')) || '/';
    this.#handles = calls === undefined ? undefined : DirectoryHandles.below(calls, this.vfs.passed, top);
    return this.#handles;
  }

  /** What a path means, to be used once, now, by what does not follow its last component: safe against others on the host. */
  place(path: string): Place {
    if (this.#within !== undefined) return this.#within.place(path);
    return this.#confined()?.place(this.#relative(path) || '.') ?? placeOf(path);
  }
  /** The same of a name in a directory, of which nothing is known that is hidden. */
  placeIn(directory: NodeDirectory, name: string): Place {
    if (this.#within !== undefined) return this.#within.placeIn(directory, name);
    const confined = this.#confined();
    if (confined === undefined) {
      const { path } = directory;
      return placeOf(path === '/' ? `/${name}` : `${path}/${name}`);
    }
    let fd = confined.opened(directory.handle);
    if (fd === undefined) {
      directory.handle = confined.open(this.#relative(directory.path), directory.handle);
      ({ fd } = directory.handle);
    }
    return { fd, name };
  }
  /** A directory has been looked at, by its name. */
  lookedAt(directory: NodeDirectory, seen: HostStats): void {
    const { handle } = directory;
    if (handle === undefined) return;
    if (this.#within === undefined) this.#handles?.renew(handle, seen);
    else this.#within.lookedAt(directory, seen);
  }
  #relative(path: string): string {
    return path.slice((this.#isDirectory ? this.base.length : this.base.lastIndexOf('/')) + 1);
  }

  /**
   * The calls of the host by which names are used in directories that are open; undefined where paths are used, by the API: in
   * the host's own tree, for what is kept beside files, without node:ffi.
   */
  get #direct(): HostCalls | undefined {
    return this.#directCalls === null ? (this.#directCalls = this.#findDirect()) : this.#directCalls;
  }
  #directCalls: HostCalls | undefined | null = null;
  #findDirect(): HostCalls | undefined {
    if (!this.native || this.guest !== undefined) return undefined;
    return this.#within === undefined ? this.#confined()?.calls : this.#within.#direct;
  }

  releaseHandles(): boolean {
    const any = this.kept.close();
    return (this.#handles?.shrink() ?? false) || any;
  }

  /** The path of a directory, for what would follow a link in its place. */
  directoryPath(path: string): string {
    return this.native ? this.path(this.place(path === '/' ? '/.' : `${path}/.`)) : path;
  }

  // ---- what is done to names, each in a place for this one use. Errors are the API's or Errno. ----

  /** Undefined when there is no such name. Throws Errno. */
  lstat(place: Place): HostStats | undefined {
    const calls = this.#direct;
    if (calls !== undefined) return statAt(calls, place);
    const stats = host(() => this.api.lstatSync(this.path(place), BIG));
    return stats && hostStats(stats);
  }
  /** Of what is open. Throws Errno. */
  fstat(fd: number): HostStats {
    const calls = this.#direct;
    if (calls !== undefined) return statOpen(calls, fd);
    return hostStats(host(() => this.api.fstatSync(fd, { bigint: true })));
  }
  /** Throws Errno. When there are no more descriptors, those go that are only there to be fast. */
  open(where: { readonly place: Place }, flags: number, mode?: number): number {
    const calls = this.#direct;
    for (let again = false; ; again = true) {
      const fd =
        calls === undefined
          ? this.#openByPath(where.place, flags, mode)
          : openAt(calls, where.place, flags, mode ?? 0);
      if (fd >= 0) return fd;
      if (again || fd !== -ERRNO.EMFILE || !this.vfs.releaseDescriptors())
        throw errnoOf(-fd) ?? new Error(`unknown error ${-fd} of the host`);
    }
  }
  /** The descriptor, or the negative number of the error. */
  #openByPath(place: Place, flags: number, mode: number | undefined): number {
    try {
      return this.api.openSync(this.path(place), flags, mode);
    } catch (thrown) {
      return -(hostErrno(thrown)?.errno ?? rethrow(thrown));
    }
  }
  /** Throws Errno. */
  closeFd(fd: number): void {
    const calls = this.#direct;
    if (calls !== undefined) closeFd(calls, fd);
    else host(() => this.api.closeSync(fd));
  }
  /** A directory, for reading its names; `closeDirectory` is to follow. */
  openDirectory(directory: NodeDirectory): number {
    const { O_DIRECTORY, O_NOFOLLOW } = fs.constants;
    try {
      return this.open(directory === this.root ? directory.itself : directory, O_DIRECTORY | O_NOFOLLOW);
    } catch (error) {
      return isReplaced(error) ? fail('ENOENT') : rethrow(error);
    }
  }
  /** What is open serves for names in it, where these are used so: they are often looked at next. */
  closeDirectory(directory: NodeDirectory, fd: number): void {
    const confined = this.#within === undefined ? this.#confined() : undefined;
    if (confined === undefined || directory === this.root || confined.opened(directory.handle) !== undefined)
      this.closeFd(fd);
    else directory.handle = confined.adopt(fd, directory.handle);
  }
  mkdir(place: Place, mode: number): void {
    const calls = this.#direct;
    if (calls !== undefined) mkdirAt(calls, place, mode);
    else this.api.mkdirSync(this.path(place), mode);
  }
  rmdir(place: Place): void {
    const calls = this.#direct;
    if (calls !== undefined) rmdirAt(calls, place);
    else this.api.rmdirSync(this.path(place));
  }
  unlink(place: Place): void {
    const calls = this.#direct;
    if (calls !== undefined) unlinkAt(calls, place);
    else this.api.unlinkSync(this.path(place));
  }
  symlink(target: string, place: Place): void {
    const calls = this.#direct;
    if (calls !== undefined) symlinkAt(calls, target, place);
    else this.api.symlinkSync(this.#encoded(target), this.path(place));
  }
  /** What a link says. */
  readlink(place: Place): string {
    const calls = this.#direct;
    if (calls !== undefined) return readlinkAt(calls, place);
    return this.fromHost(this.api.readlinkSync(this.path(place), this.native ? 'latin1' : 'utf8'));
  }
  link(from: Place, to: Place): void {
    const calls = this.#direct;
    if (calls !== undefined) linkAt(calls, from, to);
    else this.api.linkSync(this.path(from), this.path(to));
  }
  rename(from: Place, to: Place): void {
    const calls = this.#direct;
    if (calls !== undefined) renameAt(calls, from, to, 0);
    else this.api.renameSync(this.path(from), this.path(to));
  }
  chown(place: Place, uid: number, gid: number): void {
    const calls = this.#direct;
    if (calls !== undefined) chownAt(calls, place, uid, gid);
    else this.api.lchownSync(this.path(place), uid, gid);
  }
  /** Of a file that is no link. */
  chmod(place: Place, mode: number): void {
    const calls = this.#direct;
    if (calls !== undefined && chmodAt(calls, place, mode)) return;
    if (this.hostTree || this.guest) this.api.chmodSync(this.path(place), mode);
    else chmodItself(this.path(place), mode);
  }

  /** Gives back what it has open. */
  close(): void {
    this.kept.close();
    this.#handles?.close();
    this.#handles = undefined;
    this.#directCalls = undefined;
  }

  /** A place as the API takes it. */
  path(place: Place): string {
    return this.#encoded(pathOf(place));
  }

  /** Bytes for the host (names need not be UTF-8), text for memfs. */
  #encoded(path: string): string {
    if (!NOT_ASCII.test(path)) return path;
    const bytes = Buffer.from(path, 'latin1');
    return this.native ? (bytes as unknown as string) : bytes.toString();
  }

  /** A name or link target that the API gave, as a byte string. */
  fromHost(text: string): string {
    return this.native || !/[\u0080-\uffff]/.test(text) ? text : Buffer.from(text).toString('latin1');
  }

  /** The calls of the host that node:fs has none of. */
  get calls(): HostCalls | undefined {
    return this.native ? hostCalls() : undefined;
  }

  override sync(): void {
    const { calls } = this;
    if (calls === undefined) return;
    const { O_NONBLOCK, O_NOFOLLOW } = fs.constants;
    const fd = host(() => fs.openSync(this.path(this.root.place), O_NONBLOCK | O_NOFOLLOW));
    try {
      syncfs(calls, fd);
    } finally {
      fs.closeSync(fd);
    }
  }

  checkWritable(): void {
    if (this.readOnly) fail('EROFS');
  }

  statfs(inode: Inode): FsStatistics {
    if (!this.native) {
      const free = 1 << 18;
      return {
        type: TMPFS_MAGIC,
        bsize: 4096,
        blocks: 2 * free,
        bfree: free,
        bavail: free,
        files: free,
        ffree: free,
        namelen: 255,
      };
    }
    const s = this.#statisticsAt(inode as NodeInode);
    return {
      type: s.type >>> 0,
      bsize: s.bsize,
      blocks: s.blocks,
      bfree: s.bfree,
      bavail: s.bavail,
      files: s.files,
      ffree: s.ffree,
      namelen: 255,
    };
  }
  /** Of what cannot be reached by a path any more, those of the next directory above it that can. */
  #statisticsAt(inode: NodeInode): fs.StatsFs {
    // What follows no link is a directory: that of the file, or itself.
    const { path } = inode;
    const directory = inode.isDirectory ? path : path.slice(0, path.lastIndexOf('/')) || '/';
    try {
      return host(() => fs.statfsSync(this.directoryPath(directory)));
    } catch (error) {
      if (inode === this.root || inode.parent?.fs !== this) throw error;
      return this.#statisticsAt(inode.parent as NodeInode);
    }
  }
}
