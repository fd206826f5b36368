/** File systems: statfs(2), ustat(2) (fs/statfs.c). */
import { ERRNO, fail } from '../../abi/errno.ts';
import { AT_FDCWD } from '../../abi/fcntl.ts';
import { statfsFlags } from '../../abi/mount.ts';
import { STATFS_SIZE, STATFS64_SIZE, writeStatfs, writeStatfs64 } from '../../abi/stat.ts';
import { padding, s32, struct, u32 } from '../../abi/struct.ts';
import type { Task } from '../../kernel/task.ts';
import type { Inode } from '../../vfs/core/inode.ts';
import { fd, hex, path, ptr, size, structOut } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { inodeAt, inodeIfThere } from './at.ts';

/**
 * fstatfs needs the size of the structure said; ARM takes 88, which an old ABI had, for 84 (arch/arm/kernel/sys_oabi-compat.c).
 */
function checkSize(size: number): void {
  if (size !== STATFS64_SIZE && size !== 88) fail('EINVAL');
}

function statfs64(t: Task, inode: Inode, address: number): number {
  const { fs } = inode;
  const statistics = fs.statfs(inode);
  t.mm.writable(address, STATFS64_SIZE);
  writeStatfs64(t.mm.view, address, statistics, statfsFlags(fs.attributes, fs.readOnly));
  return 0;
}
function statfs(t: Task, inode: Inode, address: number): number {
  const { fs } = inode;
  const statistics = fs.statfs(inode);
  t.mm.writable(address, STATFS_SIZE);
  writeStatfs(t.mm.view, address, statistics, statfsFlags(fs.attributes, fs.readOnly));
  return 0;
}

/** No file system has the names. */
const ustatT = struct('ustat', { f_tfree: s32, f_tinode: u32, f_fname: padding(6), f_fpack: padding(6) });

/** By device number, as stat(2) tells it; that of what is not mounted (pipes and their like) is one as well (user_get_super). */
function ustat(t: Task, dev: number, address: number): number {
  const { mounts, nameless, namespaces } = t.kernel.vfs;
  const all = [...mounts.below(mounts.root), ...nameless.all, namespaces];
  const fs = all.find(({ root }) => root.stat().dev === dev) ?? fail('EINVAL');
  const { bfree, ffree } = fs.statfs(fs.root);
  t.mm.put(ustatT, address, { f_tfree: bfree, f_tinode: Math.min(ffree, 0xffff_ffff) });
  return 0;
}

export const statfsCalls: readonly Call[] = [
  call(99, 'statfs', [path, ptr], (t, path, out) => statfs(t, inodeAt(t, AT_FDCWD, path, true), out)),
  call(62, 'ustat', [hex, structOut(ustatT)], ustat),
  call(100, 'fstatfs', [fd, ptr], (t, fd, out) => statfs(t, t.files.raw(fd).inode, out)),
  call(
    266,
    'statfs64',
    [path, size, ptr],
    (t, path, _size, out) => {
      // All that is linked with libselinux looks for its file system.
      const inode = inodeIfThere(t, AT_FDCWD, path, true);
      return inode === undefined ? -ERRNO.ENOENT : statfs64(t, inode, out);
    },
    { before: (_t, _path, size) => checkSize(size) },
  ),
  call(267, 'fstatfs64', [fd, size, ptr], (t, fd, size, out) => {
    checkSize(size);
    return statfs64(t, t.files.raw(fd).inode, out);
  }),
];
