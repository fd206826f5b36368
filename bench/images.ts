/**
 * What RUN lines take in armrun's images, beside qemu-arm with binfmt_misc in the same builder: `npm run bench:images --
 * [--rounds N]`. As root, with buildah; packages come from Debian.
 *
 * Each round builds an image twice, by armrun and by qemu-arm, in turns. A line's time is from when buildah says that it comes to
 * it until it says so of the next one: the wall time of what a user waits for. Nothing is translated before a build; what an
 * earlier line has left in the image serves later ones, as it does for users. Results go to .cache/bench/images.json, too.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Buildah, type BuildOptions, refuseBinfmt, removeStorage } from '../test/image/buildah.ts';
import { imageArchive } from '../test/image/docker.ts';
import { packInto, project, temporaryDirectory } from '../test/image/roots.ts';
import { ENVIRONMENT, makeRoot } from '../test/programs/engines.ts';
import { machine, measure, median, type Result, type Results } from './measure.ts';
import { UsageError } from './options.ts';

interface Line {
  readonly name: string;
  readonly run: string;
  readonly times?: number;
}

const LINES: readonly Line[] = [
  { name: ':', run: ':', times: 5 },
  { name: 'gcc', run: 'gcc -O2 -o /hello /hello.c && /hello' },
  {
    name: 'pip',
    run: 'pip install --no-index --break-system-packages /wheels/*.whl && python3 -c "import demo"',
  },
  { name: 'cowsay', run: 'apt-get update && apt-get install -y cowsay && /usr/games/cowsay hi' },
];

/** A wheel is an archive with three files in it. */
const WHEEL = `import zipfile
with zipfile.ZipFile('/wheels/demo-1-py3-none-any.whl', 'w') as wheel:
  wheel.writestr('demo.py', 'x = 1\\n')
  wheel.writestr('demo-1.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: demo\\nVersion: 1\\n')
  wheel.writestr('demo-1.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
  wheel.writestr('demo-1.dist-info/RECORD', '')
`;
const HELLO = '#include <stdio.h>\nint main(void) { puts("hello"); }\n';

const BASE = `FROM localhost/image
ENV DEBIAN_FRONTEND=noninteractive LC_ALL=C
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev python3-pip
COPY hello.c /hello.c
COPY wheel.py /wheels/wheel.py
RUN python3 /wheels/wheel.py
`;

const RUNS = LINES.flatMap(({ run, times = 1 }) => Array<string>(times).fill(`RUN ${run}\n`)).join('');

/** Of each instruction whose beginning buildah has told, milliseconds until it told the next one's. */
class StepTimes {
  readonly #began: { instruction: string; at: number }[] = [];
  #rest = '';

  printed(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) {
      const step = /^(?:STEP \d+\/\d+: |(?=COMMIT))(.*)/.exec(line);
      if (step !== null) this.#began.push({ instruction: step[1]!, at: performance.now() });
    }
  }
  /** All that were run by an instruction. */
  of(instruction: string): number[] {
    return this.#began.flatMap(({ instruction: one, at }, i) => {
      const next = this.#began[i + 1];
      return one === instruction && next !== undefined ? [next.at - at] : [];
    });
  }
}

async function build(
  buildah: Buildah,
  tag: string,
  dockerfile: string,
  options: Pick<BuildOptions, 'binfmt' | 'files'>,
): Promise<StepTimes> {
  const steps = new StepTimes();
  const printed = (text: string) => steps.printed(text);
  const { status, output } = await buildah.build(tag, dockerfile, { ...options, printed });
  if (status !== 0) throw new Error(output);
  return steps;
}

function roundsOf(argv: readonly string[]): number {
  let rounds: string;
  try {
    ({ rounds } = parseArgs({
      args: [...argv],
      options: { rounds: { type: 'string', default: '3' } },
    }).values);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const number = Number(rounds);
  if (!Number.isInteger(number) || number < 1)
    throw new UsageError(`--rounds ${rounds}: not a number of rounds`);
  return number;
}

/** Milliseconds of each line, by engine. */
type Runs = Record<'armrun' | 'qemu-arm', number[]>;

async function run(rounds: number): Promise<readonly Runs[]> {
  refuseBinfmt();
  const runs = LINES.map((): Runs => ({ armrun: [], 'qemu-arm': [] }));
  const directory = temporaryDirectory();
  try {
    const buildah = new Buildah(directory);
    const archive = `${directory}/image.archive`;
    imageArchive(makeRoot('image'), archive, 'localhost/image:latest');
    buildah.load(archive);
    packInto(`${buildah.context}/armrun.tar.gz`);
    const files = { 'hello.c': HELLO, 'wheel.py': WHEEL };
    await build(buildah, 'base', BASE, { binfmt: true, files });
    const engines = [
      { name: 'armrun', dockerfile: `FROM localhost/base\nADD armrun.tar.gz /\n${RUNS}`, binfmt: false },
      { name: 'qemu-arm', dockerfile: `FROM localhost/base\n${RUNS}`, binfmt: true },
    ] as const;
    for (let round = 1; round <= rounds; round++)
      for (const { name, dockerfile, binfmt } of engines) {
        process.stderr.write(`round ${round} of ${rounds}: ${name}\n`);
        const steps = await build(buildah, name, dockerfile, { binfmt });
        LINES.forEach((line, i) => {
          runs[i]![name].push(...steps.of(`RUN ${line.run}`));
        });
      }
  } finally {
    removeStorage(directory);
  }
  return runs;
}

function report(rounds: number, runs: readonly Runs[]): void {
  const line = (cells: readonly string[]) =>
    console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(10) : cell.padStart(12))).join(''));
  line(['RUN line', 'armrun', 'qemu-arm', 'of qemu-arm']);
  const results = LINES.map(({ name, run: about }, i): Result => {
    const of = runs[i]!;
    const medians = { armrun: median(of.armrun), 'qemu-arm': median(of['qemu-arm']) };
    const ratio = (medians.armrun / medians['qemu-arm']).toFixed(2);
    line([name, `${medians.armrun.toFixed(0)} ms`, `${medians['qemu-arm'].toFixed(0)} ms`, ratio]);
    return { name, about, median: medians, runs: { ...of } };
  });
  const bareNode = measure([process.execPath, '-e', '0'], ENVIRONMENT).ms;
  const all: Results = { date: new Date().toISOString(), machine: machine(), rounds, bareNode, results };
  mkdirSync(`${project}.cache/bench`, { recursive: true });
  writeFileSync(`${project}.cache/bench/images.json`, `${JSON.stringify(all, null, 1)}\n`);
  console.log('written: .cache/bench/images.json');
}

try {
  const rounds = roundsOf(process.argv.slice(2));
  report(rounds, await run(rounds));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`bench:images: ${error.message}\n`);
  process.exitCode = 2;
}
