/** What images have at /bin/sh, as small roots. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';

import { makeRoot } from '../programs/engines.ts';
import { copyRoot } from './roots.ts';

/** Of every file that a layout is made of, in seconds. */
const TIME = 1_600_000_000;

function busybox(root: string, link: (name: string) => void): void {
  const full = makeRoot('full');
  for (const name of ['bin', 'lib']) mkdirSync(`${root}/${name}`, { recursive: true });
  cpSync(`${full}/usr/bin/busybox`, `${root}/bin/busybox`);
  const libraries = `${full}/usr/lib/arm-linux-gnueabihf`;
  for (const name of readdirSync(libraries)) {
    if (!/^(libc|libresolv|libm|libpthread)\.so\.\d$|^ld-linux-armhf/.test(name)) continue;
    cpSync(`${libraries}/${name}`, `${root}/lib/${name}`, { dereference: true });
  }
  for (const name of ['sh', 'echo', 'ls', 'cat', 'readlink', 'stat', 'uname', 'wc'])
    link(`${root}/bin/${name}`);
}

function split(root: string): void {
  copyRoot(makeRoot('date'), root);
  rmSync(`${root}/bin`);
  mkdirSync(`${root}/bin`);
  renameSync(`${root}/usr/bin/dash`, `${root}/bin/dash`);
  rmSync(`${root}/usr/bin/sh`);
}

export const LAYOUTS: readonly [name: string, make: (root: string) => void][] = [
  ['merged /usr, a link to dash', (root) => copyRoot(makeRoot('date'), root)],
  [
    'merged /usr by an absolute link, bash',
    (root) => {
      copyRoot(makeRoot('date'), root);
      const full = makeRoot('full');
      cpSync(`${full}/usr/bin/bash`, `${root}/usr/bin/bash`);
      const libraries = 'usr/lib/arm-linux-gnueabihf';
      copyFileSync(`${full}/${libraries}/libtinfo.so.6`, `${root}/${libraries}/libtinfo.so.6`);
      for (const name of ['bin', 'usr/bin/sh']) rmSync(`${root}/${name}`);
      symlinkSync('/usr/bin', `${root}/bin`);
      symlinkSync('bash', `${root}/usr/bin/sh`);
    },
  ],
  [
    '/bin of its own, a link to dash',
    (root) => {
      split(root);
      symlinkSync('dash', `${root}/bin/sh`);
    },
  ],
  [
    '/bin of its own, a file of odd mode',
    (root) => {
      split(root);
      renameSync(`${root}/bin/dash`, `${root}/bin/sh`);
      chmodSync(`${root}/bin/sh`, 0o711);
    },
  ],
  ['busybox by absolute links', (root) => busybox(root, (name) => symlinkSync('/bin/busybox', name))],
  ['busybox by hard links', (root) => busybox(root, (name) => linkSync(`${root}/bin/busybox`, name))],
];

/** Makes one, with files of one time. */
export function makeLayout(make: (root: string) => void, root: string): void {
  make(root);
  execFileSync('find', [root, '-exec', 'touch', '--no-dereference', '--date', `@${TIME}`, '{}', '+']);
  lutimesSync(root, TIME, TIME);
}

/** What is to be as before of /bin/sh, and of what it leads to. */
export function shellOf(root: string): Record<string, unknown> {
  const facts = (path: string) => {
    const { mode, uid, gid, nlink, mtimeMs } = lstatSync(path);
    return { mode: mode.toString(8), uid, gid, nlink, time: mtimeMs / 1000 };
  };
  const bin =
    readdirSync(root).includes('usr') && lstatSync(`${root}/bin`).isSymbolicLink()
      ? `${root}/usr/bin`
      : `${root}/bin`;
  const link = lstatSync(`${bin}/sh`).isSymbolicLink() ? readlinkSync(`${bin}/sh`) : undefined;
  const target = link && facts(`${bin}/${link.slice(link.lastIndexOf('/') + 1)}`);
  return { ...facts(`${bin}/sh`), link, target };
}
