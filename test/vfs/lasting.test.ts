/**
 * FIFOs, devices, sockets, capabilities, access control lists and times of nanoseconds that one run makes are there in the next,
 * and to programs of the host; an ordinary user's, which the host refuses in part, in what `armrun export` gives.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import { needs } from '../needs.ts';
import { compile } from './compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));
const source = readFileSync(new URL('./lasting.c', import.meta.url), 'utf8').replaceAll('"programs/', '"');
const top = mkdtempSync(join(tmpdir(), 'armrun-lasting-'));
chmodSync(top, 0o755);
afterAll(() => rmSync(top, { recursive: true, force: true }));

const USER = 1234;
const asRoot = needs('root');

function lines([program, ...args]: string[], cwd = '/'): string[] {
  const options = { encoding: 'latin1', timeout: 60_000, cwd } as const;
  const { stdout, stderr } = spawnSync(program!, args, options);
  return (stdout + stderr).trimEnd().split('\n');
}
const native = (what: string, cwd: string) => lines([compile('lasting', source, 'host'), what], cwd);

/** What a program of the host's root makes, and sees. */
function model(): { made: string[]; seen: string[] } {
  const directory = mkdtempSync(join(top, 'native-'));
  const made = native('make', directory);
  expect(made.filter((line) => !line.endsWith(' = 0'))).toEqual([]);
  const seen = native('see', directory);
  expect(seen).toContain('block: 60660 0:0 device 259,70000 time 1500000002.123456791');
  expect(seen.filter((line) => line.startsWith('  '))).toHaveLength(4);
  return { made, seen };
}

/** A root of a user's, and how that one runs the program in it. */
function makeRoot(name: string, uid: number) {
  const root = join(top, name, 'root');
  mkdirSync(join(root, 'work'), { recursive: true });
  copyFileSync(compile('lasting', source, 'arm'), join(root, 'lasting'));
  for (const path of [join(top, name), root, join(root, 'work')]) chownSync(path, uid, uid);
  const user = uid === 0 ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  const armrun = (...words: string[]) => [...user, process.execPath, bin, ...words];
  const run = (what: string) => lines(armrun('--root', root, '--cwd', '/work', '/lasting', what));
  return { work: join(root, 'work'), root, run, armrun };
}

asRoot.test(asRoot.name('what root makes'), () => {
  const { made, seen } = model();
  const { work, run } = makeRoot('of-root', 0);
  expect(run('make')).toEqual(made);
  expect(run('see')).toEqual(seen);
  expect(native('see', work)).toEqual(seen);
});

asRoot.test(asRoot.name('what an ordinary user makes'), () => {
  const { made, seen } = model();
  const { root, work, run, armrun } = makeRoot('of-user', USER);
  expect(run('make')).toEqual(made);
  expect(run('see')).toEqual(seen);
  // The host has all that it lets the user have.
  const onHost = native('see', work);
  const own = /^(fifo|socket|listed|directory|exact|link): (\d+) .* (time .*)/;
  const allowed = (all: string[]) =>
    all.flatMap((line) => own.exec(line)?.slice(1).join(' ') ?? (/acl|user/.test(line) ? [line] : []));
  expect(allowed(onHost)).toEqual(allowed(seen));
  expect(allowed(seen)).toHaveLength(9);
  expect(onHost.filter((line) => / 0:|capability/.test(line))).toEqual([]);
  // All of it comes out of there.
  const out = join(top, 'out');
  mkdirSync(out);
  const [program, ...args] = armrun('export', root);
  const archive = execFileSync(program!, args, { maxBuffer: 1 << 28, timeout: 60_000 });
  const options = [
    '--numeric-owner',
    '--xattrs',
    '--xattrs-include=*',
    '--acls',
    '--same-owner',
    '-xpf',
    '-',
  ];
  execFileSync('tar', ['-C', out, ...options], { input: archive, stdio: ['pipe', 'pipe', 'ignore'] });
  // Archives have no sockets (tar(1): "socket ignored").
  const isSocket = (line: string) => line.startsWith('socket');
  expect(native('see', join(out, 'work')).filter((line) => !isSocket(line))).toEqual(
    seen.filter((line) => !isSocket(line)),
  );
});
