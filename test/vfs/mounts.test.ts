/** Namespaces of a run: mounts, names and sockets of one, as the host's kernel has them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { needs } from '../needs.ts';
import { compile } from './compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));
const source = (name: string) => readFileSync(new URL(`./${name}.c`, import.meta.url), 'utf8');

/** What a command says, run in an empty directory. */
function run(command: string, args: string[]): string[] {
  const cwd = mkdtempSync(`${tmpdir()}/armrun-mounts-`);
  const { stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'latin1', timeout: 60_000 });
  rmSync(cwd, { recursive: true, force: true });
  return (stdout + stderr).split('\n');
}

const root = needs('root');
root.test.for([
  ['mounts', 'mount namespaces, pivot_root, umount and setns'],
  ['mount-fd', 'attributes of mounts, and mounting by descriptors'],
] as const)(root.name('%s: %s'), ([name]) => {
  const native = run('unshare', ['--mount', '--uts', '--ipc', compile(name, source(name), 'host')]);
  expect(native.length).toBeGreaterThan(150);
  expect(run(process.execPath, [bin, '--cpu', 'interp', compile(name, source(name), 'arm')])).toEqual(native);
});
