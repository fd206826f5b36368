/** Translations kept from run to run: what they save, and when they are not believed. */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PageSource } from '../emu/memory/address-space.ts';
import { openArchive } from '../src/translation-archive.ts';
import { counting, damageCaches, translations } from './cache-damage.ts';
import { BytesSource } from './memory/sources.ts';
import { needs } from './needs.ts';
import { makeFixtures, makeRoot } from './programs/engines.ts';

const { built } = createRequire(import.meta.url)('../src/snapshot/sources.cjs') as {
  built(): string | undefined;
};
const project = fileURLToPath(new URL('..', import.meta.url));

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(`${tmpdir()}/armrun-`);
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

const LONG_AGO = 1e12;
const source = (text: string, changed = LONG_AGO, key = text): PageSource =>
  Object.assign(new BytesSource(Buffer.from(text), key), { changed });
const open = () => openArchive(directory, '', { build: 'build' })!;
const files = () => fs.readdirSync(`${directory}/build`).map((name) => `${directory}/build/${name}`);

describe('names', () => {
  test('are of the content and the address', () => {
    const archive = open();
    const name = archive.nameOf(source('one'), 0x1000);
    expect(name).toMatch(/^[0-9a-f]{40}-1000$/);
    expect(archive.nameOf(source('one', LONG_AGO, 'another file'), 0x1000)).toBe(name);
    expect(archive.nameOf(source('two'), 0x1000)).not.toBe(name);
    expect(archive.nameOf(source('one'), 0x2000)).not.toBe(name);
  });

  test('are remembered, without the file being read again', () => {
    const name = open().nameOf(source('one'), 0);
    const again = source('', LONG_AGO, 'one') as BytesSource;
    expect(open().nameOf(again, 0)).toBe(name);
    expect(again.reads).toBe(0);
  });

  test('are not given to a file that has just been changed, or changes meanwhile', () => {
    expect(open().nameOf(source('one', Date.now()), 0)).toBeNull();
    expect(open().nameOf(Object.assign(source('one'), { unchanged: () => false }), 0)).toBeNull();
    expect(fs.readdirSync(directory)).toEqual([]);
  });
});

/** Keeps pieces under a name. Resolves to whether they are in place. */
async function keep(
  pieces: readonly Uint8Array[],
  index = Int32Array.of(1, 2, 3),
  name = 'name',
): Promise<boolean> {
  const file = open().create(name);
  if (file === null) return false;
  pieces.forEach((bytes, i) => {
    file.add(bytes, i === pieces.length - 1);
  });
  return file.publish(index);
}

/** What is kept under a name; null when nothing is. */
function kept(name = 'name', archive = open()) {
  const file = archive.open(name);
  if (file === null) return null;
  const pieces = [0, 1, 2].map((piece) => file.read(piece));
  file.close();
  return { index: file.index, pieces };
}

