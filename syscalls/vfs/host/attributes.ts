/** Attributes of a file from what node:fs (or an API like it) says of it. */
import type { BigIntStats } from 'node:fs';
import type { Attributes } from '../../abi/stat.ts';
import type { InodeNumbers } from '../core/inode-numbers.ts';

/** `dev` is the device number the guest is to see; the inode number is made safe for a 32-bit guest. */
export function attributesOf(s: BigIntStats, dev: number, numbers: InodeNumbers): Attributes {
  return {
    dev,
    ino: numbers.safe(dev, s.ino),
    mode: Number(s.mode),
    nlink: Number(s.nlink),
    uid: Number(s.uid),
    gid: Number(s.gid),
    rdev: Number(BigInt.asUintN(32, s.rdev)),
    size: Number(s.size),
    blksize: Number(s.blksize),
    blocks: Number(s.blocks),
    atime: s.atimeNs,
    mtime: s.mtimeNs,
    ctime: s.ctimeNs,
    btime: s.birthtimeNs,
  };
}
