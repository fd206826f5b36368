/** Namespaces of a run, as the host's kernel has them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { needs } from '../needs.ts';
import { compile } from './compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));
const sourceOf = (name: string) => readFileSync(new URL(`./${name}.c`, import.meta.url), 'utf8');

/** What a command says, run in an empty directory. */
function run(command: string, args: string[]): string[] {
  const cwd = mkdtempSync(`${tmpdir()}/armrun-mounts-`);
  const { stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'latin1', timeout: 60_000 });
  rmSync(cwd, { recursive: true, force: true });
  return (stdout + stderr).split('\n');
}

const root = needs('root');
root.test.each([
  [root.name('mount namespaces, pivot_root, umount and setns'), 'mounts', 150],
  [root.name('attributes of mounts, and mounting by descriptors'), 'mount-fd', 150],
  [root.name('shared mounts, slaves and locked ones'), 'propagation', 250],
  [root.name('user namespaces, maps of ids and capabilities in them'), 'user-namespaces', 250],
  [root.name('PID and time namespaces'), 'pid-namespaces', 200],
  [root.name('how many namespaces a user may have'), 'namespace-limits', 90],
])('%s', (_, name, lines) => {
  const source = sourceOf(name);
  const native = run('unshare', ['--mount', '--uts', '--ipc', compile(name, source, 'host')]);
  expect(native.length).toBeGreaterThan(lines);
  expect(run(process.execPath, [bin, '--cpu', 'interp', compile(name, source, 'arm')])).toEqual(native);
});
