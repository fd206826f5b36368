/** The launcher and the wrapper: how armrun starts where there is nothing of the host. */

import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launcher } from '../../src/image/launcher.ts';
import { needs } from '../needs.ts';
import { makeFixtures, makeRoot } from '../programs/engines.ts';
import { chroot, copyRoot, packInto, temporaryDirectory } from './roots.ts';

let directory: string;
let root: string;
beforeAll(() => {
  directory = temporaryDirectory();
  root = `${directory}/root`;
  copyRoot(makeRoot('date'), root);
  packInto(`${directory}/armrun.tar`);
  execFileSync('tar', ['-xf', `${directory}/armrun.tar`, '-C', root]);
  expect(chroot(root, ['/armrun/armrun', 'install'])).toMatchObject({ status: 0, stdout: '', stderr: '' });
  cpSync(`${makeFixtures()}/end.static`, `${root}/end`);
});
afterAll(() => rmSync(directory, { recursive: true }));

const sh = (script: string, options: Parameters<typeof chroot>[2] = {}, ...args: string[]) =>
  chroot(root, ['/bin/sh', '-c', script, ...args], options);

const x64 = needs('x64');

x64.describe(x64.name('the wrapper'), () => {
  test('is the shell of the image', () => {
    expect(sh('echo Hello World !; uname -m')).toEqual({
      status: 0,
      signal: null,
      stdout: 'Hello World !\narmv7l\n',
      stderr: '',
    });
  });

  test('passes all arguments, argv[0] too', () => {
    const args = ['', 'a b', '-x', '--', 'q\'"', '--root', 'ä', '\n'];
    expect(sh('for a; do printf "<%s>" "$a"; done; echo $0', {}, 'zero', ...args).stdout).toBe(
      `${args.map((a) => `<${a}>`).join('')}zero\n`,
    );
    const run = chroot(root, ['/bin/sh', '-s', '', 'a'], { argv0: '-sh', input: 'printf "%s:" "$0" "$@"' });
    expect(run).toMatchObject({ status: 0, stdout: '-sh::a:' });
  });

  test.each([
    [[]],
    [
      [
        'A=1',
        'PATH=/bin',
        'a.b=dots',
        'F%%=() { :; }',
        'NODE_OPTIONS=--no-such',
        'LD_PRELOAD=/x.so',
        'Z=',
        '_=x',
        '9=9',
        'ä=ö',
      ],
    ],
    [
      [
        'GLIBC_TUNABLES=x',
        'NODE_EXTRA_CA_CERTS=/none',
        'LD_LIBRARY_PATH=/nowhere',
        'ARMRUN_ENVIRON=mine',
        'TZ=UTC',
      ],
    ],
  ])('passes the environment as it is: %j', (env) => {
    const { stdout, stderr } = chroot(root, ['/armrun/armrun', '/usr/bin/env', '-0'], { env });
    // The guest's own ld.so complains of what it cannot preload.
    expect(stderr.replace(/^ERROR: ld.so: object '\/x.so' .*\n/gm, '')).toBe('');
    expect(stdout.split('\0').sort()).toEqual([...env, ''].sort());
  });

  test('keeps working directory, umask, standard input and exit status', () => {
    mkdirSync(`${root}/some/where`, { recursive: true });
    expect(sh('pwd -P; cat; umask; exit 7', { cwd: '/some/where', input: 'through\n' })).toMatchObject({
      status: 7,
      stdout: '/some/where\nthrough\n0022\n',
    });
    expect(chroot(root, ['/armrun/armrun', '/end', 'raise', '15'])).toMatchObject({ signal: 'SIGTERM' });
    expect(sh('kill -9 $$')).toMatchObject({ signal: 'SIGKILL' });
  });

  test('serves a user who is not root', () => {
    const script = 'id -u; exec 2>&1; echo x >/refused';
    const { status, stdout } = spawnSync(
      'chroot',
      ['--userspec=65534:65534', root, '/bin/sh', '-c', script],
      { encoding: 'utf8' },
    );
    expect(stdout).toMatch(/^65534\n.*Permission denied/);
    expect(status).toBe(2);
  });

  test('takes the snapshot, or on another processor the bundle', () => {
    const env = ['ARMRUN_DEBUG=1'];
    const started = (file: string) => chroot(root, [file, '-c', ':'], { env }).stderr;
    expect(started('/bin/sh')).toMatch(
      /^armrun: \/usr\/bin\/dash runs as: \/bin\/sh -c : \(in \/ as 0:0, started from the snapshot\)\n$/,
    );
    const options = {
      architecture: 'x64',
      linker: 'ld-linux-x86-64.so.2',
      flags: ['--stack-size=3900'],
      snapshotFlags: [],
      shell: true,
    } as const;
    writeFileSync(`${directory}/ask`, launcher({ ...options, processor: 'ask' }), { mode: 0o755 });
    const processor = execFileSync(`${directory}/ask`);
    expect(processor.length).toBe(13 * 8);
    for (let word = 0; word < 13; word++) {
      const other = Buffer.from(processor);
      other[word * 8]! ^= 1;
      writeFileSync(`${root}/other`, launcher({ ...options, processor: other }));
      chmodSync(`${root}/other`, 0o755);
      if (word % 6 === 0) expect(started('/other')).toContain('started from the bundle');
    }
    writeFileSync(`${root}/other`, launcher({ ...options, processor: null }));
    expect(started('/other')).toContain('started from the bundle');
  });

  test('the command works at any path that the folder is mounted at', () => {
    mkdirSync(`${root}/some/deep`, { recursive: true });
    execFileSync('cp', ['-al', `${root}/armrun`, `${root}/some/deep/er`]);
    const uname = ['/bin/uname', '-m'];
    const printed = { status: 0, stdout: 'armv7l\n', stderr: '' };
    expect(chroot(root, ['/some/deep/er/armrun', ...uname])).toMatchObject(printed);
    expect(chroot(root, ['./er/armrun', ...uname], { cwd: '/some/deep' })).toMatchObject(printed);
    // And keeps translations there, none in the image.
    const count = 'i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done';
    const run = chroot(root, ['/some/deep/er/armrun', '/bin/sh', '-c', count], { env: ['HOME=/root'] });
    expect(run).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(`${root}/root`)).toEqual([]);
    expect(readdirSync(`${root}/some/deep/er/translations`).length).toBeGreaterThan(1);
    rmSync(`${root}/some/deep/er`, { recursive: true });
  });

  test('says in one line that the folder is not complete', () => {
    mkdirSync(`${directory}/empty`);
    cpSync(`${root}/armrun/wrapper`, `${directory}/empty/sh`);
    expect(chroot(`${directory}/empty`, ['/sh', '-c', ':'])).toMatchObject({
      status: 126,
      stderr:
        'armrun: /armrun/lib/ld-linux-x86-64.so.2 cannot be executed: the archive was unpacked in part, or is not all there\n',
    });
  });
});

