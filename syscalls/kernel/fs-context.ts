/**
 * The file system context of a task (Linux's fs_struct): root, working directory and umask. Shared by threads (CLONE_FS), copied
 * by fork.
 */
import type { Inode } from '../vfs/core/inode.ts';

export class FsContext {
  root: Inode;
  cwd: Inode;
  umask: number;
  /** See PathContext. */
  prefix: Inode | undefined;

  constructor(root: Inode, cwd: Inode, umask = 0o022) {
    this.root = root;
    this.cwd = cwd;
    this.umask = umask;
  }

  clone(): FsContext {
    const copy = new FsContext(this.root, this.cwd, this.umask);
    copy.prefix = this.prefix;
    return copy;
  }
}
