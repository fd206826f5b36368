/**
 * Path resolution (path_resolution(7)) in the guest's view: symbolic links are read and followed here and never by the host,
 * absolute targets start at the process's root, `..` stops there, and mounts are crossed. So whatever the links say, nothing
 * outside the root and its mounts is reached.
 */
import { Errno, fail } from '../../abi/errno.ts';
import { NAME_MAX, PATH_MAX, SYMLINKS_MAX, X_OK } from '../../abi/fcntl.ts';
import { MOUNT_ATTR_NOSYMFOLLOW } from '../../abi/mount.ts';
import { type Attributes, S_IFDIR, S_IFLNK, S_IFMT } from '../../abi/stat.ts';
import type { Creds } from './creds.ts';
import type { Inode } from './inode.ts';

/** What a task brings to a path: its root and who it is. */
export interface PathContext {
  root: Inode;
  creds: Creds;
  /** A second tree in which absolute paths of existing files are looked for first (qemu-user's -L). */
  prefix?: Inode | undefined;
}

/** A path as somebody gives it: who, and from which directory. */
export interface PathOperation extends PathContext {
  readonly start: Inode;
  readonly path: string;
}

/** Where a path leads. */
export interface Resolved {
  /** Directory of the last component; of the last link's target when links were followed. */
  dir: Inode;
  /** The last component; `.`, `..` or `/` when the path ends so. */
  name: string;
  /** The file; undefined when the directory has no such name. */
  inode: Inode | undefined;
  /** The path ended in a slash: it can only mean a directory. */
  slash: boolean;
  /** Whether the directory has such a name has been left to the host (ResolveOptions.unseen). */
  unseen: boolean;
}

/** Restrictions of openat2 (RESOLVE_*). */
export interface ResolveOptions {
  /**
   * The last component is a name to be made or removed: a link is never followed there, not even before a slash, and it may be
   * too long for a name.
   */
  name?: boolean;
  /** What the path names may be made by opening it: no slash is behind it, whatever is there (open_last_lookups). EISDIR. */
  opened?: boolean;
  /**
   * What is to be done to the last component fails on the host as it shall where there is, or is not, such a file: no look is
   * needed where the directory has no say of its own (Inode.leavesToHost).
   */
  unseen?: boolean;
  /** What was seen of the last component a moment ago will do (Inode.seen). */
  seen?: boolean;
  noSymlinks?: boolean;
  noMagicLinks?: boolean;
  noXdev?: boolean;
  beneath?: boolean;
  /** The start is the root, for `..` and for absolute paths and links. */
  inRoot?: boolean;
}

/**
 * Resolves a path. `follow` says whether a symbolic link as last component is followed (a trailing slash always follows).
 * Only the last component may be missing. Throws ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EACCES.
 */
export function resolve(
  context: PathContext,
  start: Inode,
  path: string,
  follow: boolean,
  options?: ResolveOptions,
): Resolved {
  return resolveIfThere(context, start, path, follow, options) ?? fail('ENOENT');
}

/**
 * As `resolve`, but where a directory on the way is missing gives undefined: that something is not there is the commonest
 * answer of all, and an exception costs as much as the look itself.
 */
export function resolveIfThere(
  context: PathContext,
  start: Inode,
  path: string,
  follow: boolean,
  options?: ResolveOptions,
): Resolved | undefined {
  if (path.length === 0) fail('ENOENT');
  if (path.length >= PATH_MAX) fail('ENAMETOOLONG');
  if (context.prefix !== undefined && path.charCodeAt(0) === 0x2f && !options?.name && !options?.inRoot) {
    const found = inPrefix(context.prefix, context.creds, path, follow);
    if (found) return found;
  }
  start.fs.vfs.beginWalk();
  return new Walk(context, start, path, options).to(follow);
}

