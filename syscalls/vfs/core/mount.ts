/**
 * Mount namespaces (mount_namespaces(7)): file systems on names in directories, and how /proc shows them
 * (proc_pid_mountinfo(5)).
 *
 * All namespaces of a run share file systems and their inodes. What a path walk needs of mounts is written into the inodes (what
 * is mounted on a directory's names; where the root of a file system is) and is that of the namespace whose task runs: another
 * one's is written there when a task of it gets its turn, as page tables are (`enter`).
 */
import { fail } from '../../abi/errno.ts';
import { MOUNT_ATTR_RDONLY, optionsText } from '../../abi/mount.ts';
import { major, minor } from '../../abi/stat.ts';
import { type FileSystem, type Inode, isWithin, pathOf } from './inode.ts';
import { Namespace } from './namespace.ts';
import {
  changeType,
  fullPath,
  isolate,
  joinAs,
  LOCKED,
  type PeerGroup,
  propagationText,
  spreadMounts,
  spreadUmount,
} from './propagation.ts';
import { FIRST_USER_NAMESPACE, type UserNamespace } from './user-namespace.ts';
import { WaitQueue } from './wait-queue.ts';

/** A file system at a place. */
export interface Mount {
  readonly fs: FileSystem;
  /** Undefined as long as it is detached. */
  namespace: MountNamespace | undefined;
  /** Where its root is below that of the file system that it is a part of (a bind mount): names with slashes before them. */
  readonly base: string;
  /** With whom it shares, and from whom it gets, what is mounted inside. */
  group: PeerGroup | undefined;
  master: PeerGroup | undefined;
  /** Came with others from a namespace with more power: cannot be taken away alone (MNT_LOCKED). */
  locked: boolean;
  /** MOUNT_ATTR_* that it had there, and cannot lose (lock_mnt_tree). */
  lockedAttributes: number;
  /** Undefined for the root of the tree, and for what lies over that. */
  dir: Inode | undefined;
  name: string;
  /** Of the mount alone (MOUNT_ATTR_*). */
  attributes: number;
  isUnbindable: boolean;
}

/** Types of which there is one file system, however often it is mounted. */
const SINGLE = new Set(['proc', 'sysfs', 'devtmpfs', 'mqueue']);
const isSame = (a: FileSystem, b: FileSystem) =>
  a === b || (a.type === b.type && a.instance === b.instance && SINGLE.has(a.type));

