/** The /dev of a guest with a root of its own: the devices every program may count on (devtmpfs with devpts and shm). */
import { makedev, S_IFCHR } from '../../abi/stat.ts';
import { credsFor } from '../core/creds.ts';
import type { Vfs } from '../core/vfs.ts';
import { TmpFs } from './tmpfs.ts';

const DEVICES: readonly (readonly [name: string, mode: number, major: number, minor: number])[] = [
  ['null', 0o666, 1, 3],
  ['zero', 0o666, 1, 5],
  ['full', 0o666, 1, 7],
  ['random', 0o666, 1, 8],
  ['urandom', 0o666, 1, 9],
  ['tty', 0o666, 5, 0],
  ['console', 0o600, 5, 1],
];

const LINKS: readonly (readonly [name: string, target: string])[] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['core', '/proc/kcore'],
  ['ptmx', 'pts/ptmx'],
];

export function createDev(vfs: Vfs): TmpFs {
  const root = credsFor(0, 0);
  const fs = new TmpFs(vfs, { type: 'devtmpfs', source: 'udev' });
  for (const [name, mode, major, minor] of DEVICES) {
    fs.root.mknod(name, S_IFCHR | mode, makedev(major, minor), root);
  }
  for (const [name, target] of LINKS) fs.root.symlink(name, target, root);
  fs.root.mkdir('shm', 0o1777, root);
  fs.root.mkdir('mqueue', 0o755, root);
  return fs;
}
