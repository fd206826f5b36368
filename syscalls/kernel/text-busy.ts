/**
 * ETXTBSY: a file is not written while a process executes it, nor executed while it is open for writing (deny_write_access of
 * fs/exec.c).
 */
import { type Inode, identityOf } from '../vfs/core/inode.ts';
import type { Kernel } from './kernel.ts';

/** Whether a process runs this file. */
export function isExecuted(kernel: Kernel, inode: Inode): boolean {
  if (!inode.isRegular) return false;
  let identity: string | undefined;
  for (const { leader } of kernel.processes.values()) {
    if (leader.state === 'dead') continue;
    const { exe } = leader.mm;
    if (exe === inode) return true;
    if (exe === undefined || exe.fs !== inode.fs) continue;
    identity ??= identityOf(inode);
    if (leader.mm.exeIdentity === identity) return true;
  }
  return false;
}

/** Whether any process has this file open for writing. */
export function isWritten(kernel: Kernel, inode: Inode): boolean {
  let identity: string | undefined;
  for (const { leader } of kernel.processes.values()) {
    for (const file of leader.files.writers()) {
      if (file.inode.fs !== inode.fs || !file.inode.isRegular) continue;
      identity ??= identityOf(inode);
      if (file.inode === inode || identityOf(file.inode) === identity) return true;
    }
  }
  return false;
}
