/**
 * Owners and modes as the guest has set them, where the files themselves are this process's: in memfs, which lets this process do only what a
 * file's mode lets its user do, root or not; and in the root of a guest that is root where this process is not (fakeroot). The guest's user
 * decides, which Inode.permits has asked already. So files have this process for their owner, who may read and write them, and what the guest
 * has made of owner and mode is kept (kept-attributes.ts).
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

/**
 * The API, with attributes as the guest has set them.
 * @param fake this process's ids on the host, which are root's for the guest; undefined: they are nobody's in particular (memfs)
 */
export function withGuestAttributes(
  api: NodeApi,
  kept: KeptAttributes,
  fake?: { readonly uid: bigint; readonly gid: bigint },
): GuestApi {
  /** As the file is without anything kept. */
  const natural = (s: fs.BigIntStats): fs.BigIntStats => {
    if (fake?.uid === s.uid) s.uid = 0n;
    if (fake?.gid === s.gid) s.gid = 0n;
    return s;
  };
  const show = (s: fs.BigIntStats): fs.BigIntStats => {
    const owned = kept.empty ? undefined : kept.get(s);
    natural(s);
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
  };
  const change = (host: fs.BigIntStats, what: Partial<Kept>): void => {
    const before = kept.get(host);
    const { mode, uid, gid } = natural(host);
    const own = { mode: Number(mode) & PERMISSIONS, uid: Number(uid), gid: Number(gid) };
    const after = { ...own, ...before, ...what };
    // The host's own files may be changed by others: what they have, too, is not kept.
    const differs = (name: keyof typeof own) => fake === undefined || after[name] !== own[name];
    const entry: Kept = {
      ...(differs('mode') && { mode: after.mode }),
      ...(differs('uid') && { uid: after.uid }),
      ...(differs('gid') && { gid: after.gid }),
      ...(after.rdev !== undefined && { rdev: after.rdev }),
      ...(after.xattrs !== undefined && { xattrs: after.xattrs }),
    };
    if (Object.keys(entry).length > 0) kept.set(host, entry);
    else if (before !== undefined) kept.delete(host);
  };
  const lstat = (path: fs.PathLike) => api.lstatSync(path, BIG);
  const fstat = (fd: number) => api.fstatSync(fd, BIG);
  const look = (file: string | number) => (typeof file === 'number' ? fstat(file) : lstat(file));
  const typeOf = (s: fs.BigIntStats) => (kept.get(s)?.mode ?? 0) & S_IFMT;

  const chmod = (look: () => fs.BigIntStats, mode: number, set: (mode: number) => void): void => {
    const before = look();
    const type = typeOf(before);
    mode &= PERMISSIONS;
    set(opened(mode, isDirectory(before)));
    change(look(), { mode: type | mode });
  };
  /** A new owner does not get what the old one's S_ISUID granted (chown(2)). */
  const chown = (s: fs.BigIntStats, uid: number, gid: number): void => {
    const shown = Number(show({ ...s } as fs.BigIntStats).mode);
    let mode = (typeOf(s) | shown) & (typeOf(s) | PERMISSIONS);
    if ((shown & S_IFMT) === S_IFREG) mode &= mode & S_IXGRP ? ~(S_ISUID | S_ISGID) : ~S_ISUID;
    const { 'security.capability': _, ...xattrs } = kept.get(s)?.xattrs ?? {};
    const rest = Object.keys(xattrs).length > 0 ? { xattrs } : { xattrs: undefined };
    change(s, { mode, uid, gid, ...rest } as Partial<Kept>);
  };
  /** Does something in a directory that may have a mode which keeps its owner out, but not root. */
  const within = <T>(path: fs.PathLike, act: () => T): T => {
    try {
      return act();
    } catch (error) {
      if (fake === undefined || (error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
      const text = Buffer.isBuffer(path) ? path.toString('latin1') : String(path);
      const parent = text.slice(0, text.lastIndexOf('/')) || '/';
      const directory = Buffer.from(parent, 'latin1');
      // A directory that is open (handles.ts) is what its name in /proc leads to.
      const held = /^\/proc\/self\/fd\/\d+$/.test(parent);
      const seen = () => (held ? fs.statSync(directory, BIG) : lstat(directory));
      const mode = Number(show(seen()).mode);
      chmod(seen, mode, (all) => (held ? fs.chmodSync(directory, all) : api.chmodSync(directory, all)));
      return act();
    }
  };
  const forget = (path: fs.PathLike, remove: () => void, last: bigint): void => {
    const s = kept.empty ? undefined : lstat(path);
    within(path, remove);
    if (s !== undefined && s.nlink <= last) kept.delete(s);
  };

  const mine: Partial<GuestApi> = {
    kept,
    keptOf: (file) => kept.get(look(file)),
    keep: (file, what) => change(look(file), what),
    makeDevice: (path, mode, rdev, uid, gid) => {
      const { O_CREAT, O_EXCL, O_WRONLY } = fs.constants;
      const fd = within(path, () => api.openSync(path, O_CREAT | O_EXCL | O_WRONLY, 0o600));
      try {
        kept.set(fstat(fd), { mode, uid, gid, rdev });
      } finally {
        api.closeSync(fd);
      }
    },
    lstatSync: ((path: fs.PathLike, options: fs.StatSyncOptions & { bigint: true }) => {
      const s = within(path, () => api.lstatSync(path, options));
      return s && show(s as fs.BigIntStats);
    }) as NodeApi['lstatSync'],
    // Only the size is asked for without BigInts.
    fstatSync: ((fd: number, options?: fs.StatOptions) =>
      options?.bigint ? show(fstat(fd)) : api.fstatSync(fd)) as NodeApi['fstatSync'],
    chmodSync: (path, mode) =>
      chmod(
        () => lstat(path),
        Number(mode),
        (all) => api.chmodSync(path, all),
      ),
    fchmodSync: (fd, mode) =>
      chmod(
        () => fstat(fd),
        Number(mode),
        (all) => api.fchmodSync(fd, all),
      ),
    lchownSync: (path, uid, gid) => chown(lstat(path), uid, gid),
    fchownSync: (fd, uid, gid) => chown(fstat(fd), uid, gid),
    mkdirSync: ((path: fs.PathLike, mode: number) => {
      within(path, () => api.mkdirSync(path, opened(mode, true)));
      if (fake === undefined || opened(mode, true) !== mode) change(lstat(path), { mode });
    }) as NodeApi['mkdirSync'],
    openSync: (path, flags, mode) => {
      if (mode !== undefined && mode !== null) {
        const fd = within(path, () => api.openSync(path, flags, opened(Number(mode), false)));
        if (fake === undefined || opened(Number(mode), false) !== Number(mode))
          change(fstat(fd), { mode: Number(mode) });
        return fd;
      }
      try {
        return within(path, () => api.openSync(path, flags));
      } catch (error) {
        // A file that was there before, with an owner and a mode of its own.
        if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
        const s = lstat(path);
        const type = typeOf(s);
        const shown = show(s);
        const mode = Number(shown.mode) & PERMISSIONS;
        if (fake === undefined) api.lchownSync(path, process.getuid?.() ?? 0, process.getgid?.() ?? 0);
        api.chmodSync(path, opened(mode, isDirectory(s)));
        change(lstat(path), { mode: type | mode, uid: Number(shown.uid), gid: Number(shown.gid) });
        return api.openSync(path, flags);
      }
    },
    readdirSync: ((path: fs.PathLike, options: { withFileTypes: true }) =>
      within(path, () => api.readdirSync(path, options))) as unknown as NodeApi['readdirSync'],
    symlinkSync: (target, path) => within(path, () => api.symlinkSync(target, path)),
    linkSync: (from, to) => within(to, () => api.linkSync(from, to)),
    renameSync: (from, to) => within(to, () => within(from, () => api.renameSync(from, to))),
    unlinkSync: (path) => forget(path, () => api.unlinkSync(path), 1n),
    rmdirSync: (path) => forget(path, () => api.rmdirSync(path), 1n << 32n),
  };
  return Object.assign(Object.create(api), mine);
}
