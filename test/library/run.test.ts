/** run() as a library: a root in memory, standard streams in memory, and how runs end. */
import { readFileSync } from 'node:fs';
import { Volume } from 'memfs';
import { beforeAll, describe, expect, test } from 'vitest';
import { type CaptureOptions, capture, OptionError, StartError } from '../../src/index.ts';
import { makeFixtures } from '../programs/engines.ts';

let fixtures: string;
beforeAll(() => {
  fixtures = makeFixtures();
});

describe('run', () => {
  test('a program in a memfs volume', async () => {
    const volume = Volume.fromJSON({ '/etc/motd': 'x' });
    volume.mkdirSync('/bin');
    volume.writeFileSync('/bin/hello', readFileSync(`${fixtures}/hello.static`), { mode: 0o755 });
    const result = await capture({
      program: '/bin/hello',
      argv: ['hello', 'a b'],
      fs: volume,
      cpu: 'interp',
    });
    expect(result).toEqual({ exitCode: 0, signal: null, stdout: 'Hello, world!\n1: a b\n', stderr: '' });
  });

  test('several at once', async () => {
    const programs = [1, 2, 3].map((n) => `${n}`);
    const results = await Promise.all(
      programs.map((n) =>
        capture({
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
      capture({ program: `${fixtures}/end.static`, argv: ['end', ...args], cpu: 'interp' });
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
    const { stdout, signal } = await capture(options);
    expect(stdout).toContain('argv[0] name');
    expect(signal).toBeNull();
    // It recurses through 6 MiB.
    expect(await capture({ ...options, limits: { stack: { soft: 1 << 20 } } })).toMatchObject({
      signal: 'SIGSEGV',
      exitCode: 139,
    });
  });

  test('options that cannot be are refused', async () => {
    const refused = (options: Partial<CaptureOptions>) =>
      expect(capture({ program: 'x', ...options })).rejects;
    const error = { name: 'OptionError', code: 'ERR_ARMRUN_OPTION' };
    await refused({ root: '/no/such/directory' }).toMatchObject(error);
    await refused({ ldPrefix: '/etc/passwd' }).toMatchObject(error);
    await refused({ cwd: '/no/such/directory' }).toThrow(/no\/such/);
    await refused({ binds: [{ from: '/none', to: '/mnt' }] }).toMatchObject(error);
    await refused({ limits: { cpu: -1 } }).toBeInstanceOf(OptionError);
    await refused({ cpu: 'none' as 'jit' }).toMatchObject({ code: 'ERR_ARMRUN_CPU' });
  });

  test('runs at the same time have one CPU model', async () => {
    const hello = { program: `${fixtures}/hello.static`, cpu: 'interp' } as const;
    const first = capture(hello);
    const other = { ...hello, cpuModel: 'cortex-a8' };
    await expect(capture(other)).rejects.toMatchObject({ name: 'OptionError', code: 'ERR_ARMRUN_CPU' });
    expect(await first).toMatchObject({ exitCode: 0 });
    expect(await capture(other)).toMatchObject({ exitCode: 0 });
    await expect(capture({ ...hello, cpuModel: 'none' })).rejects.toMatchObject({ code: 'ERR_ARMRUN_CPU' });
    expect(await capture(hello)).toMatchObject({ exitCode: 0 });
  });

  test('a program that cannot be executed', async () => {
    const failed = (program: string) => expect(capture({ program })).rejects;
    await failed('/no/such/program').toMatchObject({ name: 'StartError', code: 'ENOENT', exitCode: 127 });
    await failed('/etc/passwd').toMatchObject({ code: 'EACCES', exitCode: 126 });
    await failed(process.execPath).toMatchObject({ code: 'ENOEXEC', exitCode: 126 });
    await failed('/etc').toBeInstanceOf(StartError);
  });

  test('a fault is told', async () => {
    const result = await capture({
      program: `${fixtures}/stack.static`,
      limits: { stack: { soft: 1 << 20 } },
    });
    expect(result).toMatchObject({ signal: 'SIGSEGV', fault: { text: 'Segmentation fault' } });
    expect(result.fault!.address).toBeGreaterThan(0xbe00_0000);
    expect(result.stats).toBeUndefined();
  });
});
