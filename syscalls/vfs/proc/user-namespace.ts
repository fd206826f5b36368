/**
 * /proc/PID/uid_map, gid_map, projid_map and setgroups: how ids of a user namespace are those of others (user_namespaces(7);
 * map_write and proc_setgroups_write of kernel/user_namespace.c).
 */
import { fail } from '../../abi/errno.ts';
import { CAP, type Creds, capable } from '../core/creds.ts';
import { type IdExtent, type IdKind, IdMap, parseIdMap, type UserNamespace } from '../core/user-namespace.ts';
import { type Entry, text } from './nodes.ts';

/** Of no need for a capability: any program may write what projects there are. */
const CAPABILITY: Readonly<Record<IdKind, number | undefined>> = {
  uids: CAP.SETUID,
  gids: CAP.SETGID,
  projects: undefined,
};

function show(of: UserNamespace, kind: IdKind, viewer: Creds): string {
  const lowerSpace = viewer.user === of ? (of.parent ?? of) : viewer.user;
  const column = (n: number) => String(n).padStart(10);
  return of[kind].extents
    .map(({ first, lower, count }) => {
      const shown = lowerSpace[kind].fromKernel(lower) ?? 0xffff_ffff;
      return `${column(first)} ${column(shown)} ${column(count)}\n`;
    })
    .join('');
}

/** Root of the parent is mapped only by who could have given files its capabilities (verify_root_map). */
function mayMapRoot(of: UserNamespace, extents: readonly IdExtent[], opener: Creds): boolean {
  if (!extents.some(({ lower }) => lower === 0)) return true;
  return opener.user === of ? of.makerHadSetfcap : capable(opener, CAP.SETFCAP, of.parent);
}

/** new_idmap_permitted: anybody may name themselves; more is given by a capability in the parent, of who opens and who writes. */
function mayMap(
  of: UserNamespace,
  kind: IdKind,
  extents: readonly IdExtent[],
  opener: Creds,
  writer: Creds,
): boolean {
  if (kind === 'uids' && !mayMapRoot(of, extents, opener)) return false;
  const [one] = extents;
  if (extents.length === 1 && one!.count === 1 && of.ownerUid === opener.euid) {
    const id = of.parent![kind].toKernel(one!.lower);
    if (kind === 'uids' && id === opener.euid) return true;
    if (kind === 'gids' && !of.allowsSetgroups && id === opener.egid) return true;
  }
  const capability = CAPABILITY[kind];
  return (
    capability === undefined ||
    (capable(writer, capability, of.parent) && capable(opener, capability, of.parent))
  );
}

function write(of: UserNamespace, kind: IdKind, written: string, opener: Creds, writer: Creds): void {
  const parent = of.parent ?? fail('EPERM');
  if (opener.user !== of && opener.user !== parent) fail('EPERM');
  if (of[kind].extents.length > 0) fail('EPERM');
  if (kind !== 'projects' && !capable(opener, CAP.SYS_ADMIN, of)) fail('EPERM');
  const extents = parseIdMap(written);
  if (!mayMap(of, kind, extents, opener, writer)) fail('EPERM');
  of[kind] = new IdMap(
    extents.map(({ first, lower, count }) => {
      const from = parent[kind].toKernel(lower);
      if (from === undefined || parent[kind].toKernel(lower + count - 1) !== from + count - 1)
        return fail('EPERM');
      return { first, lower: from, count };
    }),
  );
}

/** @param viewer who looks, or opens, or writes */
export function idMap(of: () => UserNamespace, kind: IdKind, viewer: () => Creds): Entry {
  return text(() => show(of(), kind, viewer()), {
    writer() {
      const opener = viewer();
      return (written, offset) => {
        if (offset !== 0 || written.length >= 4096) fail('EINVAL');
        write(of(), kind, written, opener, viewer());
      };
    },
  });
}

export function setgroups(of: () => UserNamespace, viewer: () => Creds): Entry {
  return text(() => (of().allowsSetgroups ? 'allow\n' : 'deny\n'), {
    writer() {
      if (!capable(viewer(), CAP.SYS_ADMIN, of())) fail('EACCES');
      return (written, offset) => {
        if (offset !== 0 || written.length >= 8) fail('EINVAL');
        const [, word] = /^(allow|deny)\s*$/.exec(written.replace(/\0.*$/s, '')) ?? fail('EINVAL');
        const user = of();
        if (word === 'allow') return user.allowsSetgroups ? undefined : fail('EPERM');
        if (user.gids.extents.length > 0) fail('EPERM');
        user.allowsSetgroups = false;
      };
    },
  });
}
