/** Flags of mount(2) and of the calls that came after it (include/uapi/linux/mount.h). */

export const MS_RDONLY = 1;
export const MS_NOSUID = 2;
export const MS_NODEV = 4;
export const MS_NOEXEC = 8;
export const MS_REMOUNT = 32;
export const MS_NOSYMFOLLOW = 256;
export const MS_NOATIME = 1024;
export const MS_NODIRATIME = 2048;
export const MS_BIND = 4096;
export const MS_MOVE = 8192;
export const MS_REC = 1 << 14;
/** For the kernel itself. */
export const MS_NOUSER = 1 << 31;
/** What old programs have in the upper half of the flags. */
export const MS_MGC_VAL = 0xc0ed_0000 | 0;
export const MS_MGC_MSK = 0xffff_0000 | 0;
export const MS_SILENT = 1 << 15;
export const MS_UNBINDABLE = 1 << 17;
export const MS_PRIVATE = 1 << 18;
export const MS_SLAVE = 1 << 19;
export const MS_SHARED = 1 << 20;
export const MS_RELATIME = 1 << 21;
export const MS_STRICTATIME = 1 << 24;
export const MS_PROPAGATION = MS_UNBINDABLE | MS_PRIVATE | MS_SLAVE | MS_SHARED;

/** What a mount is like, whatever the file system; the times of access (a number in __ATIME) are 0 for relatime. */
export const MOUNT_ATTR_RDONLY = 1;
export const MOUNT_ATTR_NOSUID = 2;
export const MOUNT_ATTR_NODEV = 4;
export const MOUNT_ATTR_NOEXEC = 8;
export const MOUNT_ATTR__ATIME = 0x70;
export const MOUNT_ATTR_NOATIME = 0x10;
export const MOUNT_ATTR_STRICTATIME = 0x20;
export const MOUNT_ATTR_NODIRATIME = 0x80;
export const MOUNT_ATTR_IDMAP = 0x10_0000;
export const MOUNT_ATTR_NOSYMFOLLOW = 0x20_0000;

const ATIME = MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME;

/** MOUNT_ATTR_* of mount's flags; a mount that is changed (MS_REMOUNT) keeps what is not said of times (path_mount). */
export function attributesOf(flags: number, before: number): number {
  let attributes = flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
  if (flags & MS_NOSYMFOLLOW) attributes |= MOUNT_ATTR_NOSYMFOLLOW;
  if (flags & MS_REMOUNT && !(flags & ATIME))
    return attributes | (before & (MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME));
  if (flags & MS_NODIRATIME) attributes |= MOUNT_ATTR_NODIRATIME;
  if (flags & MS_STRICTATIME) return attributes | MOUNT_ATTR_STRICTATIME;
  return flags & MS_NOATIME ? attributes | MOUNT_ATTR_NOATIME : attributes;
}

/** Those that are told by name, in order: the name, and the flag of statfs(2) (ST_*). */
const SHOWN: readonly (readonly [is: (attributes: number) => boolean, name: string, st: number])[] = [
  [(a) => (a & MOUNT_ATTR_NOSUID) !== 0, 'nosuid', 2],
  [(a) => (a & MOUNT_ATTR_NODEV) !== 0, 'nodev', 4],
  [(a) => (a & MOUNT_ATTR_NOEXEC) !== 0, 'noexec', 8],
  [(a) => (a & MOUNT_ATTR__ATIME) === MOUNT_ATTR_NOATIME, 'noatime', 0x400],
  [(a) => (a & MOUNT_ATTR_NODIRATIME) !== 0, 'nodiratime', 0x800],
  [(a) => (a & MOUNT_ATTR__ATIME) === 0, 'relatime', 0x1000],
  [(a) => (a & MOUNT_ATTR_NOSYMFOLLOW) !== 0, 'nosymfollow', 0x2000],
];
const ST_RDONLY = 1;
const ST_VALID = 0x20;

/** As /proc/PID/mountinfo shows them (show_mnt_opts). */
export function optionsText(attributes: number, readOnly: boolean): string {
  const names = SHOWN.flatMap(([is, name]) => (is(attributes) ? [name] : []));
  return [readOnly ? 'ro' : 'rw', ...names].join(',');
}

/** f_flags of statfs (calculate_f_flags). */
export function statfsFlags(attributes: number, readOnly: boolean): number {
  const own = SHOWN.reduce((sum, [is, , st]) => (is(attributes) ? sum | st : sum), 0);
  return own | ST_VALID | (readOnly ? ST_RDONLY : 0);
}
