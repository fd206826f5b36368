/** A short soak: as many of its steps as there is time for. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import flags from '../../src/v8-flags.json' with { type: 'json' };

test('the steps of the soak have their output, and nothing is left behind', { timeout: 400_000 }, () => {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const args = ['--expose-gc', ...flags, main, '--seconds', '20'];
  expect(execFileSync(process.execPath, args, { encoding: 'utf8' })).toMatch(/^passed: [1-9]\d* rounds$/m);
});
