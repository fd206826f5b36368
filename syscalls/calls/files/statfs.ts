/** File systems: statfs(2) (fs/statfs.c). */
import { fail } from '../../abi/errno.ts';
import { AT_FDCWD } from '../../abi/fcntl.ts';
import { STATFS_SIZE, STATFS64_SIZE, writeStatfs, writeStatfs64 } from '../../abi/stat.ts';
import type { Task } from '../../kernel/task.ts';
import type { Inode } from '../../vfs/core/inode.ts';
import { fd, path, ptr, size } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { inodeAt } from './at.ts';

/**
 * fstatfs needs the size of the structure said; ARM takes 88, which an old ABI had, for 84 (arch/arm/kernel/sys_oabi-compat.c).
 */
function checkSize(size: number): void {
  if (size !== STATFS64_SIZE && size !== 88) fail('EINVAL');
}

function statfs64(t: Task, inode: Inode, address: number): number {
  const statistics = inode.fs.statfs(inode);
  t.mm.writable(address, STATFS64_SIZE);
  writeStatfs64(t.mm.view, address, statistics);
  return 0;
}
function statfs(t: Task, inode: Inode, address: number): number {
  const statistics = inode.fs.statfs(inode);
  t.mm.writable(address, STATFS_SIZE);
  writeStatfs(t.mm.view, address, statistics);
  return 0;
}

export const statfsCalls: readonly Call[] = [
  call(99, 'statfs', [path, ptr], (t, path, out) => statfs(t, inodeAt(t, AT_FDCWD, path, true), out)),
  call(100, 'fstatfs', [fd, ptr], (t, fd, out) => statfs(t, t.files.raw(fd).inode, out)),
  call(
    266,
    'statfs64',
    [path, size, ptr],
    (t, path, _size, out) => statfs64(t, inodeAt(t, AT_FDCWD, path, true), out),
    { before: (_t, _path, size) => checkSize(size) },
  ),
  call(267, 'fstatfs64', [fd, size, ptr], (t, fd, size, out) => {
    checkSize(size);
    return statfs64(t, t.files.raw(fd).inode, out);
  }),
];