x64.describe(x64.name('clean, in a line of the shell'), () => {
  const present = (name: string) => lstatSync(`${root}${name}`, { throwIfNoEntry: false }) !== undefined;

  test('runs programs of the image, and no other of its commands', () => {
    expect(sh('/armrun/armrun /bin/echo a "b c"').stdout).toBe('a b c\n');
    expect(sh('/armrun/armrun pack')).toMatchObject({ status: 125, stdout: '' });
    expect(sh('/armrun/armrun /none').status).toBe(127);
  });

  test('leaves nothing, translations neither, and the rest of the line runs', () => {
    // Translations are kept of files that have not just been made.
    expect(sh('ls /bin >/dev/null').status).toBe(0);
    const run = sh(
      '/armrun/armrun clean && ls -d /armrun; readlink /bin/sh; /armrun/armrun clean; sh -c "echo $?"',
    );
    expect(run).toMatchObject({ status: 0, stdout: 'dash\n0\n' });
    expect(present('/armrun')).toBe(false);
    expect(readlinkSync(`${root}/usr/bin/sh`)).toBe('dash');
  });
});

describe('the launcher for arm64', () => {
  const QEMU = 'qemu-aarch64-static';

  test.each([true, false])('executes Node with the same words, as shell: %j', (shell) => {
    const file = `${directory}/arm64`;
    // The command is in the folder, the wrapper is not.
    const folder = shell ? '/armrun' : directory;
    const linker = 'ld-linux-aarch64.so.1';
    const common = {
      architecture: 'arm64',
      linker,
      flags: ['--one', '--two'],
      snapshotFlags: ['--three'],
    } as const;
    writeFileSync(file, launcher({ ...common, processor: 'ask', shell }), { mode: 0o755 });
    const processor = execFileSync(QEMU, [file]);
    expect(processor.length).toBe(16);
    expect(processor.readBigUInt64LE(0) | processor.readBigUInt64LE(8)).not.toBe(0n);
    for (const known of [processor, null]) {
      writeFileSync(file, launcher({ ...common, processor: known, shell }));
      const { status, stderr } = spawnSync(
        'env',
        [
          '-i',
          'A=1',
          '@b=2',
          'NODE_OPTIONS=x',
          `/usr/bin/${QEMU}`,
          '-0',
          'zero',
          '-strace',
          file,
          'a',
          'b c',
        ],
        { encoding: 'utf8', env: { PATH: process.env.PATH } },
      );
      expect(status).toBe(126);
      const [, words] = /execve\("[^"]*",\{(.*?)\}\)/.exec(stderr) ?? [];
      const expected = [
        `${folder}/lib/${linker}`,
        ...['--library-path', `${folder}/lib`, `${folder}/node`],
        expect.stringMatching(/^--v8-pool-size=[1-4]$/),
        ...['--one', '--two'],
        ...(known ? ['--three', '--snapshot-blob', `${folder}/armrun.blob`, '--'] : [`${folder}/start.cjs`]),
        ...(shell ? ['--argv0', 'zero', '--', '/bin/sh'] : []),
        ...['a', 'b c'],
      ];
      expect(Array.from(words!.matchAll(/"([^"]*)"/g), (m) => m[1])).toEqual(expected);
    }
  });
});
