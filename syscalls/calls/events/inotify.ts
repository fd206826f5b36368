/** inotify_init, inotify_add_watch, inotify_rm_watch (fs/notify/inotify/inotify_user.c). */

import { fail } from '../../abi/errno.ts';
import { AT_FDCWD, O_CLOEXEC, O_NONBLOCK, R_OK } from '../../abi/fcntl.ts';
import * as inotify from '../../abi/inotify.ts';
import type { Task } from '../../kernel/task.ts';
import { checkAccess } from '../../vfs/core/permission.ts';
import { InotifyFile } from '../../vfs/events/inotify.ts';
import { fd, flags, int, path } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { inodeAt } from '../files/at.ts';
import { installFile } from '../files/open.ts';

function init(t: Task, flags: number): number {
  if (flags & ~(O_CLOEXEC | O_NONBLOCK)) fail('EINVAL');
  return installFile(t, new InotifyFile(t.kernel.vfs, flags & O_NONBLOCK), (flags & O_CLOEXEC) !== 0);
}

function inotifyOf(t: Task, fd: number): InotifyFile {
  const file = t.files.get(fd);
  return file instanceof InotifyFile ? file : fail('EINVAL');
}

const { IN_ALL_BITS, IN_DONT_FOLLOW, IN_MASK_ADD, IN_MASK_CREATE, IN_ONLYDIR } = inotify;

export const inotifyCalls: readonly Call[] = [
  call(316, 'inotify_init', [], (t) => init(t, 0)),
  call(360, 'inotify_init1', [flags({ O_CLOEXEC, O_NONBLOCK })], init),
  call(
    317,
    'inotify_add_watch',
    [fd, path, flags(inotify)],
    (t, fd, path, mask) => {
      const file = inotifyOf(t, fd);
      const inode = inodeAt(t, AT_FDCWD, path, !(mask & IN_DONT_FOLLOW));
      if (mask & IN_ONLYDIR && !inode.isDirectory) fail('ENOTDIR');
      checkAccess(inode, R_OK, t.creds);
      return file.add(inode, mask);
    },
    {
      before: (t, fd, _path, mask) => {
        if (!(mask & IN_ALL_BITS) || mask & ~IN_ALL_BITS) fail('EINVAL');
        t.files.get(fd);
        if (mask & IN_MASK_ADD && mask & IN_MASK_CREATE) fail('EINVAL');
        inotifyOf(t, fd);
      },
    },
  ),
  call(318, 'inotify_rm_watch', [fd, int], (t, fd, wd) => {
    inotifyOf(t, fd).remove(wd);
    return 0;
  }),
];
