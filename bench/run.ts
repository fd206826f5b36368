/**
 * The command `npm run bench`: with --first how programs start (first.ts), with `--only exec` or `--only files` processes and files
 * (work.ts), else how fast programs are (steady.ts).
 */
import { parseArgs } from 'node:util';

import { isGroup } from './work-programs.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    only: { type: 'string', default: '' },
    first: { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    cpu: { type: 'string', default: 'jit' },
    cache: { type: 'string' },
  },
});
const rounds = Number(values.rounds ?? (values.first ? 3 : 5));
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds ${values.rounds}: not a number of rounds`);
const only = values.only === '' ? [] : values.only.split(',');
if (values.first) {
  if (values.long || values.cache !== undefined)
    throw new Error('--first goes with neither --long nor --cache');
  const { runFirst } = await import('./first.ts');
  process.exitCode = runFirst({ rounds, only, cpu: values.cpu });
} else if (only.some(isGroup)) {
  const { runWork } = await import('./work.ts');
  process.exitCode = runWork({ rounds, only, cpu: values.cpu });
} else {
  const { runSteady } = await import('./steady.ts');
  runSteady({ rounds, only, cpu: values.cpu, cache: values.cache ?? null, long: values.long });
}
