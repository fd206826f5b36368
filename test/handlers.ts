/**
 * Before all tests: the interpreter's handlers are made when what they are made from may have changed, which takes a minute on a
 * busy machine, and the first test that needs them would be out of time. By a process with the flags of the tests' (handlers
 * depend on them), and only when a source of the machine is newer than the last time.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import flags from '../src/v8-flags.json' with { type: 'json' };

const project = fileURLToPath(new URL('..', import.meta.url));
const stamp = `${project}.cache/handlers-made`;
const timeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

export function setup(): void {
  const made = timeOf(stamp);
  const sources = readdirSync(`${project}emu`, { recursive: true, encoding: 'utf8' });
  if (made > 0 && sources.every((name) => timeOf(`${project}emu/${name}`) < made)) return;
  const began = new Date();
  const script = `(await import('${project}src/handlers-file.ts')).loadHandlers()`;
  execFileSync(process.execPath, [...flags, '--input-type=module', '-e', script], { stdio: 'inherit' });
  mkdirSync(`${project}.cache`, { recursive: true });
  writeFileSync(stamp, '');
  // What was written meanwhile is newer.
  utimesSync(stamp, began, began);
}
