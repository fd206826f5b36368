/** Where a process stands: chdir(2), getcwd(2), chroot(2), umask(2) (fs/open.c, fs/d_path.c). */

import { fail } from '../../abi/errno.ts';
import { AT_FDCWD, PATH_MAX } from '../../abi/fcntl.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { isWithin, pathOf } from '../../vfs/core/inode.ts';
import { checkEnter } from '../../vfs/core/permission.ts';
import { bytesOut, fd, mode, path, size } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { inodeAt } from './at.ts';

export const chdirCalls: readonly Call[] = [
  call(12, 'chdir', [path], (t, path) => {
    t.fs.cwd = checkEnter(inodeAt(t, AT_FDCWD, path, true), t.creds);
    return 0;
  }),
  call(133, 'fchdir', [fd], (t, fd) => {
    t.fs.cwd = checkEnter(t.files.raw(fd).inode, t.creds);
    return 0;
  }),
  call(183, 'getcwd', [bytesOut, size], (t, address, size) => {
    const { cwd, root } = t.fs;
    if (cwd.deleted) fail('ENOENT');
    const path = `${isWithin(cwd, root) ? '' : '(unreachable)'}${pathOf(cwd, root)}`;
    if (path.length + 1 > PATH_MAX) fail('ENAMETOOLONG');
    if (path.length + 1 > size) fail('ERANGE');
    const into = t.mm.writable(address, path.length + 1);
    for (let i = 0; i < path.length; i++) into[i] = path.charCodeAt(i);
    into[path.length] = 0;
    return path.length + 1;
  }),
  call(61, 'chroot', [path], (t, path) => {
    const root = checkEnter(inodeAt(t, AT_FDCWD, path, true), t.creds);
    if (!capable(t.creds, CAP.SYS_CHROOT, t.creds.user)) fail('EPERM');
    t.fs.root = root;
    return 0;
  }),
  call(60, 'umask', [mode], (t, mask) => {
    const before = t.fs.umask;
    t.fs.umask = mask & 0o777;
    return before;
  }),
];
