/**
 * `armrun export`: a root as a tar archive, as its guests see it: with owners, modes, devices and attributes that are kept
 * beside it (kept-attributes.ts), in an order that depends on nothing but names.
 */
import fs from 'node:fs';
import { O_RDONLY } from '../../syscalls/abi/fcntl.ts';
import {
  major,
  minor,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from '../../syscalls/abi/stat.ts';
import { nanosecondsOf } from '../../syscalls/abi/time.ts';
import { type Inode, identityOf } from '../../syscalls/vfs/core/inode.ts';
import { Vfs } from '../../syscalls/vfs/core/vfs.ts';
import { AttributesFile, ownersOf } from '../../syscalls/vfs/host/kept-attributes.ts';
import { NodeFs } from '../../syscalls/vfs/host/node-fs.ts';
import { padding, TAR_END, type TarEntry, tarHeader } from './tar.ts';

const TYPES: Readonly<Record<number, TarEntry['type'] | undefined>> = {
  [S_IFREG]: '0',
  [S_IFLNK]: '2',
  [S_IFCHR]: '3',
  [S_IFBLK]: '4',
  [S_IFDIR]: '5',
  [S_IFIFO]: '6',
};

const CHUNK = 1 << 20;

/** Writes the archive of a root, a directory's real path, to a descriptor. Throws what node:fs does, and Errno. */
export function exportRoot(root: string, output: number): void {
  const vfs = new Vfs();
  const owners = ownersOf(root);
  const fakeroot = fs.existsSync(owners) ? new AttributesFile(owners, vfs.passed) : undefined;
  try {
    const top = new NodeFs(vfs, Buffer.from(root).toString('latin1'), { fakeroot }).root;
    new Export(output).all(top);
    writeAll(output, TAR_END);
  } finally {
    vfs.close();
    fakeroot?.close();
  }
}

class Export {
  readonly #output: number;
  /** Files that have several names, by identity: the first of these. */
  readonly #names = new Map<string, string>();

  constructor(output: number) {
    this.#output = output;
  }

  all(root: Inode): void {
    this.#entry(root, './');
    this.#below(root, './');
  }

  #below(directory: Inode, path: string): void {
    // By bytes, as in the locale C.
    const names = directory.list().map(({ name }) => name);
    for (const name of names.sort((a, b) => (a < b ? -1 : 1))) {
      directory.fs.vfs.beginWalk();
      const inode = directory.lookup(name);
      if (inode === undefined) continue;
      const own = inode.isDirectory ? `${path}${name}/` : path + name;
      this.#entry(inode, own);
      if (inode.isDirectory) this.#below(inode, own);
    }
  }

  #entry(inode: Inode, name: string): void {
    const a = inode.stat();
    const type = TYPES[a.mode & S_IFMT];
    // A socket means nothing without the process that has it.
    if (type === undefined) return;
    const { mode, uid, gid } = a;
    const common = { name, mode, uid, gid, mtime: nanosecondsOf(a.mtime) };
    if (!inode.isDirectory && a.nlink > 1) {
      const identity = identityOf(inode);
      const first = this.#names.get(identity);
      if (first !== undefined) {
        writeAll(this.#output, tarHeader({ ...common, type: '1', size: 0, linkName: first }));
        return;
      }
      this.#names.set(identity, name);
    }
    const xattrs = new Map<string, Uint8Array>();
    for (const key of inode.listxattr()) {
      const value = inode.getxattr(key);
      if (value !== undefined) xattrs.set(key, value);
    }
    const size = inode.isRegular ? a.size : 0;
    const header = tarHeader({
      ...common,
      type,
      size,
      ...(inode.isSymlink && { linkName: inode.readlink() }),
      ...(a.rdev !== 0 && { device: { major: major(a.rdev), minor: minor(a.rdev) } }),
      ...(xattrs.size > 0 && { xattrs }),
    });
    writeAll(this.#output, header);
    if (size > 0) this.#content(inode, size);
  }

  /** So many bytes of the file, whatever has become of its size. */
  #content(inode: Inode, size: number): void {
    const file = inode.open(O_RDONLY).ref();
    try {
      const chunk = new Uint8Array(Math.min(CHUNK, size));
      for (let done = 0; done < size; ) {
        const part = chunk.subarray(0, Math.min(chunk.length, size - done));
        const count = file.pread(part, done);
        if (count <= 0) part.fill(0);
        const bytes = part.subarray(0, count <= 0 ? part.length : count);
        writeAll(this.#output, bytes);
        done += bytes.length;
      }
    } finally {
      file.release();
    }
    writeAll(this.#output, padding(size));
  }
}

function writeAll(output: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += fs.writeSync(output, bytes, done);
    } catch (error) {
      // A pipe that others have made non-blocking.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
