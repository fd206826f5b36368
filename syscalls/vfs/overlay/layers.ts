/**
 * What a change over a lower tree looks like in the upper one, as Linux's overlayfs has it
 * (Documentation/filesystems/overlayfs.rst): a character device 0/0 for a name that is gone (whiteout), an attribute on a
 * directory that hides what was below it (opaque), and copies of files that have been changed.
 */
import { Errno, fail } from '../../abi/errno.ts';
import { O_RDONLY, O_WRONLY } from '../../abi/fcntl.ts';
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../abi/stat.ts';
import { credsFor } from '../core/creds.ts';
import { type Inode, identityOf } from '../core/inode.ts';

/** Who writes to the upper tree. */
export const KERNEL = credsFor(0, 0);

/** By which an opaque directory is known: the first is written where it may be. */
const OPAQUE = ['trusted.overlay.opaque', 'user.overlay.opaque'];
export const isPrivateXattr = (name: string) => /^(trusted|user)\.overlay\./.test(name);

const CHUNK = 1 << 20;

export function isWhiteout(inode: Inode): boolean {
  return (inode.mode & S_IFMT) === S_IFCHR && inode.stat().rdev === 0;
}

/** In the place of what is there. */
export function makeWhiteout(dir: Inode, name: string): void {
  dir.mknod(name, S_IFCHR, 0, KERNEL);
}

const refused = (error: unknown) => {
  if (!(error instanceof Errno)) throw error;
};

export function isOpaque(dir: Inode): boolean {
  return OPAQUE.some((name) => {
    try {
      return Buffer.from(dir.getxattr(name) ?? []).toString('latin1') === 'y';
    } catch (error) {
      refused(error);
      return false;
    }
  });
}

/** Where no attribute can be set, each name of the lower directory gets a whiteout. */
export function makeOpaque(dir: Inode, lower: Inode): void {
  for (const name of OPAQUE) {
    try {
      dir.setxattr(name, Buffer.from('y'), 0);
      return;
    } catch (error) {
      refused(error);
    }
  }
  for (const { name } of lower.list()) makeWhiteout(dir, name);
}

/** Bytes of a regular file; holes stay holes. */
function copyBytes(from: Inode, to: Inode): void {
  const source = from.open(O_RDONLY).ref();
  const target = to.open(O_WRONLY).ref();
  try {
    const { size } = from.stat();
    target.truncate(size);
    const piece = new Uint8Array(CHUNK);
    for (let at = 0; at < size; ) {
      const count = source.pread(piece, at);
      if (count <= 0) break;
      const bytes = piece.subarray(0, count);
      for (let done = 0; done < count && bytes.some((byte) => byte !== 0); )
        done += target.pwrite(bytes.subarray(done), at + done);
      at += count;
    }
  } finally {
    source.release();
    target.release();
  }
}

/** Owner, mode, extended attributes and times. */
export function copyAttributes(from: Inode, to: Inode): void {
  const { uid, gid, mode, atime, mtime } = from.stat();
  to.setattr({ uid, gid });
  if (!from.isSymlink) to.setattr({ mode: mode & 0o7777 });
  for (const name of from.listxattr()) {
    if (isPrivateXattr(name)) continue;
    try {
      const value = from.getxattr(name);
      if (value !== undefined) to.setxattr(name, value, 0);
    } catch (error) {
      refused(error);
    }
  }
  to.setattr({ atime, mtime });
}

/**
 * Makes a copy of a file, or an empty one of a directory, under a name that is free. Its names on the way are seen by nobody
 * else.
 */
export function copyFile(from: Inode, dir: Inode, name: string): Inode {
  const { mode, rdev } = from.stat();
  switch (mode & S_IFMT) {
    case S_IFDIR:
      dir.mkdir(name, 0o700, KERNEL);
      break;
    case S_IFLNK:
      dir.symlink(name, from.readlink(), KERNEL);
      break;
    case S_IFREG: {
      // Whole, or not there: a run may be killed.
      const aside = `.${process.pid.toString(36)}-${Date.now().toString(36)}.copy`;
      dir.mknod(aside, S_IFREG | 0o600, 0, KERNEL);
      const made = dir.lookup(aside)!;
      try {
        copyBytes(from, made);
        copyAttributes(from, made);
      } catch (error) {
        dir.unlink(aside);
        throw error;
      }
      dir.rename(aside, dir, name, 0);
      return dir.lookup(name) ?? fail('ENOENT');
    }
    default:
      dir.mknod(name, mode, rdev, KERNEL);
  }
  const made = dir.lookup(name) ?? fail('ENOENT');
  copyAttributes(from, made);
  return made;
}

/** Removes what a name leads to, with all below it. */
function removeAll(dir: Inode, name: string): void {
  const there = dir.lookup(name);
  if (there === undefined) return;
  if (!there.isDirectory) {
    dir.unlink(name);
    return;
  }
  for (const entry of there.list()) removeAll(there, entry.name);
  dir.rmdir(name);
}

/** Removes all that a directory has. */
export function empty(dir: Inode): void {
  for (const { name } of dir.list()) removeAll(dir, name);
}

/** Does to a tree what an upper one says that has been done over it. */
export function applyChanges(upper: Inode, to: Inode, copies = new Map<string, Inode>()): void {
  if (isOpaque(upper)) empty(to);
  for (const { name } of upper.list()) {
    const changed = upper.lookup(name);
    if (changed === undefined) continue;
    const there = to.lookup(name);
    if (isWhiteout(changed)) removeAll(to, name);
    else if (changed.isDirectory) {
      if (there !== undefined && !there.isDirectory) to.unlink(name);
      if (!there?.isDirectory) to.mkdir(name, 0o700, KERNEL);
      applyChanges(changed, to.lookup(name)!, copies);
    } else {
      removeAll(to, name);
      const key = identityOf(changed);
      const copy = changed.stat().nlink > 1 ? copies.get(key) : undefined;
      if (copy !== undefined) to.link(name, copy);
      else copies.set(key, copyFile(changed, to, name));
    }
  }
  copyAttributes(upper, to);
}
