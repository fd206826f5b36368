/** Programs of Debian's armhf packages: stdout, stderr and exit status as under qemu-arm. */
import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';

import { commands, words } from './programs/commands.ts';
import { makeData } from './programs/data.ts';
import { armrun, difference, type Invocation, makeRoot, qemu } from './programs/engines.ts';

let root: string;
beforeAll(() => {
  root = makeRoot('full');
  makeData(root);
});

function invocation(line: string, stdin: string | Buffer): Invocation {
  const id = createHash('md5').update(line).digest('hex').slice(0, 8);
  return { root, argv: words(line), cwd: `/tmp/program-${id}`, stdin };
}

describe.each(commands)('$line', (command) => {
  test.each(command.short ? (['jit', 'interp'] as const) : (['jit'] as const))('%s', async (cpu) => {
    let stdin: string | Buffer;
    if (typeof command.stdin === 'object') {
      const source = await qemu(invocation(command.stdin.from, ''));
      stdin = Buffer.from(source.stdout, 'latin1');
    } else stdin = command.stdin ?? '';
    const run = invocation(command.line, stdin);
    const expected = await qemu(run);
    const actual = await armrun(run, cpu);
    const differs = difference(actual, expected, command);
    expect(differs, differs).toBeUndefined();
  });
});
