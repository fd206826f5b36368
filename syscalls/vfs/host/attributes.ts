/** Attributes of a file from what the host says of it. */
import type { BigIntStats } from 'node:fs';
import type { Attributes } from '../../abi/stat.ts';
import { timespecOf } from '../../abi/time.ts';
import { type HostNumber, hostNumber, type InodeNumbers } from '../core/inode-numbers.ts';

/** As the host has them: its inode number, and its device number in Linux's new_encode_dev form. */
export type HostStats = Omit<Attributes, 'ino'> & { ino: HostNumber };

/** From what node:fs (or an API like it) gives. */
export function hostStats(s: BigIntStats): HostStats {
  return {
    dev: Number(BigInt.asUintN(32, s.dev)),
    ino: hostNumber(s.ino),
    mode: Number(s.mode),
    nlink: Number(s.nlink),
    uid: Number(s.uid),
    gid: Number(s.gid),
    rdev: Number(BigInt.asUintN(32, s.rdev)),
    size: Number(s.size),
    blksize: Number(s.blksize),
    blocks: Number(s.blocks),
    atime: timespecOf(s.atimeNs),
    mtime: timespecOf(s.mtimeNs),
    ctime: timespecOf(s.ctimeNs),
    btime: timespecOf(s.birthtimeNs),
  };
}

/**
 * `device` is the device number the guest is to see, the host's or not; the host's and the inode's are as `numbers` has them,
 * safe for a 32-bit guest. Where nothing is to be made, what the host says itself.
 */
export function attributesOf(s: HostStats, device: number, numbers: InodeNumbers): Readonly<Attributes> {
  const ino = numbers.safe(device, s.ino);
  const dev = device === s.dev ? numbers.device(device) : device;
  return dev === s.dev && ino === s.ino ? (s as HostStats & { ino: number }) : { ...s, dev, ino };
}
