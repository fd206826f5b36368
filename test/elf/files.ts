/** Real ARM files for the ELF tests: the fixtures, built when they are missing. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

let directory: string | undefined;

/** Path of a built fixture, as 'hello.pie'. */
export function fixture(name: string): string {
  directory ??= execFileSync('bash', [join(root, 'fixtures/build.sh')], { encoding: 'utf8' }).trim();
  return join(directory, name);
}

export function bytesOf(name: string): Buffer {
  return readFileSync(fixture(name));
}
