/**
 * SIGKILL of armrun at random moments of a script that makes, renames, copies, appends to and maps files: as after SIGKILL of the
 * same processes on Linux, what a call had written is there, what was renamed is whole, and of no file is there a piece.
 *
 *     node test/kernel/killed.ts [MOMENTS]
 */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeRoot } from '../programs/engines.ts';
import { compile } from '../vfs/compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));
const LENGTH = 3000;
const PAGES = 4;

/** Stores a number in each page of a mapped file. */
const MAPPED = `
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int fd = open(argv[1], O_RDWR | O_CREAT, 0644);
  if (ftruncate(fd, ${PAGES} * 4096)) return 1;
  char *at = mmap(NULL, ${PAGES} * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return 1;
  for (int i = 0; i < ${PAGES}; i++) *(int *)(at + 4096 * i) = atoi(argv[2]);
  return 0;
}
`;

/** Each round says its number when all of it is done. */
const SCRIPT = `
cd /srv
n=0
while :; do
  n=$((n + 1))
  printf '%0${LENGTH - 1}d\\n' $n > new
  mv new whole
  echo $n >> log
  cp whole copy && mv copy copied
  ./mapped map $n
  echo $n
done
`;

/** Runs the script, kills the run at most `within` ms after its first round, at random, and gives what is not as on Linux. */
export async function killOnce(within: number): Promise<string[]> {
  const work = mkdtempSync(join(tmpdir(), 'armrun-killed-'));
  try {
    copyFileSync(compile('mapped', MAPPED, 'arm'), join(work, 'mapped'));
    const args = ['--root', makeRoot('date'), '-b', `${work}:/srv`, '/bin/sh', '-c', SCRIPT];
    const child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.on('close', resolve));
    let said = '';
    child.stdout.on('data', (bytes: Buffer) => {
      if (said === '') setTimeout(() => child.kill('SIGKILL'), Math.random() * within);
      said += bytes;
    });
    await ended;
    const rounds = said.split('\n').slice(0, -1);
    if (rounds.length === 0) return ['the script has not begun'];
    return wrongIn(work, rounds.length);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** What is not as it must be after `done` rounds and a piece of the next. */
function wrongIn(work: string, done: number): string[] {
  const wrong: string[] = [];
  const bytes = (name: string) => readFileSync(join(work, name));
  const isIn = (number: number) => number === done || number === done + 1;
  for (const name of ['whole', 'copied']) {
    const text = bytes(name).toString();
    if (text.length !== LENGTH || !/^\d+\n$/.test(text) || !isIn(Number(text)))
      wrong.push(`${name}: ${text.length} bytes, ${text.slice(-20)} after round ${done}`);
  }
  // One write of the shell's, which is all or nothing.
  if (existsSync(join(work, 'new')) && ![0, LENGTH].includes(bytes('new').length)) wrong.push('new');
  const log = bytes('log').toString();
  const logged = (to: number) => Array.from({ length: to }, (_, i) => `${i + 1}\n`).join('');
  if (log !== logged(done) && log !== logged(done + 1))
    wrong.push(`log: ${log.slice(-20)} after round ${done}`);
  const map = bytes('map');
  for (let i = 0; i < PAGES; i++) {
    const number = map.readInt32LE(4096 * i);
    if (!isIn(number)) wrong.push(`map: ${number} in page ${i} after round ${done}`);
  }
  const known = ['copied', 'copy', 'log', 'map', 'mapped', 'new', 'whole'];
  wrong.push(...readdirSync(work).filter((name) => !known.includes(name)));
  return wrong;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const moments = Number(process.argv[2] ?? 100);
  let failed = 0;
  for (let i = 0; i < moments; i++) {
    const wrong = await killOnce(500);
    if (wrong.length > 0) failed++;
    for (const what of wrong) console.log(`${i}: ${what}`);
  }
  console.log(`${moments} times killed, ${failed} times something was wrong`);
  process.exitCode = failed > 0 ? 1 : 0;
}