describe('files', () => {
  const one = Uint8Array.from({ length: 5000 }, (_, i) => i);
  const two = Uint8Array.from({ length: 300 }, (_, i) => i * 7);
  const whole = { index: Int32Array.of(1, 2, 3), pieces: [one, two, null] };

  test('come back as they were kept, for this user alone', async () => {
    expect(await keep([one, two])).toBe(true);
    expect(kept()).toEqual(whole);
    expect(fs.statSync(files()[0]!).mode & 0o777).toBe(0o600);
    expect(fs.statSync(`${directory}/build`).mode & 0o777).toBe(0o700);
    expect(kept('other')).toBeNull();
    expect(kept('name', openArchive(directory, '', { build: 'another build' })!)).toBeNull();
  });

  test('are carried over to the next one, piece by piece, without damaged ones', async () => {
    await keep([one, two]);
    const [path] = files() as [string];
    const bytes = fs.readFileSync(path);
    bytes[256 + 4000]! ^= 1;
    fs.writeFileSync(path, bytes);
    const old = open().open('name')!;
    const next = open().create('name')!;
    expect([1, 0].map((piece) => next.copy(old, piece))).toEqual([0, 1]);
    old.close();
    expect(next.add(one, true)).toBe(2);
    expect(await next.publish(Int32Array.of(4))).toBe(true);
    expect(kept()).toEqual({ index: Int32Array.of(4), pieces: [two, null, one] });
  });

  test('with any byte changed, cut anywhere or with zeros in them give no piece that is not whole', async () => {
    await keep([one, two]);
    const [path] = files() as [string];
    const good = fs.readFileSync(path);
    const right = (name: string) => {
      const file = kept();
      if (file === null) return;
      expect(file.index, name).toEqual(whole.index);
      file.pieces.forEach((bytes, i) => {
        if (bytes !== null) expect(bytes, name).toEqual(whole.pieces[i]);
      });
    };
    let given = 0;
    for (let at = 0; at < good.length; at += at < 300 || at > 5200 ? 1 : 97) {
      const bad = Buffer.from(good);
      bad[at]! ^= 1 << (at % 8);
      fs.writeFileSync(path, bad);
      right(`byte ${at}`);
      given += kept()?.pieces.filter((bytes) => bytes !== null).length ?? 0;
      fs.writeFileSync(path, good.subarray(0, at));
      right(`cut at ${at}`);
      fs.writeFileSync(path, Buffer.from(good).fill(0, at, Math.min(at + 100, good.length)));
      right(`zeros at ${at}`);
    }
    // What is not damaged is used.
    expect(given).toBeGreaterThan(100);
  });

  test("in each other's place are not taken for one another", async () => {
    await keep([one], undefined, 'a');
    await keep([two], undefined, 'b');
    fs.renameSync(`${directory}/build/a`, `${directory}/build/b`);
    expect(kept('b')).toBeNull();
    fs.cpSync(`${directory}/build`, `${directory}/later`, { recursive: true });
    expect(kept('a', openArchive(directory, '', { build: 'later' })!)).toBeNull();
  });

  const root = needs('root');
  root.test(root.name('of somebody else are not believed'), async () => {
    await keep([one, two]);
    const [path] = files() as [string];
    for (const [name, mode] of [
      [directory, 0o755],
      [`${directory}/build`, 0o755],
      [path, 0o644],
    ] as const)
      fs.chmodSync(name, mode);
    expect(kept()).not.toBeNull();
    fs.chownSync(path, 65534, 65534);
    process.seteuid!(1);
    try {
      expect(fs.readFileSync(path).length).toBeGreaterThan(one.length);
      expect(kept()).toBeNull();
    } finally {
      process.seteuid!(0);
    }
  });

  test('that others may write to, or make in that directory, are not believed', async () => {
    await keep([one, two]);
    const [path] = files() as [string];
    fs.chmodSync(path, 0o620);
    expect(kept()).toBeNull();
    fs.chmodSync(path, 0o600);
    expect(kept()).not.toBeNull();
    fs.chmodSync(`${directory}/build`, 0o777);
    expect(kept()).toBeNull();
    expect(await keep([one])).toBe(false);
  });

  test('of other kinds are not waited for', async () => {
    await keep([one, two]);
    const [path] = files() as [string];
    fs.renameSync(path, `${path}.old`);
    fs.symlinkSync(`${path}.old`, path);
    expect(kept()).toBeNull();
    fs.unlinkSync(path);
    execFileSync('mkfifo', ['-m', '600', path]);
    expect(kept()).toBeNull();
    fs.unlinkSync(path);
    fs.mkdirSync(path);
    expect(kept()).toBeNull();
  });

  test('that cannot be written are left', async () => {
    fs.writeFileSync(`${directory}/file`, '');
    for (const nowhere of [`${directory}/file`, '/proc/x', '/proc/x/.cache/armrun', `${directory}/a/b/c/d`]) {
      const archive = openArchive(nowhere, '', { build: 'build' })!;
      expect(archive.create('name')).toBeNull();
      expect(archive.open('name')).toBeNull();
      expect(archive.nameOf(source('one'), 0)).toMatch(/^[0-9a-f]{40}-0$/);
    }
  });

  test.runIf(fs.existsSync('/dev/full'))('on a disk that is full are given up', async () => {
    await keep([one]);
    const archive = open();
    const file = archive.create('name')!;
    // Every write of this process from here on is to a full device.
    const fd = fs.openSync('/dev/full', 'r+');
    const { write, writeSync } = fs;
    const full = ((_fd: number, ...rest: unknown[]) =>
      (write as (...all: unknown[]) => void)(fd, ...rest.slice(0, 3), null, rest[4])) as typeof fs.write;
    fs.write = full;
    fs.writeSync = ((_fd: number, bytes: Uint8Array) => writeSync(fd, bytes)) as typeof fs.writeSync;
    try {
      file.add(two, false);
      expect(await file.publish(Int32Array.of(1))).toBe(false);
    } finally {
      Object.assign(fs, { write, writeSync });
      fs.closeSync(fd);
    }
    expect(kept()?.pieces[0]).toEqual(one);
    expect(files()).toEqual([`${directory}/build/name`]);
  });

  test('that are not complete when the run ends are no more', async () => {
    await keep([one]);
    const archive = open();
    archive.create('name')!.add(two, false);
    archive.create('another');
    expect(files()).toHaveLength(3);
    archive.close();
    expect(files()).toEqual([`${directory}/build/name`]);
    expect(archive.create('name')).toBeNull();
  });

  test('that are given up while they are being put in place come to no harm', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', note);
    const archive = open();
    const file = archive.create('name')!;
    file.add(one, false);
    const published = file.publish(Int32Array.of(1));
    archive.close();
    expect(await published).toBe(false);
    file.abandon();
    file.close();
    await setTimeout(20);
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
    expect(files()).toEqual([]);
  });
});

