/**
 * The soak: mixed scripts (steps.sh) for a given time in one run, to see that nothing is lost and nothing piles up.
 *
 *     node --expose-gc --stack-size=3900 test/soak/main.ts [--seconds 1800]
 *
 * After each round it prints heap (after garbage collection), RSS, memories of the pool, the host's descriptors, and the guest's
 * processes and zombies. Fails when a step missed its deadline or its output, when a round takes too long, when there is a
 * zombie, or when the last rounds need more than the early ones did.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { poolStats } from '../../emu/memory/pool.ts';
import { run } from '../../src/run.ts';
import { makeRoot } from '../programs/engines.ts';

const MB = 2 ** 20;
/** No round takes nearly as long. */
const ROUND_MS = 1_800_000;
/** Rounds until every piece of code has been compiled and every cache is full. */
const WARM_ROUNDS = 2;

interface Sample {
  seconds: number;
  heap: number;
  external: number;
  rss: number;
  memories: number;
  descriptors: number;
  processes: number;
  zombies: number;
}

/** How much more the end may need than the beginning: a share, and an amount. */
const ALLOWED: Record<Exclude<keyof Sample, 'seconds'>, [number, number]> = {
  heap: [0.1, 8],
  external: [0.1, 8],
  rss: [0.2, 64],
  memories: [0.25, 2],
  descriptors: [0, 1],
  processes: [0, 0],
  zombies: [0, 0],
};

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '1800' } } });
const samples: Sample[] = [];
const failures: string[] = [];
const started = performance.now();
let watchdog: NodeJS.Timeout;

function expectRound(): void {
  clearTimeout(watchdog);
  watchdog = setTimeout(() => {
    console.log(`no round within ${ROUND_MS / 1000} s`);
    process.exit(1);
  }, ROUND_MS);
}

function sample(processes: number, zombies: number): void {
  globalThis.gc!();
  const { heapUsed, external, rss } = process.memoryUsage();
  const now: Sample = {
    seconds: Math.round((performance.now() - started) / 1000),
    heap: heapUsed / MB,
    external: external / MB,
    rss: rss / MB,
    memories: poolStats().memories,
    descriptors: readdirSync('/proc/self/fd').length,
    processes,
    zombies,
  };
  samples.push(now);
  console.log(
    Object.entries(now)
      .map(([name, value]) => `${name} ${Math.round(value)}`)
      .join(', '),
  );
}

function line(text: string): void {
  const [what, , processes, zombies] = text.split(' ');
  if (what === 'round') {
    expectRound();
    sample(Number(processes), Number(zombies));
  } else {
    failures.push(text);
    console.log(text);
  }
}

const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1]!;

function judge(): void {
  const steady = samples.slice(WARM_ROUNDS);
  const third = Math.floor(steady.length / 3);
  for (const [name, [share, amount]] of Object.entries(ALLOWED) as [keyof Sample, [number, number]][]) {
    if (third === 0) break;
    const before = median(steady.slice(0, third).map((s) => s[name]));
    const after = median(steady.slice(-third).map((s) => s[name]));
    if (after > before * (1 + share) + amount) {
      failures.push(`${name} has grown from ${before.toFixed(1)} to ${after.toFixed(1)}`);
    }
  }
  if (samples.length === 0) failures.push('not one round');
  if (samples.some((s) => s.zombies > 0)) failures.push('there was a zombie');
}

let rest = '';
const output = (bytes: Uint8Array) => {
  const lines = (rest + Buffer.from(bytes).toString('latin1')).split('\n');
  rest = lines.pop()!;
  lines.forEach(line);
};
expectRound();
const script = readFileSync(new URL('./steps.sh', import.meta.url), 'latin1');
const result = await run({
  program: '/bin/bash',
  argv: ['bash', '-c', script, 'soak', values.seconds],
  env: ['PATH=/usr/bin:/bin', 'HOME=/root', 'TERM=dumb'],
  root: makeRoot('full'),
  stdin: '',
  stdout: output,
  stderr: output,
});
clearTimeout(watchdog!);
if (result.exitCode !== 0) failures.push(`the guest ended with ${result.exitCode}`);
judge();
console.log(failures.length === 0 ? `passed: ${samples.length} rounds` : `failed:\n${failures.join('\n')}`);
process.exit(failures.length === 0 ? 0 : 1);
