/**
 * Owners and modes as the guest has set them, where the files themselves are this process's: in memfs, which lets this process
 * do only what a file's mode lets its user do, root or not; and in the root of a guest that is root where this process is not
 * (fakeroot). The guest's user decides, which Inode.permits has asked already. So files have this process for their owner, who
 * may read and write them, and what the guest has made of owner and mode is kept (kept-attributes.ts).
 */

import fs from 'node:fs';
import { S_IFDIR, S_IFMT, S_IFREG, S_ISGID, S_ISUID, S_IXGRP } from '../../abi/stat.ts';
import type { Kept, KeptAttributes } from './kept-attributes.ts';
import type { NodeApi } from './node-fs.ts';

const PERMISSIONS = 0o7777;
const BIG = { bigint: true } as const;

/** What the owner must have. */
const opened = (mode: number, directory: boolean) => mode | (directory ? 0o700 : 0o600);
const isDirectory = (s: fs.BigIntStats) => (Number(s.mode) & S_IFMT) === S_IFDIR;

export interface GuestApi extends NodeApi {
  /** What is kept beside, by the host's own attributes of a file. */
  readonly kept: KeptAttributes;
  /** A device that the host does not make: a file in its place. */
  makeDevice(path: string, mode: number, rdev: number, uid: number, gid: number): void;
  /** Changes what is kept of a file beside owner and mode. */
  keep(file: string | number, what: Partial<Kept>): void;
  keptOf(file: string | number): Kept | undefined;
}

/** This process's ids on the host. */
interface HostIds {
  readonly uid: bigint;
  readonly gid: bigint;
}

/** What is kept of files, over an API and this process's ids as withGuestAttributes has them. */
class GuestAttributes {
  readonly kept: KeptAttributes;
  readonly #api: NodeApi;
  readonly #fake: HostIds | undefined;

  constructor(api: NodeApi, kept: KeptAttributes, fake: HostIds | undefined) {
    this.#api = api;
    this.kept = kept;
    this.#fake = fake;
  }

