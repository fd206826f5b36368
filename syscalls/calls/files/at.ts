/** How the file calls get from a directory descriptor and a path to a file. */
import { fail } from '../../abi/errno.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from '../../abi/fcntl.ts';
import type { Attributes } from '../../abi/stat.ts';
import type { Task } from '../../kernel/task.ts';
import type { Creds } from '../../vfs/core/creds.ts';
import type { Inode } from '../../vfs/core/inode.ts';
import type { OpenFile } from '../../vfs/core/open-file.ts';
import { PathFile } from '../../vfs/core/path-file.ts';
import type { Target } from '../../vfs/core/vfs.ts';
import {
  lookupIfThere,
  lookupPath,
  type PathContext,
  type PathOperation,
  type ResolveOptions,
  statIfThere,
} from '../../vfs/core/walk.ts';

function contextOf(t: Task): PathContext {
  return { root: t.fs.root, creds: t.creds, prefix: t.fs.prefix };
}

/** Where a path begins. EBADF, ENOTDIR; an absolute path ignores the descriptor. */
export function startOf(t: Task, dirfd: number, path: string): Inode {
  if (dirfd === AT_FDCWD || path.charCodeAt(0) === 0x2f) return t.fs.cwd;
  const { inode } = t.files.raw(dirfd);
  if (path.length > 0 && !inode.isDirectory) fail('ENOTDIR');
  return inode;
}

/**
 * A path for the vfs. EBADF and ENOTDIR come when the walk begins, after what is wrong with other arguments.
 * @param inRoot RESOLVE_IN_ROOT: absolute paths begin at the descriptor, too
 */
export function pathAt(t: Task, dirfd: number, path: string, inRoot = false): PathOperation {
  return new PathAt(t, dirfd, path, inRoot);
}

/** As pathAt, of a path that is read when the walk begins. */
export function laterPathAt(t: Task, dirfd: number, path: () => string): PathOperation {
  return new PathAt(t, dirfd, path, false);
}

/**
 * A class, because V8 keeps the getters of an object literal in the old generation, one pair for each object: the task that they
 * lead to would stay, with its process and memory, until a full collection.
 */
class PathAt implements PathOperation {
  readonly root: Inode;
  readonly prefix: Inode | undefined;
  readonly creds: Creds;
  readonly #task: Task;
  readonly #dirfd: number;
  #path: string | (() => string);
  readonly #inRoot: boolean;

  constructor(t: Task, dirfd: number, path: string | (() => string), inRoot: boolean) {
    this.root = t.fs.root;
    this.prefix = t.fs.prefix;
    this.creds = t.creds;
    this.#task = t;
    this.#dirfd = dirfd;
    this.#path = path;
    this.#inRoot = inRoot;
  }

  get path(): string {
    return typeof this.#path === 'string' ? this.#path : (this.#path = this.#path());
  }
  get start(): Inode {
    return startOf(this.#task, this.#dirfd, this.#inRoot ? '.' : this.path);
  }
}

/** The file a path names, following a last link or not. */
export function inodeAt(
  t: Task,
  dirfd: number,
  path: string,
  follow: boolean,
  options?: ResolveOptions,
): Inode {
  return lookupPath(contextOf(t), startOf(t, dirfd, path), path, follow, options);
}

/** As inodeAt, undefined when there is none. */
export function inodeIfThere(t: Task, dirfd: number, path: string, follow: boolean): Inode | undefined {
  return lookupIfThere(contextOf(t), startOf(t, dirfd, path), path, follow);
}

/** What stat tells of the file that a path names, or that is open (AT_EMPTY_PATH); undefined when there is none. */
export function attributesIfThere(
  t: Task,
  dirfd: number,
  path: string,
  flags: number,
): Attributes | undefined {
  if (path.length === 0) return fileOrInodeIfThere(t, dirfd, path, flags, false)?.stat();
  return statIfThere(contextOf(t), startOf(t, dirfd, path), path, !(flags & AT_SYMLINK_NOFOLLOW));
}

/** The file of a call with AT_EMPTY_PATH: the open file itself for an empty path, else the file the path names. */
export function fileOrInodeAt(
  t: Task,
  dirfd: number,
  path: string | null,
  flags: number,
  follow: boolean,
): OpenFile | Inode {
  return fileOrInodeIfThere(t, dirfd, path, flags, follow) ?? fail('ENOENT');
}

/** As fileOrInodeAt, undefined when there is none. */
export function fileOrInodeIfThere(
  t: Task,
  dirfd: number,
  path: string | null,
  flags: number,
  follow: boolean,
): OpenFile | Inode | undefined {
  if ((path === null || path.length === 0) && flags & AT_EMPTY_PATH) {
    return dirfd === AT_FDCWD ? t.fs.cwd : t.files.raw(dirfd);
  }
  if (path === null) fail('EFAULT');
  if (path.length === 0) return undefined;
  return inodeIfThere(t, dirfd, path, follow);
}

/** The flags that targetAt knows. */
export function checkTargetFlags(flags: number): void {
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) fail('EINVAL');
}

/** A target of the *at calls may be a descriptor opened with O_PATH, which stands for its inode. */
export function targetAt(t: Task, dirfd: number, path: string | null, flags: number): Target {
  const target = fileOrInodeAt(t, dirfd, path, flags, !(flags & AT_SYMLINK_NOFOLLOW));
  if (!(target instanceof PathFile)) return target;
  // Its name has been looked at long ago.
  t.kernel.vfs.beginWalk();
  return target.inode;
}
