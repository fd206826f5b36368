/** One suite for every file system that can be written to: the host's, a volume of memfs, and our own in memory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Volume } from 'memfs';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type DirEntry, writeDirent64 } from '../../syscalls/abi/dirent.ts';
import {
  O_APPEND,
  O_CREAT,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
} from '../../syscalls/abi/fcntl.ts';
import { S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG } from '../../syscalls/abi/stat.ts';
import { timespecOf } from '../../syscalls/abi/time.ts';
import { credsFor } from '../../syscalls/vfs/core/creds.ts';
import { type Inode, pathOf } from '../../syscalls/vfs/core/inode.ts';
import type { OpenFile, SeekableFile } from '../../syscalls/vfs/core/open-file.ts';
import { Vfs } from '../../syscalls/vfs/core/vfs.ts';
import { resolve } from '../../syscalls/vfs/core/walk.ts';
import { type NodeApi, NodeFs } from '../../syscalls/vfs/host/node-fs.ts';
import { TmpFs } from '../../syscalls/vfs/memory/tmpfs.ts';
import { OverlayFs } from '../../syscalls/vfs/overlay/overlay.ts';
import { errorOf } from './errors.ts';

const scratch = mkdtempSync(`${tmpdir()}/armrun-fs-`);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const me = credsFor(process.geteuid!(), process.getegid!());
const bytes = (text: string) => Buffer.from(text, 'latin1');

const SYSTEMS: [string, () => Inode][] = [
  ['the host', () => new NodeFs(new Vfs(), mkdtempSync(`${scratch}/root-`)).root],
  ['memfs', () => new NodeFs(new Vfs(), '/', { api: Volume.fromJSON({}) as unknown as NodeApi }).root],
  ['tmpfs', () => new TmpFs(new Vfs()).root],
  [
    'tmpfs, mounted on the host',
    () => {
      const { root } = new NodeFs(new Vfs(), mkdtempSync(`${scratch}/root-`));
      root.fs.vfs.mounts.add(root, 'mnt', new TmpFs(root.fs.vfs));
      return root.mounts!.get('mnt')!;
    },
  ],
];

/** Nothing below, so that all is as in the upper file system. */
const OVERLAYS: [string, () => Inode][] = [
  [
    'an overlay in memory',
    () => {
      const vfs = new Vfs();
      const lower = new NodeFs(vfs, mkdtempSync(`${scratch}/lower-`), { readOnly: true }).root;
      return new OverlayFs(lower, new TmpFs(vfs).root).root;
    },
  ],
  [
    'an overlay on the host',
    () => {
      const vfs = new Vfs();
      const lower = new NodeFs(vfs, mkdtempSync(`${scratch}/lower-`), { readOnly: true }).root;
      return new OverlayFs(lower, new NodeFs(vfs, mkdtempSync(`${scratch}/upper-`)).root).root;
    },
  ],
  ['a bind of tmpfs', () => new OverlayFs(undefined, new TmpFs(new Vfs()).root).root],
];

