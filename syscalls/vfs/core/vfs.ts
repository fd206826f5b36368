/**
 * The file side of one run: everything that its file systems and open files share, and that no other run in this process sees.
 * Files reach it as `inode.fs.vfs`.
 */

import type { NodeFs } from '../host/node-fs.ts';
import type { HostTerminal } from '../host/terminal.ts';
import type { Pipe } from '../ipc/pipe.ts';
import { Devices } from '../memory/devices.ts';
import { MemoryQuota } from '../memory/quota.ts';
import { AbstractNames } from '../net/abstract-names.ts';
import { Loopback } from '../net/loopback.ts';
import { NetlinkPorts } from '../net/netlink-ports.ts';
import type { JobControl } from '../tty/job-control.ts';
import { AnonymousFs } from './anonymous.ts';
import type { FilePages } from './file-pages.ts';
import type { FileSystem } from './inode.ts';
import { InodeNumbers } from './inode-numbers.ts';
import { Lingering } from './lingering.ts';
import { Locks } from './locks.ts';
import { Mounts } from './mount.ts';
import { Notifier } from './notify.ts';

export class Vfs {
  readonly mounts = new Mounts();
  readonly locks = new Locks();
  readonly notifier = new Notifier();
  readonly devices = new Devices();
  /** Inode numbers of the host's files as the guest sees them. */
  readonly numbers = new InodeNumbers();
  /** FIFOs that are open, by the identity of their inodes. */
  readonly fifos = new Map<string, Pipe>();
  readonly abstractNames = new AbstractNames();
  readonly loopback = new Loopback();
  readonly netlinkPorts = new NetlinkPorts();
  /** Sources of shared mappings of the host's files, by identity: all mappings of one file, by whatever process and descriptor, are of one object. */
  readonly sharedPages = new Map<string, FilePages>();
  /**
   * File systems of the host's files. Several may show the same directories (bind mounts, --ld-prefix): each has to know when one of
   * these moves or goes.
   */
  readonly nodeFileSystems = new Set<WeakRef<NodeFs>>();
  /** Terminals of the host by device number: descriptors 0, 1 and 2 are mostly one. */
  readonly hostTerminals = new Map<number, HostTerminal>();
  /** Output that is still on its way though the guest has closed the file. */
  readonly lingering = new Lingering();
  /** What terminals ask of the kernel. */
  jobs: JobControl | undefined;
  #walk = 0;
  #lastMount = 0;
  #lastAnonymous = 0;
  #anonymous: FileSystem | undefined;
  #memfds: MemoryQuota | undefined;

  /** Where files without a name in any directory are. */
  get anonymous(): FileSystem {
    return (this.#anonymous ??= new AnonymousFs(this));
  }

  /** What all files of memfd_create may take together. */
  get memfds(): MemoryQuota {
    return (this.#memfds ??= new MemoryQuota());
  }

  /** Number of the present path walk. What a lookup of this walk has found out need not be asked of the host again. */
  get walk(): number {
    return this.#walk;
  }
  /** Starts a path walk: attributes found in an earlier one are no longer fresh. */
  beginWalk(): void {
    this.#walk++;
  }

  /** A number for an inode that is only memory. */
  nextAnonymousNumber(): number {
    return ++this.#lastAnonymous;
  }

  /** A number for a new FileSystem. */
  nextMountId(): number {
    return ++this.#lastMount;
  }
}
