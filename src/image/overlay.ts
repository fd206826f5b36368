/** `armrun overlay`: what a directory of --overlay has is done to a root, or thrown away. */
import fs from 'node:fs';
import type { Inode } from '../../syscalls/vfs/core/inode.ts';
import { Vfs } from '../../syscalls/vfs/core/vfs.ts';
import { AttributesFile, ownersOf } from '../../syscalls/vfs/host/kept-attributes.ts';
import { NodeFs } from '../../syscalls/vfs/host/node-fs.ts';
import { applyChanges, empty } from '../../syscalls/vfs/overlay/layers.ts';

/**
 * Does something with directories (real paths), of which owners may be kept beside them; with `fakeroot`, as then of the
 * others, too.
 */
function withDirectories(paths: readonly string[], action: (...roots: Inode[]) => void): void {
  const vfs = new Vfs();
  const isKept = paths.some((path) => fs.existsSync(ownersOf(path)));
  const kept = paths.map((path) => (isKept ? new AttributesFile(ownersOf(path), vfs.passed) : undefined));
  try {
    const roots = paths.map((path, i) => {
      const base = Buffer.from(path).toString('latin1');
      return new NodeFs(vfs, base, { fakeroot: kept[i] }).root;
    });
    action(...roots);
  } finally {
    vfs.close();
    for (const file of kept) file?.close();
  }
}

/** Throws Errno. */
export function applyOverlay(root: string, directory: string): void {
  withDirectories([root, directory], (to, upper) => applyChanges(upper!, to!));
}

export function discardOverlay(directory: string): void {
  withDirectories([directory], (upper) => empty(upper!));
}
