/**
 * Whole programs under armrun, qemu-arm and, where there is a native build, on the host itself: `npm run bench -- [--rounds N]
 * [--only NAME,...] [--long] [--cpu NAME] [--cache DIR|none]`.
 *
 * The engines take turns, so that what else the machine does hits all alike; medians of wall time are compared. Every run's
 * output must be the same in all engines. The first round is not counted: it fills the disk's cache and armrun's translations, as
 * the first run of a program does for the user (`--cache none` is without). With --long the programs that compute do so for
 * seconds, and only these run: how fast armrun is once it has started and compiled what is hot. Bare Node is measured too: the
 * least that any run of armrun can take. Results go to .cache/bench/results.json and chart.svg (results-long.json and
 * chart-long.svg).
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { makeData } from '../test/programs/data.ts';
import { makeFixtures, makeRoot, type RootName } from '../test/programs/engines.ts';
import { barChart } from './chart.ts';
import { machine, measure, median, type Result, type Results } from './measure.ts';
import { type BenchProgram, programs, SCRIPTS } from './programs.ts';

const project = fileURLToPath(new URL('..', import.meta.url));

export interface SteadyOptions {
  readonly rounds: number;
  /** Names of programs; empty: all. */
  readonly only: readonly string[];
  readonly cpu: string;
  /** armrun's --cache; null: what it takes by itself. */
  readonly cache: string | null;
  readonly long: boolean;
}

interface Engine {
  name: string;
  color: string;
  /** The command line, or null where the engine cannot run the program. */
  command(program: BenchProgram): string[] | null;
}

const isFixture = (program: BenchProgram) => !program.program.startsWith('/');
const fixtureOf = ({ program, vectors }: BenchProgram, fixtures: string) =>
  `${fixtures}/${program}.${vectors ? 'v8' : 'static'}`;
const modelOf = ({ vectors }: BenchProgram) => (vectors ? ['--cpu-model', 'max'] : []);

/** The host directory of a program's root. */
type Roots = (program: BenchProgram) => string;

function enginesFor(rootOf: Roots, fixtures: string, { cpu, cache }: SteadyOptions): Engine[] {
  const byPrefix = (program: BenchProgram) => {
    const root = rootOf(program);
    // -L does not redirect the data files.
    const args = program.args.map((argument) => (argument.startsWith('/srv/') ? root + argument : argument));
    return ['qemu-arm-static', '-L', root, root + program.program, ...args];
  };
  return [
    {
      name: 'armrun',
      color: '#2a78d6',
      command: (benched) => {
        const { program, args } = benched;
        // What users start; `npm run build` first, else it begins from the sources.
        const options = cache === null ? [] : ['--cache', cache];
        const armrun = [`${project}src/armrun`, '--cpu', cpu, ...options];
        return isFixture(benched)
          ? [...armrun, ...modelOf(benched), '--', fixtureOf(benched, fixtures), ...args]
          : [...armrun, '--root', rootOf(benched), '--', program, ...args];
      },
    },
    {
      name: 'qemu-arm',
      color: '#e08a1e',
      command: (program) =>
        isFixture(program)
          ? ['qemu-arm-static', fixtureOf(program, fixtures), ...program.args]
          : program.executes
            ? [`${project}test/apt/binfmt.sh`, rootOf(program), program.program, ...program.args]
            : byPrefix(program),
    },
    {
      name: 'native',
      color: '#7a9a3a',
      command: (program) =>
        isFixture(program) && !program.makesCode && !program.vectors
          ? [`${fixtures}/${program.program}.host`, ...program.args]
          : null,
    },
  ];
}

const environment = {
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  LC_ALL: 'C.UTF-8',
  TZ: 'UTC',
  PYTHONHASHSEED: '0',
  PYTHONDONTWRITEBYTECODE: '1',
};

/** Rounds of all engines. Throws when an engine fails or gives another output than the others. */
export function runSteady(options: SteadyOptions): void {
  const { rounds, long } = options;
  const chosen = programs
    .filter((program) => options.only.length === 0 || options.only.includes(program.name))
    .filter((program) => !long || program.long !== undefined)
    .map((program) => (long ? { ...program, args: program.long! } : program));
  const roots = new Map<RootName, string>();
  for (const program of chosen) {
    const { root = 'full' } = program;
    if (isFixture(program) || roots.has(root)) continue;
    roots.set(root, makeRoot(root));
    if (root === 'full') makeData(roots.get(root)!);
    else cpSync(`${project}bench/scripts`, roots.get(root)! + SCRIPTS, { recursive: true });
  }
  const rootOf: Roots = ({ root = 'full' }) => roots.get(root)!;
  const engines = enginesFor(rootOf, makeFixtures(), options);

  const bareNode: number[] = [];
  const results: Result[] = chosen.map(({ name, about }) => ({ name, about, median: {}, runs: {} }));
  for (let round = 0; round <= rounds; round++) {
    // The first round warms the caches of disk and sources and is not counted.
    const counted = round > 0;
    const node = measure([process.execPath, '-e', '0'], environment).ms;
    if (counted) bareNode.push(node);
    chosen.forEach((program, index) => {
      let expected: string | undefined;
      for (const engine of engines) {
        const command = engine.command(program);
        if (command === null) continue;
        const { ms, output } = measure(command, environment);
        expected ??= output;
        if (output !== expected)
          throw new Error(`${program.name}: ${engine.name} gives another output than armrun`);
        if (counted) (results[index]!.runs[engine.name] ??= []).push(ms);
      }
    });
    process.stderr.write(counted ? `round ${round} of ${rounds}\n` : 'warm\n');
  }

  show(results, engines, chosen, median(bareNode));
  write(results, engines, { rounds, bareNode: median(bareNode), suffix: long ? '-long' : '' });
}

function show(
  results: readonly Result[],
  engines: readonly Engine[],
  chosen: readonly BenchProgram[],
  bareNode: number,
): void {
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
  row(['node -e 0', `${bareNode.toFixed(0)} ms`]);
  const mean = (list: readonly Result[]) => {
    const logs = list.map(({ median }) => Math.log(median.armrun! / median['qemu-arm']!));
    return Math.exp(logs.reduce((a, b) => a + b, 0) / logs.length).toFixed(2);
  };
  console.log(`geometric mean of armrun/qemu: ${mean(results)}`);
  for (const [what, isOne] of [
    ['compute', ({ long, makesCode, vectors }) => long !== undefined && !makesCode && !vectors],
    ['use vectors', ({ vectors }) => vectors === true],
    ['make code', ({ makesCode }) => makesCode === true],
  ] as const satisfies [string, (program: BenchProgram) => boolean][]) {
    const list = results.filter((_, i) => isOne(chosen[i]!));
    if (list.length > 0) console.log(`of the ${list.length} programs that ${what}: ${mean(list)}`);
  }
}

function write(
  results: readonly Result[],
  engines: readonly Engine[],
  { rounds, bareNode, suffix }: { rounds: number; bareNode: number; suffix: string },
): void {
  const out = `${project}.cache/bench`;
  mkdirSync(out, { recursive: true });
  const all: Results = {
    date: new Date().toISOString(),
    machine: machine(),
    rounds,
    bareNode,
    results: [...results],
  };
  writeFileSync(`${out}/results${suffix}.json`, `${JSON.stringify(all, null, 1)}\n`);
  writeFileSync(
    `${out}/chart${suffix}.svg`,
    barChart(
      `Wall time against qemu-arm (${all.machine.cpu}, median of ${rounds})`,
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
}
