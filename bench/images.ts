/**
 * What RUN lines take in armrun's images, beside qemu-arm with binfmt_misc in the same builder: `npm run bench:images --
 * [--rounds N]`. As root, with buildah; packages come from Debian.
 *
 * Each round builds an image twice, by armrun and by qemu-arm, in turns. A line's time is from when buildah says that it comes to
 * it until it says so of the next one: the wall time of what a user waits for. Nothing is translated before a build; what an
 * earlier line has left in the image serves later ones, as it does for users. Medians, to .cache/bench/images.json too.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Buildah, refuseBinfmt, removeStorage } from '../test/image/buildah.ts';
import { packInto, project, temporaryDirectory } from '../test/image/roots.ts';
import { makeRoot } from '../test/programs/engines.ts';
import { median } from './measure.ts';

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

const BASE = `FROM scratch
ADD image.tar /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C
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

async function build(buildah: Buildah, tag: string, dockerfile: string, binfmt: boolean): Promise<StepTimes> {
  const steps = new StepTimes();
  const { status, output } = await buildah.build(tag, dockerfile, {
    binfmt,
    printed: (text) => steps.printed(text),
  });
  if (status !== 0) throw new Error(output);
  return steps;
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds ${values.rounds}: not a number of rounds`);
refuseBinfmt();
const directory = temporaryDirectory();
try {
  const buildah = new Buildah(directory);
  execFileSync('tar', [
    '--numeric-owner',
    '-C',
    makeRoot('image'),
    '-cf',
    `${buildah.context}/image.tar`,
    '.',
  ]);
  packInto(`${buildah.context}/armrun.tar.gz`);
  writeFileSync(`${buildah.context}/hello.c`, HELLO);
  writeFileSync(`${buildah.context}/wheel.py`, WHEEL);
  await build(buildah, 'base', BASE, true);
  const engines = [
    { name: 'armrun', dockerfile: `FROM localhost/base\nADD armrun.tar.gz /\n${RUNS}`, binfmt: false },
    { name: 'qemu-arm', dockerfile: `FROM localhost/base\n${RUNS}`, binfmt: true },
  ];
  const seconds: Record<string, Record<string, number[]>> = {};
  for (let round = 1; round <= rounds; round++)
    for (const { name, dockerfile, binfmt } of engines) {
      process.stderr.write(`round ${round} of ${rounds}: ${name}\n`);
      const steps = await build(buildah, name, dockerfile, binfmt);
      for (const line of LINES)
        ((seconds[line.name] ??= {})[name] ??= []).push(
          ...steps.of(`RUN ${line.run}`).map((ms) => ms / 1000),
        );
    }
  console.log(
    `${'RUN line'.padEnd(12)}${'armrun'.padStart(10)}${'qemu-arm'.padStart(10)}${'ratio'.padStart(8)}`,
  );
  for (const [name, times] of Object.entries(seconds)) {
    const [ours, theirs] = [median(times.armrun!), median(times['qemu-arm']!)];
    const cells = [`${ours.toFixed(2)} s`, `${theirs.toFixed(2)} s`].map((cell) => cell.padStart(10));
    console.log(`${name.padEnd(12)}${cells.join('')}${(ours / theirs).toFixed(2).padStart(8)}`);
  }
  mkdirSync(`${project}.cache/bench`, { recursive: true });
  writeFileSync(`${project}.cache/bench/images.json`, JSON.stringify(seconds, null, 2));
} finally {
  removeStorage(directory);
}
