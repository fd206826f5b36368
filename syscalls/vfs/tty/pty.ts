/** Pseudoterminals (pts(4), pty(7)): the file system of /dev/pts, the multiplexer ptmx, masters and slaves. */

import { type DirEntry, DT_CHR } from '../../abi/dirent.ts';
import { fail } from '../../abi/errno.ts';
import { O_NOCTTY } from '../../abi/fcntl.ts';
import { FIONREAD, TIOCGPTLCK, TIOCGPTN, TIOCGPTPEER, TIOCPKT, TIOCSPTLCK } from '../../abi/ioctl.ts';
import { POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import { type Attributes, type FsStatistics, makedev, S_IFCHR, S_IFDIR } from '../../abi/stat.ts';
import { HUPCL } from '../../abi/termios.ts';
import { timespecNow } from '../../abi/time.ts';
import { AnonymousInode } from '../core/anonymous.ts';
import type { Creds } from '../core/creds.ts';
import { DirectoryFile } from '../core/directory-file.ts';
import { type AttributeChange, FileSystem, Inode, noSpace } from '../core/inode.ts';
import { type IoctlContext, OpenFile, WOULD_BLOCK } from '../core/open-file.ts';
import type { Vfs } from '../core/vfs.ts';
import { Tty, TtyFile, ttyIoctl } from './tty.ts';

/** Major device number of slaves (UNIX98_PTY_SLAVE_MAJOR). */
const UNIX98_PTY_SLAVE = 136;
/** Most bytes of output that wait for the master. */
const OUTPUT_MOST = 65536;

class Pty extends Tty {
  readonly number: number;
  readonly fs: DevPts;
  rdev: number;
  locked = true;
  masterOpen = true;
  slaves = 0;
  /** A slave has been opened; before that the master just waits. */
  everOpened = false;
  #output: Uint8Array[] = [];
  #outputLength = 0;
  readonly inode: SlaveInode;

  constructor(fs: DevPts, number: number, who: Creds | undefined) {
    super();
    this.fs = fs;
    this.number = number;
    this.rdev = makedev(UNIX98_PTY_SLAVE, number);
    this.inode = new SlaveInode(fs, this, who);
    const { termios } = this.line;
    this.line.termios = { ...termios, cflag: termios.cflag & ~HUPCL };
  }

  protected override output(bytes: Uint8Array): void {
    if (bytes.length === 0 || !this.masterOpen) return;
    this.#output.push(Uint8Array.from(bytes));
    this.#outputLength += bytes.length;
    this.queue.wakeAll();
  }
  override get writable(): boolean {
    return this.#outputLength < OUTPUT_MOST;
  }
  get pending(): number {
    return this.#outputLength;
  }
  takeOutput(into: Uint8Array): number {
    let count = 0;
    while (count < into.length && this.#output.length > 0) {
      const piece = this.#output[0]!;
      const part = Math.min(into.length - count, piece.length);
      into.set(piece.subarray(0, part), count);
      count += part;
      if (part === piece.length) this.#output.shift();
      else this.#output[0] = piece.subarray(part);
    }
    this.#outputLength -= count;
    this.queue.wakeAll();
    return count;
  }
}

class SlaveInode extends AnonymousInode {
  readonly pty: Pty;
  constructor(fs: DevPts, pty: Pty, who: Creds | undefined) {
    const { uid, gid, mode } = fs.options;
    super(fs, String(pty.number), S_IFCHR | (mode & 0o7777), fs.root);
    this.pty = pty;
    const { attributes } = this;
    attributes.rdev = pty.rdev;
    attributes.ino = pty.number + 3;
    attributes.uid = uid ?? who?.fsuid ?? 0;
    attributes.gid = gid ?? who?.fsgid ?? 0;
  }
  override open(flags: number): OpenFile {
    const { pty } = this;
    if (!pty.masterOpen || pty.locked) fail('EIO');
    if (pty.exclusive) fail('EBUSY');
    return new SlaveFile(this, flags, pty);
  }
}

class SlaveFile extends TtyFile {
  readonly #pty: Pty;
  constructor(inode: Inode, flags: number, pty: Pty) {
    super(inode, flags, pty);
    this.#pty = pty;
    pty.slaves++;
    pty.everOpened = true;
    pty.queue.wakeAll();
  }
  protected override close(): void {
    this.#pty.slaves--;
    this.#pty.queue.wakeAll();
  }
}

class MasterFile extends OpenFile {
  readonly pty: Pty;
  constructor(inode: Inode, flags: number, pty: Pty) {
    super(inode, flags, pty.queue);
    this.pty = pty;
  }

  protected override close(): void {
    const { pty } = this;
    pty.masterOpen = false;
    pty.fs.remove(pty.number);
    pty.inode.deleted = true;
    pty.hangup();
  }

  get #slaveGone(): boolean {
    return this.pty.slaves === 0 && this.pty.everOpened;
  }

  override read(into: Uint8Array): number {
    if (into.length === 0) return 0;
    if (this.pty.pending > 0) return this.pty.takeOutput(into);
    return this.#slaveGone ? fail('EIO') : WOULD_BLOCK;
  }
  override write(from: Uint8Array): number {
    if (from.length === 0) return 0;
    return this.pty.line.input(Uint8Array.from(from)) || WOULD_BLOCK;
  }

  override poll(): number {
    let events = POLLOUT | POLLWRNORM;
    if (this.pty.pending > 0) events |= POLLIN | POLLRDNORM;
    if (this.#slaveGone) events |= POLLHUP;
    return events;
  }
  override get pollable(): boolean {
    return true;
  }

  override ioctl(request: number, argument: number, context: IoctlContext): number {
    const { pty } = this;
    switch (request) {
      case TIOCGPTN:
        context.write(argument, 4).setUint32(0, pty.number, true);
        return 0;
      case TIOCSPTLCK:
        pty.locked = context.read(argument, 4).getInt32(0, true) !== 0;
        return 0;
      case TIOCGPTLCK:
        context.write(argument, 4).setInt32(0, pty.locked ? 1 : 0, true);
        return 0;
      case TIOCGPTPEER: {
        const flags = argument & ~0o2000000;
        return context.install(new SlaveFile(pty.inode, flags | O_NOCTTY, pty), argument !== flags);
      }
      case FIONREAD:
        context.write(argument, 4).setInt32(0, pty.pending, true);
        return 0;
      case TIOCPKT:
        return context.read(argument, 4).getInt32(0, true) === 0 ? 0 : fail('EINVAL');
      default:
        return ttyIoctl(this, pty, request, argument, context);
    }
  }
}

/** Who terminals belong to, by default who opens them, and their modes (devpts(5)). */
interface PtsOptions {
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly mode: number;
  readonly ptmxMode: number;
}

export class DevPts extends FileSystem {
  readonly type = 'devpts';
  readonly source = 'devpts';
  readonly root: Inode;
  /** Slaves, and terminals of the host that are shown here, by number. */
  readonly #slaves = new Map<number, Inode>();

  readonly options: PtsOptions;

  constructor(vfs: Vfs, options: PtsOptions = { mode: 0o620, ptmxMode: 0o666 }) {
    super(vfs);
    this.options = options;
    this.root = new PtsDirectory(this);
  }

  #free(): number {
    let number = 0;
    while (this.#slaves.has(number)) number++;
    return number;
  }
  /** A new pair; gives the master. */
  open(inode: Inode, flags: number, who?: Creds): OpenFile {
    const pty = new Pty(this, this.#free(), who);
    this.#slaves.set(pty.number, pty.inode);
    return new MasterFile(inode, flags, pty);
  }
  /** Gives a terminal from elsewhere a name here. */
  adopt({ inode, tty }: TtyFile): void {
    const number = this.#free();
    this.#slaves.set(number, inode);
    tty.rdev = makedev(UNIX98_PTY_SLAVE, number);
    inode.parent = this.root;
    inode.name = String(number);
  }
  remove(number: number): void {
    this.#slaves.delete(number);
  }
  slave(number: number): Inode | undefined {
    return this.#slaves.get(number);
  }
  numbers(): number[] {
    return [...this.#slaves.keys()];
  }
  statfs(): FsStatistics {
    return noSpace(0x1cd1);
  }
}

class PtsDirectory extends Inode {
  declare readonly fs: DevPts;
  readonly #ptmx: PtmxInode;
  readonly #made = timespecNow();
  constructor(fs: DevPts) {
    super(fs, undefined, '');
    this.#ptmx = new PtmxInode(fs, this);
  }
  override get mode(): number {
    return S_IFDIR | 0o755;
  }
  override stat(): Attributes {
    const times = { atime: this.#made, mtime: this.#made, ctime: this.#made, btime: this.#made };
    return {
      dev: this.fs.dev,
      ino: 1,
      mode: this.mode,
      nlink: 2,
      uid: 0,
      gid: 0,
      rdev: 0,
      size: 0,
      blksize: 1024,
      blocks: 0,
      ...times,
    };
  }
  override lookup(name: string): Inode | undefined {
    if (name === 'ptmx') return this.#ptmx;
    return /^(0|[1-9]\d*)$/.test(name) ? this.fs.slave(Number(name)) : undefined;
  }
  override list(): DirEntry[] {
    return [...this.fs.numbers().map(String), 'ptmx'].map((name) => ({ ino: 0, off: 0, type: DT_CHR, name }));
  }
  override open(flags: number): OpenFile {
    return new DirectoryFile(this, flags);
  }
}

class PtmxInode extends AnonymousInode {
  readonly #pts: DevPts;
  constructor(fs: DevPts, parent: Inode) {
    super(fs, 'ptmx', S_IFCHR | (fs.options.ptmxMode & 0o7777), parent);
    this.#pts = fs;
    this.attributes.rdev = makedev(5, 2);
    this.attributes.ino = 2;
  }
  override open(flags: number): OpenFile {
    return this.#pts.open(this, flags);
  }
  override setattr(change: AttributeChange): void {
    if (change.size === undefined) super.setattr(change);
  }
}
