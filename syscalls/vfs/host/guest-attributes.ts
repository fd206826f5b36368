/**
 * Owners and modes of files in memfs. memfs lets this process do only what a file's mode lets its user do, root or not; but here
 * the guest's user decides, which Inode.permits has asked already. So files have this process for their owner there, who may read
 * and write them, and what the guest has made of owner and mode is kept here.
 */

import type fs from 'node:fs';
import { S_IFDIR, S_IFMT } from '../../abi/stat.ts';
import type { NodeApi } from './node-fs.ts';

interface Owned {
  mode: number;
  uid: number;
  gid: number;
}

const PERMISSIONS = 0o7777;
const BIG = { bigint: true } as const;

/** By inode: its number is given again, so the time of its birth tells which it is. */
const keyOf = (s: fs.BigIntStats) => `${s.ino}:${s.birthtimeNs}`;
/** What the owner must have in memfs. */
const opened = (mode: number, directory: boolean) => mode | (directory ? 0o700 : 0o600);

/** The API, with attributes as the guest has set them. */
export function withGuestAttributes(api: NodeApi): NodeApi {
  const kept = new Map<string, Owned>();

  const show = (s: fs.BigIntStats): fs.BigIntStats => {
    const owned = kept.get(keyOf(s));
    if (owned === undefined) return s;
    const { mode, uid, gid } = owned;
    const shown = {
      mode: (s.mode & ~BigInt(PERMISSIONS)) | BigInt(mode),
      uid: BigInt(uid),
      gid: BigInt(gid),
    };
    return Object.assign(Object.create(Object.getPrototypeOf(s)), s, shown);
  };
  const change = (s: fs.BigIntStats, what: Partial<Owned>): void => {
    const now = show(s);
    const before = { mode: Number(now.mode) & PERMISSIONS, uid: Number(now.uid), gid: Number(now.gid) };
    kept.set(keyOf(s), { ...before, ...what });
  };
  const isDirectory = (s: fs.BigIntStats) => (Number(s.mode) & S_IFMT) === S_IFDIR;
  const chmod = (s: fs.BigIntStats, mode: number, set: (mode: number) => void): void => {
    change(s, { mode: mode & PERMISSIONS });
    set(opened(mode, isDirectory(s)));
  };
  const lstat = (path: fs.PathLike) => api.lstatSync(path, BIG);
  const fstat = (fd: number) => api.fstatSync(fd, BIG);

  const mine: Partial<NodeApi> = {
    lstatSync: ((path: fs.PathLike, options: fs.StatSyncOptions & { bigint: true }) => {
      const s = api.lstatSync(path, options);
      return s && show(s as fs.BigIntStats);
    }) as NodeApi['lstatSync'],
    // Only the size is asked for without BigInts.
    fstatSync: ((fd: number, options?: fs.StatOptions) =>
      options?.bigint ? show(fstat(fd)) : api.fstatSync(fd)) as NodeApi['fstatSync'],
    chmodSync: (path, mode) => chmod(lstat(path), Number(mode), (all) => api.chmodSync(path, all)),
    fchmodSync: (fd, mode) => chmod(fstat(fd), Number(mode), (all) => api.fchmodSync(fd, all)),
    lchownSync: (path, uid, gid) => change(lstat(path), { uid, gid }),
    fchownSync: (fd, uid, gid) => change(fstat(fd), { uid, gid }),
    mkdirSync: ((path: fs.PathLike, mode: number) => {
      api.mkdirSync(path, opened(mode, true));
      change(lstat(path), { mode });
    }) as NodeApi['mkdirSync'],
    openSync: (path, flags, mode) => {
      if (mode !== undefined && mode !== null) {
        const fd = api.openSync(path, flags, opened(Number(mode), false));
        change(fstat(fd), { mode: Number(mode) });
        return fd;
      }
      try {
        return api.openSync(path, flags);
      } catch (error) {
        // A file that was in the volume before, with an owner and a mode of its own.
        if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
        const s = lstat(path);
        api.lchownSync(path, process.getuid?.() ?? 0, process.getgid?.() ?? 0);
        chmod(s, Number(show(s).mode), (all) => api.chmodSync(path, all));
        return api.openSync(path, flags);
      }
    },
    unlinkSync: (path) => {
      const s = lstat(path);
      api.unlinkSync(path);
      if (s.nlink <= 1n) kept.delete(keyOf(s));
    },
    rmdirSync: (path) => {
      const s = lstat(path);
      api.rmdirSync(path);
      kept.delete(keyOf(s));
    },
  };
  return Object.assign(Object.create(api), mine);
}
