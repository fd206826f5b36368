/**
 * Ids inside of extended attributes: those of access control lists, and of root that file capabilities are good for, are stored
 * as the kernel's and shown as a user namespace has them (posix_acl_fix_xattr_to_user of fs/posix_acl.c; cap_convert_nscap and
 * cap_inode_getsecurity of security/commoncap.c).
 */
import { fail } from '../../abi/errno.ts';
import { mapAclIds } from './acl.ts';
import { FIRST_USER_NAMESPACE, NO_ID, type UserNamespace } from './user-namespace.ts';

const CAPABILITY = 'security.capability';
const REVISION_2 = { number: 2, size: 20 };
const REVISION_3 = { number: 3, size: 24 };
const ROOT_ID = 20;

const isAcl = (name: string) => name.startsWith('system.posix_acl_');

/** As a program sees the value of an attribute. EOVERFLOW for capabilities that are another root's. */
export function shownXattr(name: string, value: Uint8Array, user: UserNamespace): Uint8Array {
  if (user === FIRST_USER_NAMESPACE) return value;
  if (isAcl(name))
    return mapAclIds(
      value,
      (id) => user.uids.fromKernel(id) ?? NO_ID,
      (id) => user.gids.fromKernel(id) ?? NO_ID,
    );
  if (name !== CAPABILITY || value.length < REVISION_2.size) return value;
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  const revision = view.getUint8(3);
  const root = revision === REVISION_3.number ? view.getUint32(ROOT_ID, true) : 0;
  if (user.isRoot(root)) {
    const shown = Uint8Array.from(value.subarray(0, REVISION_2.size));
    shown[3] = REVISION_2.number;
    return shown;
  }
  const mapped = user.uids.fromKernel(root);
  if (mapped === undefined || revision !== REVISION_3.number) return fail('EOVERFLOW');
  const shown = Uint8Array.from(value);
  new DataView(shown.buffer).setUint32(ROOT_ID, mapped, true);
  return shown;
}

/** As it is kept when a program sets it. EINVAL for ids that its namespace has not. */
export function storedXattr(name: string, value: Uint8Array, user: UserNamespace): Uint8Array {
  if (user === FIRST_USER_NAMESPACE) return value;
  const known = (id: number | undefined) => id ?? fail('EINVAL');
  if (isAcl(name))
    return mapAclIds(
      value,
      (id) => known(user.uids.toKernel(id)),
      (id) => known(user.gids.toKernel(id)),
    );
  if (name !== CAPABILITY || value.length < REVISION_2.size) return value;
  const given = new DataView(value.buffer, value.byteOffset, value.length);
  const root = given.getUint8(3) === REVISION_3.number ? given.getUint32(ROOT_ID, true) : 0;
  const stored = new Uint8Array(REVISION_3.size);
  stored.set(value.subarray(0, REVISION_2.size));
  stored[3] = REVISION_3.number;
  new DataView(stored.buffer).setUint32(ROOT_ID, known(user.uids.toKernel(root)), true);
  return stored;
}
