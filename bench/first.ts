import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { ENVIRONMENT, makeRoot, type RootName } from '../test/programs/engines.ts';
import { type FirstProgram, firstPrograms, SOURCES, WORK } from './first-programs.ts';
import { machine, measure, median, peakMemory, type Result, type Results, runWithBinfmt } from './measure.ts';
import { report } from './report.ts';

const project = fileURLToPath(new URL('..', import.meta.url));
const out = `${project}.cache/bench`;
const TIMEOUT_MS = 900_000;

export interface FirstOptions {
  readonly rounds: number;
  /** Names of programs; empty: all. */
  readonly only: readonly string[];
  readonly cpu: string;
}

/** Rounds of all engines; gives the exit status. */
export function runFirst(options: FirstOptions): number {
  const binfmt = process.env.ARMRUN_BENCH_BINFMT;
  const chosen = firstPrograms.filter(({ name }) => options.only.length === 0 || options.only.includes(name));
  if (binfmt === undefined) {
    // Files that are not root's alone cannot be made in the namespace.
    for (const root of new Set(chosen.map((program) => program.root))) makeRoot(root);
    const status = runWithBinfmt();
    if (status !== null) return status;
    process.stderr.write(
      'no binfmt_misc in a user namespace here: programs that start others are not compared\n',
    );
  }
  const roots = new Map<RootName, string>();
  for (const { root } of chosen) if (!roots.has(root)) roots.set(root, prepareRoot(root, binfmt === '1'));
  const rows = chosen.map(
    (program) => new Row(program, roots.get(program.root)!, options.cpu, binfmt === '1'),
  );
  const bareNode: number[] = [];
  for (const row of rows) row.warm();
  for (let round = 1; round <= options.rounds; round++) {
    for (const row of rows) {
      bareNode.push(measure([process.execPath, '-e', '0'], ENVIRONMENT).ms);
      row.round(round === options.rounds);
    }
    process.stderr.write(`round ${round} of ${options.rounds}\n`);
  }
  finish(rows, bareNode, options);
  return 0;
}

const ENGINES = ['qemu-arm', 'first', 'later'] as const;
/** Those of which peak memory is of interest. */
const MEASURED_MEMORY = ['qemu-arm', 'later'] as const;
type EngineName = (typeof ENGINES)[number];

/** A program with the times of its runs. */
class Row {
  readonly program: FirstProgram;
  readonly failures = new Map<EngineName, string>();
  readonly #runs: Record<string, number[]> = {};
  readonly #peak: Record<string, number> = {};
  readonly #root: string;
  readonly #cpu: string;
  readonly #chroot: boolean;
  /** What a run shows: output and a hash of each file made. */
  #expected: string | undefined;

  constructor(program: FirstProgram, root: string, cpu: string, chroot: boolean) {
    this.program = program;
    this.#root = root;
    this.#cpu = cpu;
    this.#chroot = chroot;
    if (program.needsChroot && !chroot) this.failures.set('qemu-arm', 'needs binfmt_misc');
  }

  warm(): void {
    this.#run('qemu-arm');
  }

