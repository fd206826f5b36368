/** What is mounted somewhere once more, to be mounted elsewhere (mount --bind, open_tree(2)). */
import { fail } from '../../abi/errno.ts';
import { bound } from './bind.ts';
import { type Inode, isWithin } from './inode.ts';
import { DetachedMounts } from './mount.ts';

/** A copy of the mount that a file is in, from that file on, or of all that is mounted there (copy_tree). EINVAL. */
export function copyTree(source: Inode, recursive: boolean): DetachedMounts {
  const { fs } = source;
  const { mounts, namespaces } = fs.vfs;
  // Not what is mounted in no namespace (a pipe, a file that armrun was given open), or in another one; but a namespace's file.
  if ((!mounts.has(fs) && fs !== namespaces) || mounts.isUnbindable(fs)) fail('EINVAL');
  const tree = new DetachedMounts(bound(source), fs.attributes, source, mounts.mountOf(fs));
  if (!recursive) {
    // What lies below what is hidden by locked mounts is not to be seen so (has_locked_children).
    if (mounts.inside(fs).some((inner) => isWithin(inner.root, source) && mounts.mountOf(inner)?.locked))
      fail('EINVAL');
    return tree;
  }
  for (const { root } of mounts.inside(fs)) {
    if (!isWithin(root, source) || mounts.isUnbindable(root.fs)) continue;
    const names: string[] = [];
    for (let at = root; at !== source; at = at.parent!) names.unshift(at.name);
    const name = names.pop();
    let dir: Inode | undefined = tree.root;
    for (const step of names) dir = dir?.mounts?.get(step) ?? dir?.lookup(step);
    if (dir !== undefined && name !== undefined) {
      tree.add(dir, name, bound(root), root.fs.attributes, root, mounts.mountOf(root.fs));
    }
  }
  return tree;
}
