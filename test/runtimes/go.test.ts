/**
 * Go: fixtures/go is built by the host's Go for ARM and for the host itself, whose run shows what is right (qemu-arm hangs at
 * some and cannot start children); fixtures/go-module is built by Debian's Go for armhf inside the root.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { armrun, makeRoot } from '../programs/engines.ts';

const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url));
const native = fileURLToPath(new URL('../../.cache/go/cases', import.meta.url));
let root: string;

beforeAll(() => {
  root = makeRoot('go');
  rmSync(`${root}/srv`, { recursive: true, force: true });
  mkdirSync(`${root}/srv`);
  build(native, {});
  build(`${root}/srv/cases`, { GOARCH: 'arm', GOARM: '7' });
  cpSync(`${fixtures}/go-module`, `${root}/srv/module`, { recursive: true });
});

function build(output: string, env: Record<string, string>): void {
  execFileSync('go', ['build', '-o', output, '.'], {
    cwd: `${fixtures}/go`,
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false', ...env },
  });
}

/** Of a panic or a fatal error only the first line: the rest has addresses. */
const firstLine = (text: string) => text.split('\n', 1)[0];

/** Names of the cases; they are registered in fixtures/go (`cases` without an argument prints them). */
const CASES = [
  ...['channels', 'sieve', 'sync', 'atomics', 'timers', 'contexts', 'preempt', 'preempt-many'],
  ...['collector', 'stacks', 'threads', 'profile'],
  ...['exec', 'exec-many', 'signals', 'signal-storm', 'pipes', 'files', 'faults'],
  ...['tcp', 'udp', 'unix', 'http', 'numbers', 'library'],
  ...['panic', 'panic-goroutine', 'nil', 'deadlock', 'goexit', 'exit', 'abort', 'terminate', 'quit'],
];

describe('as the same program natively', () => {
  test('all cases are here', () => {
    expect(spawnSync(native, { encoding: 'utf8' }).stdout.trim().split('\n')).toEqual([...CASES].sort());
  });

  test.each(CASES)('%s', async (name) => {
    const stdin = 'a\nb\nc\n';
    const host = spawnSync(native, [name], { encoding: 'latin1', input: stdin, cwd: '/tmp' });
    const ours = await armrun({ root, argv: ['/srv/cases', name], cwd: `/tmp/go-${name}`, stdin }, 'jit');
    expect(ours.stdout).toBe(host.stdout);
    expect(firstLine(ours.stderr)).toBe(firstLine(host.stderr));
    expect(ours).toMatchObject({ status: host.status, signal: host.signal });
  });
});

describe("the guest's own Go", () => {
  const go = (...args: string[]) =>
    armrun({ root, argv: args, cwd: '/srv/work', stdin: '' }, 'jit', [
      '-E',
      'CGO_ENABLED=0',
      '-E',
      'GOCACHE=/srv/cache',
    ]);

  test('version and environment', async () => {
    expect((await go('/usr/bin/go', 'version')).stdout).toMatch(/^go version go1\.\d+\.\d+ linux\/arm\n$/);
    const { stdout } = await go('/usr/bin/go', 'env', 'GOOS', 'GOARCH', 'GOHOSTARCH', 'GOEXE');
    expect(stdout).toBe('linux\narm\narm\n\n');
  });

  test('builds a module, which runs', { timeout: 180_000 }, async () => {
    const built = await go('/bin/sh', '-c', 'cd /srv/module && go build -o shout . && ./shout hello you');
    expect(built).toEqual({ stdout: 'HELLO! 5\nYOU! 3\n', stderr: '', status: 0, signal: null });
  });
});
