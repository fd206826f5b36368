/**
 * The file descriptors of a process (Linux's files_struct). Shared by threads (CLONE_FILES) through share and release, copied by
 * fork. It is the owner of the process's record locks: closing any descriptor of a file drops them (fcntl(2)).
 */
import { fail } from '../../abi/errno.ts';
import type { OpenFile } from './open-file.ts';

/** RLIMIT_NOFILE where nobody says otherwise. */
const NOFILE = 1024;

export class FdTable {
  #files: (OpenFile | undefined)[] = [];
  #closeOnExec = new Set<number>();
  #users = 1;
  /** No free descriptor below this one. */
  #lowest = 0;

  /** One more thread uses it. */
  share(): this {
    this.#users++;
    return this;
  }
  /** A user less; the last one closes all files. */
  release(): void {
    if (--this.#users > 0) return;
    this.closeAll();
  }
  get shared(): boolean {
    return this.#users > 1;
  }

  /** A copy for fork, with the same open files. */
  clone(): FdTable {
    const copy = new FdTable();
    copy.#files = this.#files.slice();
    for (const file of copy.#files) file?.ref();
    copy.#closeOnExec = new Set(this.#closeOnExec);
    copy.#lowest = this.#lowest;
    return copy;
  }

  /** For how many descriptors there is room now (alloc_fdtable): it grows as they are used, and does not shrink. */
  get capacity(): number {
    const used = this.#files.length;
    return used <= 32 ? 32 : 256 * 2 ** Math.max(0, Math.ceil(Math.log2(used / 256)));
  }

  /** The open file of a descriptor; EBADF, also when it was opened with O_PATH (fdget of fs/file.c). */
  get(fd: number): OpenFile {
    const file = this.#files[fd];
    return file === undefined || file.isPath ? fail('EBADF') : file;
  }
  /** As get, for calls to which a descriptor opened with O_PATH is as good as any (fdget_raw). */
  raw(fd: number): OpenFile {
    return this.#files[fd] ?? fail('EBADF');
  }
  find(fd: number): OpenFile | undefined {
    return this.#files[fd];
  }

  /** The lowest free descriptor from `min` on gets the file. EMFILE when that is `limit` or more. */
  install(file: OpenFile, closeOnExec: boolean, min = 0, limit = NOFILE): number {
    let fd = Math.max(min, this.#lowest);
    while (this.#files[fd] !== undefined) fd++;
    if (fd >= limit) fail('EMFILE');
    if (min <= this.#lowest) this.#lowest = fd + 1;
    this.#files[fd] = file.ref();
    if (closeOnExec) this.#closeOnExec.add(fd);
    return fd;
  }

  /** EMFILE when all below `limit` are in use. */
  checkFree(limit: number): void {
    let fd = this.#lowest;
    while (this.#files[fd] !== undefined) fd++;
    if (fd >= limit) fail('EMFILE');
  }

  /** The lowest free descriptors, which `install` will give next. EMFILE when there are not so many below `limit`. */
  lowestFree(count: number, limit: number): number[] {
    const found: number[] = [];
    for (let fd = this.#lowest; found.length < count; fd++) {
      if (fd >= limit) fail('EMFILE');
      if (this.#files[fd] === undefined) found.push(fd);
    }
    return found;
  }

  /** Puts the file at that descriptor, closing what was there (dup2). */
  set(fd: number, file: OpenFile, closeOnExec: boolean): void {
    file.ref();
    if (this.#files[fd] !== undefined) this.close(fd);
    this.#files[fd] = file;
    if (closeOnExec) this.#closeOnExec.add(fd);
  }

  /** EBADF when it is not open. */
  close(fd: number): void {
    const file = this.raw(fd);
    this.#files[fd] = undefined;
    this.#closeOnExec.delete(fd);
    if (fd < this.#lowest) this.#lowest = fd;
    file.vfs.locks.releaseRecords(file.inode, this);
    file.flush(this);
    file.release();
  }

  closesOnExec(fd: number): boolean {
    return this.#closeOnExec.has(fd);
  }
  setCloseOnExec(fd: number, on: boolean): void {
    if (on) this.#closeOnExec.add(fd);
    else this.#closeOnExec.delete(fd);
  }

  /** execve: closes what is marked. */
  exec(): void {
    this.#closeEach([...this.#closeOnExec]);
  }

  closeAll(): void {
    this.#closeEach(this.fds());
  }

  /** Closes all of them, whatever one of them throws, and throws that in the end. */
  #closeEach(fds: readonly number[]): void {
    let failure: { error: unknown } | undefined;
    for (const fd of fds) {
      try {
        this.close(fd);
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure !== undefined) throw failure.error;
  }

  /** Whether an open file that can be written to is such. */
  hasWriter(isSuch: (file: OpenFile) => boolean): boolean {
    return this.#files.some((file) => file?.writable === true && isSuch(file));
  }

  /** Open descriptors in ascending order. */
  fds(): number[] {
    const fds: number[] = [];
    for (let fd = 0; fd < this.#files.length; fd++) if (this.#files[fd]) fds.push(fd);
    return fds;
  }
}
