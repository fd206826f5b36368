/** run() as a library: a root in memory, standard streams in memory, and how runs end. */
import { readFileSync } from 'node:fs';
import { Volume } from 'memfs';
import { beforeAll, describe, expect, test } from 'vitest';
import { type RunOptions, run } from '../../src/run.ts';
import type { NodeApi } from '../../syscalls/vfs/host/node-fs.ts';
import { makeFixtures } from '../programs/engines.ts';

let fixtures: string;
beforeAll(() => {
  fixtures = makeFixtures();
});

/** Runs with everything in memory. */
async function inMemory(options: RunOptions, input = '') {
  const outputs: [string, string] = ['', ''];
  const sink = (n: 0 | 1) => (bytes: Uint8Array) => {
    outputs[n] += Buffer.from(bytes).toString('latin1');
  };
  const result = await run({ ...options, stdin: input, stdout: sink(0), stderr: sink(1) });
  return { ...result, stdout: outputs[0], stderr: outputs[1] };
}

describe('run', () => {
  test('a program in a memfs volume', async () => {
    const volume = Volume.fromJSON({ '/etc/motd': 'x' });
    volume.mkdirSync('/bin');
    volume.writeFileSync('/bin/hello', readFileSync(`${fixtures}/hello.static`), { mode: 0o755 });
    const result = await inMemory({
      program: '/bin/hello',
      argv: ['hello', 'a b'],
      fs: volume as unknown as NodeApi,
      cpu: 'interp',
    });
    expect(result).toEqual({ exitCode: 0, signal: null, stdout: 'Hello, world!\n1: a b\n', stderr: '' });
  });

  test('several at once', async () => {
    const programs = [1, 2, 3].map((n) => `${n}`);
    const results = await Promise.all(
      programs.map((n) =>
        inMemory({
          program: `${fixtures}/hello.static`,
          argv: ['hello', n],
          cpu: n === '2' ? 'interp' : 'jit',
        }),
      ),
    );
    expect(results.map((r) => r.stdout)).toEqual(programs.map((n) => `Hello, world!\n1: ${n}\n`));
  });

  test('ends by exit status and by signal', async () => {
    const end = (...args: string[]) =>
      inMemory({ program: `${fixtures}/end.static`, argv: ['end', ...args], cpu: 'interp' });
    expect(await end('3')).toMatchObject({ exitCode: 3, signal: null });
    expect(await end('raise', '15')).toMatchObject({ exitCode: 143, signal: 'SIGTERM' });
    expect(await end('abort')).toMatchObject({ exitCode: 134, signal: 'SIGABRT' });
  });

  test('what the guest is told of itself', async () => {
    const options = {
      program: `${fixtures}/stack.static`,
      argv: ['name'],
      env: ['A=1'],
      cpu: 'interp',
    } as const;
    const { stdout, signal } = await inMemory(options);
    expect(stdout).toContain('argv[0] name');
    expect(signal).toBeNull();
    // It recurses through 6 MiB.
    expect(await inMemory({ ...options, stackSize: 1 << 20 })).toMatchObject({
      signal: 'SIGSEGV',
      exitCode: 139,
    });
  });

  test('options that cannot be are refused', async () => {
    await expect(inMemory({ program: 'x', root: '/no/such/directory' })).rejects.toThrow();
    await expect(inMemory({ program: 'x', cwd: '/no/such/directory' })).rejects.toThrow(/no\/such/);
  });
});
