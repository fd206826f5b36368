/**
 * The mounts of one run, the same for all its processes: file systems on names in directories, and how /proc shows them
 * (proc_pid_mountinfo(5)).
 */
import { fail } from '../../abi/errno.ts';
import { major, minor } from '../../abi/stat.ts';
import { type FileSystem, type Inode, isWithin, pathOf } from './inode.ts';
import { WaitQueue } from './wait-queue.ts';

/** Octal for what would break the lines. */
function escapePath(path: string): string {
  return path.replace(/[ \t\n\\]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

export class Mounts {
  /** Every mount but the root, in the order they were made. */
  readonly #mounted: FileSystem[] = [];
  /** Woken by each change, and how many there were. */
  readonly changes = new WaitQueue();
  version = 0;

  #changed(): void {
    this.version++;
    this.changes.wakeAll();
  }

  /** Mounts a file system over a name in a directory, which need not exist there. EBUSY when something is mounted on it. */
  add(dir: Inode, name: string, fs: FileSystem): void {
    dir.mounts ??= new Map();
    if (dir.mounts.has(name)) fail('EBUSY');
    dir.mounts.set(name, fs.root);
    fs.root.parent = dir;
    fs.root.name = name;
    this.#mounted.push(fs);
    this.#changed();
  }

  /**
   * Takes a mounted file system away again. EINVAL when the inode is not the root of one, EBUSY when another is mounted inside.
   */
  remove(root: Inode): void {
    const { parent, name, fs } = root;
    if (root !== fs.root || parent?.mounts?.get(name) !== root) fail('EINVAL');
    if (this.#mounted.some((other) => other !== fs && isWithin(other.root, root))) fail('EBUSY');
    parent.mounts.delete(name);
    this.#mounted.splice(this.#mounted.indexOf(fs), 1);
    this.#changed();
  }

  /** Mounts what is mounted elsewhere over a name in a directory. EINVAL, EBUSY, ELOOP. */
  move(root: Inode, dir: Inode, name: string): void {
    const { parent, fs } = root;
    if (root !== fs.root || parent?.mounts?.get(root.name) !== root) fail('EINVAL');
    if (isWithin(dir, root)) fail('ELOOP');
    if (dir.mounts?.has(name)) fail('EBUSY');
    parent.mounts.delete(root.name);
    (dir.mounts ??= new Map()).set(name, root);
    root.parent = dir;
    root.name = name;
    this.#changed();
  }

  /** Makes a mounted file system read-only, or not. EINVAL when the inode is not the root of one, EPERM. */
  remount(root: Inode, readOnly: boolean): void {
    const { fs } = root;
    if (root !== fs.root) fail('EINVAL');
    if (fs.keptReadOnly && !readOnly) fail('EPERM');
    fs.readOnly = readOnly;
    this.#changed();
  }

  /** All mounts below a root, itself first. */
  below(root: Inode): FileSystem[] {
    const below = this.#mounted.filter((fs) => fs.root !== root && isWithin(fs.root, root));
    return [root.fs, ...below.sort((a, b) => a.id - b.id)];
  }

  /** /proc/mounts, with paths as seen from `view`. */
  list(root: Inode, view: Inode): string {
    return this.below(root)
      .map((fs) => {
        const path = fs === root.fs ? '/' : pathOf(fs.root, view);
        return `${escapePath(fs.source)} ${escapePath(path)} ${fs.type} ${fs.readOnly ? 'ro' : 'rw'},relatime 0 0\n`;
      })
      .join('');
  }

  info(root: Inode, view: Inode): string {
    return this.below(root)
      .map((fs) => {
        const { dev } = fs.root.stat();
        const path = fs === root.fs ? '/' : pathOf(fs.root, view);
        const parent = fs === root.fs ? 0 : (fs.root.parent?.fs.id ?? 0);
        const access = fs.readOnly ? 'ro' : 'rw';
        const where = `${fs.id} ${parent} ${major(dev)}:${minor(dev)} / ${escapePath(path)}`;
        return `${where} ${access},relatime - ${fs.type} ${escapePath(fs.source)} ${access}\n`;
      })
      .join('');
  }
}
