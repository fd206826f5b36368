/** Files for the programs to work on, made in /srv/data of a root: the same bytes on every machine. */
import { existsSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

/** Makes ROOT/srv/data unless it is there. */
export function makeData(root: string): void {
  const directory = `${root}/srv/data`;
  if (existsSync(directory)) return;
  const next = xorshift(2463534242);
  const pick = <T>(from: readonly T[]) => from[next() % from.length]!;
  const vocabulary =
    'the quick brown fox jumps over a lazy dog while seven wizards quietly boxed with jugs of liquor'.split(
      ' ',
    );
  const sentence = () => Array.from({ length: 4 + (next() % 12) }, () => pick(vocabulary)).join(' ');
  const lines = (count: number, line: (i: number) => string) =>
    `${Array.from({ length: count }, (_, i) => line(i)).join('\n')}\n`;

  const random = new Uint32Array((10 << 20) / 4);
  for (let i = 0; i < random.length; i++) random[i] = next();
  const listed = lines(200, () => pick(vocabulary));
  const text = lines(3000, sentence);
  const files: Record<string, string | Uint8Array> = {
    text,
    'text.gz': gzipSync(text),
    random: new Uint8Array(random.buffer),
    numbers: lines(5000, () => String((next() % 2_000_001) - 1_000_000)),
    words: listed,
    sorted: lines(200, (i) => listed.split('\n').slice(0, 200).sort()[i]!),
    csv: lines(
      60,
      (i) => `k${String(i).padStart(2, '0')},${next() % 1000},${pick(vocabulary)},${(next() % 10000) / 100}`,
    ),
    csv2: lines(40, (i) => `k${String(i * 2).padStart(2, '0')},${pick(vocabulary)}\t${next() % 10}`),
    pairs: lines(80, (i) => `n${i} n${i + 1 + (next() % 9)}`),
    json: JSON.stringify(
      Array.from({ length: 300 }, (_, id) => ({
        id,
        name: pick(vocabulary),
        n: next() % 100,
        x: next() / 7,
      })),
    ),
  };
  const making = `${directory}.${process.pid}`;
  mkdirSync(making, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(`${making}/${name}`, content);
    utimesSync(`${making}/${name}`, 1_600_000_000, 1_600_000_000);
  }
  try {
    renameSync(making, directory);
  } catch {
    // Another test made it meanwhile.
    rmSync(making, { recursive: true });
  }
}

/** Marsaglia's 32-bit xorshift. */
function xorshift(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>>= 0);
  };
}
