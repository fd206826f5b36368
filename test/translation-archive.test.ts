/** Translations kept from run to run: what they save, and when they are not believed. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { PageSource } from '../emu/memory/address-space.ts';
import { openArchive } from '../src/translation-archive.ts';
import { BytesSource } from './memory/sources.ts';
import { makeFixtures } from './programs/engines.ts';

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
const open = () => openArchive(directory, '', 'build')!;
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

describe('files', () => {
  const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i);

  test('come back as they were kept, for this user alone', () => {
    open().save('name', bytes);
    expect(open().load('name')).toEqual(bytes);
    expect(fs.statSync(files()[0]!).mode & 0o777).toBe(0o600);
    expect(fs.statSync(`${directory}/build`).mode & 0o777).toBe(0o700);
    expect(open().load('other')).toBeNull();
    expect(openArchive(directory, '', 'another build')!.load('name')).toBeNull();
  });

  test('half written are not there', () => {
    open().save('name', bytes);
    const [file] = files() as [string];
    const good = fs.readFileSync(file);
    for (const bad of [good.subarray(0, 1000), Buffer.alloc(good.length), Buffer.alloc(3)]) {
      fs.writeFileSync(file, bad);
      expect(open().load('name')).toBeNull();
    }
    const hole = Buffer.from(good);
    hole.fill(0, 512, 1024);
    fs.writeFileSync(file, hole);
    expect(open().load('name')).toBeNull();
  });

  test.runIf(process.geteuid?.() === 0)('of somebody else are not believed', () => {
    open().save('name', bytes);
    const [file] = files() as [string];
    for (const [name, mode] of [
      [directory, 0o755],
      [`${directory}/build`, 0o755],
      [file, 0o644],
    ] as const)
      fs.chmodSync(name, mode);
    fs.chownSync(file, 65534, 65534);
    process.seteuid!(1);
    try {
      expect(fs.readFileSync(file).length).toBeGreaterThan(bytes.length);
      expect(open().load('name')).toBeNull();
    } finally {
      process.seteuid!(0);
    }
  });

  test('that cannot be written are left', () => {
    fs.writeFileSync(`${directory}/file`, '');
    const archive = openArchive(`${directory}/file`, '', 'build')!;
    archive.save('name', bytes);
    expect(archive.load('name')).toBeNull();
    expect(archive.nameOf(source('one'), 0)).toMatch(/^[0-9a-f]{40}-0$/);
  });
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

  test('with --cache none keeps nothing', () => {
    expect(run('--stats', '--cache', 'none').translated).toBeGreaterThan(2);
    expect(fs.readdirSync(directory)).toEqual([]);
  });
});
