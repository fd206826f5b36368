/**
 * What is to be made good after an archive has put the wrapper in the place of /bin/sh (pack.ts).
 *
 * Docker, BuildKit and kaniko give the image's own /bin/sh, file or link, a second name, and it is as it was. buildah and
 * podman follow a link: what they keep is a second name of the file it leads to, with owner, mode and time of the archive's
 * entry. What link it was is then found from what is there, once, before anybody in the image looks: the file has other names
 * where programs are, and other links beside it (busybox) tell how this image writes them. Times are those of a link like it,
 * or of what else the package of the file has brought, which dpkg lists. Where nothing tells, the time stays that of the
 * archive.
 */
import fs from 'node:fs';
import { ARCHIVE_TIME, FILES } from './folder.ts';

const bytes = (path: string) => Buffer.from(path, 'latin1');
const lstat = (path: string) => fs.lstatSync(bytes(path), { throwIfNoEntry: false });
const list = (path: string) => {
  try {
    return fs.readdirSync(bytes(path), { encoding: 'latin1' });
  } catch {
    return [];
  }
};

/** Where else than beside /bin/sh its file may be. */
const DIRECTORIES = ['/bin', '/usr/bin', '/usr/local/bin', '/sbin', '/usr/sbin'];

/**
 * Looks once at what is kept of /bin/sh, as root.
 *
 * @param root path of the root, '' for the host's own; all are byte strings
 * @param shell /bin/sh by the real name of its directory
 */
export function settleAdded(root: string, folder: string, shell: string): void {
  const marker = `${folder}/${FILES.added}`;
  if (process.geteuid?.() !== 0 || lstat(marker) === undefined) return;
  const kept = `${folder}/${FILES.shell}`;
  const found = lstat(kept);
  try {
    // First, as it fails where nothing can be changed.
    fs.unlinkSync(bytes(marker));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EROFS') return;
    throw error;
  }
  if (found?.isFile() && found.mtimeMs === ARCHIVE_TIME * 1000) restore(root, kept, shell, found);
}

function restore(root: string, kept: string, shell: string, file: fs.Stats): void {
  const directory = shell.slice(0, shell.lastIndexOf('/'));
  const same = (path: string) => {
    const stat = lstat(path);
    return stat?.ino === file.ino && stat.dev === file.dev;
  };
  const beside = list(directory).filter((name) => same(`${directory}/${name}`));
  const elsewhere = DIRECTORIES.flatMap((path) =>
    list(root + path)
      .map((name) => `${path}/${name}`)
      .filter((name) => same(root + name)),
  );
  const target = beside[0] ?? elsewhere[0];
  const ofPackage = timeOfPackage(root, (target ?? shell).replace(/.*\//, ''));
  // A file with many names had /bin/sh for one of them; with one other name it was led to.
  if (target === undefined || file.nlink !== 2) {
    if (ofPackage !== undefined) fs.utimesSync(bytes(kept), ofPackage, ofPackage);
    return;
  }
  const like = linkLike(directory, target);
  const time = ofPackage ?? like?.time ?? ARCHIVE_TIME;
  const linkTime = like?.time ?? time;
  fs.unlinkSync(bytes(kept));
  fs.symlinkSync(bytes(like?.text ?? target), bytes(kept));
  fs.lutimesSync(bytes(kept), linkTime, linkTime);
  // By its own name: in a layer above it this makes it a file of one name again.
  fs.utimesSync(bytes(beside[0] === undefined ? root + target : `${directory}/${target}`), time, time);
}

/** Another link to the same, with its time in seconds. */
function linkLike(directory: string, target: string): { text: string; time: number } | undefined {
  const name = target.replace(/.*\//, '');
  for (const other of list(directory)) {
    const path = `${directory}/${other}`;
    const stat = lstat(path);
    if (!stat?.isSymbolicLink()) continue;
    const text = fs.readlinkSync(bytes(path), { encoding: 'latin1' });
    if (text === name || text.endsWith(`/${name}`)) return { text, time: stat.mtimeMs / 1000 };
  }
  return undefined;
}

/** The time of the newest file of a package, in seconds: that of the change it was built for, as packages are built today. */
function timeOfPackage(root: string, name: string): number | undefined {
  for (const file of [`${name}.list`, `${name}:armhf.list`, `${name}:armel.list`]) {
    const path = `${root}/var/lib/dpkg/info/${file}`;
    if (!lstat(path)?.isFile()) continue;
    const times = fs
      .readFileSync(bytes(path), 'latin1')
      .split('\n')
      .map((line) => lstat(`${root}${line}`))
      .filter((stat) => stat?.isFile() && stat.mtimeMs !== ARCHIVE_TIME * 1000)
      .map((stat) => stat!.mtimeMs / 1000);
    if (times.length > 0) return Math.max(...times);
  }
  return undefined;
}
