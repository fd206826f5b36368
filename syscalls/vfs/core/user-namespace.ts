/**
 * User namespaces (user_namespaces(7); kernel/user_namespace.c). All ids that the kernel and its files keep are those of the
 * first namespace (kuid_t); a program's are of its own, and each call translates what it is given and what it gives.
 */
import { fail } from '../../abi/errno.ts';
import { firstNumber, Namespace, type NamespaceKind } from './namespace.ts';

/** What is shown of an id that has no number here (overflowuid). */
export const OVERFLOW_ID = 65534;
/** INVALID_UID: no id at all. */
export const NO_ID = 0xffff_ffff;
/** A limit that nobody has set. */
export const UNLIMITED = 0x7fff_ffff;

/** A row of uid_map: `count` ids from `first` on, which are the kernel's from `lower` on. */
export interface IdExtent {
  readonly first: number;
  readonly lower: number;
  readonly count: number;
}

const UID_GID_MAP_MAX_EXTENTS = 340;

/** One map of a namespace; without extents none has been written yet. */
export class IdMap {
  readonly extents: readonly IdExtent[];

  constructor(extents: readonly IdExtent[] = []) {
    this.extents = extents;
  }
  /** make_kuid; undefined where there is none. */
  toKernel(id: number): number | undefined {
    const found = this.extents.find(({ first, count }) => id >= first && id - first < count);
    return found && found.lower + (id - found.first);
  }
  /** from_kuid. */
  fromKernel(id: number): number | undefined {
    const found = this.extents.find(({ lower, count }) => id >= lower && id - lower < count);
    return found && found.first + (id - found.lower);
  }
  /** from_kuid_munged. */
  shown(id: number): number {
    return this.fromKernel(id) ?? OVERFLOW_ID;
  }
}

const ALL = [{ first: 0, lower: 0, count: NO_ID }];

export type IdKind = 'uids' | 'gids' | 'projects';

export class UserNamespace extends Namespace implements Record<IdKind, IdMap> {
  /** Of the process that made it. */
  readonly ownerUid: number;
  readonly ownerGid: number;
  readonly level: number;
  uids: IdMap;
  gids: IdMap;
  projects: IdMap;
  /** /proc/PID/setgroups. */
  allowsSetgroups: boolean;
  /** user.max_*_namespaces, as far as they have been set. */
  readonly limits: Partial<Record<NamespaceKind, number>> = {};
  /** Its maker had CAP_SETFCAP, so that root of the parent may be mapped from inside. */
  readonly makerHadSetfcap: boolean;

  /** Without a parent the first one, where ids are what they are. */
  constructor(parent?: UserNamespace, maker = { uid: 0, gid: 0, hasSetfcap: true }) {
    super('user', parent, parent ? undefined : firstNumber('user'));
    if (parent) this.maker = maker.uid;
    this.ownerUid = maker.uid;
    this.ownerGid = maker.gid;
    this.makerHadSetfcap = maker.hasSetfcap;
    this.level = parent ? parent.level + 1 : 0;
    this.allowsSetgroups = parent?.allowsSetgroups ?? true;
    this.uids = this.gids = this.projects = new IdMap(parent ? [] : ALL);
  }
  get parent(): UserNamespace | undefined {
    return this.owner;
  }
  /** Whether it is `ancestor` or was made below it (in_userns). */
  isWithin(ancestor: UserNamespace): boolean {
    for (let at: UserNamespace | undefined = this; at !== undefined; at = at.parent)
      if (at === ancestor) return true;
    return false;
  }
  /** Whether a user is root of it, or of one above it (rootid_owns_currentns). */
  isRoot(uid: number): boolean {
    return this.root === uid || this.parent?.isRoot(uid) === true;
  }
  /** Root of it, as the kernel's id; undefined as long as it has none. */
  get root(): number | undefined {
    return this.uids.toKernel(0);
  }
}

/** That of every run: nothing of it ever changes. */
export const FIRST_USER_NAMESPACE = new UserNamespace();

/** What is written to uid_map, with ids of the parent. EINVAL. */
export function parseIdMap(text: string): IdExtent[] {
  if (text.length >= 4096 || text === '') fail('EINVAL');
  const lines = text.replace(/\0.*$/s, '').replace(/\n$/, '').split('\n');
  if (lines.length > UID_GID_MAP_MAX_EXTENTS) fail('EINVAL');
  const extents: IdExtent[] = [];
  for (const line of lines) {
    const fields = /^\s*(\d+)\s+(\d+)\s+(\d+)\s*$/.exec(line) ?? fail('EINVAL');
    const [first, lower, count] = fields.slice(1).map(Number) as [number, number, number];
    if (first >= NO_ID || lower >= NO_ID || count === 0) fail('EINVAL');
    if (first + count > NO_ID || lower + count > NO_ID) fail('EINVAL');
    const meets = (a: number, b: number, n: number) => a < b + n && b < a + count;
    if (extents.some((e) => meets(first, e.first, e.count) || meets(lower, e.lower, e.count))) fail('EINVAL');
    extents.push({ first, lower, count });
  }
  return extents;
}
