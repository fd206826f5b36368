/**
 * Raw sockets and those that ping(8) uses: what the host's kernel gives a program, it gives the same program under armrun, in the
 * host's network and in one of the run's own.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { needs } from '../needs.ts';
import { compile } from './compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));
const source = readFileSync(new URL('./icmp.c', import.meta.url), 'utf8').replaceAll('"programs/', '"');

function run([command, ...args]: string[]): string {
  const { stdout, stderr } = spawnSync(command!, args, { encoding: 'latin1', timeout: 60_000 });
  return stdout + stderr;
}
const armrun = (...args: string[]) => [process.execPath, bin, '--cpu', 'interp', ...args];
/** Runs a command in a network namespace of the host's that has its loopback interface up. */
const inNetwork = (groups: string, ...command: string[]) => {
  const script = 'ip link set lo up; echo $0 >/proc/sys/net/ipv4/ping_group_range; exec "$@"';
  return run(['unshare', '--net', 'sh', '-c', script, groups, ...command]);
};

const root = needs('root');
root.describe(root.name('packets'), () => {
  const [native, guest] = [compile('icmp', source, 'host'), compile('icmp', source, 'arm')];

  test("raw, in the host's network and in one of the run's own", () => {
    const expected = inNetwork('1 0', native, 'raw');
    expect(expected.split('\n').length).toBeGreaterThan(300);
    expect(inNetwork('1 0', ...armrun(guest, 'raw'))).toBe(expected);
    expect(run(armrun('--net', 'loopback', guest, 'raw'))).toBe(expected);
  });

  test("ICMP without privilege, in the host's network", () => {
    const expected = inNetwork('0 0', native, 'ping');
    expect(expected.split('\n').length).toBeGreaterThan(200);
    expect(inNetwork('0 0', ...armrun(guest, 'ping'))).toBe(expected);
    expect(inNetwork('1 0', ...armrun(guest, 'ping'))).toBe(inNetwork('1 0', native, 'ping'));
  });

  test("ICMP without privilege, in a network of the run's own", () => {
    const expected = inNetwork('1 0', native, 'ping', '0 0');
    expect(expected).toContain('1\t0\n');
    expect(run(armrun('--net', 'loopback', guest, 'ping', '0 0'))).toBe(expected);
  });
});
