/**
 * FIFOs, sockets and device nodes which the guest makes with mknod or bind. node:fs can make none of them (and the host would
 * want root for devices), so they live in memory, in the directory they were made in, as long as the run.
 */
import { fail } from '../../abi/errno.ts';
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT } from '../../abi/stat.ts';
import { openFifo } from '../ipc/pipe.ts';
import { AnonymousInode } from './anonymous.ts';
import type { Creds } from './creds.ts';
import type { FileSystem, Inode } from './inode.ts';
import type { OpenFile } from './open-file.ts';

export class SpecialInode extends AnonymousInode {
  /** What a bound socket's name leads to. */
  socket: unknown;

  constructor(fs: FileSystem, parent: Inode, name: string, mode: number, rdev: number, who?: Creds) {
    super(fs, name, mode, parent);
    this.attributes.rdev = rdev;
    this.attributes.uid = who?.fsuid ?? 0;
    this.attributes.gid = who?.fsgid ?? 0;
    // Far from the numbers of the host's files in the same directory.
    this.attributes.ino += 0x7000_0000;
    this.attributes.dev = parent.stat().dev;
  }

  override open(flags: number): OpenFile {
    switch (this.mode & S_IFMT) {
      case S_IFIFO:
        return openFifo(this, `special:${this.attributes.ino}`, flags);
      case S_IFCHR:
      case S_IFBLK:
        return this.fs.vfs.devices.open(this, flags, this.attributes.rdev);
      default:
        return fail('ENXIO');
    }
  }
}
