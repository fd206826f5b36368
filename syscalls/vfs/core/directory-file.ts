/** Open directories, of any file system. */

import { type DirEntry, Dirents, DT_DIR, DT_REG } from '../../abi/dirent.ts';
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
  #names: Dirents | undefined;
  /** Which is next, and where it begins; -1 when that is to be found. */
  #next = 0;
  #at = 0;
  /** PassedNames.changes when the snapshot was taken: names may have gone since it is another. */
  #changes = 0;

  override read(_into: Uint8Array): number {
    return fail('EISDIR');
  }
  override pread(_into: Uint8Array, _offset: number): number {
    return fail('EISDIR');
  }

  /** The snapshot, and #at in it. */
  #snapshot(): Dirents {
    const dir = this.inode;
    if (dir.deleted) fail('ENOENT');
    if (this.#names === undefined) {
      this.#names = snapshot(dir);
      this.#changes = this.vfs.passed.changes;
    }
    if (this.#at < 0) this.#at = this.#names.placeOf(this.#next);
    return this.#names;
  }

  override readdir(take: (entry: DirEntry) => boolean): void {
    const names = this.#snapshot();
    const dir = this.inode;
    const mayHaveGone = this.#changes !== this.vfs.passed.changes;
    while (this.#at < names.length) {
      const entry = names.at(this.#at);
      if (entry.ino === 0 || mayHaveGone) {
        const inode = dir.mounts?.get(entry.name) ?? dir.lookup(entry.name);
        if (inode === undefined) {
          // It went since the snapshot was taken.
          this.#skip(names);
          continue;
        }
        entry.ino = inode.stat().ino;
      }
      if (!take(entry)) return;
      this.#skip(names);
    }
  }
  #skip(names: Dirents): void {
    this.#at = names.after(this.#at);
    this.#next++;
  }

  override readdir64(into: Uint8Array): number | undefined {
    const names = this.#snapshot();
    if (!names.complete || this.#changes !== this.vfs.passed.changes) return undefined;
    if (this.#at >= names.length) return 0;
    const length = names.copy(this.#at, into);
    if (length === 0) fail('EINVAL');
    this.#at += length;
    this.#next = names.indexAt(this.#at);
    return length;
  }

  override seek(offset: number, whence: number): number {
    if (whence === SEEK_CUR) offset += this.#next;
    else if (whence === SEEK_END) return fail('EINVAL');
    else if (whence !== SEEK_SET) return fail('EINVAL');
    if (offset < 0) return fail('EINVAL');
    if (offset === 0) this.#names = undefined;
    this.#next = offset;
    this.#at = offset === 0 ? 0 : -1;
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

function snapshot(dir: Inode): Dirents {
  if (dir.mounts === undefined || dir.mounts.size === 0) return withDots(dir, (names) => dir.listInto(names));
  const entries = dir.list();
  for (const [name, inode] of dir.mounts) {
    const covered = entries.find((entry) => entry.name === name);
    if (covered !== undefined) covered.ino = 0;
    else entries.push({ ino: 0, off: 0, type: inode.isDirectory ? DT_DIR : DT_REG, name });
  }
  return withDots(dir, (names) => {
    for (const entry of entries) names.add(entry);
  });
}

function withDots(dir: Inode, list: (names: Dirents) => void): Dirents {
  const names = new Dirents();
  names.add({ ino: dir.ino, off: 0, type: DT_DIR, name: '.' });
  names.add({ ino: (dir.parent ?? dir).ino, off: 0, type: DT_DIR, name: '..' });
  list(names);
  return names;
}
