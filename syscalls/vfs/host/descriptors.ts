/**
 * Descriptors that this process was started with, as the guest has them: 0, 1 and 2, and what is opened again by their names
 * (/proc/PID/fd/N, /dev/stdin).
 */
import fs from 'node:fs';
import { fail } from '../../abi/errno.ts';
import { O_ACCMODE, O_LARGEFILE, O_RDONLY, O_RDWR, O_TRUNC } from '../../abi/fcntl.ts';
import { type Attributes, major, S_IFCHR, S_IFMT, S_IFREG, S_IFSOCK } from '../../abi/stat.ts';
import { secondsOf, type Timespec, timespecNow } from '../../abi/time.ts';
import { AnonymousInode } from '../core/anonymous.ts';
import type { AttributeChange } from '../core/inode.ts';
import type { OpenFile } from '../core/open-file.ts';
import type { Vfs } from '../core/vfs.ts';
import { attributesOf, hostStats } from './attributes.ts';
import { host } from './error.ts';
import { hostCalls } from './ffi/call.ts';
import { utimens } from './ffi/files.ts';
import { hostFlags } from './flags.ts';
import { InheritedSocket } from './inherited-socket.ts';
import { descriptorInfo, HostStream, InheritedFile } from './stream.ts';
import { isTerminal, openHostTerminal } from './terminal.ts';

/**
 * What a descriptor of the host leads to, without a place in the guest's tree. A file may lie outside the guest's root: it is
 * used as it was opened, and nothing more is done to it.
 */
class DescriptorInode extends AnonymousInode {
  readonly fd: number;
  constructor(vfs: Vfs, fd: number, name: string) {
    super(vfs.nameless.others, name, fs.fstatSync(fd).mode);
    this.fd = fd;
  }
  override stat(): Attributes {
    const s = hostStats(host(() => fs.fstatSync(this.fd, { bigint: true })));
    return attributesOf(s, s.dev, this.fs.vfs.numbers);
  }
  override setattr(change: AttributeChange): void {
    if (this.isRegular && (descriptorInfo(this.fd).flags & O_ACCMODE) === O_RDONLY) fail('EPERM');
    host(() => {
      if (change.size !== undefined) fs.ftruncateSync(this.fd, change.size);
      if (change.mode !== undefined) fs.fchmodSync(this.fd, change.mode & 0o7777);
      if (change.uid !== undefined || change.gid !== undefined) {
        const now = this.stat();
        fs.fchownSync(this.fd, change.uid ?? now.uid, change.gid ?? now.gid);
      }
      if (change.atime === undefined && change.mtime === undefined) return;
      const calls = hostCalls();
      if (calls !== undefined) {
        utimens(calls, this.fd, change.atime, change.mtime);
        return;
      }
      const now = this.stat();
      const seconds = (time: Timespec | 'now') => secondsOf(time === 'now' ? timespecNow() : time);
      fs.futimesSync(this.fd, seconds(change.atime ?? now.atime), seconds(change.mtime ?? now.mtime));
    });
  }
  override open(flags: number): OpenFile {
    return reopen(this, this.fd, flags);
  }
}

/** /dev/null and its like. */
const MEMORY_DEVICES = 1;

/** Opens descriptors this process has, such as 0, 1 and 2. */
export class HostDescriptors {
  readonly #vfs: Vfs;
  /** By what they lead to: two descriptors of one open file description are one here too. */
  readonly #files = new Map<string, OpenFile>();

  constructor(vfs: Vfs) {
    this.#vfs = vfs;
  }

  /** EBADF when it is not open. */
  open(fd: number): OpenFile {
    let name: string;
    try {
      name = fs.readlinkSync(`/proc/self/fd/${fd}`, 'latin1');
    } catch {
      name = `descriptor:[${fd}]`;
    }
    const inode = host(() => new DescriptorInode(this.#vfs, fd, name));
    const { dev, ino } = inode.stat();
    const { position, flags } = descriptorInfo(fd);
    // What was opened twice has other flags or another place, or it makes no difference.
    const key = `${dev}:${ino}:${position}:${flags}`;
    const known = this.#files.get(key);
    if (known) return known;
    const file = openInode(inode, fd, flags);
    this.#files.set(key, file);
    return file;
  }
}

function openInode(inode: DescriptorInode, fd: number, flags: number): OpenFile {
  const kind = inode.mode & S_IFMT;
  // Who gave it may write more than 2 GiB.
  if (kind === S_IFREG) return new InheritedFile(inode, flags | O_LARGEFILE, fd, false);
  if (kind === S_IFSOCK) return new InheritedSocket(inode, flags, fd);
  if (kind === S_IFCHR && major(inode.stat().rdev) !== MEMORY_DEVICES && isTerminal(fd)) {
    return openHostTerminal(inode.fs.vfs, fd, flags);
  }
  return new HostStream(inode, flags, fd, false);
}

/** Opens what a descriptor leads to once more (/proc/PID/fd/N, /dev/stdin). */
function reopen(inode: DescriptorInode, fd: number, flags: number): OpenFile {
  if (!inode.isRegular) return openInode(inode, fd, flags);
  const given = descriptorInfo(fd).flags & O_ACCMODE;
  if (given !== O_RDWR && (flags & O_ACCMODE) !== given) fail('EACCES');
  if (given === O_RDONLY && flags & O_TRUNC) fail('EACCES');
  const again = host(() => fs.openSync(`/proc/self/fd/${fd}`, hostFlags(flags) & ~fs.constants.O_NOFOLLOW));
  return new InheritedFile(inode, flags, again, true);
}