/** Octal for what would break the lines. */
function escapePath(path: string): string {
  return path.replace(/[ \t\n\\]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function newMount(fs: FileSystem, dir: Inode | undefined, name: string, attributes: number): Mount {
  const alone = { namespace: undefined, group: undefined, master: undefined, base: '' };
  return { fs, dir, name, attributes, isUnbindable: false, locked: false, lockedAttributes: 0, ...alone };
}

/** Makes the inodes show a mount. */
function show({ fs, dir, name, attributes }: Mount): void {
  fs.attributes = attributes;
  if (dir === undefined) return;
  (dir.mounts ??= new Map()).set(name, fs.root);
  fs.root.parent = dir;
  fs.root.name = name;
}

/** A change of mounts' attributes (struct mount_kattr): MOUNT_ATTR_* that go, and that come. */
export interface AttributesChange {
  readonly clear: number;
  readonly set: number;
  /** What is mounted inside, too. */
  readonly recursive: boolean;
}

/**
 * Mounts that no namespace has yet: what open_tree(2) copies and fsmount(2) makes (an anonymous namespace of Linux). Their file
 * systems are mounted nowhere else, so all inodes show them.
 */
export class DetachedMounts {
  /** The root of the tree is the first. */
  readonly mounts: Mount[] = [];

  /** Of a bind mount: `source`, which it shows, in the mount `of`. */
  constructor(fs: FileSystem, attributes: number, source?: Inode, of?: Mount) {
    this.add(undefined, '', fs, attributes, source, of);
  }
  /** `dir` is in one of the tree's file systems. */
  add(
    dir: Inode | undefined,
    name: string,
    fs: FileSystem,
    attributes: number,
    source?: Inode,
    of?: Mount,
  ): void {
    const mount: Mount = { ...newMount(fs, dir, name, attributes), base: of ? fullPath(of, source!) : '' };
    if (of) {
      joinAs(mount, of, false);
      mount.locked = of.locked && dir !== undefined;
      mount.lockedAttributes = of.lockedAttributes;
    }
    this.mounts.push(mount);
    fs.detached = this;
    show(mount);
  }
  get root(): Inode {
    return this.mounts[0]!.fs.root;
  }
  get fileSystems(): FileSystem[] {
    return this.mounts.map(({ fs }) => fs);
  }
}

export class MountNamespace extends Namespace {
  /** In the order they were made; of several at one place the last is seen. */
  readonly #mounts: Mount[] = [];
  /** Woken by each change, and how many there were. */
  readonly changes = new WaitQueue();
  version = 0;

  constructor(owner: UserNamespace = FIRST_USER_NAMESPACE, number?: number) {
    super('mnt', owner, number);
  }

  /** As it is (copy_mnt_ns). This one must be entered. */
  copy(owner: UserNamespace): MountNamespace {
    const copy = new MountNamespace(owner);
    const isWeaker = owner !== this.owner;
    for (const mount of this.#mounts) {
      const locked = mount.locked || (isWeaker && mount.dir !== undefined);
      const lockedAttributes = mount.lockedAttributes | (isWeaker ? mount.attributes & LOCKED : 0);
      const own: Mount = { ...mount, namespace: copy, locked, lockedAttributes };
      joinAs(own, mount, isWeaker);
      copy.#mounts.push(own);
    }
    return copy;
  }

  // ---- which one the inodes show ----

  /** Makes the inodes show this namespace. */
  enter(): void {
    const [mount] = this.#mounts;
    if (mount === undefined) return;
    const { vfs } = mount.fs;
    const before = vfs.mounts;
    if (before === this) return;
    for (const { fs, dir } of before.#mounts) {
      if (dir !== undefined) dir.mounts = undefined;
      fs.root.parent = undefined;
      fs.root.name = '';
    }
    for (const each of this.#mounts) show(each);
    vfs.mounts = this;
  }

  /** Does something where the inodes show this namespace. */
  within<T>(action: () => T): T {
    const before = this.#mounts[0]?.fs.vfs.mounts;
    this.enter();
    try {
      return action();
    } finally {
      before?.enter();
    }
  }

  // ---- changes, of the namespace that is entered ----

  #changed(): void {
    this.version++;
    this.changes.wakeAll();
  }

  #at(dir: Inode | undefined, name: string): Mount | undefined {
    return this.#mounts.findLast((mount) => mount.dir === dir && mount.name === name);
  }
  #of(root: Inode): Mount {
    return this.#mounts.find(({ fs }) => fs === root.fs && fs.root === root) ?? fail('EINVAL');
  }
  /** The mount with that root, here or detached; and all that are mounted inside. EINVAL. */
  #tree(root: Inode, recursive: boolean): Mount[] {
    const among = root.fs.detached?.mounts ?? this.#mounts;
    const mount = among.find(({ fs }) => fs === root.fs && fs.root === root) ?? fail('EINVAL');
    return recursive ? among.filter((other) => other === mount || isWithin(other.fs.root, root)) : [mount];
  }

  /** The root of the tree, of a namespace without one. */
  setRoot(fs: FileSystem): void {
    this.#mounts.push({ ...newMount(fs, undefined, '', 0), namespace: this });
  }
  /** The first root of the tree, over which others may lie. */
  get root(): Inode {
    return this.#mounts.find(({ dir }) => dir === undefined)!.fs.root;
  }

  /**
   * Mounts a file system over a name in a directory, which need not exist there; over what is mounted there already, but not the
   * same once more (EBUSY). Without a directory it is over the root of the tree.
   */
  add(dir: Inode | undefined, name: string, fs: FileSystem, attributes = 0): void {
    const there = this.#at(dir, name);
    if (there && isSame(there.fs, fs)) fail('EBUSY');
    this.attach(new DetachedMounts(fs, attributes), dir, name);
  }

  /** Mounts a tree that was mounted nowhere. */
  attach({ mounts }: DetachedMounts, dir: Inode | undefined, name: string): void {
    const [top] = mounts as [Mount];
    top.dir = dir;
    top.name = name;
    show(top);
    for (const mount of mounts) {
      mount.fs.detached = undefined;
      mount.namespace = this;
    }
    this.#mounts.push(...mounts);
    this.#spread(mounts);
    this.#changed();
  }

  /** What has been mounted is mounted wherever that is shared, too. */
  #spread(tree: readonly Mount[]): void {
    const [{ dir }] = tree as [Mount];
    const parent = dir && this.mountOf(dir.fs);
    if (parent?.group === undefined) return;
    spreadMounts(tree, parent, dir!, (namespace, mount) => namespace.#receive(mount));
  }
  #receive(mount: Mount): void {
    this.#mounts.push(mount);
    if (this.#isEntered) show(mount);
    this.#changed();
  }

  get #isEntered(): boolean {
    return this.#mounts[0]?.fs.vfs.mounts === this;
  }
  /** The mount of a file system; each is mounted at one place of a namespace. */
  mountOf(fs: FileSystem): Mount | undefined {
    return this.#mounts.find((mount) => mount.fs === fs);
  }
  /** What is mounted on a name in a directory, the uppermost. */
  mountedOn(dir: Inode, name: string): Mount | undefined {
    return this.#at(dir, name);
  }
  get fileSystems(): FileSystem[] {
    return this.#mounts.map(({ fs }) => fs);
  }
  /** Whether something is mounted in a file system. */
  hasMountsIn(fs: FileSystem): boolean {
    return this.#mounts.some(({ dir }) => dir?.fs === fs);
  }

  /** Mounts a file system over a file. EINVAL, ENOTDIR, EBUSY. */
  addOver(over: Inode, fs: FileSystem, attributes: number): void {
    this.#checkPlace(over, fs.root);
    this.add(over.parent, over.parent === undefined ? '' : over.name, fs, attributes);
  }
  /** Mounts a tree that was mounted nowhere over a file. EINVAL, ENOTDIR. */
  attachOver(over: Inode, tree: DetachedMounts): void {
    this.#checkPlace(over, tree.root);
    this.attach(tree, over.parent, over.parent === undefined ? '' : over.name);
  }
  #checkPlace(over: Inode, root: Inode): void {
    if (!this.has(over.fs)) fail('EINVAL');
    if (root.isDirectory !== over.isDirectory) fail('ENOTDIR');
  }

  /** Takes the mount away; what it has hidden is seen again. */
  #take(mount: Mount): void {
    this.#mounts.splice(this.#mounts.indexOf(mount), 1);
    if (!this.#isEntered) return;
    const { fs, dir, name } = mount;
    fs.root.parent = undefined;
    const below = this.#at(dir, name);
    if (below) show(below);
    else dir?.mounts?.delete(name);
  }

  /** What umount(2) of the root of a mount takes: the mount that lies over it, where that is the tree's root. */
  mountedAt(root: Inode): FileSystem {
    const mount = this.#of(root);
    return mount.dir === undefined ? this.#at(undefined, '')!.fs : mount.fs;
  }

  has(fs: FileSystem): boolean {
    return this.#mounts.some((mount) => mount.fs === fs);
  }

  /** File systems that are mounted inside of one. */
  inside(fs: FileSystem): FileSystem[] {
    return this.#mounts
      .filter((other) => other.fs !== fs && isWithin(other.fs.root, fs.root))
      .map((other) => other.fs);
  }

  /**
   * Takes file systems away again, here and where it spreads to; but for the tree's own root, where those stay who are there.
   * Gives all that have been taken. EINVAL for one that came with others into this namespace.
   */
  remove(...all: readonly FileSystem[]): FileSystem[] {
    const root = this.root.fs;
    const taken = this.#mounts.filter(({ fs }) => fs !== root && all.includes(fs)).reverse();
    for (const { locked, dir } of taken)
      if (locked && !taken.some(({ fs }) => fs === dir?.fs)) fail('EINVAL');
    for (const mount of [...taken]) {
      const copies = this.#copies(mount);
      this.#drop(mount);
      for (const there of copies) {
        there.namespace!.#drop(there);
        taken.push(there);
      }
    }
    return taken.map(({ fs }) => fs);
  }
  /** What goes with a mount, where it spreads to. */
  #copies({ dir, name }: Mount): Mount[] {
    const parent = dir && this.mountOf(dir.fs);
    return parent === undefined ? [] : spreadUmount(parent, dir!, name);
  }
  /** A file system's mount here, and what goes with it elsewhere. */
  withCopies(fs: FileSystem): Mount[] {
    const mount = this.mountOf(fs);
    return mount === undefined ? [] : [mount, ...this.#copies(mount)];
  }
  /** For good. */
  #drop(mount: Mount): void {
    this.#take(mount);
    isolate(mount);
    this.#changed();
  }

  /** Mounts what is mounted elsewhere over a name in a directory. EINVAL, ELOOP. */
  move(root: Inode, dir: Inode | undefined, name: string): void {
    const mount = this.#of(root);
    if (mount.dir === undefined) fail('EINVAL');
    if (mount.locked || this.mountOf(mount.dir.fs)?.group) fail('EINVAL');
    const tree = this.#tree(root, true);
    const isShared = dir !== undefined && this.mountOf(dir.fs)?.group !== undefined;
    if (isShared && tree.some(({ isUnbindable }) => isUnbindable)) fail('EINVAL');
    if (dir !== undefined && isWithin(dir, root)) fail('ELOOP');
    this.#take(mount);
    mount.dir = dir;
    mount.name = name;
    this.#mounts.push(mount);
    show(mount);
    this.#spread([mount, ...tree.filter((other) => other !== mount)]);
    this.#changed();
  }

  /**
   * pivot_root(2): the root of a mount becomes that of the tree, and what was it is mounted over `old`, which is in it or is it.
   * EINVAL, EBUSY.
   */
  pivot(root: Inode, old: Inode): void {
    const before = this.#of(this.root);
    if (root.fs === before.fs || old.fs === before.fs) fail('EBUSY');
    const mount = this.#of(root);
    if (mount.dir === undefined || !isWithin(old, root)) fail('EINVAL');
    if (mount.locked || [mount.dir.fs, old.fs].some((fs) => this.mountOf(fs)?.group)) fail('EINVAL');
    this.#take(mount);
    mount.dir = undefined;
    mount.name = '';
    this.#mounts.splice(this.#mounts.indexOf(before), 1);
    this.#mounts.unshift(mount);
    // Over the new root itself it is found by umount(2) only, as it is over a process's root in Linux.
    before.dir = old === root ? undefined : old.parent;
    before.name = old === root ? '' : old.name;
    this.#mounts.push(before);
    show(before);
    this.#changed();
  }

  /**
   * Gives mounts other attributes, here or detached. EINVAL when the inode is not the root of one, EPERM where who started the
   * run wants it read-only. `check` is asked of each before anything is changed.
   */
  setAttributes(
    root: Inode,
    { clear, set, recursive }: AttributesChange,
    check?: (fs: FileSystem) => void,
  ): void {
    const tree = this.#tree(root, recursive);
    for (const { fs, lockedAttributes } of tree) {
      if (lockedAttributes & clear & ~set) fail('EPERM');
      if (fs.keptReadOnly && clear & ~set & MOUNT_ATTR_RDONLY) fail('EPERM');
      check?.(fs);
    }
    for (const mount of tree) {
      mount.attributes = (mount.attributes & ~clear) | set;
      mount.fs.attributes = mount.attributes;
    }
    this.#changed();
  }

  /** Who gets what is mounted in it, and from whom it gets: MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE. EINVAL. */
  setPropagation(root: Inode, kind: number, recursive: boolean): void {
    for (const mount of this.#tree(root, recursive)) changeType(mount, kind);
    this.#changed();
  }
  isUnbindable(fs: FileSystem): boolean {
    return this.#mounts.some((mount) => mount.fs === fs && mount.isUnbindable);
  }

  // ---- what is shown ----

  /** All mounts below a root, itself first. */
  below(root: Inode): FileSystem[] {
    const below = this.#mounts.filter(
      ({ fs }) => fs.root !== root && fs !== root.fs && isWithin(fs.root, root),
    );
    return [root.fs, ...below.map(({ fs }) => fs).sort((a, b) => a.id - b.id)];
  }

  /** /proc/mounts, with paths as seen from `view`. */
  list(root: Inode, view: Inode): string {
    return this.within(() =>
      this.below(root)
        .map((fs) => {
          const path = fs === root.fs ? '/' : pathOf(fs.root, view);
          return `${escapePath(fs.source)} ${escapePath(path)} ${fs.type} ${optionsText(fs.attributes, fs.readOnly)} 0 0\n`;
        })
        .join(''),
    );
  }

  info(root: Inode, view: Inode): string {
    return this.within(() => {
      const below = this.below(root);
      const isSeen = (mount: Mount) => mount.namespace === this && below.includes(mount.fs);
      return below
        .map((fs) => {
          const { dev } = fs.root.stat();
          const path = fs === root.fs ? '/' : pathOf(fs.root, view);
          const parent = fs === root.fs ? 0 : (fs.root.parent?.fs.id ?? 0);
          const kind = propagationText(this.mountOf(fs)!, isSeen);
          const whole = fs.superReadOnly ? 'ro' : 'rw';
          const options = `${optionsText(fs.attributes, fs.readOnly)}${kind}`;
          const mount = `${fs.id} ${parent} ${major(dev)}:${minor(dev)} / ${escapePath(path)} ${options}`;
          return `${mount} - ${fs.type} ${escapePath(fs.source)} ${whole}\n`;
        })
        .join('');
    });
  }
}
