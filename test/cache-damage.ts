/**
 * Damages what armrun keeps from run to run at random and sees that runs go on as if nothing were: `node test/cache-damage.ts
 * [COUNT [SEED]]`, 1000 unless said otherwise. The same is tested a few times in translation-archive.test.ts.
 *
 * Each time a good cache is copied and damaged (bits, cuts, zeros, noise, files in each other's place, files gone); then a shell
 * that counts must print what it should, with status 0 and nothing on standard error, take no longer than without a cache, and
 * have put the cache right again.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { CodeImage } from '../emu/jit/code-image.ts';
import { KeptImage } from '../emu/jit/kept-image.ts';
import { openArchive } from '../src/translation-archive.ts';
import { makeRoot } from './programs/engines.ts';

const armrun = fileURLToPath(new URL('../src/armrun', import.meta.url));
/** What of the translations that a few runs have gathered must be there again after one. */
const RESTORED = 0.25;
/** Runs that it may take: the end of a run does not wait long for what it writes, and the machine may have much else to do. */
const MAX_RUNS = 4;

/** CPU time of a run on a damaged cache, by that of one without any; and how often it may try, on a busy machine. */
const SLOWEST = 1.1;
const SLOW_RUNS = 5;

/** How far the shell counts: until most of what runs is compiled. */
const COUNT = 3000;

/** A command that counts to a number: much of the shell and of the C library becomes hot. */
export const counting = (to: number) => [
  '--',
  '/bin/sh',
  '-c',
  `i=0; while [ $i -lt ${to} ]; do i=$((i+1)); done; echo $i`,
];

export interface DamageReport {
  /** A line for each time that something was not as it should be. */
  readonly failures: string[];
  /** Runs without anything kept, on damaged caches, and right after those. */
  readonly empty: readonly Time[];
  readonly damaged: readonly Time[];
  readonly after: readonly Time[];
}

/** Of a run, in ms. */
interface Time {
  readonly wall: number;
  readonly cpu: number;
}

/** Numbers from 0 to below `n` that look random (xorshift32). */
function random(seed: number): (n: number) => number {
  let x = seed | 1;
  return (n) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % n;
  };
}

/** To be called with dist/ built. Progress is told once in a while. */
export function damageCaches(
  count: number,
  seed: number,
  told: (done: number, failures: number) => void = () => {},
): DamageReport {
  const root = makeRoot('date');
  const base = fs.mkdtempSync(`${tmpdir()}/armrun-damage-`);
  const [good, broken, cache] = [`${base}/good`, `${base}/broken`, `${base}/cache`];
  const cpuFile = `${base}/cpu`;
  const below = random(seed);
  const failures: string[] = [];
  const times = { empty: [] as Time[], damaged: [] as Time[], after: [] as Time[] };
  const run = (directory: string, what: string): Time => {
    const began = performance.now();
    const command = ['taskset', '-c', '0', armrun, '--cache', directory, '--root', root, ...counting(COUNT)];
    const { status, signal, stdout, stderr } = spawnSync(
      'bash',
      ['--norc', '-c', TIMED, cpuFile, ...command],
      {
        ...{ encoding: 'utf8', timeout: 60_000, env: { PATH: process.env.PATH } },
      },
    );
    const wall = performance.now() - began;
    const [user = 0, system = 0] = fs.readFileSync(cpuFile, 'utf8').split(' ').map(Number);
    if (status !== 0 || stdout !== `${COUNT}\n` || stderr !== '')
      failures.push(`${what}: ${signal ?? `status ${status}`}, ${JSON.stringify(stdout + stderr)}`);
    return { wall, cpu: (user + system) * 1000 };
  };
  const runDamaged = (what: string): Time => {
    replace(cache, broken);
    return run(cache, what);
  };
  try {
    for (let i = 0; i < 3; i++) run(good, 'a good cache');
    const expected = translations(good);
    if (expected.size === 0) failures.push('nothing is kept');
    for (let i = 0; i < count; i++) {
      replace(broken, good);
      const what = `seed ${seed}, cache ${i}: ${damage(broken, below)}`;
      const runEmpty = (): Time => {
        const time = run(`${base}/empty`, 'an empty cache');
        fs.rmSync(`${base}/empty`, { recursive: true, force: true });
        times.empty.push(time);
        return time;
      };
      if (i % 10 === 0) runEmpty();
      const most = SLOWEST * median(times.empty.map(({ cpu }) => cpu));
      const first = runDamaged(what);
      times.damaged.push(first);
      // A machine may have much else to do for a while: it is compared with runs without a cache right beside it.
      let isSlow = first.cpu > most;
      for (let runs = 1; runs < SLOW_RUNS && isSlow; runs++)
        isSlow = runDamaged(what).cpu > SLOWEST * runEmpty().cpu;
      if (isSlow)
        failures.push(`${what}: always slower than without a cache, at first ${first.cpu.toFixed()} ms`);
      let missing: string[] = [];
      for (let runs = 0; runs === 0 || (missing.length > 0 && runs < MAX_RUNS); runs++) {
        times.after.push(run(cache, `${what}, after it`));
        const found = translations(cache);
        missing = [...expected]
          .filter(([name, number]) => (found.get(name) ?? 0) < number * RESTORED)
          .map(([name, number]) => `${found.get(name) ?? 0} of ${number} translations of ${name}`);
      }
      if (missing.length > 0) {
        // How much is compiled depends on how long the run takes: it is to be as good as what a run without a cache leaves now.
        const fresh = `${base}/fresh`;
        run(fresh, 'a fresh cache');
        const [now, found] = [translations(fresh), translations(cache)];
        fs.rmSync(fresh, { recursive: true, force: true });
        const isWorse = ([name, number]: [string, number]) => (found.get(name) ?? 0) < number * RESTORED;
        if ([...now].some(isWorse)) failures.push(`${what}: after it there are ${missing.join(', ')}`);
      }
      if (i % 50 === 49) told(i + 1, failures.length);
    }
  } finally {
    fs.rmSync(base, { recursive: true, force: true });
  }
  return { failures, ...times };
}

