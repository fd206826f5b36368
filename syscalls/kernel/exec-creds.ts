/**
 * Who a program is that is executed: set-user-ID and set-group-ID bits, file capabilities, and what capabilities remain
 * (capabilities(7), "Transformation of capabilities during execve"; bprm_fill_uid of fs/exec.c, cap_bprm_creds_from_file of
 * security/commoncap.c).
 */
import { Errno, fail } from '../abi/errno.ts';
import { MOUNT_ATTR_NOSUID } from '../abi/mount.ts';
import { type Attributes, S_ISGID, S_ISUID, S_IXGRP } from '../abi/stat.ts';
import { CAP_FULL, type Creds, SECBIT } from '../vfs/core/creds.ts';
import type { Inode } from '../vfs/core/inode.ts';
import type { UserNamespace } from '../vfs/core/user-namespace.ts';

/** What security.capability says (struct vfs_ns_cap_data). */
interface FileCapabilities {
  readonly permitted: bigint;
  readonly inheritable: bigint;
  /** All that is permitted is effective at once. */
  readonly effective: boolean;
}

const EFFECTIVE = 1;
/** Bytes by revision; the third has the id of a user namespace's root behind the sets. */
const SIZES: Readonly<Record<number, number | undefined>> = { 1: 12, 2: 20, 3: 24 };
const ROOT_ID = 20;

/** Undefined when the file has none that are good here. */
function fileCapabilities(inode: Inode, user: UserNamespace): FileCapabilities | undefined {
  let bytes: Uint8Array | undefined;
  try {
    bytes = inode.getxattr('security.capability');
  } catch (error) {
    if (error instanceof Errno) return undefined;
    throw error;
  }
  if (bytes === undefined) return undefined;
  if (bytes.length < 4) fail('EINVAL');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const magic = view.getUint32(0, true);
  if (SIZES[magic >>> 24] !== bytes.length) fail('EINVAL');
  const root = magic >>> 24 === 3 ? view.getUint32(ROOT_ID, true) : 0;
  if (!user.isRoot(root)) return undefined;
  const word = (at: number) =>
    at + 4 <= Math.min(bytes.length, ROOT_ID) ? BigInt(view.getUint32(at, true)) : 0n;
  return {
    permitted: (word(4) | (word(12) << 32n)) & CAP_FULL,
    inheritable: (word(8) | (word(16) << 32n)) & CAP_FULL,
    effective: (magic & EFFECTIVE) !== 0,
  };
}

/**
 * The credentials of a program that is executed, and whether it is to distrust its environment (AT_SECURE). EPERM when its file
 * wants more than may be.
 */
export function credsAfterExec(
  creds: Creds,
  inode: Inode,
  { mode, uid, gid }: Pick<Attributes, 'mode' | 'uid' | 'gid'>,
  noNewPrivs: boolean,
): { creds: Creds; secure: boolean } {
  let { euid, egid } = creds;
  const { user } = creds;
  // mnt_may_suid: in the namespace that it was mounted in, or one below it.
  const maySuid = (inode.fs.attributes & MOUNT_ATTR_NOSUID) === 0 && user.isWithin(inode.fs.owner);
  const isKnown = user.uids.fromKernel(uid) !== undefined && user.gids.fromKernel(gid) !== undefined;
  if (maySuid && isKnown && !noNewPrivs) {
    if (mode & S_ISUID) euid = uid;
    if ((mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP)) egid = gid;
  }
  // To who is root already a file has nothing to give.
  const { root } = user;
  const isRoot = creds.uid === root && euid === root;
  const file = (isRoot && creds.ambient === 0n) || !maySuid ? undefined : fileCapabilities(inode, user);
  let permitted = 0n;
  let isEffective = false;
  if (file !== undefined) {
    permitted = (creds.bounding & file.permitted) | (creds.inheritable & file.inheritable);
    isEffective = file.effective;
    if (isEffective && (file.permitted & ~permitted) !== 0n) fail('EPERM');
  }
  // Of a program of root's S_ISUID with capabilities only these count.
  const byFileAlone = file !== undefined && creds.uid !== root && euid === root;
  const isPrivileged = (creds.securebits & SECBIT.NOROOT) === 0;
  if (isPrivileged && !byFileAlone && (euid === root || creds.uid === root)) {
    permitted = creds.inheritable | (creds.bounding & CAP_FULL);
    if (euid === root) isEffective = true;
  }
  const isSetId = euid !== creds.uid || egid !== creds.gid;
  if (noNewPrivs && (isSetId || (permitted & ~creds.permitted) !== 0n)) {
    euid = creds.uid;
    egid = creds.gid;
    permitted &= creds.permitted;
  }
  const ambient = file !== undefined || isSetId ? 0n : creds.ambient;
  permitted |= ambient;
  const effective = isEffective ? permitted : ambient;
  const secure = isSetId || (creds.uid !== root && (isEffective || (permitted & ~ambient) !== 0n));
  const securebits = creds.securebits & ~SECBIT.KEEP_CAPS;
  const isSame =
    euid === creds.euid &&
    euid === creds.suid &&
    euid === creds.fsuid &&
    egid === creds.egid &&
    egid === creds.sgid &&
    egid === creds.fsgid &&
    permitted === creds.permitted &&
    effective === creds.effective &&
    ambient === creds.ambient &&
    securebits === creds.securebits;
  if (isSame) return { creds, secure };
  const ids = { euid, suid: euid, fsuid: euid, egid, sgid: egid, fsgid: egid };
  return { creds: { ...creds, ...ids, permitted, effective, ambient, securebits }, secure };
}
