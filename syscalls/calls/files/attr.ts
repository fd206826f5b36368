/** Changing what a file is: what chmod, chown, utimes and truncate share (fs/attr.c). */
import { fail } from '../../abi/errno.ts';
import { IN_ATTRIB, IN_MODIFY } from '../../abi/inotify.ts';
import { type AttributeChange, Inode } from '../../vfs/core/inode.ts';
import type { Target } from './at.ts';

/** Changes a file, which must not be on a read-only file system. */
export function change(target: Target, what: AttributeChange): number {
  const inode = target instanceof Inode ? target : target.inode;
  if (inode.fs.readOnly) fail('EROFS');
  target.setattr(what);
  inode.fs.vfs.notifier.file(inode, what.size === undefined ? IN_ATTRIB : IN_MODIFY);
  return 0;
}
