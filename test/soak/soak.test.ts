/** One short soak: each of its steps once, with its deadline. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import flags from '../../src/v8-flags.json' with { type: 'json' };

test('every step of the soak has its output, and nothing is left behind', { timeout: 600_000 }, () => {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const args = ['--expose-gc', ...flags, main, '--seconds', '1'];
  expect(execFileSync(process.execPath, args, { encoding: 'utf8' })).toMatch(/^passed: 1 rounds$/m);
});
