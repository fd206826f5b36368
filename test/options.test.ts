/** The command line: armrun's own options and those of qemu-user. */
import { describe, expect, test } from 'vitest';

import { type Options, parseOptions, UsageError } from '../src/options.ts';

function parse(args: string[], environment: Record<string, string> = {}): Options {
  const options = parseOptions(args, environment);
  if (typeof options === 'string') throw new Error(options);
  return options;
}

describe('options', () => {
  test('end at PROGRAM, whose arguments are its own', () => {
    const options = parse(['--root', 'r', '/bin/ls', '--root', 'other', '-E', '--', '--help']);
    expect(options.root).toBe('r');
    expect(options.command).toEqual(['/bin/ls', '--root', 'other', '-E', '--', '--help']);
  });

  test('end at --, even before a program with a dash', () => {
    expect(parse(['--', '-strace', '-x']).command).toEqual(['-strace', '-x']);
  });

  test("the program's words are never read as options of one dash", () => {
    expect(parse(['sh', '-version', '-strace']).command).toEqual(['sh', '-version', '-strace']);
  });

  test('take values that start with a dash', () => {
    expect(parse(['-0', '-bash', '/bin/bash']).argv0).toBe('-bash');
    expect(parse(['--argv0=-bash', '/bin/bash']).argv0).toBe('-bash');
  });

  test("show the host's directories in the root, and know proot's letters", () => {
    expect(parse(['--bind', '/a', '-b', 'b:/c', '--bind=/d:/e:ro', '-b', '/f:ro', 'p']).binds).toEqual([
      { from: '/a', to: '/a', readOnly: false },
      { from: 'b', to: '/c', readOnly: false },
      { from: '/d', to: '/e', readOnly: true },
      { from: '/f', to: '/f', readOnly: true },
    ]);
    for (const bad of ['', ':', 'a:', ':b', 'a:b:c'])
      expect(() => parse(['--bind', bad, 'p'])).toThrow(UsageError);
    expect(parse(['-r', 'dir', '-w', '/x', 'p'])).toMatchObject({ root: 'dir', cwd: '/x', release: null });
    expect(parse(['-w', '/x', '-r', './5', 'p'])).toMatchObject({ root: './5', cwd: '/x' });
    expect(parse(['-r', '5.10.0', 'p'])).toMatchObject({ root: null, release: '5.10.0' });
    expect(parse(['-0', '-r', 'dir', 'p'])).toMatchObject({ root: 'dir', fakeroot: true, argv0: null });
    expect(parse(['-b', '/a', '-0', 'p'])).toMatchObject({ fakeroot: true, argv0: null });
    expect(parse(['-0', 'name', '-r', '5.10.0', 'p'])).toMatchObject({ fakeroot: null, argv0: 'name' });
    expect(parse(['--no-fakeroot', 'p']).fakeroot).toBe(false);
  });

  test('shape the root', () => {
    const { tmpfs, readOnly, hostname } = parse([
      '--tmpfs',
      '/a',
      '--tmpfs=/b:size=3M',
      '--read-only',
      '--hostname',
      'h',
      'p',
    ]);
    expect({ tmpfs, readOnly, hostname }).toEqual({
      tmpfs: [{ to: '/a' }, { to: '/b', size: 3 << 20 }],
      readOnly: true,
      hostname: 'h',
    });
    for (const bad of [
      ['--tmpfs', '/a:size=x'],
      ['--tmpfs', ''],
      ['--hostname', ''],
      ['--hostname', 'x'.repeat(65)],
    ])
      expect(() => parse([...bad, 'p'])).toThrow(UsageError);
  });

  test('have changes of the root kept elsewhere', () => {
    expect(parse(['--overlay', 'p'])).toMatchObject({ overlay: true, command: ['p'] });
    expect(parse(['--overlay=dir', 'p']).overlay).toBe('dir');
    expect(parse(['p']).overlay).toBe(null);
    expect(() => parse(['--overlay=', 'p'])).toThrow(UsageError);
  });

  test('shape the machine', () => {
    const words = ['--cpus', '4', '--memory=96M', '--pid-max', '301', '--net', 'none', 'p'];
    expect(parse(words)).toMatchObject({ cpus: 4, memory: 96 << 20, pidMax: 301, net: 'none' });
    expect(parse(['p'])).toMatchObject({ cpus: null, memory: null, pidMax: null, net: null });
    for (const [option, ...values] of [
      ['--cpus', '0', '33', '1.5', ''],
      ['--memory', '-1', '1T', ''],
      ['--pid-max', '300', '4194305', 'x'],
      ['--net', 'all', ''],
    ] as const)
      for (const value of values) expect(() => parse([`${option}=${value}`, 'p'])).toThrow(UsageError);
  });

  test('set and unset variables in the order given', () => {
    const env = { A: '1', B: '2', C: '3' };
    expect(parse(['-E', 'A=x,D=y', '-U', 'B,D', '-E', 'B=z=w', 'p'], env).env).toEqual([
      'A=x',
      'C=3',
      'B=z=w',
    ]);
    expect(parse(['--env', 'A=with,comma', '--unset', 'C', 'p'], env).env).toEqual(['A=with,comma', 'B=2']);
  });

  test("qemu's options and variables", () => {
    const options = parse(['-L', '/l', '-s', '2M', '-r', '5.10', '-strace', 'p'], {
      QEMU_UNAME: '4.4',
      QEMU_ARGV0: 'zero',
    });
    expect(options).toMatchObject({
      ldPrefix: '/l',
      stackSize: 2 << 20,
      release: '5.10',
      strace: '-',
      argv0: 'zero',
    });
    expect(parse(['p'], { QEMU_STRACE: '' }).strace).toBe('-');
    expect(parse(['p'], { QEMU_SET_ENV: 'X=1,Y=2', QEMU_UNSET_ENV: 'Z', Z: '3' }).env).toContain('Y=2');
  });

  test('strace to a file, CPUs, counters', () => {
    expect(
      parse([
        '--strace=log',
        '--cpu=interp',
        '--verify',
        'unicorn',
        '--repeatable',
        '--stats',
        '--warn',
        '--strict',
        '--cwd',
        '/d',
        'p',
      ]),
    ).toMatchObject({
      strace: 'log',
      cpu: 'interp',
      verify: 'unicorn',
      repeatable: true,
      stats: true,
      warn: true,
      strict: true,
      cwd: '/d',
      command: ['p'],
    });
  });

  test('help and version come first', () => {
    for (const word of ['--help', '-h', '-help']) expect(parseOptions([word], {})).toBe('help');
    for (const word of ['--version', '-version']) expect(parseOptions([word, 'p'], {})).toBe('version');
  });

  test.each([
    [[], 'no PROGRAM given'],
    [['--nonsense', 'p'], 'unknown option --nonsense'],
    [['-x', 'p'], 'unknown option -x'],
    [['--root'], '--root needs a value'],
    [['--stats=yes', 'p'], '--stats takes no value'],
    [['--cpu', 'z80', 'p'], "--cpu: 'z80' is not one of jit, interp, reference, unicorn, unicorn.js"],
    [['-E', 'A', 'p'], "-E: 'A' is not VAR=VALUE"],
    [['-E', '=x', 'p'], "-E: '=x' is not VAR=VALUE"],
    [['-U', 'A=b', 'p'], "-U: 'A=b' is not the name of a variable"],
    [['-s', '12q', 'p'], "-s: '12q' is not a size"],
    [['-s', '0', 'p'], '-s: 0 is out of range'],
  ])('%j is refused: %s', (args, message) => {
    expect(() => parseOptions(args, {})).toThrow(new UsageError(message));
  });
});
