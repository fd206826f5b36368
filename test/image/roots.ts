/** Roots with armrun packed into them, for the tests of images. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

export const project = fileURLToPath(new URL('../..', import.meta.url));

export function temporaryDirectory(): string {
  return mkdtempSync(`${realpathSync(tmpdir())}/armrun-image-`);
}

/** The command armrun, as users start it. */
export function armrun(args: readonly string[], options: { env?: NodeJS.ProcessEnv; input?: string } = {}) {
  const { status, signal, stdout, stderr } = spawnSync(`${project}src/armrun`, args, {
    encoding: 'utf8',
    timeout: 600_000,
    input: options.input ?? '',
    env: { PATH: process.env.PATH, HOME: '/root', ...options.env },
  });
  return { status, signal, stdout, stderr };
}

/** `armrun pack` into a file of that name. */
export function packInto(file: string, ...options: string[]): void {
  const { status, stderr } = armrun(['pack', '-o', file, ...options]);
  if (status !== 0) throw new Error(stderr);
}

/** A copy of a root that tests may change, without what programs here do not need. */
export function copyRoot(from: string, to: string): void {
  mkdirSync(to);
  const copy = 'tar -C "$1" --exclude=./usr/share --exclude=gconv -c . | tar -C "$2" -xp';
  execFileSync('sh', ['-c', copy, 'sh', from, to]);
}

/**
 * Runs a file of a root in that root, and nothing else: no /proc, no /dev, no shell of the host, and only the given environment.
 */
export function chroot(
  root: string,
  argv: readonly string[],
  options: { env?: readonly string[]; input?: string | Buffer; argv0?: string; cwd?: string } = {},
) {
  const { argv0 = argv[0]!, cwd = '/', env = [] } = options;
  // Perl, because of its exec with an argv[0] of its own, and because it brings no environment along.
  const script = `my ($root, $cwd, $n, @rest) = @ARGV; my @env = splice(@rest, 0, $n); my ($file, @argv) = @rest;
    chroot($root) && chdir($cwd) or die "chroot: $!"; %ENV = map { split(/=/, $_, 2) } @env; exec {$file} @argv or die "exec: $!";`;
  const args = ['-e', script, root, cwd, String(env.length), ...env, argv[0]!, argv0, ...argv.slice(1)];
  const user = process.getuid!() === 0 ? [] : ['--map-root-user'];
  const { status, signal, stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', ...(user.length > 0 ? ['--user', ...user] : []), 'perl', ...args],
    { encoding: 'utf8', timeout: 600_000, input: options.input ?? '' },
  );
  return { status, signal, stdout, stderr };
}
