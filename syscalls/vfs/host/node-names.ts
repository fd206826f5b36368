/** Which names a directory of a NodeFs has. */
import type fs from 'node:fs';
import { type DirEntry, Dirents, DT_REG, modeToType } from '../../abi/dirent.ts';
import { S_IFDIR, S_IFLNK, S_IFREG } from '../../abi/stat.ts';
import { isSafe } from '../core/inode-numbers.ts';
import { host } from './error.ts';
import type { HostCalls } from './ffi/call.ts';
import { readDirectory } from './ffi/files.ts';
import type { NodeDirectory } from './node-directory.ts';

/** Whether the guest sees an entry; makes its type and number what it sees. */
export function isSeen(directory: NodeDirectory, entry: DirEntry): boolean {
  const nodeFs = directory.fs;
  const { name } = entry;
  if (entry.type === DT_REG && nodeFs.guest?.kept.special) {
    const stats = nodeFs.lstat(directory.placeOf(name));
    if (stats !== undefined) entry.type = modeToType(stats.mode);
  }
  const own = directory.path;
  const path = nodeFs.hidden?.get(own === '/' ? `/${name}` : `${own}/${name}`);
  if (path === undefined) return true;
  const stats = nodeFs.lstat(nodeFs.place(path));
  if (stats === undefined) return false;
  entry.type = modeToType(stats.mode);
  entry.ino = 0;
  return true;
}

/**
 * What the host has in a directory. Inode numbers are 0 where it takes a look at each file to know what the guest is told: its
 * device may be another.
 */
export function entriesOf(directory: NodeDirectory): DirEntry[] {
  const nodeFs = directory.fs;
  const { api, native, calls } = nodeFs;
  if (calls === undefined) {
    const path = nodeFs.directoryPath(directory.path);
    const encoding = native ? 'latin1' : 'utf8';
    const found = host(() => api.readdirSync(path, { encoding, withFileTypes: true }));
    return found.map((d) => ({ ino: 0, off: 0, type: typeOf(d), name: nodeFs.fromHost(d.name) }));
  }
  const names = new Dirents();
  readNames(directory, calls, names);
  return names.entries();
}

export function readNames(directory: NodeDirectory, calls: HostCalls, names: Dirents): void {
  const nodeFs = directory.fs;
  const fd = nodeFs.openDirectory(directory);
  try {
    readDirectory(calls, fd, names, isSafe);
  } finally {
    nodeFs.closeDirectory(directory, fd);
  }
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