test('of a list of hashes that is damaged nothing wrong is believed', () => {
  const texts = ['one', 'two', 'three', 'four'];
  const names = new Map(texts.map((text) => [text, open().nameOf(source(text), 0)]));
  const list = `${directory}/hashes`;
  const good = fs.readFileSync(list);
  for (let at = 0; at < good.length; at++) {
    const bad = Buffer.from(good);
    bad[at]! ^= 1 << (at % 7);
    for (const bytes of [bad, good.subarray(0, at)]) {
      fs.writeFileSync(list, bytes);
      for (const text of texts) expect(open().nameOf(source(text), 0)).toBe(names.get(text));
      // It is good again.
      const again = Object.assign(source('', LONG_AGO, 'two') as BytesSource);
      expect(open().nameOf(again, 0)).toBe(names.get('two'));
      expect(again.reads).toBe(0);
    }
  }
});

describe('the command', () => {
  const fixtures = makeFixtures();
  const armrun = `${project}src/armrun`;
  const program = `${fixtures}/sha256.static`;
  // What runs from sources keeps nothing.
  beforeAll(() => {
    if (built() === undefined) execFileSync(process.execPath, [`${project}src/snapshot/build.cjs`]);
  });
  const run = (...options: string[]) => {
    const env = { PATH: process.env.PATH, ARMRUN_CACHE: directory };
    const { status, stdout, stderr } = spawnSync(armrun, [...options, program, '300'], {
      encoding: 'utf8',
      env,
    });
    expect(status).toBe(0);
    const translated = Number(/translation .* (\d+) regions/.exec(stderr)?.[1]);
    return { stdout, translated };
  };

  test('translates in the first run what later ones use', async () => {
    // A program that was built this moment is not believed yet.
    await setTimeout(Math.max(0, fs.statSync(program).ctimeMs + 2500 - Date.now()));
    const first = run('--stats');
    expect(first.translated).toBeGreaterThan(2);
    const second = run('--stats');
    expect(second.stdout).toBe(first.stdout);
    expect(second.translated).toBeLessThan(first.translated / 2);
  });

  const ifX64 = test.runIf(process.arch === 'x64');
  ifX64("has V8's code of what is kept made beside, and goes on when that is damaged", () => {
    const root = makeRoot('date');
    const env = { PATH: process.env.PATH };
    /** Counts; gives how many modules were used, and how many of them came with code. */
    const count = () => {
      const command = ['--stats', '--cache', directory, '--root', root, ...counting(400_000)];
      const { stdout, stderr } = spawnSync(armrun, command, { encoding: 'utf8', env });
      expect(stdout).toBe('400000\n');
      const [, modules, compiled] = /kept +(\d+) modules, (\d+) with V8's code/.exec(stderr)!.map(Number);
      return { modules: modules!, compiled: compiled! };
    };
    const codes = () =>
      fs
        .readdirSync(directory, { recursive: true, encoding: 'utf8' })
        .filter((name) => /\/[0-9a-f]{40}-[0-9a-f]+-[0-9a-f]+$/.test(name))
        .map((name) => `${directory}/${name}`);
    expect(count()).toEqual({ modules: 0, compiled: 0 });
    let made = 0;
    for (let runs = 0; made === 0 && runs < 30; runs++) made = count().compiled;
    expect(made).toBeGreaterThan(0);
    for (const [damage, file] of codes().entries()) {
      const bytes = fs.readFileSync(file);
      bytes[Math.floor((bytes.length * (damage % 8)) / 8)]! ^= 1 << (damage % 7);
      fs.writeFileSync(file, bytes);
    }
    expect(count().modules).toBeGreaterThan(0);
    expect(codes().length).toBeGreaterThan(0);
  });

  test('with --cache none keeps nothing', () => {
    expect(run('--stats', '--cache', 'none').translated).toBeGreaterThan(2);
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  test('goes on when what is kept is damaged, and puts it right', { timeout: 120_000 }, () => {
    expect(damageCaches(12, Number(process.env.DAMAGE_SEED ?? 7)).failures).toEqual([]);
  });

  test('that is killed leaves what it has put in place, and nothing half', { timeout: 120_000 }, async () => {
    const command = (to: number) => ['--cache', directory, '--root', makeRoot('date'), ...counting(to)];
    const env = { PATH: process.env.PATH };
    const child = spawn(armrun, command(10_000_000), { env, stdio: 'ignore' });
    const ended = once(child, 'exit');
    // Of translations: what they are named after is a hash.
    const keptFiles = () =>
      fs
        .readdirSync(directory, { recursive: true, encoding: 'utf8' })
        .filter((name) => /\/[0-9a-f]{40}-/.test(name));
    // It learns enough to put something in place long before its end.
    while (!keptFiles().some((name) => !name.endsWith('.new')) && child.exitCode === null)
      await setTimeout(5);
    child.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);

    const found = translations(directory);
    expect([...found.keys()]).toEqual(
      keptFiles()
        .filter((name) => !name.endsWith('.new'))
        .map((name) => name.replace(/.*\//, '')),
    );
    // Pieces are of 32, or fewer when these are large.
    for (const number of found.values()) expect(number).toBeGreaterThanOrEqual(32);

    // What it had begun is removed when nobody can be at it any more.
    const begun = `${directory}/${keptFiles()[0]!.replace(/\/.*/, '/left.1.0.new')}`;
    fs.writeFileSync(begun, '');
    fs.utimesSync(begun, LONG_AGO / 1000, LONG_AGO / 1000);
    fs.rmSync(`${directory}/pruned`);
    const { status, stdout, stderr } = spawnSync(armrun, command(1000), { encoding: 'utf8', env });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '1000\n', stderr: '' });
    // Another program has something to be written for certain.
    run();
    expect(fs.existsSync(begun)).toBe(false);
  });
});

const root = needs('root');
root.describe(root.name('a directory of several users'), () => {
  /** What a user does with the archive, in a process of their own: keeps bytes under the name of some content, or reads them. */
  const as = (uid: number, content: string, keep: boolean) => {
    const script = `
      process.setgroups([]); process.setgid(${uid}); process.setuid(${uid}); process.umask(0o22);
      const { openArchive } = await import('${project}src/translation-archive.ts');
      const archive = openArchive('${directory}', '', { shared: true, build: 'build' });
      const bytes = Buffer.from('${content}');
      const source = { key: '${content}', changed: 1e12, size: () => bytes.length, unchanged: () => true,
        read: (at, into) => (at > 0 ? 0 : (into.set(bytes), bytes.length)) };
      const name = archive.nameOf(source, 0);
      if (${keep}) { const file = archive.create(name); file?.add(bytes, true); await file?.publish(Int32Array.of(1)); }
      console.log(archive.open(name) === null ? 'none' : 'kept');
      archive.close();`;
    return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).trim();
  };

  test("root's translations are everybody's, and others' their own", () => {
    fs.chmodSync(directory, 0o755);
    expect(as(0, 'of root', true)).toBe('kept');
    expect(as(65534, 'of root', false)).toBe('kept');
    expect(as(65534, 'of nobody', true)).toBe('kept');
    expect(as(65534, 'of nobody', false)).toBe('kept');
    expect(as(1234, 'of nobody', false)).toBe('none');
    expect(as(0, 'of nobody', false)).toBe('none');
  });

  test('what another user puts where mine would be is not believed', () => {
    fs.chmodSync(directory, 0o755);
    as(0, 'of root', true);
    as(1234, 'x', true);
    fs.renameSync(`${directory}/users/1234`, `${directory}/users/65534`);
    expect(as(65534, 'x', false)).toBe('none');
  });
});
