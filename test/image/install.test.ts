/** install and uninstall: the wrapper at /bin/sh, unseen by the guest, and a root that is afterwards as it was. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { runCommand } from '../../src/image/command.ts';
import { InstallError, install, uninstall } from '../../src/image/install.ts';
import { makeRoot } from '../programs/engines.ts';
import { armrun, copyRoot, temporaryDirectory } from './roots.ts';

let directory: string;
let root: string;
beforeAll(() => {
  directory = temporaryDirectory();
});
afterAll(() => rmSync(directory, { recursive: true }));
beforeEach(() => {
  root = `${directory}/root`;
  rmSync(root, { recursive: true, force: true });
  copyRoot(makeRoot('date'), root);
});

/** What install needs of armrun's folder; its programs are not run here. */
function addFolder(): void {
  mkdirSync(`${root}/armrun`);
  for (const name of ['armrun', 'wrapper']) writeFileSync(`${root}/armrun/${name}`, `${name} for the host\n`);
}

/** Everything that can be seen of a tree but access and change times. */
function tree(path: string): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (at: string) => {
    const s = lstatSync(at, { bigint: true });
    const link = s.isSymbolicLink() ? readlinkSync(at) : '';
    // The root's own time is that of whoever put the folder there.
    const time = at === path ? '' : s.mtimeNs;
    found[at.slice(path.length)] = [s.mode.toString(8), s.uid, s.gid, s.ino, s.nlink, time, link].join(' ');
    if (s.isDirectory()) for (const name of readdirSync(at)) walk(`${at}/${name}`);
  };
  walk(path);
  return found;
}

const sh = (script: string) => armrun(['--root', root, '/bin/sh', '-c', script]);
const host = (path: string) => readFileSync(`${root}${path}`, 'latin1');

/** Kinds of /bin/sh that images have, and its path without links. */
const LAYOUTS: [string, () => void, string?][] = [
  ['merged /usr, a link to dash', () => {}],
  [
    'merged /usr by an absolute link',
    () => {
      rmSync(`${root}/bin`);
      symlinkSync('/usr/bin', `${root}/bin`);
    },
  ],
  [
    'a /bin of its own, an absolute link',
    () => {
      rmSync(`${root}/bin`);
      mkdirSync(`${root}/bin`);
      cpSync(`${root}/usr/bin/dash`, `${root}/bin/dash`);
      symlinkSync('/bin/dash', `${root}/bin/sh`);
      rmSync(`${root}/usr/bin/sh`);
    },
    '/bin/sh',
  ],
  [
    'a hard link',
    () => {
      rmSync(`${root}/usr/bin/sh`);
      linkSync(`${root}/usr/bin/dash`, `${root}/usr/bin/sh`);
    },
  ],
  [
    'a file of odd mode',
    () => {
      rmSync(`${root}/usr/bin/sh`);
      renameSync(`${root}/usr/bin/dash`, `${root}/usr/bin/sh`);
      chmodSync(`${root}/usr/bin/sh`, 0o2711);
    },
  ],
];

describe.each(LAYOUTS)('%s', (_, arrange, shell = '/usr/bin/sh') => {
  test('is given back exactly, and the guest does not see what is in its place', () => {
    arrange();
    utimesSync(dirname(`${root}${shell}`), 1e9, 1e9);
    const before = tree(root);
    const look = 'ls -lin /bin/ /; ls -lin /bin/sh; echo $0; cat /bin/sh | wc -c; echo x | /bin/sh -c cat';
    const withoutRoot = (text: string) => text.replace(/^.* (\.\.?|dev|proc|sys)$/gm, '');
    const seen = sh(look);
    addFolder();
    install(root);
    expect(host(shell)).toBe('wrapper for the host\n');
    const { stdout, stderr } = sh(look);
    expect(stderr).toBe('');
    // A second name for what is kept is gone again in the end.
    const links = (text: string) => withoutRoot(text).replace(/^( *\d+ \S+) +\d+ /gm, '$1 ');
    expect(links(stdout)).toBe(links(seen.stdout));
    install(root);
    uninstall(root);
    expect(tree(root)).toEqual(before);
    uninstall(root);
    expect(tree(root)).toEqual(before);
  });
});

