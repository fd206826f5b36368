/**
 * Credentials of a task (credentials(7), capabilities(7)): real, effective, saved and file-system ids, supplementary groups,
 * capability sets. The ids are the kernel's (user-namespace.ts). Immutable: a change makes a new object, so tasks and open files
 * may share one.
 */

import type { Attributes } from '../../abi/stat.ts';
import { FIRST_USER_NAMESPACE, type UserNamespace } from './user-namespace.ts';

export interface Creds {
  /** What its capabilities are good in, and its ids are shown by. */
  readonly user: UserNamespace;
  readonly uid: number;
  readonly euid: number;
  readonly suid: number;
  readonly fsuid: number;
  readonly gid: number;
  readonly egid: number;
  readonly sgid: number;
  readonly fsgid: number;
  readonly groups: readonly number[];
  /** Capability sets as 64-bit masks, bit n for capability n of linux/capability.h. */
  readonly permitted: bigint;
  readonly effective: bigint;
  readonly inheritable: bigint;
  readonly bounding: bigint;
  readonly ambient: bigint;
  /** SECBIT_*: what root's ids do and do not do for capabilities (capabilities(7), "The securebits flags"). */
  readonly securebits: number;
}

/** Bits of linux/securebits.h; each has one beside it that locks it. */
export const SECBIT = { NOROOT: 1, NO_SETUID_FIXUP: 4, KEEP_CAPS: 16, NO_CAP_AMBIENT_RAISE: 64 } as const;
export const SECURE_ALL_BITS = 0x55;
export const SECURE_ALL_LOCKS = 0xaa;

/** Capabilities (CAP_* of linux/capability.h). */
export const CAP = {
  CHOWN: 0,
  DAC_OVERRIDE: 1,
  DAC_READ_SEARCH: 2,
  FOWNER: 3,
  FSETID: 4,
  KILL: 5,
  SETGID: 6,
  SETUID: 7,
  SETPCAP: 8,
  LINUX_IMMUTABLE: 9,
  NET_BIND_SERVICE: 10,
  NET_BROADCAST: 11,
  NET_ADMIN: 12,
  NET_RAW: 13,
  IPC_LOCK: 14,
  IPC_OWNER: 15,
  SYS_MODULE: 16,
  SYS_RAWIO: 17,
  SYS_CHROOT: 18,
  SYS_PTRACE: 19,
  SYS_PACCT: 20,
  SYS_ADMIN: 21,
  SYS_BOOT: 22,
  SYS_NICE: 23,
  SYS_RESOURCE: 24,
  SYS_TIME: 25,
  SYS_TTY_CONFIG: 26,
  MKNOD: 27,
  LEASE: 28,
  AUDIT_WRITE: 29,
  AUDIT_CONTROL: 30,
  SETFCAP: 31,
  MAC_OVERRIDE: 32,
  MAC_ADMIN: 33,
  SYSLOG: 34,
  WAKE_ALARM: 35,
  BLOCK_SUSPEND: 36,
  AUDIT_READ: 37,
  PERFMON: 38,
  BPF: 39,
  CHECKPOINT_RESTORE: 40,
} as const;

export const CAP_LAST = CAP.CHECKPOINT_RESTORE;
export const CAP_FULL = (1n << BigInt(CAP_LAST + 1)) - 1n;

/** Capabilities that are about files (CAP_FS_SET). */
export const CAP_FS = [
  CAP.CHOWN,
  CAP.DAC_OVERRIDE,
  CAP.DAC_READ_SEARCH,
  CAP.FOWNER,
  CAP.FSETID,
  CAP.LINUX_IMMUTABLE,
  CAP.MKNOD,
  CAP.MAC_OVERRIDE,
].reduce((set, cap) => set | (1n << BigInt(cap)), 0n);

/** Credentials of a process logged in as this user: root has all capabilities, others none. */
export function credsFor(uid: number, gid: number, groups: readonly number[] = []): Creds {
  const caps = uid === 0 ? CAP_FULL : 0n;
  return {
    user: FIRST_USER_NAMESPACE,
    uid,
    euid: uid,
    suid: uid,
    fsuid: uid,
    gid,
    egid: gid,
    sgid: gid,
    fsgid: gid,
    groups,
    permitted: caps,
    effective: caps,
    inheritable: 0n,
    bounding: CAP_FULL,
    ambient: 0n,
    securebits: 0,
  };
}

/** Made once: they are asked for with every file, and V8 has no short way for sums of big integers. */
const BITS: readonly bigint[] = Array.from(
  { length: CAP_LAST + 1 },
  (_, capability) => 1n << BigInt(capability),
);
const isRaised = ({ effective }: Creds, capability: number) =>
  effective === CAP_FULL || (effective & BITS[capability]!) !== 0n;

/**
 * Whether it has the capability for what belongs to a namespace (cap_capable of security/commoncap.c): in that or in one above
 * it, or as the one who made it.
 */
export function capable(
  creds: Creds,
  capability: number,
  over: UserNamespace = FIRST_USER_NAMESPACE,
): boolean {
  for (let at = over; ; at = at.parent!) {
    if (at === creds.user) return isRaised(creds, capability);
    if (at.level <= creds.user.level) return false;
    if (at.parent === creds.user && at.ownerUid === creds.euid) return true;
  }
}

/** Whether it has the capability for a file: only where the owners are known in its namespace (capable_wrt_inode_uidgid). */
export function capableOver(
  creds: Creds,
  capability: number,
  owners: () => Pick<Attributes, 'uid' | 'gid'>,
): boolean {
  if (!isRaised(creds, capability)) return false;
  const { user } = creds;
  if (user === FIRST_USER_NAMESPACE) return true;
  const { uid, gid } = owners();
  return user.uids.fromKernel(uid) !== undefined && user.gids.fromKernel(gid) !== undefined;
}