  /** Runs all engines once; after the last round also what memory they take. */
  round(isLast: boolean): void {
    rmSync(this.#kept, { recursive: true, force: true });
    for (const engine of ENGINES) {
      const ms = this.#run(engine);
      if (ms !== null) (this.#runs[engine] ??= []).push(ms);
    }
    if (isLast)
      for (const engine of MEASURED_MEMORY) {
        if (this.failures.has(engine)) continue;
        this.#emptyWork();
        const peak = peakMemory(this.#command(engine), this.#environment());
        if (peak !== null) this.#peak[engine] = peak;
      }
    rmSync(this.#kept, { recursive: true, force: true });
  }

  result(): Result {
    const { name, about } = this.program;
    const medians = Object.entries(this.#runs).map(([engine, runs]) => [engine, median(runs)]);
    return { name, about, median: Object.fromEntries(medians), runs: this.#runs, peak: this.#peak };
  }

  /** Where armrun keeps translations of this program. */
  get #kept(): string {
    return `${out}/kept-${this.program.name}`;
  }

  /** Milliseconds; null when the engine does not run the program. */
  #run(engine: EngineName): number | null {
    if (this.failures.has(engine)) return null;
    const { program } = this;
    const work = this.#emptyWork();
    try {
      const { ms, output } = measure(this.#command(engine), this.#environment(), TIMEOUT_MS);
      const made = (program.makes ?? []).map((file) =>
        createHash('sha256')
          .update(readFileSync(`${work}/${file}`))
          .digest('hex'),
      );
      const seen = [output, ...made].join('\n');
      this.#expected ??= seen;
      if (seen !== this.#expected)
        throw new Error(
          `shows ${JSON.stringify(seen.slice(0, 300))}, not ${JSON.stringify(this.#expected.slice(0, 300))}`,
        );
      return ms;
    } catch (error) {
      this.failures.set(engine, error instanceof Error ? error.message : String(error));
      return null;
    }
  }

  #environment(): NodeJS.ProcessEnv {
    return { ...ENVIRONMENT, ...this.program.env };
  }

  /** The host path of the directory that programs write to, with nothing in it. */
  #emptyWork(): string {
    const work = this.#root + WORK;
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work, { recursive: true });
    return work;
  }

  #command(engine: EngineName): string[] {
    const { argv } = this.program;
    const root = this.#root;
    if (engine !== 'qemu-arm')
      // What users start; `npm run build` first, else it begins from the sources.
      return [
        `${project}src/armrun`,
        '--cpu',
        this.#cpu,
        '--cache',
        this.#kept,
        '--root',
        root,
        '--',
        ...argv,
      ];
    if (this.#chroot) return ['chroot', root, ...argv];
    return ['qemu-arm-static', '-L', root, root + argv[0]!, ...argv.slice(1)];
  }
}

/** The directory of a root, with the programs' files in it and, for a chroot, /dev and /proc mounted in this namespace. */
function prepareRoot(name: RootName, chroot: boolean): string {
  const root = makeRoot(name);
  for (const program of firstPrograms) {
    if (program.root !== name) continue;
    mkdirSync(root + SOURCES, { recursive: true });
    for (const [file, text] of Object.entries(program.files ?? {})) {
      writeFileSync(`${root}${SOURCES}/${file}`, text);
      if (text.startsWith('#!')) chmodSync(`${root}${SOURCES}/${file}`, 0o755);
    }
  }
  if (chroot)
    for (const directory of ['/dev', '/proc'])
      measure(['mount', '--rbind', directory, root + directory], ENVIRONMENT);
  return root;
}

function finish(rows: readonly Row[], bareNode: readonly number[], options: FirstOptions): void {
  const results: Results = {
    date: new Date().toISOString(),
    machine: machine(),
    rounds: options.rounds,
    bareNode: median(bareNode),
    results: rows.map((row) => row.result()),
  };
  const line = (cells: readonly string[]) =>
    console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(12) : cell.padStart(13))).join(''));
  line(['', 'qemu-arm', 'first', 'later', 'first/qemu', 'later/qemu', 'goals', 'memory']);
  results.results.forEach(({ name, median, peak }, i) => {
    const ratio = (engine: string) => {
      const of = median[engine];
      return of === undefined || !median['qemu-arm'] ? '' : (of / median['qemu-arm']).toFixed(2);
    };
    const goal = rows[i]!.program.goal;
    line([
      name,
      ...ENGINES.map((engine) => (median[engine] === undefined ? '-' : `${median[engine].toFixed(0)} ms`)),
      ...[ratio('first'), ratio('later'), goal ? `${goal.first}, ${goal.later}` : ''],
      peak?.later === undefined ? '' : `${(peak.later / 1024).toFixed(0)} MiB`,
    ]);
  });
  line(['node -e 0', `${results.bareNode.toFixed(0)} ms`]);
  for (const { program, failures } of rows)
    for (const [engine, why] of failures) console.log(`${program.name}, ${engine}: ${why}`);
  mkdirSync(out, { recursive: true });
  writeFileSync(`${out}/first.json`, `${JSON.stringify(results, null, 1)}\n`);
  const goals = Object.fromEntries(rows.map(({ program }) => [program.name, program.goal]));
  writeFileSync(`${out}/first.html`, report(results, goals));
  console.log('written: .cache/bench/first.json, .cache/bench/first.html');
}
