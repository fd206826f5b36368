/** What every guest finds mounted beside its files: /proc, and under a root of its own /dev and a small /sys. */
import { fail } from '../../abi/errno.ts';
import { makedev } from '../../abi/stat.ts';
import { NodeFs } from '../host/node-fs.ts';
import { createDev } from '../memory/dev.ts';
import { TmpFs } from '../memory/tmpfs.ts';
import { OverlayFs } from '../overlay/overlay.ts';
import { cpuDirectory } from '../proc/cpu.ts';
import { ProcFs } from '../proc/proc.ts';
import type { ProcSource } from '../proc/source.ts';
import { SysFs, system } from '../proc/sys.ts';
import { DevPts } from '../tty/pty.ts';
import { openControllingTerminal, TtyFile } from '../tty/tty.ts';
import { credsFor } from './creds.ts';
import type { FdTable } from './fd-table.ts';
import type { FileSystem, Inode } from './inode.ts';
import { resolve } from './walk.ts';

/**
 * @param ownRoot the root is not the host's own, which has devices
 * @param mqueues the run's message queues
 * @param files the first process's: terminals among them get names in /dev/pts
 */
export function mountSystem(
  root: Inode,
  source: ProcSource,
  ownRoot: boolean,
  files: FdTable,
  mqueues: FileSystem,
): void {
  const { vfs } = root.fs;
  const { mounts, devices } = vfs;
  mounts.setRoot(root.fs);
  mounts.add(root, 'proc', new ProcFs(vfs, source, () => root));
  devices.register(makedev(5, 0), openControllingTerminal);
  const pts = new DevPts(vfs);
  if (ownRoot) {
    const dev = createDev(vfs);
    mounts.add(root, 'dev', dev);
    mounts.add(dev.root, 'shm', new TmpFs(vfs, { mode: 0o1777 }));
    mounts.add(dev.root, 'pts', pts);
    mounts.add(dev.root, 'mqueue', mqueues);
    mounts.add(root, 'sys', new SysFs(vfs, system(source.cpus, vfs.network)));
  } else {
    const dev = root.lookup('dev');
    if (dev?.isDirectory) mounts.add(dev, 'pts', pts);
    // The host's /sys has the CPUs of the host.
    const machine = source.cpus > 1 ? root.lookup('sys')?.lookup('devices')?.lookup('system') : undefined;
    if (machine) mounts.add(machine, 'cpu', new SysFs(vfs, cpuDirectory(source.cpus)));
    devices.register(makedev(5, 2), (inode, flags) => pts.open(inode, flags));
  }
  for (const fd of [0, 1, 2]) {
    const file = files.find(fd);
    if (file instanceof TtyFile && file.inode.parent === undefined) pts.adopt(file);
  }
}

/**
 * Shows a directory or file of the host at a path of the guest, whose directory must be there. Host and guest path are byte
 * strings. Throws Errno.
 */
export function bindHost(root: Inode, hostPath: string, guestPath: string, readOnly: boolean): void {
  const fs = root.fs instanceof OverlayFs ? (root.fs.lower?.fs ?? root.fs) : root.fs;
  const fakeroot = fs instanceof NodeFs && fs.native ? fs.guest?.kept : undefined;
  mountAt(root, guestPath, new NodeFs(root.fs.vfs, hostPath, { readOnly, reachesSockets: true, fakeroot }));
}

/** Mounts an empty file system in memory at a path of the guest, whose directory must be there. Throws Errno. */
export function mountTmpfs(root: Inode, guestPath: string, size: number | undefined): void {
  mountAt(root, guestPath, new TmpFs(root.fs.vfs, { mode: 0o1777, size }));
}

function mountAt(root: Inode, guestPath: string, fs: FileSystem): void {
  const { dir, name, inode } = resolve({ root, creds: credsFor(0, 0) }, root, guestPath, true);
  if (inode === root) fail('EBUSY');
  root.fs.vfs.mounts.add(inode?.parent ?? dir, inode?.name ?? name, fs);
}
