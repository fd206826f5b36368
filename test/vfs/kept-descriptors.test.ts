/** Descriptors of files that were mapped, which the host has open when the guest has closed them: when the next gets them. */
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { PageSource } from '../../emu/memory/address-space.ts';
import { O_NOATIME, O_RDONLY, O_RDWR } from '../../syscalls/abi/fcntl.ts';
import { credsFor } from '../../syscalls/vfs/core/creds.ts';
import { Vfs } from '../../syscalls/vfs/core/vfs.ts';
import { lookupPath } from '../../syscalls/vfs/core/walk.ts';
import type { NodeFile } from '../../syscalls/vfs/host/node-file.ts';
import { NodeFs } from '../../syscalls/vfs/host/node-fs.ts';

let directory: string;
let nodeFs: NodeFs;
const here = (name: string) => join(directory, name);
const creds = credsFor(process.getuid!(), process.getgid!());
const root = () => nodeFs.root;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kept-'));
  writeFileSync(here('a'), 'first');
  writeFileSync(here('b'), 'other');
  // Old enough to have an identity.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_000 });
  nodeFs = new NodeFs(new Vfs(), directory);
});
afterEach(() => {
  nodeFs.close();
  vi.useRealTimers();
  rmSync(directory, { recursive: true });
});

/** As exec opens a file, and lets go of it. */
function use(name = 'a', flags = O_RDONLY): { fd: number; source: PageSource; text: string } {
  const file = lookupPath({ root: root(), creds }, root(), `/${name}`, true).open(flags).ref() as NodeFile;
  const source = file.pageSource(false, true);
  const bytes = Buffer.alloc(16);
  const text = bytes.toString('latin1', 0, source.read(0, bytes));
  file.release();
  return { fd: file.fd, source, text };
}

/** Files of the directory that this process has open. */
function open(): string[] {
  const names: string[] = [];
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const name = readlinkSync(`/proc/self/fd/${fd}`);
      if (name.startsWith(`${directory}/`)) names.push(name.slice(directory.length + 1));
    } catch {
      // That of readdir itself.
    }
  }
  return names.sort();
}

test('the next has the same descriptor, and nothing is asked but where it is', () => {
  const first = use();
  expect(open()).toEqual(['a']);
  const fstat = vi.spyOn(nodeFs, 'fstat');
  const second = use();
  expect(fstat).not.toHaveBeenCalled();
  expect(second.fd).toBe(first.fd);
  expect(second.source.key).toBe(first.source.key);
  expect(second.text).toBe('first');
});

test('who has it open shares it with nobody', () => {
  use();
  const at = { root: root(), creds };
  const files = [0, 1].map(() => lookupPath(at, root(), '/a', true).open(O_RDONLY).ref() as NodeFile);
  expect(files[0]!.fd).not.toBe(files[1]!.fd);
  for (const file of files) file.pageSource(false);
  for (const file of files) file.release();
  expect(open()).toEqual(['a']);
});

test.each([
  ['in place, with the same size and time', () => writeFileSync(here('a'), 'other', { flag: 'r+' })],
  ['by rename', () => renameSync(here('b'), here('a'))],
])('not when it has been replaced: %s', (_how, change) => {
  utimesSync(here('a'), 1, 1);
  utimesSync(here('b'), 1, 1);
  const before = use();
  change();
  utimesSync(here('a'), 1, 1);
  vi.setSystemTime(Date.now() + 10_000);
  const after = use();
  expect(after.text).toBe('other');
  expect(after.source.key).not.toBe(before.source.key);
});

test('not when its bytes may be newer in a shared mapping', () => {
  use();
  const at = { root: root(), creds };
  const writer = lookupPath(at, root(), '/a', true).open(O_RDWR).ref();
  const shared = writer.pageSource(true);
  shared.retain!();
  expect(use().source.key).toBeNull();
  shared.release!();
  writer.release();
});

test('a bind mount has those of the tree that it shows', () => {
  const first = use();
  const bind = new NodeFs(nodeFs.vfs, directory, { within: nodeFs });
  const file = lookupPath({ root: bind.root, creds }, bind.root, '/a', true).open(O_RDONLY).ref() as NodeFile;
  expect(file.fd).toBe(first.fd);
  file.release();
  expect(open()).toEqual(['a']);
});

test('not for other flags, and of files that nobody has mapped', () => {
  use('a', O_NOATIME);
  expect(open()).toEqual([]);
  lookupPath({ root: root(), creds }, root(), '/a', true).open(O_RDONLY).ref().release();
  expect(open()).toEqual([]);
});

test('names that the guest removes take it along', () => {
  use('a');
  use('b');
  expect(open()).toEqual(['a', 'b']);
  root().unlink('a');
  expect(open()).toEqual(['b']);
  copyFileSync(here('b'), here('a'));
  use('a');
  root().rename('a', root(), 'b', 0);
  // What b was is gone (else "b (deleted)" would be here, too), and what was a is open yet.
  expect(open()).toEqual(['b']);
});

test('there are 64 at the most, and none when there are no more descriptors, or at the end', () => {
  for (let i = 0; i < 70; i++) {
    writeFileSync(here(`n${i}`), `${i}`);
    use(`n${i}`);
  }
  expect(open().length).toBe(64);
  expect(nodeFs.vfs.releaseDescriptors()).toBe(true);
  expect(open()).toEqual([]);
  use();
  nodeFs.vfs.close();
  expect(open()).toEqual([]);
});
