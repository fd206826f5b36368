/** What every guest finds mounted beside its files: /proc, and under a root of its own /dev and a small /sys. */
import { createDev } from '../vfs/dev.ts';
import type { Inode } from '../vfs/inode.ts';
import { mountAt } from '../vfs/mount.ts';
import { ProcFs } from '../vfs/proc.ts';
import { SysFs } from '../vfs/sys.ts';
import type { Kernel } from './kernel.ts';
import { procSource } from './proc-info.ts';

/** @param ownRoot the root is not the host's own, which has devices */
export function mountSystem(kernel: Kernel, root: Inode, ownRoot: boolean): void {
  mountAt(root, 'proc', new ProcFs(procSource(kernel, '#1 SMP armrun'), () => root));
  if (!ownRoot) return;
  mountAt(root, 'dev', createDev());
  mountAt(root, 'sys', new SysFs());
}