describe.each([...SYSTEMS, ...OVERLAYS])('%s', (system, make) => {
  let root: Inode;
  beforeEach(() => {
    root = make();
  });

  const at = (path: string, follow = true) => resolve({ root, creds: me }, root, path, follow);
  const inode = (path: string, follow = true) => at(path, follow).inode!;
  function put(path: string, text: string, flags = O_WRONLY): OpenFile {
    const { dir, name, inode } = at(path);
    const file = (inode ? inode.open(flags | O_TRUNC) : dir.create(name, S_IFREG | 0o644, flags, me)).ref();
    expect(file.write(bytes(text))).toBe(text.length);
    return file;
  }
  function get(path: string): string {
    const file = inode(path).open(O_RDONLY).ref();
    const into = new Uint8Array(1000);
    const count = file.read(into);
    file.release();
    return Buffer.from(into.subarray(0, count)).toString('latin1');
  }
  function list(path: string): string[] {
    const file = inode(path).open(O_RDONLY).ref();
    const names: string[] = [];
    file.readdir((entry) => names.push(`${entry.name}:${entry.type}`) > 0);
    file.release();
    return names.sort();
  }

  test('a file without a name can be given one, once', () => {
    const nameless = (flags: number) => root.createNameless(S_IFREG | 0o640, O_TMPFILE | flags, me).ref();
    if (system === 'memfs') {
      expect(errorOf(() => nameless(O_RDWR))).toBe('EOPNOTSUPP');
      return;
    }
    const file = nameless(O_RDWR);
    file.write(bytes('text'));
    expect(list('.').length).toBe(2);
    expect(file.stat().nlink).toBe(0);
    root.link('named', file.inode);
    expect(get('named')).toBe('text');
    expect(inode('named').stat().ino).toBe(file.stat().ino);
    expect(pathOf(file.inode, root)).toBe('/named');
    root.link('again', file.inode);
    root.unlink('named');
    root.unlink('again');
    expect(errorOf(() => root.link('late', file.inode))).toBe('ENOENT');
    file.release();
    const exclusive = nameless(O_RDWR | O_EXCL);
    expect(errorOf(() => root.link('never', exclusive.inode))).toBe('ENOENT');
    exclusive.release();
    expect(list('.').length).toBe(2);
  });

  test('files keep what is written', () => {
    put('f', 'hello').release();
    expect(get('f')).toBe('hello');
    expect(inode('f').stat()).toMatchObject({
      mode: S_IFREG | 0o644,
      nlink: 1,
      size: 5,
      uid: me.uid,
      gid: me.gid,
    });
    put('f', 'x').release();
    expect(get('f')).toBe('x');
    expect(errorOf(() => root.create('f', S_IFREG | 0o644, O_RDWR | O_CREAT, me))).toBe('EEXIST');
  });

  test('offsets, holes, sizes and appending', () => {
    const file = put('f', 'hello', O_RDWR) as SeekableFile;
    expect(file.seek(8, 0)).toBe(8);
    file.write(bytes('end'));
    expect(get('f')).toBe('hello\0\0\0end');
    const into = new Uint8Array(4);
    expect(file.pread(into, 9)).toBe(2);
    expect(file.seek(0, 1)).toBe(11);
    expect(file.read(into)).toBe(0);
    const appending = inode('f')
      .open(O_WRONLY | O_APPEND)
      .ref();
    appending.write(bytes('!'));
    file.write(bytes('?'));
    expect(get('f')).toBe('hello\0\0\0end?');
    file.truncate(2);
    file.truncate(4);
    expect(get('f')).toBe('he\0\0');
    expect(file.stat().size).toBe(4);
    appending.release();
    file.release();
  });

  test('views of shared memory are read and written', () => {
    const memory = new Uint8Array(new SharedArrayBuffer(64), 8, 16);
    memory.set(bytes('shared memory...'));
    const file = root.create('f', S_IFREG | 0o600, O_RDWR, me).ref();
    expect(file.write(memory)).toBe(16);
    memory.fill(0);
    expect(file.pread(memory, 7)).toBe(9);
    expect(Buffer.from(memory).toString('latin1')).toBe('memory...\0\0\0\0\0\0\0');
    file.release();
  });

  test('directories', () => {
    root.mkdir('d', 0o755, me);
    expect(inode('d').stat().mode).toBe(S_IFDIR | 0o755);
    expect(errorOf(() => root.mkdir('d', 0o755, me))).toBe('EEXIST');
    put('d/f', '').release();
    inode('d').mkdir('e', 0o700, me);
    expect(list('d')).toEqual(['..:4', '.:4', 'e:4', 'f:8']);
    expect(errorOf(() => root.rmdir('d'))).toBe('ENOTEMPTY');
    expect(errorOf(() => inode('d').unlink('e'))).toBe('EISDIR');
    expect(errorOf(() => inode('d').rmdir('f'))).toBe('ENOTDIR');
    expect(errorOf(() => inode('d').rmdir('none'))).toBe('ENOENT');
    expect(errorOf(() => inode('d').unlink('none'))).toBe('ENOENT');
    expect(errorOf(() => at('d/f/x'))).toBe('ENOTDIR');
    expect(errorOf(() => at('d/none/x'))).toBe('ENOENT');
    inode('d').unlink('f');
    inode('d').rmdir('e');
    root.rmdir('d');
    expect(at('d').inode).toBeUndefined();
  });

  test('reading a directory can go on, begin again and survive removals', () => {
    const names = Array.from({ length: 30 }, (_, i) => `name${i}`);
    for (const name of names) put(name, '').release();
    const file = root.open(O_RDONLY).ref();
    const entries: DirEntry[] = [];
    const some = (count: number) => {
      let left = count;
      file.readdir((entry) => left-- > 0 && entries.push({ ...entry }) > 0);
    };
    some(5);
    const cookie = entries[2]!.off;
    some(7);
    some(100);
    expect(
      entries
        .map((e) => e.name)
        .filter((n) => n[0] !== '.')
        .sort(),
    ).toEqual([...names].sort());
    for (const entry of entries) {
      expect(entry.off).toBeLessThan(2 ** 31);
      if (entry.name !== '..')
        expect(entry.ino).toBe((entry.name === '.' ? root : inode(entry.name)).stat().ino);
    }
    file.seek(cookie, 0);
    const again = entries[3]!.name;
    entries.length = 0;
    some(1);
    expect(entries[0]!.name).toBe(again);
    file.seek(0, 0);
    entries.length = 0;
    some(3);
    for (const name of names) root.unlink(name);
    some(100);
    expect(entries.length).toBe(3);
    file.release();
  });

  test('names as getdents64 gives them are the same, however little room there is', () => {
    for (let i = 0; i < 30; i++) put('x'.repeat(1 + ((i * 7) % 40)) + i, '').release();
    root.mkdir('\xff\xfe', 0o755, me);
    const file = root.open(O_RDONLY).ref();
    const expected = new Uint8Array(4096);
    let length = 0;
    file.readdir((entry) => (length += writeDirent64(expected, length, 4096 - length, entry)) > 0);
    const some = (room: number): Uint8Array | undefined => {
      const into = new Uint8Array(room);
      const count = file.readdir64(into);
      return count === undefined ? undefined : into.subarray(0, count);
    };
    file.seek(0, 0);
    // Where each name has to be looked at, readdir does it.
    if (some(64) === undefined) return;
    for (const room of [64, 100, 1000, 4096]) {
      file.seek(0, 0);
      const parts: Uint8Array[] = [];
      for (let part = some(room)!; part.length > 0; part = some(room)!) {
        parts.push(part);
        // Half of them by readdir.
        let left = 1;
        const into = new Uint8Array(64);
        file.readdir((entry) => {
          if (left-- === 0) return false;
          parts.push(into.subarray(0, writeDirent64(into, 0, 64, entry)));
          return true;
        });
      }
      expect(Buffer.concat(parts)).toEqual(Buffer.from(expected.subarray(0, length)));
    }
    file.seek(3, 0);
    expect(errorOf(() => file.readdir64(new Uint8Array(23)))).toBe('EINVAL');
    const third = some(64)!;
    const all = expected.subarray(0, length);
    expect(Buffer.from(all).includes(third)).toBe(true);
    // When a name may have gone, each is looked at.
    file.seek(0, 0);
    expect(some(64)).toBeDefined();
    root.rmdir('\xff\xfe');
    expect(root.fs instanceof NodeFs ? some(4096) : undefined).toBeUndefined();
    file.release();
  });

  test('what is told of a name is what is told of its file, whether it is open or not', () => {
    put('file', 'content').release();
    root.symlink('link', 'file', me);
    root.mkdir('directory', 0o755, me);
    const told = (name: string) => {
      root.fs.vfs.beginWalk();
      return root.statName(name);
    };
    const same = (name: string) => {
      const first = told(name);
      root.fs.vfs.beginWalk();
      expect(first).toEqual(root.lookup(name)?.stat());
      return first;
    };
    expect(same('file')).toMatchObject({ size: 7, nlink: 1 });
    for (const name of ['link', 'directory']) expect(same(name)).toBeDefined();
    expect(same('none')).toBeUndefined();
    const file = inode('file').open(O_RDWR).ref();
    file.pwrite(bytes('more content'), 0);
    expect(same('file')).toMatchObject({ size: 12 });
    root.link('other', inode('file'));
    expect(same('file')).toMatchObject({ nlink: 2 });
    root.rename('other', root, 'third', 0);
    expect(same('third')).toMatchObject({ size: 12 });
    root.unlink('file');
    expect(same('file')).toBeUndefined();
    put('file', 'new').release();
    expect(same('file')).toMatchObject({ size: 3 });
    expect(file.stat().size).toBe(12);
    file.release();
    root.rmdir('directory');
    put('directory', '').release();
    expect(same('directory')).toMatchObject({ size: 0 });
  });

  test('symbolic links', () => {
    root.mkdir('d', 0o755, me);
    put('d/f', 'content').release();
    root.symlink('to-f', 'd/f', me);
    root.symlink('to-d', 'd', me);
    root.symlink('absolute', '/d/f', me);
    root.symlink('out', '../../../../../d/f', me);
    root.symlink('loop', 'loop', me);
    expect(inode('to-f', false).readlink()).toBe('d/f');
    expect(inode('to-f', false).stat()).toMatchObject({ mode: S_IFLNK | 0o777, size: 3 });
    for (const path of ['to-f', 'to-d/f', 'absolute', 'out', '/to-d/../to-f'])
      expect(get(path)).toBe('content');
    expect(errorOf(() => at('loop'))).toBe('ELOOP');
    expect(errorOf(() => at('to-f/'))).toBe('ENOTDIR');
    expect(errorOf(() => inode('d/f').readlink())).toBe('EINVAL');
    root.unlink('to-d');
    expect(get('d/f')).toBe('content');
  });

  test('hard links share the file', () => {
    put('a', 'one').release();
    root.link('b', inode('a'));
    expect(inode('b').stat().ino).toBe(inode('a').stat().ino);
    expect(inode('b').stat().nlink).toBe(2);
    put('b', 'two').release();
    expect(get('a')).toBe('two');
    expect(errorOf(() => root.link('b', inode('a')))).toBe('EEXIST');
    // Renaming one name of a file to another does nothing.
    root.rename('a', root, 'b', 0);
    expect(list('.')).toEqual(['..:4', '.:4', 'a:8', 'b:8']);
    root.unlink('a');
    expect(inode('b').stat().nlink).toBe(1);
  });

  test('rename', () => {
    put('f', 'f').release();
    put('g', 'g').release();
    root.mkdir('d', 0o755, me);
    root.mkdir('e', 0o755, me);
    put('e/x', 'x').release();
    root.rename('f', root, 'g', 0);
    expect(get('g')).toBe('f');
    expect(at('f').inode).toBeUndefined();
    expect(errorOf(() => root.rename('g', root, 'd', 0))).toBe('EISDIR');
    expect(errorOf(() => root.rename('d', root, 'g', 0))).toBe('ENOTDIR');
    expect(errorOf(() => root.rename('d', root, 'e', 0))).toBe('ENOTEMPTY');
    expect(errorOf(() => root.rename('none', root, 'x', 0))).toBe('ENOENT');
    expect(errorOf(() => root.rename('e', inode('e'), 'e', 0))).toBe('EINVAL');
    root.rename('e', inode('d'), 'moved', 0);
    expect(get('d/moved/x')).toBe('x');
    root.mkdir('empty', 0o755, me);
    inode('d').rename('moved', root, 'empty', 0);
    expect(get('empty/x')).toBe('x');
    expect(errorOf(() => root.rename('g', root, 'empty', 1))).toBe('EEXIST');
    root.rename('g', root, 'empty', 2);
    expect(get('empty')).toBe('f');
    expect(get('g/x')).toBe('x');
  });

  test('a directory that is open or worked in moves along', () => {
    root.mkdir('a', 0o755, me);
    inode('a').mkdir('b', 0o755, me);
    root.mkdir('z', 0o755, me);
    put('a/b/f', 'f').release();
    const b = inode('a/b');
    const file = put('a/b/g', 'g', O_RDWR);
    root.rename('a', inode('z'), 'c', 0);
    expect(pathOf(b, root)).toBe('/z/c/b');
    expect(pathOf(file.inode, root)).toBe('/z/c/b/g');
    expect(resolve({ root, creds: me }, b, 'f', true).inode).toBeDefined();
    expect(resolve({ root, creds: me }, b, '../b/f', true).inode).toBeDefined();
    expect(errorOf(() => at('a/b'))).toBe('ENOENT');
    root.mkdir('a', 0o755, me);
    inode('a').mkdir('b', 0o755, me);
    expect(resolve({ root, creds: me }, b, 'f', true).inode).toBeDefined();
    expect(at('a/b/f').inode).toBeUndefined();
    file.release();
  });

  test('removed but open', () => {
    const file = put('f', 'content', O_RDWR);
    root.unlink('f');
    put('f', 'other').release();
    const into = new Uint8Array(10);
    expect(file.pread(into, 0)).toBe(7);
    expect(file.stat()).toMatchObject({ nlink: 0, size: 7 });
    expect(file.inode.deleted).toBe(true);
    file.release();
    expect(get('f')).toBe('other');
    root.mkdir('d', 0o755, me);
    const d = inode('d');
    root.rmdir('d');
    expect(d.deleted).toBe(true);
    root.mkdir('d', 0o755, me);
    put('d/f', '').release();
    expect(d.lookup('f')).toBeUndefined();
    expect(errorOf(() => d.mkdir('x', 0o755, me))).toBe('ENOENT');
    expect(errorOf(() => d.create('x', S_IFREG | 0o644, O_RDWR, me))).toBe('ENOENT');
  });

  test('attributes', () => {
    put('f', '').release();
    const file = inode('f').open(O_RDWR).ref();
    inode('f').setattr({ mode: 0o4711 });
    expect(inode('f').stat().mode).toBe(S_IFREG | 0o4711);
    file.setattr({ mode: 0o600 });
    root.fs.vfs.beginWalk();
    expect(file.stat().mode).toBe(S_IFREG | 0o600);
    inode('f').setattr({
      atime: timespecOf(1_000_000_000_123_456_789n),
      mtime: timespecOf(1_234_567_890_987_654_321n),
    });
    expect(inode('f').stat()).toMatchObject({
      atime: timespecOf(1_000_000_000_123_456_789n),
      mtime: timespecOf(1_234_567_890_987_654_321n),
    });
    expect(file.stat().mtime).toEqual(timespecOf(1_234_567_890_987_654_321n));
    inode('f').setattr({ mtime: timespecOf(5_000_000_006n) });
    expect(inode('f').stat()).toMatchObject({
      atime: timespecOf(1_000_000_000_123_456_789n),
      mtime: timespecOf(5_000_000_006n),
    });
    file.write(bytes('x'));
    const { mtime } = inode('f').stat();
    expect(mtime.tv_sec).toBeGreaterThan(1_600_000_000);
    inode('f').setattr({ size: 100 });
    expect(inode('f').stat().size).toBe(100);
    file.release();
  });

  test('names are bytes', () => {
    const latin = 'caf\xe9';
    const utf8 = Buffer.from('Grüße').toString('latin1');
    // memfs keeps names as text: only what is UTF-8 comes back.
    const names = root.fs instanceof NodeFs && !root.fs.native ? [utf8] : [latin, utf8];
    for (const name of names) {
      put(name, name).release();
      root.symlink(`to ${name}`, name, me);
      expect(inode(`to ${name}`, false).readlink()).toBe(name);
      expect(get(`to ${name}`)).toBe(name);
    }
    expect(list('.').filter((e) => e.endsWith(':8'))).toEqual(names.map((n) => `${n}:8`).sort());
  });

  test('FIFOs are inside the run', () => {
    root.mknod('fifo', S_IFIFO | 0o600, 0, me);
    expect(inode('fifo').stat().mode & S_IFMT).toBe(S_IFIFO);
    expect(list('.')).toEqual(['..:4', '.:4', 'fifo:1']);
    expect(errorOf(() => put('fifo/x', ''))).toBe('ENOTDIR');
    const reader = inode('fifo').open(O_RDONLY).ref();
    expect(reader.opening).toBe(true);
    const writer = inode('fifo').open(O_WRONLY).ref();
    expect([reader.opening, writer.opening]).toEqual([false, false]);
    root.rename('fifo', root, 'moved', 0);
    writer.write(bytes('through'));
    const into = new Uint8Array(10);
    expect(reader.read(into)).toBe(7);
    writer.release();
    expect(reader.read(into)).toBe(0);
    reader.release();
    root.unlink('moved');
    expect(list('.')).toEqual(['..:4', '.:4']);
  });

  test('shared mappings of one file have one source', () => {
    const file = put('f', 'mapped', O_RDWR);
    const other = inode('f').open(O_RDONLY).ref();
    const source = other.pageSource(true);
    source.retain!();
    expect(file.pageSource(true)).toBe(source);
    const page = new Uint8Array(4096);
    expect(source.read(0, page)).toBe(6);
    expect(source.size()).toBe(6);
    source.write!(0, bytes('MAPPED'));
    expect(get('f')).toBe('MAPPED');
    file.release();
    other.release();
    // The mapping keeps the file open.
    expect(source.read(0, page)).toBe(6);
    source.release!();
  });
});

test('a quota of the host is one to the guest', () => {
  const over = () => {
    throw Object.assign(new Error('over quota'), { code: 'EDQUOT' });
  };
  const volume = Volume.fromJSON({ '/file': '' });
  const api = Object.assign(Object.create(volume), { writeSync: over, mkdirSync: over, symlinkSync: over });
  const { root } = new NodeFs(new Vfs(), '/', { api: api as NodeApi });
  const file = root.lookup('file')!.open(O_RDWR).ref();
  expect(errorOf(() => file.write(bytes('x')))).toBe('EDQUOT');
  expect(errorOf(() => root.mkdir('d', 0o755, me))).toBe('EDQUOT');
  expect(errorOf(() => root.symlink('l', 'x', me))).toBe('EDQUOT');
});
