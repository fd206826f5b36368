/**
 * Unix streams by a path between a run and another run or a program of the host are what they are between two programs of the
 * host.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile } from './compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));
const source = readFileSync(new URL('./talker.c', import.meta.url), 'utf8');
const directory = mkdtempSync(join(tmpdir(), 'armrun-sockets-'));
afterAll(() => rmSync(directory, { recursive: true }));

type Kind = 'host' | 'arm';

/** Starts one side; `ready` resolves with its first such line, `end` with all it has said. */
function start(kind: Kind, role: 'server' | 'client', path: string) {
  const program = compile('talker', source, kind);
  const [command, ...args] =
    kind === 'host' ? [program] : [process.execPath, bin, '--cpu', 'interp', program];
  const child = spawn(command!, [...args, role, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  const ready = Promise.withResolvers<void>();
  let said = '';
  child.stdout.on('data', (bytes) => {
    said += bytes;
    if (said.includes('ready')) ready.resolve();
  });
  const end = new Promise<string[]>((resolve) => child.on('close', () => resolve(said.split('\n'))));
  return { ready: ready.promise, end };
}

async function talk(server: Kind, client: Kind, path: string) {
  const one = start(server, 'server', path);
  await one.ready;
  const two = start(client, 'client', path);
  return { server: await one.end, client: await two.end };
}

describe('Unix streams', { timeout: 120_000 }, () => {
  let native: Awaited<ReturnType<typeof talk>>;
  beforeAll(async () => {
    native = await talk('host', 'host', join(directory, 'native'));
    expect(native.client.join()).toMatch(/received 300000, sum \d+, end 0/);
  });

  test.each<[Kind, Kind]>([
    ['arm', 'host'],
    ['host', 'arm'],
    ['arm', 'arm'],
  ])('server %s, client %s', async (server, client) => {
    expect(await talk(server, client, join(directory, `${server}-${client}`))).toEqual(native);
  });
});
