/** POSIX access control lists (acl(5)), as extended attributes have them (include/uapi/linux/posix_acl_xattr.h). */
import type { Attributes } from '../../abi/stat.ts';
import type { Creds } from './creds.ts';

const VERSION = 2;
const HEADER = 4;
const ENTRY = 8;
const USER_OBJ = 0x01;
const USER = 0x02;
const GROUP_OBJ = 0x04;
const GROUP = 0x08;
const MASK = 0x10;
const OTHER = 0x20;

export interface AclEntry {
  readonly tag: number;
  /** R_OK, W_OK, X_OK. */
  readonly permissions: number;
  /** Of a named user or group. */
  readonly id: number;
}

/** Undefined when the bytes are no list. */
export function parseAcl(bytes: Uint8Array): readonly AclEntry[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < HEADER || (bytes.length - HEADER) % ENTRY !== 0 || view.getUint32(0, true) !== VERSION)
    return undefined;
  return Array.from({ length: (bytes.length - HEADER) / ENTRY }, (_, i) => {
    const at = HEADER + ENTRY * i;
    const [tag, permissions] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    return { tag, permissions, id: view.getUint32(at + 4, true) };
  });
}

const TAG_NAMES: Readonly<Record<number, string>> = {
  [USER_OBJ]: 'user',
  [USER]: 'user',
  [GROUP_OBJ]: 'group',
  [GROUP]: 'group',
  [MASK]: 'mask',
  [OTHER]: 'other',
};

/** A list as text, a line for each entry (acl(5), "LONG TEXT FORM"), with ids as numbers. */
export function aclText(acl: readonly AclEntry[]): string {
  const lines = acl.map(({ tag, permissions, id }) => {
    const letters = ['r', 'w', 'x'].map((letter, i) => (permissions & (4 >> i) ? letter : '-')).join('');
    return `${TAG_NAMES[tag]}:${tag === USER || tag === GROUP ? id : ''}:${letters}\n`;
  });
  return lines.join('');
}

/** A list with other ids of named users and groups. What is no list stays as it is. */
export function mapAclIds(
  bytes: Uint8Array,
  uid: (id: number) => number,
  gid: (id: number) => number,
): Uint8Array {
  const mapped = Uint8Array.from(bytes);
  const view = new DataView(mapped.buffer);
  parseAcl(bytes)?.forEach(({ tag, id }, i) => {
    const at = HEADER + ENTRY * i + 4;
    if (tag === USER) view.setUint32(at, uid(id), true);
    else if (tag === GROUP) view.setUint32(at, gid(id), true);
  });
  return mapped;
}

/** Whether a list grants what `mask` asks for (posix_acl_permission of fs/posix_acl.c). Its entries are in order. */
export function aclPermits(
  acl: readonly AclEntry[],
  { uid, gid }: Attributes,
  mask: number,
  who: Creds,
): boolean {
  const grants = (permissions: number) => (permissions & mask) === mask;
  const isIn = (group: number) => group === who.fsgid || who.groups.includes(group);
  const limit = acl.find(({ tag }) => tag === MASK)?.permissions ?? 7;
  let inGroup = false;
  for (const { tag, permissions, id } of acl) {
    if (tag === USER_OBJ && uid === who.fsuid) return grants(permissions);
    if (tag === USER && id === who.fsuid) return grants(permissions & limit);
    if ((tag === GROUP_OBJ && isIn(gid)) || (tag === GROUP && isIn(id))) {
      inGroup = true;
      if (grants(permissions)) return grants(permissions & limit);
    }
    if (tag === OTHER) return !inGroup && grants(permissions);
  }
  return false;
}
