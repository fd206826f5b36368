/** The options of `npm run bench`, and what is wrong with them in one line. */
import { parseArgs } from 'node:util';
import { firstPrograms } from './first-programs.ts';
import { programs } from './programs.ts';
import { isGroup, workPrograms } from './work-programs.ts';

const CPUS = ['jit', 'interp', 'reference', 'unicorn', 'unicorn.js'];

export const HELP = `usage: npm run bench -- [options]

  how fast programs are, beside qemu-arm and native builds; or
  --first            how programs start: first and later runs
  --only exec,files  processes and files (both, or one of them)

  --only NAME,...    these programs only; any other name lists those there are
  --rounds N         so many rounds (default 5; 3 with --first)
  --long             programs that compute, for seconds
  --cpu NAME         armrun's --cpu: ${CPUS.join(', ')}
  --cache DIR|none   armrun's --cache
  --help             this text
`;

export interface BenchOptions {
  readonly kind: 'steady' | 'first' | 'work';
  readonly rounds: number;
  readonly only: readonly string[];
  readonly cpu: string;
  readonly cache: string | null;
  readonly long: boolean;
}

/** What cannot be done; the message is one line. */
export class UsageError extends Error {}

/** Options of the command line; 'help' when that is asked for. Throws UsageError. */
export function benchOptions(argv: readonly string[]): BenchOptions | 'help' {
  const values = parse(argv);
  if (values.help) return 'help';
  const { first, long, cpu, cache } = values;
  const rounds = Number(values.rounds ?? (first ? 3 : 5));
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new UsageError(`--rounds ${values.rounds}: not a number of rounds`);
  if (!CPUS.includes(cpu)) throw new UsageError(`--cpu ${cpu}: no such CPU; there are ${CPUS.join(', ')}`);
  const only = values.only === undefined ? [] : values.only.split(',');
  const kind = first ? 'first' : only.some(isGroup) ? 'work' : 'steady';
  if (kind !== 'steady' && long)
    throw new UsageError('--long goes with neither --first nor --only exec,files');
  if (kind !== 'steady' && cache !== undefined)
    throw new UsageError('--cache goes with neither --first nor --only exec,files');
  const names = namesOf(kind, only, long);
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`--only ${unknown}: no such program; there are ${names.join(', ')}`);
  return { kind, rounds, only, cpu, cache: cache ?? null, long };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        rounds: { type: 'string' },
        only: { type: 'string' },
        first: { type: 'boolean', default: false },
        long: { type: 'boolean', default: false },
        cpu: { type: 'string', default: 'jit' },
        cache: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    // Node goes on to say what to do for a positional argument.
    const [said] = (error as Error).message.split(/\. |\n/);
    throw new UsageError(`${said!.replace(/\.$/, '')}; --help lists the options`);
  }
}

function namesOf(kind: BenchOptions['kind'], only: readonly string[], long: boolean): string[] {
  if (kind === 'first') return firstPrograms.map(({ name }) => name);
  if (kind === 'steady')
    return programs.filter((program) => !long || program.long !== undefined).map(({ name }) => name);
  return [
    'exec',
    'files',
    ...workPrograms.filter(({ group }) => only.includes(group)).map(({ name }) => name),
  ];
}
