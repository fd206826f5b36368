/**
 * Locks on a file of the host, between a run and another run or a program of the host, are what they are between two programs
 * of the host: one conversation, with each of the four pairs.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compile } from './compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));
const source = readFileSync(new URL('./locker.c', import.meta.url), 'utf8');
const directory = mkdtempSync(join(tmpdir(), 'armrun-locks-'));
afterAll(() => rmSync(directory, { recursive: true }));

type Kind = 'host' | 'arm';

/** A program that takes locks. */
class Locker {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  constructor(kind: Kind, file: string) {
    const program = compile('locker', source, kind);
    const [command, ...args] =
      kind === 'host' ? [program] : [process.execPath, bin, '--cpu', 'interp', program];
    this.#process = spawn(command!, [...args, file], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface(this.#process.stdout!)[Symbol.asyncIterator]();
  }
  tell(command: string): void {
    this.#process.stdin!.write(`${command}\n`);
  }
  async answer(): Promise<string> {
    return (await this.#lines.next()).value as string;
  }
  async end(): Promise<void> {
    this.#process.stdin!.end();
    if (this.#process.exitCode === null) await new Promise((resolve) => this.#process.once('exit', resolve));
  }
  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

/** Who is told what; `...` is not waited for, `!` waits for the answer to that. */
const CONVERSATION: readonly (readonly [0 | 1, string])[] = [
  // Record locks on parts.
  [0, 'set w 0 10'],
  [1, 'set w 20 10'],
  [1, 'set r 5 1'],
  [1, 'get w 0 100'],
  [0, 'get w 0 100'],
  [0, 'get r 20 5'],
  [0, 'set r 0 10'],
  [1, 'set r 5 10'],
  [1, 'get w 0 5'],
  [0, 'set w 0 10'],
  [0, 'set u 3 4'],
  [1, 'set w 3 4'],
  [1, 'set w 2 4'],
  [1, 'get w 0 3'],
  [0, 'get w 0 0'],
  [1, 'set u 0 0'],
  [0, 'set w 0 0'],
  [1, 'get r 1000 1'],
  [0, 'close'],
  [1, 'get r 1000 1'],
  // One waits for another.
  [0, 'set w 0 1'],
  [1, '...wait w 0 1'],
  [0, 'get w 5 1'],
  [0, 'set u 0 1'],
  [1, '!'],
  [0, 'set r 0 1'],
  [1, 'set u 0 1'],
  // Of open file descriptions.
  [0, 'ofd r 0 10'],
  [0, 'second r 5 10'],
  [1, 'set w 4 2'],
  [0, 'ofd u 0 10'],
  [1, 'set w 4 1'],
  [1, 'set w 5 1'],
  [0, 'second w 5 1'],
  [0, 'second u 0 0'],
  [1, 'set w 0 0'],
  [0, 'ofd r 0 1'],
  [1, 'set u 0 0'],
  // flock, which knows nothing of these.
  [0, 'set w 0 0'],
  [0, 'share'],
  [1, 'share'],
  [1, 'exclusive'],
  [0, 'share2'],
  [0, 'unlock'],
  [1, 'exclusive'],
  [0, 'unlock2'],
  [1, 'exclusive'],
  [0, 'share'],
  [0, '...await'],
  [1, 'get r 0 1'],
  [1, 'unlock'],
  [0, '!'],
  [1, 'share'],
  [0, 'unlock'],
  [1, 'exclusive'],
];

async function converse(kinds: readonly [Kind, Kind], file: string): Promise<string[]> {
  const lockers = kinds.map((kind) => new Locker(kind, file));
  const said: string[] = [];
  for (const [who, command] of CONVERSATION) {
    const locker = lockers[who]!;
    if (command !== '!') locker.tell(command.replace('...', ''));
    if (!command.startsWith('...')) said.push(`${who} ${command}: ${await locker.answer()}`);
  }
  // Who is killed has no locks any more.
  lockers[0]!.tell('set w 0 0');
  lockers[1]!.tell('exclusive');
  for (const locker of lockers) said.push(await locker.answer());
  lockers[0]!.kill();
  lockers[1]!.tell('wait w 0 0');
  said.push(await lockers[1]!.answer());
  await lockers[1]!.end();
  return said;
}

let native: string[];
beforeAll(async () => {
  const file = join(directory, 'native');
  writeFileSync(file, 'x'.repeat(100));
  native = await converse(['host', 'host'], file);
  expect(native).toHaveLength(CONVERSATION.length - 2 + 3);
  expect(native.filter((line) => line.includes('EAGAIN')).length).toBeGreaterThan(5);
});

test.each<[Kind, Kind]>([
  ['arm', 'host'],
  ['host', 'arm'],
  ['arm', 'arm'],
])('%s and %s', async (...kinds) => {
  const file = join(directory, kinds.join('-'));
  writeFileSync(file, 'x'.repeat(100));
  expect(await converse(kinds, file)).toEqual(native);
});
