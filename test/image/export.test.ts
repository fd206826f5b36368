/** `armrun export`, as tar(1) reads it. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import { timespecOf } from '../../syscalls/abi/time.ts';
import { hostCalls } from '../../syscalls/vfs/host/ffi/call.ts';
import { getxattr, listxattr, mknod, setxattr, utimens } from '../../syscalls/vfs/host/ffi/files.ts';
import { placeOf } from '../../syscalls/vfs/host/ffi/names.ts';
import { needs } from '../needs.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));
const top = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'armrun-export-')));
fs.chmodSync(top, 0o755);
afterAll(() => fs.rmSync(top, { recursive: true, force: true }));

const asRoot = needs('root');
const calls = () => hostCalls()!;
const bytes = (text: string) => Buffer.from(text, 'latin1');

/** All that an archive can tell of a tree, hard links as which names are one file. */
function picture(root: string): string[] {
  const rows: string[] = [];
  const first = new Map<bigint, string>();
  const look = (path: string, name: string) => {
    const s = fs.lstatSync(bytes(path), { bigint: true });
    if (s.isSocket()) return;
    const content = s.isFile() ? fs.readFileSync(bytes(path), 'latin1') : '';
    const target = s.isSymbolicLink() ? fs.readlinkSync(bytes(path), 'latin1') : '';
    const xattrs = listxattr(calls(), placeOf(path))
      .sort()
      .map((key) => `${key}=${Buffer.from(getxattr(calls(), placeOf(path), key)!).toString('hex')}`);
    const same = s.isDirectory() ? '' : (first.get(s.ino) ?? '');
    if (same === '') first.set(s.ino, name);
    const device = s.isCharacterDevice() || s.isBlockDevice() ? s.rdev : 0n;
    rows.push(
      [name, s.mode.toString(8), s.uid, s.gid, s.mtimeNs, device, content, target, same, ...xattrs].join(' '),
    );
    if (!s.isDirectory()) return;
    for (const below of fs.readdirSync(bytes(path), 'latin1').sort())
      look(`${path}/${below}`, `${name}/${below}`);
  };
  look(root, '.');
  return rows;
}

/** Something of everything, made in this order or the other way round. */
function fill(root: string, reverse = false): void {
  const file = (name: string, content: string, mode: number) => {
    fs.writeFileSync(bytes(`${root}/${name}`), content);
    fs.chmodSync(bytes(`${root}/${name}`), mode);
  };
  const steps = [
    () => file('plain', 'text', 0o644),
    () => file('empty', '', 0o4711),
    () => file('exact', 'x'.repeat(1024), 0o600),
    () => file('name of no encoding \xff\xfe', 'y', 0o640),
    () => file('n'.repeat(101), 'long', 0o644),
    () => fs.symlinkSync('t'.repeat(150), `${root}/long link`),
    () => fs.symlinkSync(bytes('\xe9t\xe9'), `${root}/link`),
    () => mknod(calls(), placeOf(`${root}/null`), 0o020666, (1 << 8) | 3),
    () => mknod(calls(), placeOf(`${root}/block`), 0o060600, (259 << 8) | 7),
    () => mknod(calls(), placeOf(`${root}/fifo`), 0o010640, 0),
    () => mknod(calls(), placeOf(`${root}/socket`), 0o140640, 0),
    () => fs.writeFileSync(`${root}/a`, 'many names'),
  ];
  for (const step of reverse ? steps.toReversed() : steps) step();
  fs.mkdirSync(`${root}/d/${'e'.repeat(120)}/f`, { recursive: true });
  fs.linkSync(`${root}/a`, `${root}/d/z`);
  fs.linkSync(`${root}/a`, `${root}/B`);
  fs.lchownSync(`${root}/link`, 11, 12);
  fs.chownSync(`${root}/plain`, 3_000_000, 4_000_000);
  setxattr(calls(), placeOf(`${root}/plain`), 'user.binary', Uint8Array.of(0, 255, 10, 61), 0);
  setxattr(calls(), placeOf(`${root}/plain`), 'user.a', bytes('1'), 0);
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  setxattr(calls(), placeOf(`${root}/exact`), 'security.capability', capability, 0);
  // Directories last: what is made in them changes their times.
  for (const name of ['plain', 'd', '.']) fs.utimesSync(`${root}/${name}`, 1_000_000_000.5, 1_234_567_890.25);
  for (const name of [
    'empty',
    'a',
    'exact',
    'fifo',
    'null',
    'block',
    'n'.repeat(101),
    `d/${'e'.repeat(120)}`,
  ])
    fs.utimesSync(`${root}/${name}`, 5, 7);
  utimens(calls(), placeOf(`${root}/link`), timespecOf(3n), timespecOf(-5_000_000_001n));
  utimens(calls(), placeOf(`${root}/long link`), timespecOf(3n), timespecOf(1_500_000_000_123_456_789n));
  fs.utimesSync(bytes(`${root}/name of no encoding \xff\xfe`), 5, 7);
  fs.utimesSync(`${root}/d/${'e'.repeat(120)}/f`, 5, 7);
  for (const name of ['d', '.']) fs.utimesSync(`${root}/${name}`, 1_000_000_000.5, 1_234_567_890.25);
}

