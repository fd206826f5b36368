/** Directories and files once more, under other names (mount --bind). */
import { NodeFs } from '../host/node-fs.ts';
import { NodeInode } from '../host/node-inode.ts';
import { OverlayFs } from '../overlay/overlay.ts';
import type { FileSystem, Inode } from './inode.ts';

/** A file system whose root is that file; mounted nowhere. */
export function bound(source: Inode): FileSystem {
  if (!(source instanceof NodeInode)) {
    const bound = new OverlayFs(undefined, source);
    bound.owner = source.fs.owner;
    bound.superReadOnly = source.fs.superReadOnly;
    bound.keptReadOnly = source.fs.keptReadOnly;
    return bound;
  }
  const { fs } = source;
  const bound = new NodeFs(fs.vfs, source.path, {
    type: fs.type,
    source: fs.source,
    readOnly: fs.superReadOnly,
    hostTree: fs.hostTree,
    reachesSockets: fs.reachesSockets,
    within: fs,
  });
  bound.owner = fs.owner;
  bound.hidden = fs.hidden;
  return bound;
}
