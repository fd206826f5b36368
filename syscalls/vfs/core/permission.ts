/**
 * Who may change what: ownership and directory rules of path-changing calls (fs/attr.c, fs/namei.c). Reading, writing and
 * searching are Inode.permits.
 */
import { fail } from '../../abi/errno.ts';
import { W_OK, X_OK } from '../../abi/fcntl.ts';
import { type Attributes, S_ISGID, S_ISVTX } from '../../abi/stat.ts';
import { CAP, type Creds, capable, capableOver } from './creds.ts';
import type { Inode } from './inode.ts';

/** A file by its name or as it is open. It is looked at only where it matters whose it is: whoever may do all need not ask. */
interface Owned {
  stat(): Attributes;
}

/** The owner of a file, or who may act as the owner (inode_owner_or_capable). */
export function owns(file: Owned, who: Creds): boolean {
  return capableOver(who, CAP.FOWNER, () => file.stat()) || file.stat().uid === who.fsuid;
}

function inGroup(gid: number, who: Creds): boolean {
  return gid === who.fsgid || who.groups.includes(gid);
}

/** A name may be made in the directory. Throws ENOENT, EPERM, EROFS, EACCES. */
export function checkCreate(dir: Inode, who: Creds): void {
  if (!dir.fs.takesNames) fail('ENOENT');
  checkCreateNameless(dir, who);
}

/** As checkCreate, of a file without a name. */
export function checkCreateNameless(dir: Inode, who: Creds): void {
  if (dir.deleted) fail('ENOENT');
  if (dir.immutable) fail('EPERM');
  if (!dir.permits(W_OK | X_OK, who)) fail('EACCES');
  if (dir.fs.readOnly) fail('EROFS');
}

/** access(2): what `mode` (R_OK, W_OK, X_OK; 0 for nothing) asks of a file may be done. EROFS, EACCES. */
export function checkAccess(inode: Inode, mode: number, who: Creds): void {
  if (mode === 0) return;
  if (mode & W_OK && inode.fs.readOnly && (inode.isRegular || inode.isDirectory)) fail('EROFS');
  if (mode & X_OK && inode.noExec) fail('EACCES');
  if (!inode.permits(mode, who)) fail('EACCES');
}

/** A directory that may be gone into. ENOTDIR, EACCES. */
export function checkEnter(inode: Inode, who: Creds): Inode {
  if (!inode.isDirectory) fail('ENOTDIR');
  if (!inode.permits(X_OK, who)) fail('EACCES');
  return inode;
}

/** A name may be taken from the directory. Throws EROFS, EACCES, EPERM (sticky directories), EBUSY (mount points). */
export function checkDelete(dir: Inode, name: string, inode: Inode, who: Creds): void {
  if (dir.immutable) fail('EPERM');
  if (!dir.permits(W_OK | X_OK, who)) fail('EACCES');
  if (dir.fs.readOnly) fail('EROFS');
  if (dir.mounts?.has(name)) fail('EBUSY');
  if (!(dir.mode & S_ISVTX) || dir.stat().uid === who.fsuid) return;
  if (!owns(inode, who)) fail('EPERM');
}

/**
 * Reading (R_OK) or changing (W_OK) an extended attribute: those of the user are for regular files and directories, trusted ones
 * for administrators (xattr_permission). Throws EROFS, EPERM, EACCES, ENODATA, and EOPNOTSUPP for names outside the known
 * namespaces.
 */
export function checkXattr(inode: Inode, name: string, access: number, who: Creds): void {
  const writes = access === W_OK;
  if (writes && inode.fs.readOnly) fail('EROFS');
  const admin = capable(who, CAP.SYS_ADMIN);
  if (name.startsWith('trusted.')) {
    if (!admin) fail(writes ? 'EPERM' : 'ENODATA');
  } else if (!name.startsWith('security.') && !name.startsWith('system.')) {
    if (name.startsWith('user.') && !inode.isRegular && !inode.isDirectory)
      fail(writes ? 'EPERM' : 'ENODATA');
    if (!inode.permits(access, who)) fail('EACCES');
  }
  if (!NAMESPACES.some((space) => name.startsWith(space) && name.length > space.length)) fail('EOPNOTSUPP');
  if (!writes) return;
  if (name.startsWith('security.')) {
    const may =
      name === 'security.capability'
        ? capableOver(who, CAP.SETFCAP, () => inode.stat())
        : capable(who, CAP.SYS_ADMIN, inode.fs.owner);
    if (!may) fail('EPERM');
    return;
  }
  // Access control lists are the owner's, and so are attributes of directories where each may only touch what is theirs.
  const owned = name.startsWith('system.') || (inode.isDirectory && (inode.mode & S_ISVTX) !== 0);
  if (owned && !owns(inode, who)) fail('EPERM');
}
const NAMESPACES = ['user.', 'trusted.', 'security.', 'system.'];

/** chown by this user. Throws EPERM. */
export function checkChown(file: Owned, uid: number | undefined, gid: number | undefined, who: Creds): void {
  if (capableOver(who, CAP.CHOWN, () => file.stat())) return;
  const a = file.stat();
  const owner = a.uid === who.fsuid;
  if (uid !== undefined && !(owner && uid === a.uid)) fail('EPERM');
  if (gid !== undefined && !(owner && (gid === a.gid || inGroup(gid, who)))) fail('EPERM');
}

/** The mode chmod sets: who is not in the file's group loses S_ISGID. Throws EPERM. */
export function checkChmod(file: Owned, mode: number, who: Creds): number {
  if (!owns(file, who)) fail('EPERM');
  if (!(mode & S_ISGID) || capableOver(who, CAP.FSETID, () => file.stat())) return mode;
  return inGroup(file.stat().gid, who) ? mode : mode & ~S_ISGID;
}
