/** Open directories, of any file system. */

import type { DirEntry } from '../../abi/dirent.ts';
import { fail } from '../../abi/errno.ts';
import { SEEK_CUR, SEEK_END, SEEK_SET } from '../../abi/fcntl.ts';
import type { Attributes } from '../../abi/stat.ts';
import type { AttributeChange, Inode } from './inode.ts';
import { OpenFile } from './open-file.ts';

/**
 * `.`, `..` and a snapshot of the names, taken when reading begins and after every rewind. Positions are 1-based places in it:
 * small numbers.
 */
export class DirectoryFile extends OpenFile {
  #entries: DirEntry[] | undefined;
  #next = 0;
  /** PassedNames.changes when the snapshot was taken: names may have gone since it is another. */
  #changes = 0;

  override read(_into: Uint8Array): number {
    return fail('EISDIR');
  }
  override pread(_into: Uint8Array, _offset: number): number {
    return fail('EISDIR');
  }

  override readdir(take: (entry: DirEntry) => boolean): void {
    const dir = this.inode;
    if (dir.deleted) fail('ENOENT');
    const { passed } = this.vfs;
    if (this.#entries === undefined) {
      this.#entries = snapshot(dir);
      this.#changes = passed.changes;
    }
    const mayHaveGone = this.#changes !== passed.changes;
    while (this.#next < this.#entries.length) {
      let entry = this.#entries[this.#next]!;
      if (entry.ino === 0 || mayHaveGone) {
        const inode = dir.mounts?.get(entry.name) ?? dir.lookup(entry.name);
        if (inode === undefined) {
          // It went since the snapshot was taken.
          this.#next++;
          continue;
        }
        entry = { ...entry, ino: inode.stat().ino };
      }
      if (!take(entry)) return;
      this.#next++;
    }
  }

  override seek(offset: number, whence: number): number {
    if (whence === SEEK_CUR) offset += this.#next;
    else if (whence === SEEK_END) return fail('EINVAL');
    else if (whence !== SEEK_SET) return fail('EINVAL');
    if (offset < 0) return fail('EINVAL');
    if (offset === 0) this.#entries = undefined;
    this.#next = offset;
    return offset;
  }

  override stat(): Attributes {
    this.vfs.beginWalk();
    return super.stat();
  }

  override sync(_dataOnly: boolean): void {
    this.inode.sync();
  }

  override allocate(): void {
    fail('EISDIR');
  }
  override setattr(change: AttributeChange): void {
    if (change.size !== undefined) fail('EINVAL');
    super.setattr(change);
  }
}

function snapshot(dir: Inode): DirEntry[] {
  const entries: DirEntry[] = [
    { ino: dir.ino, off: 0, type: 4, name: '.' },
    { ino: (dir.parent ?? dir).ino, off: 0, type: 4, name: '..' },
    ...dir.list(),
  ];
  for (const [name, inode] of dir.mounts ?? []) {
    const covered = entries.find((entry) => entry.name === name);
    if (covered !== undefined) covered.ino = 0;
    else entries.push({ ino: 0, off: 0, type: inode.isDirectory ? 4 : 8, name });
  }
  for (let i = 0; i < entries.length; i++) entries[i]!.off = i + 1;
  return entries;
}
