import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { ENVIRONMENT, makeFixtures, makeRoot } from '../test/programs/engines.ts';
import {
  type Measured,
  machine,
  measure,
  median,
  type Result,
  type Results,
  runWithBinfmt,
} from './measure.ts';
import { isGroup, SOURCES, sources, WORK, type WorkProgram, workPrograms } from './work-programs.ts';

const project = fileURLToPath(new URL('..', import.meta.url));
const out = `${project}.cache/bench`;
const TIMEOUT_MS = 900_000;

type Times = Pick<Measured, 'ms' | 'cpu'>;

export interface WorkOptions {
  readonly rounds: number;
  /** Groups, and names of programs in them; only groups: all of these. */
  readonly only: readonly string[];
  readonly cpu: string;
}

const ENGINES = ['armrun', 'qemu-arm', 'native'] as const;
type EngineName = (typeof ENGINES)[number];

/** Rounds of all engines; gives the exit status. */
export function runWork({ rounds, only, cpu }: WorkOptions): number {
  const names = only.filter((name) => !isGroup(name));
  const chosen = workPrograms.filter(
    ({ name, group }) => only.includes(group) && (names.length === 0 || names.includes(name)),
  );
  if (process.env.ARMRUN_BENCH_BINFMT === undefined) {
    // Files that are not root's alone cannot be made in the namespace.
    for (const root of new Set(chosen.map((program) => program.root ?? 'full')))
      for (const native of [false, true]) if (hasRoot(root, native)) rootOf(root, native);
    const status = runWithBinfmt();
    if (status !== null) return status;
    process.stderr.write('no binfmt_misc in a user namespace here: there is nothing to compare with\n');
    return 1;
  }
  const roots = new Roots();
  const runs = chosen.map((): Partial<Record<EngineName, Times[]>> => ({}));
  const failures = new Map<string, string>();
  for (let round = 0; round <= rounds; round++) {
    chosen.forEach((program, i) => {
      let expected: string | undefined;
      for (const engine of ENGINES) {
        const root = roots.of(program, engine);
        if (root === undefined || failures.has(`${program.name}, ${engine}`)) continue;
        try {
          const { ms, cpu: cpuMs, output } = once(program, engine, root, cpu, roots.native(program));
          expected ??= output;
          if (output !== expected)
            throw new Error(`shows ${output.slice(0, 200)}, not ${expected.slice(0, 200)}`);
          if (round > 0) (runs[i]![engine] ??= []).push({ ms, cpu: cpuMs });
        } catch (error) {
          failures.set(`${program.name}, ${engine}`, (error as Error).message);
        }
      }
    });
    process.stderr.write(`round ${round} of ${rounds}\n`);
  }
  finish(chosen, runs, failures, rounds);
  return 0;
}

type WorkRoot = NonNullable<WorkProgram['root']>;

/** Of programs that no host has there is no native run. */
function hasRoot(name: WorkRoot, native: boolean): boolean {
  return !native || name === 'full';
}

function rootOf(name: WorkRoot, native: boolean): string {
  return native
    ? measure([`${project}fixtures/root.sh`, name, 'amd64'], process.env).output.trim()
    : makeRoot(name);
}

/** The directories of roots, with what is in SOURCES. */
class Roots {
  readonly #known = new Map<string, string>();

  /** Undefined when the engine has none for the program. */
  of({ root = 'full' }: WorkProgram, engine: EngineName): string | undefined {
    const native = engine === 'native';
    return hasRoot(root, native) ? this.#directory(root, native) : undefined;
  }

  /** Where the host's own processor can make things ready for the program. */
  native(program: WorkProgram): string | undefined {
    return this.of(program, 'native');
  }

