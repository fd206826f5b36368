/**
 * Putting the wrapper in the place of a root's /bin/sh, taking it away again, and keeping both from the guest's view.
 *
 * The image's own /bin/sh, whatever it is, keeps its inode: it gets a second name in armrun's folder, the wrapper is renamed
 * over it, and in the end it is renamed back. At no moment there is no /bin/sh. An archive does the same by its entries
 * (pack.ts). The root is not trusted: which directory its /bin is, is found as the guest would (walk.ts).
 */
import fs from 'node:fs';
import { Errno } from '../../syscalls/abi/errno.ts';
import { credsFor } from '../../syscalls/vfs/core/creds.ts';
import { Vfs } from '../../syscalls/vfs/core/vfs.ts';
import { lookupPath } from '../../syscalls/vfs/core/walk.ts';
import { NodeDirectory } from '../../syscalls/vfs/host/node-directory.ts';
import { NodeFs } from '../../syscalls/vfs/host/node-fs.ts';
import type { NodeInode } from '../../syscalls/vfs/host/node-inode.ts';
import { settleAdded } from './added.ts';
import { FILES, FOLDER, SHELL } from './folder.ts';

/** Where things are on the host. Byte strings, as of the VFS. */
interface Places {
  /** The root itself; empty for the host's own. */
  root: string;
  folder: string;
  /** /bin/sh by the real name of its directory; undefined when there is no such directory. */
  shell: string | undefined;
}

/** What install and uninstall cannot do; the message is for the user. */
export class InstallError extends Error {}

const bytes = (path: string) => Buffer.from(path, 'latin1');
const lstat = (path: string) => fs.lstatSync(bytes(path), { throwIfNoEntry: false });

/** armrun's folder in a root, when it is one. */
function folderOf(root: NodeInode): string | undefined {
  if (!(root instanceof NodeDirectory)) return undefined;
  const folder = root.childPath(FOLDER.slice(1));
  const isOurs = lstat(folder)?.isDirectory() && lstat(`${folder}/${FILES.wrapper}`)?.isFile();
  return isOurs ? folder : undefined;
}

function placesIn(root: NodeInode): Places | undefined {
  const folder = folderOf(root);
  if (folder === undefined) return undefined;
  const rootPath = folder.slice(0, -FOLDER.length);
  const [directory, name] = [SHELL.slice(0, SHELL.lastIndexOf('/')), SHELL.slice(SHELL.lastIndexOf('/') + 1)];
  try {
    const found = lookupPath({ root, creds: credsFor(0, 0) }, root, directory, true);
    return {
      root: rootPath,
      folder,
      shell: found instanceof NodeDirectory && found.fs === root.fs ? found.childPath(name) : undefined,
    };
  } catch (error) {
    if (error instanceof Errno) return { root: rootPath, folder, shell: undefined };
    throw error;
  }
}

/** Keeps armrun's folder and the wrapper from the view of who uses this root. Gives whether there is such a folder. */
export function hideInstallation(root: NodeInode): boolean {
  const places = root.fs.native ? placesIn(root) : undefined;
  if (places === undefined) return false;
  const { folder, shell } = places;
  const replaced = shell !== undefined && isWrapper(places, shell);
  if (replaced) settleAdded(places.root, folder, shell);
  const hidden = new Map([[folder, `${folder}/${FILES.own}`]]);
  if (replaced) hidden.set(shell, `${folder}/${FILES.shell}`);
  root.fs.hidden = hidden;
  return true;
}

/**
 * Puts the wrapper in the place of /bin/sh. armrun's folder must be in the root; nothing happens when the wrapper is there
 * already.
 */
export function install(rootPath: string): void {
  const places = placesIn(new NodeFs(new Vfs(), Buffer.from(rootPath).toString('latin1')).root);
  if (places === undefined) throw new InstallError(`${FOLDER} is not in ${rootPath}`);
  const { folder, shell } = places;
  if (shell === undefined || lstat(shell) === undefined) {
    throw new InstallError(`there is no ${SHELL} in ${rootPath}`);
  }
  if (isWrapper(places, shell)) return;
  if (process.geteuid?.() !== 0 && fs.lstatSync(bytes(shell)).uid !== process.geteuid?.()) {
    throw new InstallError(
      `only root can put the wrapper at ${SHELL}: let the line USER root come before this one`,
    );
  }
  keepingTimes(shell, () => {
    const kept = `${folder}/${FILES.shell}`;
    fs.rmSync(bytes(kept), { force: true });
    fs.linkSync(bytes(shell), bytes(kept));
    const fresh = `${shell}.armrun`;
    fs.copyFileSync(bytes(`${folder}/${FILES.wrapper}`), bytes(fresh));
    fs.chmodSync(bytes(fresh), 0o755);
    fs.renameSync(bytes(fresh), bytes(shell));
  });
}

/** Gives /bin/sh back and removes armrun's folder. Does nothing where there is none. */
export function uninstall(rootPath: string): void {
  const places = placesIn(new NodeFs(new Vfs(), Buffer.from(rootPath).toString('latin1')).root);
  if (places === undefined) return;
  const { root, folder, shell } = places;
  const [own, beside] = [`${folder}/${FILES.own}`, `${folder}.own`];
  const hasOwn = lstat(own) !== undefined;
  if (hasOwn) {
    try {
      fs.renameSync(bytes(own), bytes(beside));
    } catch (error) {
      // A directory of another layer.
      throw new InstallError(`${FOLDER} was made by an earlier line; let that line give it another name`, {
        cause: error,
      });
    }
  }
  if (shell !== undefined && isWrapper(places, shell)) {
    settleAdded(root, folder, shell);
    keepingTimes(shell, () => {
      const kept = `${folder}/${FILES.shell}`;
      // Without one, a RUN line has removed it.
      if (lstat(kept) === undefined) fs.unlinkSync(bytes(shell));
      else fs.renameSync(bytes(kept), bytes(shell));
    });
  }
  fs.rmSync(bytes(folder), { recursive: true });
  if (hasOwn) fs.renameSync(bytes(beside), bytes(folder));
}

function isWrapper({ folder }: Places, shell: string): boolean {
  const wrapper = fs.readFileSync(bytes(`${folder}/${FILES.wrapper}`));
  const found = lstat(shell);
  return found?.isFile() && found.size === wrapper.length
    ? fs.readFileSync(bytes(shell)).equals(wrapper)
    : false;
}

/** Does something in the directory of a file whose times are then as before. */
function keepingTimes(file: string, change: () => void): void {
  const directory = bytes(file.slice(0, file.lastIndexOf('/')));
  const { atimeMs, mtimeMs } = fs.statSync(directory);
  change();
  fs.utimesSync(directory, atimeMs / 1000, mtimeMs / 1000);
}
