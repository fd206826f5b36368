/**
 * Finds out which handlers of the interpreter programs need, for emu/tier0/usual.ts: those of instructions that at least two of
 * these programs have run.
 *
 *     node bench/usual.ts ROOT                  prints their names
 *     node bench/usual.ts ROOT -- PROGRAM ...   runs one, and prints the numbers of the handlers in its records
 *
 * ROOT is a root directory that has the programs (fixtures/root.sh full).
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { AddressSpace } from '../emu/memory/address-space.ts';
import { RECORDS_START } from '../emu/memory/layout.ts';
import { namesOfHandlers } from '../emu/tier0/generate.ts';
import { FIRST_FORM, RECORD, RECORD_SCALE } from '../emu/tier0/record.ts';
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

const [root, separator, ...program] = process.argv.slice(2);
if (root === undefined) throw new Error('node bench/usual.ts ROOT');
if (separator === '--') process.stdout.write(JSON.stringify([...(await handlersOf(root, program))]));
else printUsual(root);

/** The handlers in the records of a program that has been run. */
async function handlersOf(directory: string, argv: readonly string[]): Promise<Set<number>> {
  const memories = new Set<WebAssembly.Memory>();
  const { of } = RecordArea;
  RecordArea.of = (space: AddressSpace) => {
    memories.add(space.memory);
    return of(space);
  };
  await capture({ program: argv[0]!, argv, env: { PATH: '/usr/bin' }, root: directory, cpu: 'interp' });
  const found = new Set<number>();
  for (const { buffer } of memories) {
    const halves = new Uint16Array(buffer, RECORDS_START, ROOM >>> 1);
    for (let at = 0; at < halves.length; at += RECORD_SCALE)
      for (const field of [RECORD.handler, RECORD.inner]) found.add(halves[at + (field >>> 1)]!);
  }
  return found;
}

function printUsual(directory: string): void {
  const times = new Map<number, number>();
  for (const line of PROGRAMS) {
    const { stdout } = spawnSync(
      process.execPath,
      [...process.execArgv, fileURLToPath(import.meta.url), directory, '--', ...line.split(' ')],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
    );
    if (stdout === '') throw new Error(`${line} has not run`);
    for (const handler of JSON.parse(stdout) as number[]) times.set(handler, (times.get(handler) ?? 0) + 1);
  }
  const names = namesOfHandlers();
  const usual = [...times].filter(([handler, n]) => handler >= FIRST_FORM && n >= ENOUGH);
  const lines = usual.map(([handler]) => names[handler]!).filter((name) => !name.includes(' + '));
  process.stdout.write(`${lines.sort().join('\n')}\n`);
}