  #directory(name: WorkRoot, native: boolean): string {
    const id = `${name}${native}`;
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const root = rootOf(name, native);
    mkdirSync(root + SOURCES, { recursive: true });
    for (const [file, text] of Object.entries(sources)) {
      writeFileSync(`${root}${SOURCES}/${file}`, text);
      if (text.startsWith('#!')) chmodSync(`${root}${SOURCES}/${file}`, 0o755);
    }
    copyFileSync(`${makeFixtures()}/spawn.${native ? 'host' : 'static'}`, `${root}${SOURCES}/spawn`);
    for (const directory of ['/dev', '/proc'])
      measure(['mount', '--rbind', directory, root + directory], ENVIRONMENT);
    // As every system has it whose packages have been configured: without it each program looks through all directories.
    if (!existsSync(`${root}/etc/ld.so.cache`)) measure(['chroot', root, '/sbin/ldconfig'], ENVIRONMENT);
    this.#known.set(id, root);
    return root;
  }
}

/** One run in an empty WORK, which `native` or, without it, qemu-arm makes ready. */
function once(
  { script, prepare }: WorkProgram,
  engine: EngineName,
  root: string,
  cpu: string,
  native: string | undefined,
): Measured {
  const work = root + WORK;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const inWork = (text: string) => ['/bin/sh', '-c', `cd ${WORK}; ${text}`];
  if (prepare !== undefined) {
    if (native === undefined || native === root)
      measure(['chroot', root, ...inWork(prepare)], ENVIRONMENT, TIMEOUT_MS);
    else {
      const there = native + WORK;
      rmSync(there, { recursive: true, force: true });
      mkdirSync(there, { recursive: true });
      measure(['chroot', native, ...inWork(prepare)], ENVIRONMENT, TIMEOUT_MS);
      measure(['cp', '-a', `${there}/.`, work], ENVIRONMENT);
    }
  }
  const command =
    engine === 'armrun'
      ? [`${project}src/armrun`, '--cpu', cpu, '--root', root, '--', ...inWork(script)]
      : ['chroot', root, ...inWork(script)];
  const measured = measure(command, ENVIRONMENT, TIMEOUT_MS);
  rmSync(work, { recursive: true, force: true });
  return measured;
}

function finish(
  chosen: readonly WorkProgram[],
  runs: readonly Partial<Record<EngineName, Times[]>>[],
  failures: ReadonlyMap<string, string>,
  rounds: number,
): void {
  const results = chosen.map(({ name, about }, i): Result => {
    const of = Object.entries(runs[i]!);
    const medians = (what: keyof Times) =>
      Object.fromEntries(of.map(([engine, times]) => [engine, median(times.map((t) => t[what]))]));
    return {
      name,
      about,
      runs: Object.fromEntries(of.map(([engine, times]) => [engine, times.map(({ ms }) => ms)])),
      median: medians('ms'),
      cpu: medians('cpu'),
    };
  });
  const line = (cells: readonly string[]) =>
    console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(15) : cell.padStart(12))).join(''));
  const table = (what: 'median' | 'cpu') => {
    for (const { name, [what]: of = {} } of results) {
      const ratio = (engine: EngineName) =>
        of.armrun === undefined || !of[engine] ? '' : (of.armrun / of[engine]).toFixed(2);
      line([
        name,
        ...ENGINES.map((e) => (of[e] === undefined ? '-' : `${of[e].toFixed(0)} ms`)),
        ratio('qemu-arm'),
        ratio('native'),
      ]);
    }
  };
  line(['wall time', ...ENGINES, 'of qemu-arm', 'of native']);
  table('median');
  line(['CPU time', ...ENGINES, 'of qemu-arm', 'of native']);
  table('cpu');
  for (const [what, why] of failures) console.log(`${what}: ${why}`);
  mkdirSync(out, { recursive: true });
  const bareNode = measure([process.execPath, '-e', '0'], ENVIRONMENT).ms;
  const all: Results = { date: new Date().toISOString(), machine: machine(), rounds, bareNode, results };
  writeFileSync(`${out}/work.json`, `${JSON.stringify(all, null, 1)}\n`);
  console.log('written: .cache/bench/work.json');
}