describe('while the wrapper is there', () => {
  beforeEach(() => {
    addFolder();
    install(root);
  });

  test('what the guest does to /bin/sh is done to its own', () => {
    // As dpkg replaces a file: a link to the old, the new beside it, and a rename over.
    const { stdout, stderr } = sh(`set -e
      ln /bin/sh /bin/sh.dpkg-tmp; ln -s /bin/dash /bin/sh.dpkg-new; mv -T /bin/sh.dpkg-new /bin/sh; rm /bin/sh.dpkg-tmp
      readlink /bin/sh; mv /bin/sh /bin/sh.distrib; [ ! -e /bin/sh ]; ls -d /bin/s[h] || true
      cp /bin/dash /bin/sh; chmod 700 /bin/sh; stat -c %a /bin/sh; /bin/sh -c 'echo again'`);
    expect({ stdout, stderr }).toEqual({
      stdout: '/bin/dash\n700\nagain\n',
      stderr: expect.stringMatching(/^ls: .*\n$/),
    });
    expect(host('/usr/bin/sh')).toBe('wrapper for the host\n');
    uninstall(root);
    expect(lstatSync(`${root}/usr/bin/sh`).mode.toString(8)).toBe('100700');
    expect(host('/usr/bin/sh')).toBe(host('/usr/bin/dash'));
    expect(readlinkSync(`${root}/usr/bin/sh.distrib`)).toBe('/bin/dash');
    expect(existsSync(`${root}/armrun`)).toBe(false);
  });

  test('a /bin/sh that the guest removed stays away', () => {
    expect(sh('rm /bin/sh; ls /bin/sh').stderr).toContain('No such file');
    expect(sh(':')).toMatchObject({ status: 127 });
    uninstall(root);
    expect(existsSync(`${root}/usr/bin/sh`)).toBe(false);
  });

  test('the guest can have files of its own by the name of the folder, which stay', () => {
    const run = sh('mkdir /armrun && echo mine >/armrun/x && ls -d /arm* && cat /armrun/x');
    expect(run).toMatchObject({ stdout: '/armrun\nmine\n', stderr: '' });
    expect(sh('ls -d /arm*; cat /armrun/x').stdout).toBe('/armrun\nmine\n');
    expect(host('/armrun/wrapper')).toBe('wrapper for the host\n');
    uninstall(root);
    expect(readdirSync(`${root}/armrun`)).toEqual(['x']);
  });

  test('the folder cannot be seen, entered or replaced', () => {
    const { stdout } = sh(`exec 2>&1
      ls -a / | grep armrun; cd /armrun; cat /armrun/sh; mkdir /armrun; ln -s x /armrun; echo x >/armrun
      mkdir /d; mv -T /d /armrun; rm -r /armrun; cat /usr/../armrun/wrapper; cat /proc/self/root/armrun/wrapper; echo end`);
    expect(stdout).not.toContain('for the host');
    expect(stdout).toMatch(/end\n$/);
    expect(host('/armrun/wrapper')).toBe('wrapper for the host\n');
    expect(host('/usr/bin/sh')).toBe('wrapper for the host\n');
  });
});

describe('a root that is not trusted', () => {
  test.each([
    [
      'whose /bin leads outside',
      () => {
        mkdirSync(`${directory}/outside/bin`, { recursive: true });
        writeFileSync(`${directory}/outside/bin/sh`, 'outside');
        rmSync(`${root}/bin`);
        symlinkSync(`${directory}/outside/bin`, `${root}/bin`);
      },
    ],
    ['without /bin/sh', () => rmSync(`${root}/usr/bin/sh`)],
  ])('%s is refused', (_, arrange) => {
    arrange();
    addFolder();
    expect(() => install(root)).toThrow(InstallError);
    uninstall(root);
    expect(existsSync(`${root}/armrun`)).toBe(false);
    if (existsSync(`${directory}/outside`))
      expect(readFileSync(`${directory}/outside/bin/sh`, 'utf8')).toBe('outside');
  });

  test('whose /armrun is a link is one without armrun', () => {
    mkdirSync(`${directory}/elsewhere`, { recursive: true });
    writeFileSync(`${directory}/elsewhere/wrapper`, 'x');
    symlinkSync(`${directory}/elsewhere`, `${root}/armrun`);
    expect(() => install(root)).toThrow(InstallError);
    uninstall(root);
    expect(readdirSync(`${directory}/elsewhere`)).toEqual(['wrapper']);
  });
});

describe('the commands', () => {
  test('install and uninstall', () => {
    utimesSync(`${root}/usr/bin`, 1e9, 1e9);
    const before = tree(root);
    expect(armrun(['install', root])).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(existsSync(`${root}/armrun/node`)).toBe(true);
    // The host's kernel starts it now.
    if (process.getuid!() === 0) {
      const out = execFileSync('/usr/sbin/chroot', [root, '/bin/sh', '-c', 'uname -m'], {
        encoding: 'utf8',
        env: {},
      });
      expect(out).toBe('armv7l\n');
    }
    expect(armrun(['uninstall', root])).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(tree(root)).toEqual(before);
  });

  test.each<[Parameters<typeof runCommand>[0], string[], RegExp]>([
    ['install', ['/none'], /^\/none is not a directory$/],
    ['install', ['/'], /^install: \/ is this machine; /],
    ['install', ['a', 'b'], /^'b' is not expected$/],
    ['uninstall', [], /^uninstall: name the root directory$/],
    ['enter', [], /^enter: name the root directory$/],
    ['enter', ['/none'], /^\/none is not a directory$/],
    ['clean', ['--all'], /^Unknown option '--all'$/],
  ])('%s %j is refused', async (name, args, message) => {
    await expect(runCommand(name, args)).rejects.toThrow(message);
  });

  test('a mistake is told in one line', () => {
    const { status, stderr } = armrun(['enter', '/none']);
    expect({ status, stderr }).toEqual({ status: 125, stderr: 'armrun: /none is not a directory\n' });
  });

  test('enter gives a login shell in the root, or runs a program there', () => {
    const shell = armrun(['enter', root], {
      input: 'echo $0 $HOME $USER; pwd; exit 3\n',
      env: { SECRET: 'no' },
    });
    expect(shell).toMatchObject({ status: 3, stdout: '-sh /root root\n/root\n' });
    expect(armrun(['enter', root, '/bin/echo', '-n', 'x'])).toMatchObject({ status: 0, stdout: 'x' });
  });

  test('doctor finds that this machine is fit', () => {
    const { status, stdout } = armrun(['doctor']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ok {6}linux on /);
    expect(stdout).toMatch(/^ok {6}4 GiB of address space/m);
  });
});
