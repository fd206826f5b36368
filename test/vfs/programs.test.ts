/** File calls of ARM programs, held against what the kernel of this machine does with the same C source compiled for it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { needs } from '../needs.ts';
import { compile, programs } from './compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));

/** Runs a command in an empty directory of its own. */
function run(command: string, args: string[]): { status: number | null; lines: string[]; errors: string } {
  const directory = mkdtempSync(`${tmpdir()}/armrun-vfs-`);
  try {
    const { status, stdout, stderr } = spawnSync(command, args, {
      cwd: directory,
      encoding: 'latin1',
      timeout: 180_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { status, lines: stdout.split('\n'), errors: stderr };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const names = readdirSync(programs).filter((file) => file.endsWith('.c'));
test.each(names)('%s does what it does natively', { timeout: 300_000 }, (file) => {
  const source = readFileSync(`${programs}/${file}`, 'utf8');
  const name = file.slice(0, -2);
  const native = run(compile(name, source, 'host'), []);
  expect(native.status).toBe(0);
  expect(native.lines.length).toBeGreaterThan(20);
  const guest = run(process.execPath, [bin, '--cpu', 'interp', compile(name, source, 'arm')]);
  expect(guest).toEqual(native);
});

test.each(['fsync', 'fdatasync', 'sync_file_range'])(
  '%s writes what was stored in a mapping',
  async (call) => {
    const directory = mkdtempSync(`${tmpdir()}/armrun-mapped-`);
    const file = `${directory}/file`;
    writeFileSync(file, 'old');
    const program = compile(
      'mapped-sync',
      readFileSync(new URL('mapped-sync.c', import.meta.url), 'utf8'),
      'arm',
    );
    const run = spawn(process.execPath, [bin, '--cpu', 'interp', program, file, call]);
    const ended = once(run, 'exit');
    try {
      expect(String(await once(run.stdout, 'data'))).toBe('0\n');
      expect(readFileSync(file, 'utf8')).toBe('new');
      run.stdin.end('\n');
      expect(await ended).toEqual([0, null]);
    } finally {
      run.kill('SIGKILL');
      rmSync(directory, { recursive: true });
    }
  },
);

const ofRoot = needs('root');
ofRoot.test(ofRoot.name('search.c does what it does natively for an ordinary user in a root'), () => {
  const source = readFileSync(`${programs}/search.c`, 'utf8');
  const inRoot = (program: string, ...command: string[]) =>
    run('sh', ['-ec', 'chmod 777 .; cp "$0" search; exec "$@"', program, ...command]);
  const native = inRoot(
    compile('search', source, 'host'),
    ...['chroot', '--userspec=1000:1000', '--groups=', '.', '/search'],
  );
  expect(native.lines.join('\n')).toContain('EACCES');
  const user = ['--reuid=1000', '--regid=1000', '--clear-groups', '--inh-caps=-all'];
  const guest = inRoot(
    compile('search', source, 'arm'),
    ...[
      'setpriv',
      ...user,
      process.execPath,
      bin,
      '--cache',
      'none',
      '--no-fakeroot',
      '--root',
      '.',
      '/search',
    ],
  );
  expect(guest).toEqual(native);
});

/** An interface that is up and has addresses, but no carrier, as a bridge of Docker's or podman's is. */
const WITHOUT_CARRIER = `mount -t sysfs sysfs /sys
ip link set lo up
ip link add lone address 02:00:00:00:00:01 type veth peer name peer
ip address add 172.30.0.1/16 brd + dev lone
ip link set lone up
exec "$@"`;

ofRoot.test(ofRoot.name('interfaces.c tells of an interface without a carrier'), { timeout: 300_000 }, () => {
  const source = readFileSync(`${programs}/interfaces.c`, 'utf8');
  const inside = (...command: string[]) =>
    run('unshare', ['--net', '--mount', 'sh', '-ec', WITHOUT_CARRIER, 'sh', ...command]);
  const native = inside(compile('interfaces', source, 'host'));
  expect(native.errors).toBe('');
  expect(native.lines.join('\n')).toMatch(/name lone state 3 mtu 1500/);
  const guest = inside(process.execPath, bin, '--cpu', 'interp', compile('interfaces', source, 'arm'));
  expect(guest).toEqual(native);
});
