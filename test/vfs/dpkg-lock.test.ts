/**
 * dpkg's lock on a root, between dpkg in one run and dpkg in another, and between one in a run and that of the host: who comes
 * second is told what it is told between two of the host's.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect } from 'vitest';
import { needs } from '../needs.ts';

const own = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const bin = own('../../src/bin.cjs');
const top = mkdtempSync(join(tmpdir(), 'armrun-dpkg-'));
const root = join(top, 'root');
afterAll(() => rmSync(top, { recursive: true, force: true }));

/** A package for every architecture, in the root: with a script that is run when it is configured. */
function makePackage(name: string, script: string): void {
  const directory = join(top, name);
  mkdirSync(join(directory, 'DEBIAN'), { recursive: true });
  const fields = {
    Package: name,
    Version: '1',
    Architecture: 'all',
    Maintainer: 'nobody',
    Description: 'test',
  };
  const control = Object.entries(fields).map(([key, value]) => `${key}: ${value}\n`);
  writeFileSync(join(directory, 'DEBIAN/control'), control.join(''));
  writeFileSync(join(directory, 'DEBIAN/postinst'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(directory, 'DEBIAN/postinst'), 0o755);
  execFileSync('dpkg-deb', ['--build', '-Zgzip', directory, join(root, `${name}.deb`)], { stdio: 'ignore' });
}

type Who = 'host' | 'armrun';
/** dpkg on the root: that of the host, whose scripts are told of the root, or the root's own. */
function install(who: Who, name: string): [string, string[]] {
  if (who === 'armrun') {
    return [process.execPath, [bin, '--root', root, '/usr/bin/dpkg', '--install', `/${name}.deb`]];
  }
  const options = [`--root=${root}`, '--force-script-chrootless', '--install'];
  return ['dpkg', [...options, join(root, `${name}.deb`)]];
}
const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };

/** What one is told while another has the lock, and when it has not any more. */
async function compete(first: Who, second: Who) {
  for (const name of ['ready', 'go']) rmSync(join(root, name), { force: true });
  const [program, args] = install(first, 'waits');
  const holder = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
  let failure = '';
  holder.stderr.setEncoding('utf8').on('data', (text: string) => {
    failure += text;
  });
  const ended = new Promise((done) => holder.on('exit', done));
  while (!existsSync(join(root, 'ready')) && holder.exitCode === null)
    await new Promise((done) => setTimeout(done, 50));
  const attempt = () => {
    const [other, words] = install(second, 'other');
    const { status, stderr } = spawnSync(other, words, { encoding: 'utf8', env, timeout: 60_000 });
    // Whose process it is, is known between two of the host's only (docs/FILES.md).
    return { status, stderr: stderr.replace(/pid -?\d+/, 'pid N').replaceAll(root, '') };
  };
  const during = attempt();
  writeFileSync(join(root, 'go'), '');
  expect([await ended, failure]).toEqual([0, '']);
  const after = attempt();
  const status = readFileSync(join(root, 'var/lib/dpkg/status'), 'utf8');
  return { during, after, installed: /^Package: other\nStatus: (.*)$/m.exec(status)?.[1] };
}

const asRoot = needs('root');
asRoot.describe(asRoot.name("dpkg's lock"), () => {
  beforeAll(() => {
    const base = execFileSync(own('../../fixtures/root.sh'), ['debian'], { encoding: 'utf8' }).trim();
    execFileSync('cp', ['-a', base, root]);
    makePackage('waits', ': >"$DPKG_ROOT/ready"; until [ -e "$DPKG_ROOT/go" ]; do sleep 0.1; done');
    makePackage('other', ':');
  }, 300_000);

  asRoot.test.each<[Who, Who]>([
    ['armrun', 'armrun'],
    ['armrun', 'host'],
    ['host', 'armrun'],
  ])('of %s, asked for by %s', async (first, second) => {
    const native = await compete('host', 'host');
    expect(native.during.status).toBe(2);
    expect(native.during.stderr).toMatch(/lock.* was locked by another process with pid N/);
    expect(native).toMatchObject({ after: { status: 0 }, installed: 'install ok installed' });
    expect(await compete(first, second)).toEqual(native);
  });
});