/** Runs "$@" and writes its user and system time, in seconds, to the file $0. */
const TIMED = `exec 3>&2; TIMEFORMAT='%U %S'; { time "$@" 2>&3; } 2>"$0"`;

function median(list: readonly number[]): number {
  return quantile(list, 0.5);
}
function quantile(list: readonly number[], part: number): number {
  return list.toSorted((a, b) => a - b)[Math.min(Math.floor(list.length * part), list.length - 1)] ?? 0;
}

/** Makes a directory a copy of another. */
function replace(directory: string, by: string): void {
  fs.rmSync(directory, { recursive: true, force: true });
  fs.cpSync(by, directory, { recursive: true });
}

/** Files of translations in a cache. */
function keptFiles(cache: string): string[] {
  return fs
    .readdirSync(cache, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.parentPath !== cache)
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .sort();
}

/** How many translations that can be read a cache has, by file. */
export function translations(cache: string): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const path of keptFiles(cache)) {
    const [version, name] = path.split('/').slice(-2) as [string, string];
    const file = openArchive(cache, '', { build: version })!.open(name);
    if (file === null) continue;
    // Null for decoded instructions.
    const image = KeptImage.of(file, name, new CodeImage());
    const pieces = image === null ? [] : [...image.places()].map(([, { piece }]) => file.read(piece));
    if (image !== null) numbers.set(name, pieces.filter((bytes) => bytes !== null).length);
    file.close();
  }
  return numbers;
}

/** Does something to one of a cache's files, or a few things; gives what. */
function damage(cache: string, below: (n: number) => number): string {
  const files = [...keptFiles(cache), `${cache}/hashes`];
  const done: string[] = [];
  for (let times = 1 + below(3); times > 0; times--) {
    const file = files[below(files.length)]!;
    if (!fs.existsSync(file)) continue;
    const bytes = fs.readFileSync(file);
    const at = below(bytes.length + 1);
    const length = 1 + below(1 << below(16));
    const end = Math.min(bytes.length, at + length);
    const name = file.slice(cache.length + 1);
    switch (below(8)) {
      case 0:
      case 1: {
        const bits = 1 + below(20);
        for (let i = 0; i < bits && bytes.length > 0; i++) bytes[below(bytes.length)]! ^= 1 << below(8);
        done.push(`${bits} bits of ${name}`);
        break;
      }
      case 2:
        fs.writeFileSync(file, bytes.subarray(0, at));
        done.push(`${name} cut at ${at}`);
        continue;
      case 3:
        bytes.fill(0, at, end);
        done.push(`zeros in ${name} at ${at}, ${length}`);
        break;
      case 4:
        for (let i = at; i < end; i++) bytes[i] = below(256);
        done.push(`noise in ${name} at ${at}, ${length}`);
        break;
      case 5: {
        const other = files[below(files.length)]!;
        if (!fs.existsSync(other)) continue;
        fs.renameSync(file, `${file}.other`);
        if (other !== file) fs.renameSync(other, file);
        fs.renameSync(`${file}.other`, other);
        done.push(`${name} and ${other.slice(cache.length + 1)} swapped`);
        continue;
      }
      case 6:
        fs.rmSync(file);
        done.push(`${name} gone`);
        continue;
      case 7:
        bytes.copyWithin(at, below(bytes.length), below(bytes.length));
        done.push(`a part of ${name} moved to ${at}`);
        break;
    }
    fs.writeFileSync(file, bytes);
  }
  return done.join(', ') || 'nothing';
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [count = 1000, seed = 1] = process.argv.slice(2).map(Number);
  const { failures, empty, damaged, after } = damageCaches(count, seed, (done, failed) => {
    process.stderr.write(`${done} of ${count}, ${failed} failures\n`);
  });
  for (const failure of failures) console.log(failure);
  console.log(`${count} caches, ${failures.length} failures`);
  for (const [what, times] of Object.entries({ 'nothing kept': empty, damaged, 'after it': after })) {
    const wall = times.map((time) => time.wall);
    const cpu = times.map((time) => time.cpu);
    const figures = [median(wall), ...[0.5, 0.9, 0.99].map((part) => quantile(cpu, part))];
    const [w, c, ...slow] = figures.map((ms) => ms.toFixed());
    console.log(
      `${what}: wall ${w} ms, CPU ${c} ms (medians); a tenth, a hundredth is above ${slow.join(', ')} ms of CPU`,
    );
  }
  process.exitCode = failures.length > 0 ? 1 : 0;
}
