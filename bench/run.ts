/**
 * Whole programs under armrun, qemu-arm and, where there is a native build, on the host itself: `npm run bench -- [--rounds N] [--only NAME,...] [--long] [--cpu NAME] [--cache DIR|none]`.
 *
 * The engines take turns, so that what else the machine does hits all alike; medians of wall time are compared. Every run's output must be the same in all engines.
 * The first round is not counted: it fills the disk's cache and armrun's translations, as the first run of a program does for the user (`--cache none` is without).
 * With --long the programs that compute do so for seconds, and only these run: how fast armrun is once it has started and compiled what is hot.
 * Bare Node is measured too: the least that any run of armrun can take. Results go to .cache/bench/results.json and chart.svg (results-long.json and chart-long.svg).
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { makeData } from '../test/programs/data.ts';
import { makeFixtures, makeRoot } from '../test/programs/engines.ts';
import { barChart } from './chart.ts';
import { type BenchProgram, programs } from './programs.ts';

const project = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    long: { type: 'boolean', default: false },
    cpu: { type: 'string', default: 'jit' },
    cache: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds ${values.rounds}: not a number of rounds`);
const names = values.only === '' ? [] : values.only.split(',');
const chosen = programs
  .filter((program) => names.length === 0 || names.includes(program.name))
  .filter((program) => !values.long || program.long !== undefined)
  .map((program) => (values.long ? { ...program, args: program.long! } : program));
if (chosen.length === 0)
  throw new Error(
    `--only ${values.only}: no such program; there are ${programs.map((p) => p.name).join(', ')}`,
  );

const root = makeRoot('full');
makeData(root);
const fixtures = makeFixtures();

interface Engine {
  name: string;
  color: string;
  /** The command line, or null where the engine cannot run the program. */
  command(program: BenchProgram): string[] | null;
}

const isFixture = (program: BenchProgram) => !program.program.startsWith('/');
const engines: Engine[] = [
  {
    name: 'armrun',
    color: '#2a78d6',
    command: ({ program, args, ...rest }) => {
      // What users start; `npm run build` first, else it begins from the sources.
      const cache = values.cache === undefined ? [] : ['--cache', values.cache];
      const armrun = [`${project}src/armrun`, '--cpu', values.cpu, ...cache];
      return isFixture({ program, args, ...rest })
        ? [...armrun, '--', `${fixtures}/${program}.static`, ...args]
        : [...armrun, '--root', root, '--', program, ...args];
    },
  },
  {
    name: 'qemu-arm',
    color: '#e08a1e',
    command: (program) =>
      isFixture(program)
        ? ['qemu-arm-static', `${fixtures}/${program.program}.static`, ...program.args]
        : program.executes
          ? [`${project}test/apt/binfmt.sh`, root, program.program, ...program.args]
          : ['qemu-arm-static', '-L', root, root + program.program, ...program.args.map(inRoot)],
  },
  {
    name: 'native',
    color: '#7a9a3a',
    command: (program) =>
      isFixture(program) ? [`${fixtures}/${program.program}.host`, ...program.args] : null,
  },
];

/** qemu-arm's -L does not redirect the data files. */
function inRoot(argument: string): string {
  return argument.startsWith('/srv/') ? root + argument : argument;
}

interface Result {
  name: string;
  about: string;
  /** Wall time in milliseconds: median and all runs, by engine. */
  median: Record<string, number>;
  runs: Record<string, number[]>;
}

const environment = {
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  LC_ALL: 'C.UTF-8',
  TZ: 'UTC',
  PYTHONHASHSEED: '0',
  PYTHONDONTWRITEBYTECODE: '1',
};

/** Runs a command; gives milliseconds of wall time and its output. */
function measure(command: string[]): { ms: number; output: string } {
  const start = process.hrtime.bigint();
  const { status, signal, stdout, stderr, error } = spawnSync(command[0]!, command.slice(1), {
    env: environment,
    maxBuffer: 64 << 20,
    timeout: 300_000,
  });
  const ms = Number(process.hrtime.bigint() - start) / 1e6;
  if (status !== 0)
    throw new Error(`${command.join(' ')}: ${error?.message ?? signal ?? `status ${status}`}\n${stderr}`);
  return { ms, output: stdout.toString('latin1') };
}

function median(list: number[]): number {
  return list.toSorted((a, b) => a - b)[list.length >> 1]!;
}

const bareNode: number[] = [];
const results: Result[] = chosen.map(({ name, about }) => ({ name, about, median: {}, runs: {} }));
for (let round = 0; round <= rounds; round++) {
  // The first round warms the caches of disk and sources and is not counted.
  const counted = round > 0;
  const node = measure([process.execPath, '-e', '0']).ms;
  if (counted) bareNode.push(node);
  chosen.forEach((program, index) => {
    let expected: string | undefined;
    for (const engine of engines) {
      const command = engine.command(program);
      if (command === null) continue;
      const { ms, output } = measure(command);
      expected ??= output;
      if (output !== expected)
        throw new Error(`${program.name}: ${engine.name} gives another output than armrun`);
      if (counted) (results[index]!.runs[engine.name] ??= []).push(ms);
    }
  });
  process.stderr.write(counted ? `round ${round} of ${rounds}\n` : 'warm\n');
}

const row = (cells: string[]) =>
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(14) : cell.padStart(13))).join(''));
row(['', ...engines.map((engine) => engine.name), 'armrun/qemu', 'armrun/native']);
for (const result of results) {
  for (const [name, runs] of Object.entries(result.runs)) result.median[name] = median(runs);
  const ms = (name: string) =>
    result.median[name] === undefined ? '' : `${result.median[name].toFixed(0)} ms`;
  const ratio = (to: string) =>
    result.median[to] === undefined ? '' : (result.median.armrun! / result.median[to]).toFixed(2);
  row([result.name, ...engines.map((engine) => ms(engine.name)), ratio('qemu-arm'), ratio('native')]);
}
row(['node -e 0', `${median(bareNode).toFixed(0)} ms`]);
const mean = (list: readonly Result[]) => {
  const logs = list.map(({ median }) => Math.log(median.armrun! / median['qemu-arm']!));
  return Math.exp(logs.reduce((a, b) => a + b, 0) / logs.length).toFixed(2);
};
const computing = results.filter((_, i) => chosen[i]!.long !== undefined);
console.log(`geometric mean of armrun/qemu: ${mean(results)}`);
if (computing.length > 0) console.log(`of the ${computing.length} programs that compute: ${mean(computing)}`);

const out = `${project}.cache/bench`;
const suffix = values.long ? '-long' : '';
mkdirSync(out, { recursive: true });
const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), node: process.version };
writeFileSync(
  `${out}/results${suffix}.json`,
  `${JSON.stringify({ date: new Date().toISOString(), machine, cpu: values.cpu, rounds, bareNode: median(bareNode), results }, null, 1)}\n`,
);
writeFileSync(
  `${out}/chart${suffix}.svg`,
  barChart(
    `Wall time against qemu-arm (${machine.cpu}, median of ${rounds})`,
    'qemu-arm',
    results.map((result) => ({
      name: result.name,
      bars: engines
        .filter((engine) => engine.name !== 'qemu-arm' && result.median[engine.name] !== undefined)
        .map((engine) => ({
          label: engine.name,
          color: engine.color,
          ratio: result.median[engine.name]! / result.median['qemu-arm']!,
          text: `${result.median[engine.name]!.toFixed(0)} ms`,
        })),
    })),
  ),
);
console.log(`written: .cache/bench/results${suffix}.json, .cache/bench/chart${suffix}.svg`);
