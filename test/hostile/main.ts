/**
 * Hostile calls, as many as asked for, under armrun and the host's kernel:
 *
 *   nice node test/hostile/main.ts --calls 1000000 [--seconds N] [--seed 1] [--only NAME] [--alone] [--all]
 *                                  [--privileged] [--meant] [--before] [--jobs N] [--batch N]
 *
 * Prints each difference once (with --all up to 20 times; with --before with the calls of its batch before it), and every failure
 * of armrun's own; with --meant, differences that are meant, and why, instead. --only has calls by their names or subjects
 * (regular expression: splice, files/splice, files/.*). With --alone armrun makes also those calls that
 * 32-bit x86 does not have, and nothing is compared; with --privileged it makes them as root. Several jobs use the time in which
 * calls wait. With --batch only the batch of that number is made, which was told with a difference found with the same seed.
 */
import { parseArgs } from 'node:util';
import { subjects as allSubjects } from '../../syscalls/calls/table.ts';
import { Random } from '../fuzz/random.ts';
import { callText, compare, differenceText } from './compare.ts';
import { explanation, RULES } from './differences.ts';
import { encode, forArm, forX86 } from './encode.ts';
import { Generator, type Made } from './generate.ts';
import { type Recorded, writeRecording } from './recording.ts';
import { hostNumbers, run } from './run.ts';

const BATCH = 20;
const CHUNK = 500;
/** Progress is told after so many calls. */
const TOLD = 100_000;

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    alone: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '1' },
    all: { type: 'boolean', default: false },
    meant: { type: 'boolean', default: false },
    before: { type: 'boolean', default: false },
    batch: { type: 'string' },
    privileged: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
  },
});
const x86 = forX86(hostNumbers());
const fits = (made: Made) => x86(made) !== undefined;
/** Root's calls are made by armrun alone. */
const alone = values.alone || values.privileged;
const only = values.only && new RegExp(`^(${values.only})$`);
const generator = new Generator(new Random(Number(values.seed)));
const subjects = Object.entries(allSubjects)
  .map(([subject, calls]) =>
    calls.filter((c) => {
      if (only && !only.test(c.name) && !only.test(subject)) return false;
      // It ends all.
      if (values.privileged && c.name === 'reboot') return false;
      return alone || fits({ call: c, words: c.args.map(() => [0, 0]), fills: [] });
    }),
  )
  .filter((calls) => calls.length > 0);
if (subjects.length === 0) throw new Error(`no call of the host's: ${values.only}`);
const recorded: Recorded[] = [];
const seen = new Map<string, number>();
const failures = new Map<string, string>();
let done = 0;
let compared = 0;
const started = performance.now();
/** Of the batches that were made up. */
let made = 0;
function nextBatches(): { first: number; batches: Made[][] } {
  if (values.batch !== undefined)
    for (; made < Number(values.batch); made++) generator.batch(subjects, BATCH);
  const count =
    values.batch !== undefined ? 1 : Math.min(CHUNK, Math.ceil((Number(values.calls) - done) / BATCH));
  const first = made;
  made += count;
  return { first, batches: Array.from({ length: count }, () => generator.batch(subjects, BATCH)) };
}

/** Makes calls until there are enough. */
async function work(): Promise<void> {
  while (done < Number(values.calls) && performance.now() - started < Number(values.seconds) * 1000) {
    const { first, batches } = nextBatches();
    const [ours, theirs] = await Promise.all([
      run('arm', encode(batches, forArm), values.privileged),
      alone ? undefined : run('host', encode(batches, x86)),
    ]);
    for (const line of ours.stderr.split('\n')) {
      const place = /internal error, not the program's: (.*), in (.*)$/.exec(line);
      const key = place
        ? `${place[1]!.replaceAll(/0x[0-9a-f]+|\d+/g, 'N')} ${place[2]!.replace(/\(.*/, '')}`
        : line;
      if (line !== '' && !failures.has(key)) {
        failures.set(key, line);
        console.log(`FAILURE ${line}`);
      }
    }
    if (ours.failure) {
      failures.set(ours.failure, ours.failure);
      console.log(`FAILURE ${ours.failure}`);
    }
    const count = ours.batches.reduce((sum, b) => sum + b.calls.length, 0);
    done += count;
    if (theirs) {
      if (theirs.failure) console.log(theirs.failure, theirs.stderr);
      batches.forEach((batch, i) => {
        const [a, b] = [ours.batches[i], theirs.batches[i]];
        if (a === undefined || b === undefined) return;
        if (values.record) recorded.push({ made: batch, result: b });
        const { calls: n, found } = compare(batch, a, b, values.meant);
        compared += n;
        for (const difference of found) {
          const why = explanation(difference);
          if (values.meant && why === undefined) continue;
          const what = difference.what.replace(/\d+/, 'N');
          const kind = `${difference.made.call.name} ${what} ${what === 'memory' ? '' : `${difference.ours} ${difference.theirs}`}${why ? ` # ${RULES.indexOf(why)}` : ''}`;
          const times = seen.get(kind) ?? 0;
          seen.set(kind, times + 1);
          if (times > (values.all ? 20 : 0)) continue;
          console.log(`batch ${first + i}: ${differenceText(difference)}`);
          if (!values.before) continue;
          for (const [n, made] of batch.slice(0, batch.indexOf(difference.made)).entries())
            console.log(`    ${callText(made)} = ${a.calls[n]?.value}`);
        }
      });
    }
    if (count === 0 || values.batch !== undefined) break;
    if (Math.floor(done / TOLD) > Math.floor((done - count) / TOLD)) console.log(`${done} calls`);
  }
}

await Promise.all(Array.from({ length: Number(values.jobs) }, work));
if (values.record) writeRecording(recorded);
const seconds = (performance.now() - started) / 1000;
console.log(
  `${done} calls, ${compared} compared, ${failures.size} failures, ${seen.size} kinds of difference, ${Math.round(seconds)} s`,
);
for (const [kind, times] of [...seen].sort((a, b) => b[1] - a[1]))
  console.log(`${String(times).padStart(6)} ${kind}`);
