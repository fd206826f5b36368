/**
 * ETXTBSY: a file is not written while a process executes it, nor executed while it is open for writing (deny_write_access of
 * fs/exec.c).
 */
import { type Inode, identityOf } from '../vfs/core/inode.ts';
import type { OpenFile } from '../vfs/core/open-file.ts';
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
  const isIt = ({ inode: other }: OpenFile): boolean =>
    other.fs === inode.fs && other.isRegular && (other === inode || identityOf(other) === identityOf(inode));
  for (const { leader } of kernel.processes.values()) if (leader.files.hasWriter(isIt)) return true;
  return false;
}
