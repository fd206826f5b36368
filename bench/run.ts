/**
 * The command `npm run bench`: with --first how programs start (first.ts), with `--only exec` or `--only files` processes and
 * files (work.ts), else how fast programs are (steady.ts).
 */
import { type BenchOptions, benchOptions, HELP, UsageError } from './options.ts';

async function run(options: BenchOptions): Promise<number> {
  switch (options.kind) {
    case 'first':
      return (await import('./first.ts')).runFirst(options);
    case 'work':
      return (await import('./work.ts')).runWork(options);
    case 'steady':
      (await import('./steady.ts')).runSteady(options);
      return 0;
  }
}

try {
  const options = benchOptions(process.argv.slice(2));
  if (options === 'help') process.stdout.write(HELP);
  else process.exitCode = await run(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 2;
}