const exported = (root: string) =>
  execFileSync(process.execPath, [bin, 'export', root], { maxBuffer: 1 << 28, timeout: 60_000 });

function extracted(archive: Uint8Array, name: string): string {
  const directory = join(top, name);
  fs.mkdirSync(directory);
  const options = ['--numeric-owner', '--xattrs', '--xattrs-include=*', '--same-owner', '-xpf', '-'];
  execFileSync('tar', ['-C', directory, ...options], { input: archive, stdio: ['pipe', 'pipe', 'ignore'] });
  return directory;
}

asRoot.test(asRoot.name('all that is in a root comes out of the archive again'), () => {
  const root = join(top, 'root');
  fs.mkdirSync(root);
  fill(root);
  const archive = exported(root);
  expect(picture(extracted(archive, 'out'))).toEqual(picture(root));
  // In the order of the names, as tar sorts them.
  const names = (input: Uint8Array) =>
    execFileSync('tar', ['--quoting-style=escape', '-tf', '-'], {
      input,
      encoding: 'latin1',
      stdio: ['pipe', 'pipe', 'ignore'],
    });
  const sorted = execFileSync('tar', ['-C', root, '--sort=name', '-cf', '-', '.'], {
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  expect(names(archive)).toBe(names(sorted));
});

asRoot.test(asRoot.name('and is the same whatever the tree was made in'), () => {
  for (const name of ['one', 'two']) {
    fs.mkdirSync(join(top, name));
    fill(join(top, name), name === 'two');
  }
  expect(exported(join(top, 'one')).equals(exported(join(top, 'two')))).toBe(true);
});

asRoot.test(asRoot.name("an ordinary user's root comes out as root's"), { timeout: 120_000 }, () => {
  const user = join(top, 'user');
  fs.mkdirSync(join(user, 'root'), { recursive: true });
  for (const path of [user, join(user, 'root')]) fs.chownSync(path, 1234, 1234);
  // Kept by hand as a run would.
  fs.mkdirSync(join(user, 'root/d'));
  for (const name of ['a', 'null']) fs.writeFileSync(join(user, 'root', name), '');
  const key = (name: string) => {
    const s = fs.lstatSync(join(user, 'root', name), { bigint: true });
    return `${s.ino}:${s.birthtimeNs}`;
  };
  for (const name of ['d', 'a', 'null']) {
    fs.chownSync(join(user, 'root', name), 1234, 1234);
    fs.utimesSync(join(user, 'root', name), 5, 7);
  }
  const lines = [
    [key('d'), { mode: 0, uid: 5 }],
    [
      key('a'),
      {
        mode: 0o4755,
        gid: 6,
        xattrs: {
          'security.capability': Buffer.from('0100000200200000000000000000000000000000', 'hex').toString(
            'base64',
          ),
        },
      },
    ],
    [key('null'), { mode: 0o020666, uid: 0, gid: 0, rdev: 0x103 }],
  ];
  fs.writeFileSync(
    join(user, 'root.owners'),
    `armrun owners 1\n${lines.map((line) => `${JSON.stringify(line)}\n`).join('')}`,
  );
  fs.chownSync(join(user, 'root.owners'), 1234, 1234);
  const output = join(user, 'out.tar');
  const words = [
    '--reuid=1234',
    '--regid=1234',
    '--clear-groups',
    process.execPath,
    bin,
    'export',
    join(user, 'root'),
    '-o',
    output,
  ];
  const { status, stderr } = spawnSync('setpriv', words, { encoding: 'latin1', timeout: 60_000 });
  expect([status, stderr]).toEqual([0, '']);
  const rows = picture(extracted(fs.readFileSync(output), 'user-out'))
    .slice(1)
    .map((row) => row.replace(/ +/g, ' '));
  expect(rows).toEqual([
    './a 104755 0 6 7000000000 0 security.capability=0100000200200000000000000000000000000000',
    './d 40000 5 0 7000000000 0 ',
    './null 20666 0 0 7000000000 259 ',
  ]);
  expect(fs.readdirSync(user).sort()).toEqual(['out.tar', 'root', 'root.owners']);
});
