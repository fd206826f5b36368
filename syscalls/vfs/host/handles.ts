/**
 * Paths that stay below a directory of the host, whatever others on the host do meanwhile.
 *
 * The walk has looked at each directory of a path; but until the path is used, somebody else on the host may have put a link in
 * the place of one. So the directory a path ends in is opened first, by openat2(2) from the directory that all is to stay
 * below, without a link followed on the way; and what is to be done is done to a name in the directory that is open, by the
 * calls that take its descriptor (ffi/names.ts) or to /proc/self/fd/N/NAME: the host looks up nothing but NAME. What is done to
 * NAME must not follow it, of course.
 *
 * An open directory serves for as long as the walk believes in directories (core/passed-names.ts), in any case not longer than a
 * turn of the event loop; then a look at its name says whether it is still the one that has it.
 */
import fs from 'node:fs';
import { errnoNamed, fail } from '../../abi/errno.ts';
import type { PassedNames } from '../core/passed-names.ts';
import type { HostStats } from './attributes.ts';
import { host } from './error.ts';
import type { HostCalls } from './ffi/call.ts';
import { O_PATH, openBeneath } from './ffi/files.ts';
import { type Place, pathOf, statOpen } from './ffi/names.ts';

/** Directories that are open at most. */
const MOST = 32;
/** For the two paths of a rename. */
const FEWEST = 2;

/** A directory that is open, or was: its descriptor serves in one turn (PassedNames.turn), or in none when it is closed. */
export interface Handle {
  readonly fd: number;
  turn: number;
  /** What it is, as the host says of the descriptor, once that has been asked. */
  file: Pick<HostStats, 'dev' | 'ino'> | undefined;
  /** Grows with each use. */
  used: number;
}

/** A path on the host with no link in it, or with one as its last component. */
type Path = string;

export class DirectoryHandles {
  readonly calls: HostCalls;
  readonly #passed: PassedNames;
  /** The directory that all is to stay below, whatever its path is by now. */
  readonly #top: number;
  readonly #open = new Set<Handle>();
  #uses = 0;

  private constructor(calls: HostCalls, passed: PassedNames, top: number) {
    this.calls = calls;
    this.#passed = passed;
    this.#top = top;
  }

  /** @returns undefined where the host's kernel has no openat2, or there is no /proc */
  static below(calls: HostCalls, passed: PassedNames, directory: Path): DirectoryHandles | undefined {
    try {
      const top = fs.openSync(Buffer.from(directory, 'latin1'), O_PATH | fs.constants.O_DIRECTORY);
      const handles = new DirectoryHandles(calls, passed, top);
      const seen = fs.statSync(pathOf(handles.place('.')), { bigint: true });
      const opened = fs.fstatSync(top, { bigint: true });
      if (seen.ino === opened.ino && seen.dev === opened.dev) return handles;
      handles.close();
    } catch {
      // As without.
    }
    return undefined;
  }

  /**
   * A place for a single use, now (or with a second one, as for a rename), that means what is called so in that directory.
   * ENOENT when a directory of the path is none (any more).
   * @param path relative to the top; `.` for itself, and with `/.` at its end for a directory itself
   */
  place(path: Path): Place {
    const slash = path.lastIndexOf('/');
    const fd = slash < 0 ? this.#top : this.open(path.slice(0, slash), undefined).fd;
    return { fd, name: slash < 0 ? path : path.slice(slash + 1) };
  }

  /** The descriptor of a directory, for a single use, now; undefined when it is to be opened first. */
  opened(handle: Handle | undefined): number | undefined {
    if (handle === undefined || handle.turn !== this.#passed.turn) return undefined;
    handle.used = ++this.#uses;
    return handle.fd;
  }

  /**
   * Opens a directory. ENOENT when there is none (any more).
   * @param path relative to the top, which is the empty path
   * @param before what this has given for it before, which has had its turn
   */
  open(path: Path, before: Handle | undefined): Handle {
    if (path === '') return { fd: this.#top, turn: -1, file: undefined, used: 0 };
    return this.adopt(this.#openNew(path), before);
  }

  /**
   * A directory has been looked at, by its name in one that serves in this turn. If that is the one that is open, its descriptor
   * serves in this turn, too: as long as it is open no other has its number.
   */
  renew(handle: Handle, seen: HostStats): void {
    if (!this.#open.has(handle) || handle.turn === this.#passed.turn) return;
    handle.file ??= statOpen(this.calls, handle.fd);
    if (handle.file.ino === seen.ino && handle.file.dev === seen.dev) handle.turn = this.#passed.turn;
  }

  /** As open, of a directory that has just been opened for something else, by the one it is in. */
  adopt(fd: number, before: Handle | undefined): Handle {
    if (before !== undefined) this.#close(before);
    if (this.#open.size >= MOST) this.#closeOldest();
    const handle = { fd, turn: this.#passed.turn, file: undefined, used: ++this.#uses };
    this.#open.add(handle);
    return handle;
  }

  #openNew(directory: Path): number {
    for (;;) {
      try {
        return openBeneath(this.calls, this.#top, directory);
      } catch (error) {
        // The one used last may be of the first of two paths.
        if (error === errnoNamed('EMFILE') && this.#open.size > 1) this.#closeOldest();
        else if (isReplaced(error)) fail('ENOENT');
        else throw error;
      }
    }
  }

  #closeOldest(): void {
    let oldest: Handle | undefined;
    for (const handle of this.#open) if (oldest === undefined || handle.used < oldest.used) oldest = handle;
    if (oldest !== undefined) this.#close(oldest);
  }
  #close(handle: Handle): void {
    if (!this.#open.delete(handle)) return;
    handle.turn = -1;
    fs.closeSync(handle.fd);
  }

  /** A directory has been moved or removed: its path leads elsewhere. */
  forget(): void {
    for (const handle of this.#open) this.#close(handle);
  }
  /** Descriptors are wanted: all go but those that a look needs at once. False when there are no others. */
  shrink(): boolean {
    const any = this.#open.size > FEWEST;
    while (this.#open.size > FEWEST) this.#closeOldest();
    return any;
  }

  close(): void {
    this.forget();
    fs.closeSync(this.#top);
  }
}

const REPLACED = new Set<unknown>((['ELOOP', 'ENOTDIR', 'EXDEV'] as const).map(errnoNamed));
/** Where a directory was seen there is a link or a file now: so says what has been thrown. */
export function isReplaced(error: unknown): boolean {
  return REPLACED.has(error);
}

/** chmod of a file that is no link, whatever has become of its name meanwhile. */
export function chmodItself(path: fs.PathLike, mode: number): void {
  const fd = host(() => fs.openSync(path, O_PATH | fs.constants.O_NOFOLLOW));
  try {
    if (fs.fstatSync(fd).isSymbolicLink()) fail('ENOENT');
    host(() => fs.chmodSync(`/proc/self/fd/${fd}`, mode));
  } finally {
    fs.closeSync(fd);
  }
}
