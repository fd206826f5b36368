/**
 * Finds out which handlers of the interpreter programs need, for emu/tier0/usual.ts, and which encodings besides have to be
 * decoded, for emu/tier0/usual-encodings.ts: those of instructions that at least two of these programs have run.
 *
 *     node bench/usual.ts ROOT                  prints the handlers' names, then the encodings
 *     node bench/usual.ts ROOT -- PROGRAM ...   runs one, and prints what it needed as JSON
 *
 * ROOT is a root directory that has the programs (fixtures/root.sh full).
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isThumb32 } from '../emu/decode/decoder.ts';
import type { AddressSpace } from '../emu/memory/address-space.ts';
import { RECORDS_START } from '../emu/memory/layout.ts';
import { RecordDecoder } from '../emu/tier0/decoder.ts';
import { namesOfHandlers } from '../emu/tier0/generate.ts';
import { handlerSet } from '../emu/tier0/handler-set.ts';
import { FIRST_FORM, RECORD, RECORD_SCALE, TABLES_AT } from '../emu/tier0/record.ts';
import { RecordArea } from '../emu/tier0/record-area.ts';
import { capture } from '../src/index.ts';

const PROGRAMS = [
  'date',
  'ls -la /usr/bin',
  'uname -a',
  'env',
  'id',
  'cp /etc/passwd /dev/null',
  'sort /etc/passwd',
  'grep -r root /etc/passwd',
  'sed s/a/b/ /etc/passwd',
  'find /etc -name x',
  'tar cf /dev/null /etc',
  'gzip -c /etc/passwd',
  'xz -c /etc/passwd',
  'sha256sum /etc/passwd',
  'awk BEGIN{for(i=0;i<9;i++)print(i*1.5)}',
  'dash -c for\ti\tin\ta\tb;do\techo\t$i|sed\ts/a/b/;done',
  'bash -c for((i=0;i<3;i++));do\techo\t$((i*2));done',
  'perl -e for(1..99){$h{$_}=sprintf("%x",$_)}print(sort(keys(%h)))',
  'python3 -c import\tjson,re;print(json.dumps({"a":[1.5,2]}))',
  'dpkg -l',
  'make --version',
  'gcc --version',
  'openssl version',
];
const ENOUGH = 2;
/** Bytes of records that are looked at: those of 500 pages. */
const ROOM = 16 << 20;

/** What a program has needed: handlers, by number, and encodings that the tables do not tell, as `ISA digits`. */
interface Needed {
  readonly handlers: readonly number[];
  readonly encodings: readonly string[];
}

const [root, separator, ...program] = process.argv.slice(2);
if (root === undefined) throw new Error('node bench/usual.ts ROOT');
if (separator === '--') process.stdout.write(JSON.stringify(await neededBy(root, program)));
else printUsual(root);

/** Runs a program, and tells what is in its records and what had to be decoded. */
async function neededBy(directory: string, argv: readonly string[]): Promise<Needed> {
  const memories = new Set<WebAssembly.Memory>();
  const { of } = RecordArea;
  RecordArea.of = (space: AddressSpace) => {
    memories.add(space.memory);
    return of(space);
  };
  const encodings = encodingsDecoded();
  await capture({ program: argv[0]!, argv, env: { PATH: '/usr/bin' }, root: directory, cpu: 'interp' });
  const handlers = new Set<number>();
  for (const { buffer } of memories) {
    const halves = new Uint16Array(buffer, RECORDS_START, ROOM >>> 1);
    for (let at = 0; at < halves.length; at += RECORD_SCALE)
      for (const field of [RECORD.handler, RECORD.inner]) handlers.add(halves[at + (field >>> 1)]!);
  }
  return { handlers: [...handlers], encodings: [...encodings] };
}

/** Encodings that are decoded from now on, when the master table begins empty. */
function encodingsDecoded(): ReadonlySet<string> {
  new Uint8Array(handlerSet().decoder.memory.buffer, 0, TABLES_AT).fill(0);
  const found = new Set<string>();
  const { arm, thumb } = RecordDecoder.prototype;
  RecordDecoder.prototype.arm = function (bits, into, at) {
    found.add(`A32 ${(bits >>> 0).toString(16)}`);
    arm.call(this, bits, into, at);
  };
  RecordDecoder.prototype.thumb = function (hw1, hw2, into, at) {
    const wide = isThumb32(hw1);
    const itstate = thumb.call(this, hw1, hw2, into, at);
    // An IT's record is its block's.
    if (itstate === 0)
      found.add(wide ? `T32 ${(hw1 * 0x1_0000 + hw2).toString(16)}` : `T16 ${hw1.toString(16)}`);
    return itstate;
  };
  return found;
}

function printUsual(directory: string): void {
  const handlers = new Map<number, number>();
  const encodings = new Map<string, number>();
  const count = <T>(times: Map<T, number>, found: readonly T[]) => {
    for (const one of found) times.set(one, (times.get(one) ?? 0) + 1);
  };
  for (const line of PROGRAMS) {
    const { stdout } = spawnSync(
      process.execPath,
      [...process.execArgv, fileURLToPath(import.meta.url), directory, '--', ...line.split(' ')],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
    );
    if (stdout === '') throw new Error(`${line} has not run`);
    const needed = JSON.parse(stdout) as Needed;
    count(handlers, needed.handlers);
    count(encodings, needed.encodings);
  }
  const names = namesOfHandlers();
  const usual = [...handlers].filter(([handler, n]) => handler >= FIRST_FORM && n >= ENOUGH);
  const lines = usual.map(([handler]) => names[handler]!).filter((name) => !name.includes(' + '));
  const others = [...encodings].filter(([, n]) => n >= ENOUGH).map(([encoding]) => encoding);
  process.stdout.write(`${[...lines.sort(), ...others.sort()].join('\n')}\n`);
}