/** One resolution on its way. */
class Walk {
  readonly #creds: Creds;
  readonly #start: Inode;
  readonly #root: Inode;
  readonly #options: ResolveOptions | undefined;
  #path: string;
  /** Where the next component begins, but for slashes. */
  #position = 0;
  /** The directory in which it is looked for. */
  #at: Inode;
  /** What the path means if nothing more comes. */
  #reached: Resolved;
  #links = 0;

  constructor(context: PathContext, start: Inode, path: string, options: ResolveOptions | undefined) {
    this.#creds = context.creds;
    this.#start = start;
    this.#root = options?.inRoot ? start : context.root;
    this.#options = options;
    this.#path = path;
    this.#at = start;
    this.#reached = { dir: start, name: '.', inode: start, slash: true, unseen: false };
    if (path[0] === '/') this.#toRoot();
  }

  /** Undefined when a directory on the way is missing. */
  to(follow: boolean): Resolved | undefined {
    const options = this.#options;
    for (;;) {
      this.#skipSlashes();
      if (this.#position === this.#path.length) return this.#reached;
      let end = this.#path.indexOf('/', this.#position);
      const slash = end >= 0;
      if (!slash) end = this.#path.length;
      const name = this.#path.slice(this.#position, end);
      this.#position = end;
      this.#skipSlashes();
      const isLast = this.#position === this.#path.length;

      const at = this.#at;
      if ((at.mode & S_IFMT) !== S_IFDIR) fail('ENOTDIR');
      const isDots = name === '.' || name === '..';
      // Of dots nobody else is asked.
      if (!(isDots ? at.permits(X_OK, this.#creds) : at.searchable(this.#creds))) fail('EACCES');
      if (isDots) {
        if (name === '..') this.#up();
        // Who makes or removes a name gets the directory before it (filename_parentat).
        const dir = isLast && options?.name ? at : (this.#at.parent ?? this.#at);
        this.#reached = { dir, name, inode: this.#at, slash: true, unseen: false };
        continue;
      }
      if (isLast && slash && options?.opened) fail('EISDIR');
      // Who may not search is told so first, also where others say it when they look for a name. Where there are no others than
      // those the kernel has, nobody asks how long one is (proc_lookup).
      if (name.length > NAME_MAX && at.fs.takesNames) {
        if (!at.permits(X_OK, this.#creds)) fail('EACCES');
        // Who makes or removes a name looks for it when he has its directory.
        if (isLast && options?.name) return { dir: at, name, inode: undefined, slash, unseen: false };
        fail(at.deleted ? 'ENOENT' : 'ENAMETOOLONG');
      }
      if (options?.unseen && isLast && !slash && at.leavesToHost(name, this.#creds))
        return { dir: at, name, inode: undefined, slash, unseen: true };
      const seen = isLast && options?.seen ? at.seen(name) : undefined;
      const child = at.mounts?.get(name) ?? seen ?? at.lookup(name, !isLast);
      if (child === undefined) {
        if (!isLast) return undefined;
        return { dir: at, name, inode: undefined, slash, unseen: false };
      }
      if (child.isSymlink && (!isLast || follow || (slash && !options?.name))) {
        this.#through(child, slash, isLast);
        continue;
      }
      if (options?.noXdev && child.fs !== at.fs) fail('EXDEV');
      if (isLast) {
        if (slash && !child.isDirectory && !options?.name) fail('ENOTDIR');
        return { dir: at, name, inode: child, slash, unseen: false };
      }
      this.#at = child;
    }
  }

  #skipSlashes(): void {
    while (this.#path.charCodeAt(this.#position) === 0x2f) this.#position++;
  }

  #toRoot(): void {
    if (this.#options?.beneath) fail('EXDEV');
    this.#at = this.#root;
    this.#reached = { dir: this.#root, name: '/', inode: this.#root, slash: true, unseen: false };
  }

  #up(): void {
    const at = this.#at;
    if (this.#options?.beneath && at === this.#start) fail('EXDEV');
    const up = at === this.#root ? at : (at.parent ?? at);
    if (this.#options?.noXdev && up.fs !== at.fs) fail('EXDEV');
    this.#at = up;
  }

  /** Follows a link, which `slash` follows in the path. */
  #through(link: Inode, slash: boolean, isLast: boolean): void {
    const options = this.#options;
    if (++this.#links > SYMLINKS_MAX || options?.noSymlinks) fail('ELOOP');
    if (link.fs.attributes & MOUNT_ATTR_NOSYMFOLLOW) fail('ELOOP');
    const target = link.followLink();
    if (target !== undefined) {
      if (options?.noMagicLinks || options?.beneath) fail('ELOOP');
      this.#at = target;
      const dir = target.parent ?? target;
      this.#reached = { dir, name: target.name, inode: target, slash, unseen: false };
      if (isLast && slash && !target.isDirectory) fail('ENOTDIR');
      return;
    }
    const text = link.readlink();
    if (text.length === 0) fail('ENOENT');
    if (text[0] === '/') this.#toRoot();
    // What is left of the path hangs on the target; its trailing slash does too.
    this.#path = slash ? `${text}/${this.#path.slice(this.#position)}` : text;
    this.#position = 0;
  }
}

/** The file a path names; ENOENT when there is none. */
export function lookupPath(
  context: PathContext,
  start: Inode,
  path: string,
  follow: boolean,
  options?: ResolveOptions,
): Inode {
  return lookupIfThere(context, start, path, follow, options) ?? fail('ENOENT');
}

/** What was looked at as a name just now was a link, and is to be followed. */
const SEEN: ResolveOptions = { seen: true };

/** The file a path names, undefined when there is none. */
export function lookupIfThere(
  context: PathContext,
  start: Inode,
  path: string,
  follow: boolean,
  options?: ResolveOptions,
): Inode | undefined {
  if (options !== undefined || !isName(path))
    return resolveIfThere(context, start, path, follow, options)?.inode;
  beginIn(start, context.creds);
  const found = start.mounts?.get(path) ?? start.lookup(path);
  if (found === undefined || !follow || !found.isSymlink) return found;
  return resolveIfThere(context, start, path, true, SEEN)?.inode;
}

/** What stat tells of the file a path names, undefined when there is none. */
export function statIfThere(
  context: PathContext,
  start: Inode,
  path: string,
  follow: boolean,
): Attributes | undefined {
  if (!isName(path) || start.mounts?.has(path)) return lookupIfThere(context, start, path, follow)?.stat();
  beginIn(start, context.creds);
  const found = start.statName(path);
  if (found === undefined || !follow || (found.mode & S_IFMT) !== S_IFLNK) return found;
  return resolveIfThere(context, start, path, true, SEEN)?.inode?.stat();
}

/** Whether a path is but one name in the directory where it begins, as most are: for these nothing is made. */
export function isName(path: string): boolean {
  const { length } = path;
  if (length === 0 || length > NAME_MAX || path.includes('/')) return false;
  return path.charCodeAt(0) !== 0x2e || (path !== '.' && path !== '..');
}

/** Such a walk begins, in a directory that is to be searched. ENOTDIR, EACCES. */
function beginIn(at: Inode, creds: Creds): void {
  at.fs.vfs.beginWalk();
  if ((at.mode & S_IFMT) !== S_IFDIR) fail('ENOTDIR');
  if (!at.searchable(creds)) fail('EACCES');
}

/** The file of that path below a prefix. Directories stay those of the real tree, whose other content would be hidden. */
function inPrefix(prefix: Inode, creds: Creds, path: string, follow: boolean): Resolved | undefined {
  try {
    const found = resolveIfThere({ root: prefix, creds }, prefix, path, follow);
    return found?.inode === undefined || found.inode.isDirectory ? undefined : found;
  } catch (e) {
    if (e instanceof Errno) return undefined;
    throw e;
  }
}
