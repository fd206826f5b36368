/** Reading directories: getdents(2) (fs/readdir.c). */
import { HEAD, writeDirent, writeDirent64 } from '../../abi/dirent.ts';
import { ERRNO, fail } from '../../abi/errno.ts';
import type { Task } from '../../kernel/task.ts';
import { fd, ptr, size } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { accessibleOrNone } from './read-write.ts';

function getdents(t: Task, fd: number, address: number, size: number, write: typeof writeDirent64): number {
  const file = t.files.get(fd);
  if (!file.inode.isDirectory) fail('ENOTDIR');
  // A count that is negative has no room for anything.
  const room = size > 0x7fff_ffff ? 0 : Math.min(size, 1 << 20);
  const into = accessibleOrNone(t, { base: address, length: room });
  const is64 = write === writeDirent64;
  if (is64 && into.length === room) {
    const length = file.readdir64(into);
    if (length !== undefined) return length;
  }
  let used = 0;
  let failure = 0;
  file.readdir((entry) => {
    // That an entry has no room is found before there is looked where it goes. What follows its name is not written (filldir64).
    const length = write(into, used, room - used, entry);
    if (length === 0) failure = -ERRNO.EINVAL;
    else if (used + (is64 ? HEAD + entry.name.length + 1 : length) > into.length) failure = -ERRNO.EFAULT;
    else used += length;
    return failure === 0;
  });
  return used || failure;
}

export const getdentsCalls: readonly Call[] = [
  call(141, 'getdents', [fd, ptr, size], (t, fd, address, size) =>
    getdents(t, fd, address, size, writeDirent),
  ),
  call(217, 'getdents64', [fd, ptr, size], (t, fd, address, size) =>
    getdents(t, fd, address, size, writeDirent64),
  ),
];
