/**
 * Socket filters, and what goes by UDP and TCP as raw sockets have it: what the host's kernel gives a program in a network of its
 * own, it gives the same program under armrun in one of the run's own.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { SocketFilter } from '../../syscalls/vfs/net/socket-filter.ts';
import { needs } from '../needs.ts';
import { compile } from './compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));
const source = readFileSync(new URL('./filters.c', import.meta.url), 'utf8').replaceAll('"programs/', '"');

function run([command, ...args]: string[]): string[] {
  const { stdout, stderr } = spawnSync(command!, args, { encoding: 'latin1', timeout: 60_000 });
  return (stdout + stderr).split('\n');
}
const inNetwork = (...command: string[]) =>
  run(['unshare', '--net', 'sh', '-c', 'ip link set lo up; exec "$@"', 'sh', ...command]);

const root = needs('root');
root.describe(root.name('filters'), () => {
  const [native, guest] = [compile('filters', source, 'host'), compile('filters', source, 'arm')];
  const armrun = (...words: string[]) => [process.execPath, bin, '--cpu', 'interp', ...words];

  test.each([
    ['which programs are taken', ['checks'], 50],
    ['three thousand made up programs over messages', ['made-up', '3000'], 3000],
    ['packets and what the kernel says', ['packets'], 100],
    ['datagrams, heard and made by raw sockets', ['datagrams'], 150],
    ['segments, heard and made by raw sockets', ['streams'], 240],
  ])('%s', (_, words, least) => {
    const expected = inNetwork(native, ...words);
    expect(expected.length).toBeGreaterThan(least);
    expect(run(armrun('--net', 'loopback', guest, ...words))).toEqual(expected);
  });

  test("of the host's raw sockets", () => {
    // What is said of UDP is about sockets of node:dgram, whose packets nobody sees whole.
    const ofRaw = (lines: string[]) => {
      const from = lines.indexOf('--- raw 127.0.0.1');
      return lines.slice(from, lines.indexOf('--- UDP ::1'));
    };
    const expected = ofRaw(inNetwork(native, 'packets'));
    expect(expected.length).toBeGreaterThan(20);
    expect(ofRaw(inNetwork(...armrun(guest, 'packets')))).toEqual(expected);
  });
});

test('programs are as long as can be, and no longer', () => {
  const returns = Uint8Array.of(6, 0, 0, 0, 1, 0, 0, 0);
  const program = (length: number) => Buffer.concat(Array(length).fill(returns));
  expect(new SocketFilter(program(4096)).run({ bytes: new Uint8Array(9), start: 0 })).toBe(1);
  expect(() => new SocketFilter(program(4097))).toThrow();
  expect(() => new SocketFilter(program(0))).toThrow();
});
