/** What processes do with mounted file systems. */
import type { FileSystem } from '../vfs/core/inode.ts';
import type { MountNamespace } from '../vfs/core/mount.ts';
import { TmpFs } from '../vfs/memory/tmpfs.ts';
import type { Kernel } from './kernel.ts';

/** Whether any process has a file of it open for writing. */
export function isWritten(kernel: Kernel, fs: FileSystem): boolean {
  for (const { files } of kernel.tasks.values())
    if (files.hasWriter(({ inode }) => inode.fs === fs && inode.isRegular)) return true;
  return false;
}

/**
 * Whether a process stands in a file system, runs a program of it or has a file of it open; in a namespace, or in any. Open files
 * stay in the namespace that they were opened in.
 */
export function isBusy(kernel: Kernel, fs: FileSystem, namespace?: MountNamespace): boolean {
  const isIn = (one: MountNamespace) => namespace === undefined || one === namespace;
  for (const { fs: at, files, mm, ns } of kernel.tasks.values()) {
    if (isIn(ns.mnt) && (at.root.fs === fs || at.cwd.fs === fs || mm.exe?.fs === fs)) return true;
    for (const fd of files.fds()) {
      const file = files.find(fd);
      if (file?.inode.fs === fs && isIn(file.mounts)) return true;
    }
  }
  return false;
}

/** File systems have been unmounted somewhere: what nobody can reach any more takes no memory. */
export function unmounted(kernel: Kernel, all: readonly FileSystem[]): void {
  const isMounted = (one: FileSystem) => [...kernel.tasks.values()].some(({ ns }) => ns.mnt.has(one));
  for (const one of all)
    if (one instanceof TmpFs && !one.detached && !isMounted(one) && !isBusy(kernel, one)) one.quota.release();
}
