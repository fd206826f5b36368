/**
 * Device nodes. The memory devices and the terminals are known by their numbers (Documentation/admin-guide/devices.txt) and live
 * in this process, wherever their node is; any other device of the host is opened on the host.
 */
import fs from 'node:fs';
import type { PageSource } from '../../../emu/memory/address-space.ts';
import { fail } from '../../abi/errno.ts';
import { RNDGETENTCNT } from '../../abi/ioctl.ts';
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import { makedev } from '../../abi/stat.ts';
import type { Inode } from '../core/inode.ts';
import { type IoctlContext, OpenFile } from '../core/open-file.ts';
import { host } from '../host/error.ts';
import { hostFlags } from '../host/flags.ts';
import { HostStream } from '../host/stream.ts';
import { randomFill } from './random.ts';

/** A device without a position: seeking succeeds and means nothing. */
abstract class MemoryDevice extends OpenFile {
  override pread(into: Uint8Array, _offset: number): number {
    return this.read(into);
  }
  override pwrite(from: Uint8Array, _offset: number): number {
    return this.write(from);
  }
  override write(from: Uint8Array): number {
    return from.length;
  }
  override seek(_offset: number, _whence: number): number {
    return 0;
  }
}

class NullDevice extends MemoryDevice {
  override get discards(): boolean {
    return true;
  }
  override get isEmpty(): boolean {
    return true;
  }
  override read(_into: Uint8Array): number {
    return 0;
  }
}

class ZeroDevice extends MemoryDevice {
  override get discards(): boolean {
    return true;
  }
  override read(into: Uint8Array): number {
    into.fill(0);
    return into.length;
  }
  override pageSource(_shared: boolean): PageSource {
    return ZEROS;
  }
}

/** Pages of /dev/zero; a private mapping of it is an anonymous one. */
const ZEROS: PageSource = {
  key: null,
  size: () => Number.MAX_SAFE_INTEGER,
  read: (_offset, into) => {
    into.fill(0);
    return into.length;
  },
};

class FullDevice extends ZeroDevice {
  override get discards(): boolean {
    return false;
  }
  override write(_from: Uint8Array): number {
    return fail('ENOSPC');
  }
}

class RandomDevice extends MemoryDevice {
  override read(into: Uint8Array): number {
    randomFill(into);
    return into.length;
  }
  override get pollable(): boolean {
    return true;
  }
  override poll(): number {
    return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
  }
  override ioctl(request: number, argument: number, context: IoctlContext): number {
    if (request !== RNDGETENTCNT) return fail('ENOTTY');
    context.write(argument, 4).setInt32(0, 256, true);
    return 0;
  }
}

/** Opens the device of a number. More are added by the parts that know them (terminals). */
export type DeviceOpener = (inode: Inode, flags: number) => OpenFile;

/** The devices of one run. */
export class Devices {
  readonly #openers = new Map<number, DeviceOpener>([
    [makedev(1, 3), (inode, flags) => new NullDevice(inode, flags)],
    [makedev(1, 5), (inode, flags) => new ZeroDevice(inode, flags)],
    [makedev(1, 7), (inode, flags) => new FullDevice(inode, flags)],
    [makedev(1, 8), (inode, flags) => new RandomDevice(inode, flags)],
    [makedev(1, 9), (inode, flags) => new RandomDevice(inode, flags)],
  ]);

  register(rdev: number, open: DeviceOpener): void {
    this.#openers.set(rdev, open);
  }

  /** Opens a device node; `hostPath` gives its path when it is one of the host's. ENXIO for a device there is not. */
  open(inode: Inode, flags: number, rdev: number, hostPath?: () => string): OpenFile {
    const known = this.#openers.get(rdev);
    if (known) return known(inode, flags);
    if (!hostPath) return fail('ENXIO');
    const fd = host(() => fs.openSync(Buffer.from(hostPath(), 'latin1'), hostFlags(flags)));
    return new HostStream(inode, flags, fd, true);
  }
}
