/** What every guest finds mounted beside its files: /proc, and under a root of its own /dev and a small /sys. */
import { createDev } from './dev.ts';
import type { Inode } from './inode.ts';
import { mountAt } from './mount.ts';
import { ProcFs } from './proc.ts';
import type { ProcSource } from './proc-source.ts';
import { SysFs } from './sys.ts';

/** @param ownRoot the root is not the host's own, which has devices */
export function mountSystem(root: Inode, source: ProcSource, ownRoot: boolean): void {
  mountAt(root, 'proc', new ProcFs(source, () => root));
  if (!ownRoot) return;
  mountAt(root, 'dev', createDev());
  mountAt(root, 'sys', new SysFs());
}