  /** As the file is without anything kept. */
  natural(s: fs.BigIntStats): fs.BigIntStats {
    if (this.#fake?.uid === s.uid) s.uid = 0n;
    if (this.#fake?.gid === s.gid) s.gid = 0n;
    return s;
  }

  show(s: fs.BigIntStats): fs.BigIntStats {
    const owned = this.kept.empty ? undefined : this.kept.get(s);
    this.natural(s);
    if (owned === undefined) return s;
    const { mode, uid, gid, rdev } = owned;
    const shown = {
      ...(mode !== undefined && {
        mode: mode & S_IFMT ? BigInt(mode) : (s.mode & ~BigInt(PERMISSIONS)) | BigInt(mode),
      }),
      ...(uid !== undefined && { uid: BigInt(uid) }),
      ...(gid !== undefined && { gid: BigInt(gid) }),
      ...(rdev !== undefined && { rdev: BigInt(rdev) }),
    };
    return Object.assign(Object.create(Object.getPrototypeOf(s)), s, shown);
  }

  change(host: fs.BigIntStats, what: Partial<Kept>): void {
    const before = this.kept.get(host);
    const { mode, uid, gid } = this.natural(host);
    const natural = { mode: Number(mode) & PERMISSIONS, uid: Number(uid), gid: Number(gid) };
    const after = { ...natural, ...before, ...what };
    // The host's own files may be changed by others: what they have, too, is not kept.
    const differs = (name: keyof typeof natural) => this.#fake === undefined || after[name] !== natural[name];
    const entry: Kept = {
      ...(differs('mode') && { mode: after.mode }),
      ...(differs('uid') && { uid: after.uid }),
      ...(differs('gid') && { gid: after.gid }),
      ...(after.rdev !== undefined && { rdev: after.rdev }),
      ...(after.xattrs !== undefined && { xattrs: after.xattrs }),
    };
    if (Object.keys(entry).length > 0) this.kept.set(host, entry);
    else if (before !== undefined) this.kept.delete(host);
  }

  lstat(path: fs.PathLike): fs.BigIntStats {
    return this.#api.lstatSync(path, BIG);
  }
  fstat(fd: number): fs.BigIntStats {
    return this.#api.fstatSync(fd, BIG);
  }
  look(file: string | number): fs.BigIntStats {
    return typeof file === 'number' ? this.fstat(file) : this.lstat(file);
  }
  typeOf(s: fs.BigIntStats): number {
    return (this.kept.get(s)?.mode ?? 0) & S_IFMT;
  }

  chmod(look: () => fs.BigIntStats, mode: number, set: (mode: number) => void): void {
    const before = look();
    const type = this.typeOf(before);
    mode &= PERMISSIONS;
    set(opened(mode, isDirectory(before)));
    this.change(look(), { mode: type | mode });
  }

  /** A new owner does not get what the old one's S_ISUID granted (chown(2)). */
  chown(s: fs.BigIntStats, uid: number, gid: number): void {
    const shown = Number(this.show({ ...s } as fs.BigIntStats).mode);
    let mode = (this.typeOf(s) | shown) & (this.typeOf(s) | PERMISSIONS);
    if ((shown & S_IFMT) === S_IFREG) mode &= mode & S_IXGRP ? ~(S_ISUID | S_ISGID) : ~S_ISUID;
    const { 'security.capability': _, ...xattrs } = this.kept.get(s)?.xattrs ?? {};
    const rest = Object.keys(xattrs).length > 0 ? { xattrs } : { xattrs: undefined };
    this.change(s, { mode, uid, gid, ...rest } as Partial<Kept>);
  }

  /** Does something in a directory that may have a mode which keeps its owner out, but not root. */
  within<T>(path: fs.PathLike, act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (this.#fake === undefined || (error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
      const text = Buffer.isBuffer(path) ? path.toString('latin1') : String(path);
      const parent = text.slice(0, text.lastIndexOf('/')) || '/';
      const directory = Buffer.from(parent, 'latin1');
      // A directory that is open (handles.ts) is what its name in /proc leads to.
      const isOpen = /^\/proc\/self\/fd\/\d+$/.test(parent);
      const seen = () => (isOpen ? fs.statSync(directory, BIG) : this.lstat(directory));
      const mode = Number(this.show(seen()).mode);
      this.chmod(seen, mode, (all) =>
        isOpen ? fs.chmodSync(directory, all) : this.#api.chmodSync(directory, all),
      );
      return act();
    }
  }

  forget(path: fs.PathLike, remove: () => void, last: bigint): void {
    const s = this.kept.empty ? undefined : this.lstat(path);
    this.within(path, remove);
    if (s !== undefined && s.nlink <= last) this.kept.delete(s);
  }
}

/**
 * The API, with attributes as the guest has set them.
 * @param fake this process's ids on the host, which are root's for the guest; undefined: they are nobody's in particular (memfs)
 */
export function withGuestAttributes(api: NodeApi, kept: KeptAttributes, fake?: HostIds): GuestApi {
  const guest = new GuestAttributes(api, kept, fake);
  const mine: Partial<GuestApi> = {
    kept,
    keptOf: (file) => kept.get(guest.look(file)),
    keep: (file, what) => guest.change(guest.look(file), what),
    makeDevice: (path, mode, rdev, uid, gid) => {
      const { O_CREAT, O_EXCL, O_WRONLY } = fs.constants;
      const fd = guest.within(path, () => api.openSync(path, O_CREAT | O_EXCL | O_WRONLY, 0o600));
      try {
        kept.set(guest.fstat(fd), { mode, uid, gid, rdev });
      } finally {
        api.closeSync(fd);
      }
    },
    lstatSync: ((path: fs.PathLike, options: fs.StatSyncOptions & { bigint: true }) => {
      const s = guest.within(path, () => api.lstatSync(path, options));
      return s && guest.show(s as fs.BigIntStats);
    }) as NodeApi['lstatSync'],
    // Only the size is asked for without BigInts.
    fstatSync: ((fd: number, options?: fs.StatOptions) =>
      options?.bigint ? guest.show(guest.fstat(fd)) : api.fstatSync(fd)) as NodeApi['fstatSync'],
    chmodSync: (path, mode) =>
      guest.chmod(
        () => guest.lstat(path),
        Number(mode),
        (all) => api.chmodSync(path, all),
      ),
    fchmodSync: (fd, mode) =>
      guest.chmod(
        () => guest.fstat(fd),
        Number(mode),
        (all) => api.fchmodSync(fd, all),
      ),
    lchownSync: (path, uid, gid) => guest.chown(guest.lstat(path), uid, gid),
    fchownSync: (fd, uid, gid) => guest.chown(guest.fstat(fd), uid, gid),
    mkdirSync: ((path: fs.PathLike, mode: number) => {
      guest.within(path, () => api.mkdirSync(path, opened(mode, true)));
      if (fake === undefined || opened(mode, true) !== mode) guest.change(guest.lstat(path), { mode });
    }) as NodeApi['mkdirSync'],
    openSync: (path, flags, mode) => {
      if (mode !== undefined && mode !== null) {
        const fd = guest.within(path, () => api.openSync(path, flags, opened(Number(mode), false)));
        if (fake === undefined || opened(Number(mode), false) !== Number(mode))
          guest.change(guest.fstat(fd), { mode: Number(mode) });
        return fd;
      }
      try {
        return guest.within(path, () => api.openSync(path, flags));
      } catch (error) {
        // A file that was there before, with an owner and a mode of its own.
        if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
        const s = guest.lstat(path);
        const type = guest.typeOf(s);
        const shown = guest.show(s);
        const mode = Number(shown.mode) & PERMISSIONS;
        if (fake === undefined) api.lchownSync(path, process.getuid?.() ?? 0, process.getgid?.() ?? 0);
        api.chmodSync(path, opened(mode, isDirectory(s)));
        guest.change(guest.lstat(path), {
          mode: type | mode,
          uid: Number(shown.uid),
          gid: Number(shown.gid),
        });
        return api.openSync(path, flags);
      }
    },
    readdirSync: ((path: fs.PathLike, options: { withFileTypes: true }) =>
      guest.within(path, () => api.readdirSync(path, options))) as unknown as NodeApi['readdirSync'],
    symlinkSync: (target, path) => guest.within(path, () => api.symlinkSync(target, path)),
    linkSync: (from, to) => guest.within(to, () => api.linkSync(from, to)),
    renameSync: (from, to) => guest.within(to, () => guest.within(from, () => api.renameSync(from, to))),
    unlinkSync: (path) => guest.forget(path, () => api.unlinkSync(path), 1n),
    rmdirSync: (path) => guest.forget(path, () => api.rmdirSync(path), 1n << 32n),
  };
  return Object.assign(Object.create(api), mine);
}
