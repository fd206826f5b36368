/** --net: what a program finds of the network and can do in it, as in a network namespace of the host's kernel that is new. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { needs } from '../needs.ts';
import { compile } from './compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));
const source = readFileSync(new URL('./network.c', import.meta.url), 'utf8').replaceAll('"programs/', '"');

function run(command: string, args: string[]): string[] {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'latin1', timeout: 120_000 });
  return (stdout + stderr).split('\n');
}
const armrun = (...args: string[]) => run(process.execPath, [bin, '--cpu', 'interp', ...args]);

/** Bytes and packets are not counted. */
const uncounted = (line: string) =>
  line.startsWith('    lo:') ? line.replace(/ \d+/g, ' 0').replace(/ +/g, ' ') : line;

const root = needs('root');
root.test.each(['none', 'loopback'])(root.name('--net %s'), (kind) => {
  const up = kind === 'loopback' ? 'ip link set lo up &&' : '';
  const script = `mount -t sysfs none /sys && ${up} exec "$1" ${kind}`;
  const native = run('unshare', [
    '--net',
    '--mount',
    'sh',
    '-c',
    script,
    'sh',
    compile('network', source, 'host'),
  ]);
  expect(native.length).toBeGreaterThan(80);
  const directory = mkdtempSync(join(tmpdir(), 'armrun-network-'));
  copyFileSync(compile('network', source, 'arm'), join(directory, 'network'));
  const guest = armrun('--root', directory, '--net', kind, '/network', kind);
  rmSync(directory, { recursive: true });
  expect(guest.map(uncounted)).toEqual(native.map(uncounted));
});

root.test(root.name("that there is no way is the host's to tell"), () => {
  const inside = (...command: string[]) => run('unshare', ['--net', ...command, 'way']);
  const native = inside(compile('network', source, 'host'));
  expect(native[0]).toMatch(/ENETUNREACH/);
  expect(inside(process.execPath, bin, '--cpu', 'interp', compile('network', source, 'arm'))).toEqual(native);
});

root.test(root.name('streams that are reset'), () => {
  const inside = (...command: string[]) =>
    run('unshare', ['--net', 'sh', '-c', 'ip link set lo up; exec "$@"', 'sh', ...command, 'reset']);
  const native = inside(compile('network', source, 'host'));
  expect(native.filter((line) => line.includes('ECONNRESET'))).toHaveLength(2);
  expect(inside(process.execPath, bin, '--cpu', 'interp', compile('network', source, 'arm'))).toEqual(native);
});

test("what listens on the host's loopback is not reached, and nobody of the host reaches what listens in the run", async () => {
  const client = `
    #include "try.h"
    #include <arpa/inet.h>
    #include <stdlib.h>
    #include <sys/socket.h>
    int main(int argc, char **argv) {
      (void)argc;
      struct sockaddr_in a = {AF_INET, htons(atoi(argv[1])), {htonl(INADDR_LOOPBACK)}, {0}};
      TRY(connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&a, sizeof a));
      TRY(bind(socket(AF_INET, SOCK_STREAM, 0), (void *)&a, sizeof a));
      return 0;
    }`;
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address() as net.AddressInfo;
  const program = compile('client', client, 'arm');
  const lines = (kind: string) =>
    armrun('--net', kind, program, String(port)).map((line) => line.split(') ').at(-1));
  expect(lines('host')).toEqual(['= 0', '= -1 EADDRINUSE', '']);
  expect(lines('loopback')).toEqual(['= -1 ECONNREFUSED', '= 0', '']);
  expect(lines('none')).toEqual(['= -1 ENETUNREACH', '= 0', '']);
  server.close();
});
