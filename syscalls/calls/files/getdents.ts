/** Reading directories: getdents(2) (fs/readdir.c). */
import { WRITE } from '../../../emu/memory/layout.ts';
import { writeDirent, writeDirent64 } from '../../abi/dirent.ts';
import { ERRNO, fail } from '../../abi/errno.ts';
import type { Task } from '../../kernel/task.ts';
import { fd, ptr, size } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { accessible } from './read-write.ts';

/** No entry is shorter: its fields, and a name of one letter. */
const LEAST = 16;

function getdents(t: Task, fd: number, address: number, size: number, write: typeof writeDirent64): number {
  const file = t.files.get(fd);
  if (!file.inode.isDirectory) fail('ENOTDIR');
  // A count that is negative has no room for anything.
  const room = size > 0x7fff_ffff ? 0 : Math.min(size, 1 << 20);
  // What has no room is found before there is looked where to.
  const into = room < LEAST ? new Uint8Array(room) : accessible(t, { base: address, length: room }, WRITE);
  let used = 0;
  let full = false;
  file.readdir((entry) => {
    const length = write(into, used, into.length - used, entry);
    if (length === 0) full = true;
    used += length;
    return length > 0;
  });
  // Some of the room is none.
  if (used === 0 && full) return into.length < room ? -ERRNO.EFAULT : -ERRNO.EINVAL;
  return used;
}

export const getdentsCalls: readonly Call[] = [
  call(141, 'getdents', [fd, ptr, size], (t, fd, address, size) =>
    getdents(t, fd, address, size, writeDirent),
  ),
  call(217, 'getdents64', [fd, ptr, size], (t, fd, address, size) =>
    getdents(t, fd, address, size, writeDirent64),
  ),
];
