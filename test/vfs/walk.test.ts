/** The path walk under a root of its own: nothing outside is reached, whatever the links say. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { O_RDONLY, O_RDWR } from '../../syscalls/abi/fcntl.ts';
import { S_IFREG } from '../../syscalls/abi/stat.ts';
import { credsFor } from '../../syscalls/vfs/core/creds.ts';
import { type Inode, pathOf } from '../../syscalls/vfs/core/inode.ts';
import { bindHost } from '../../syscalls/vfs/core/system-mounts.ts';
import { Vfs } from '../../syscalls/vfs/core/vfs.ts';
import {
  lookupIfThere,
  lookupPath,
  type ResolveOptions,
  resolve,
  statIfThere,
} from '../../syscalls/vfs/core/walk.ts';
import { HostCalls } from '../../syscalls/vfs/host/ffi/call.ts';
import { NodeFs } from '../../syscalls/vfs/host/node-fs.ts';
import type { NodeInode } from '../../syscalls/vfs/host/node-inode.ts';
import { TmpFs } from '../../syscalls/vfs/memory/tmpfs.ts';
import { errorOf } from './errors.ts';

const scratch = fs.realpathSync(fs.mkdtempSync(`${tmpdir()}/armrun-walk-`));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

const rootUser = credsFor(0, 0);
let outside: string;
let root: Inode;
let host: string;

beforeEach(() => {
  const top = fs.mkdtempSync(`${scratch}/t-`);
  outside = `${top}/secret`;
  fs.writeFileSync(outside, 'secret');
  fs.mkdirSync(`${top}/outside`);
  fs.writeFileSync(`${top}/outside/file`, 'secret');
  host = `${top}/root`;
  fs.mkdirSync(`${host}/dir/sub`, { recursive: true });
  fs.writeFileSync(`${host}/dir/file`, 'inside');
  root = new NodeFs(new Vfs(), host).root;
});

const walk = (path: string, follow = true, start = root, options?: ResolveOptions, creds = rootUser) =>
  resolve({ root, creds }, start, path, follow, options);

/** Path on the host that a guest path leads to. */
const reached = (path: string, start = root) =>
  (walk(path, true, start).inode as NodeInode | undefined)?.path;

describe('nothing outside the root', () => {
  test('.. stops at the root', () => {
    expect(reached('..')).toBe(host);
    expect(reached('/../../../../../..')).toBe(host);
    expect(reached('../secret')).toBeUndefined();
    expect(reached('dir/../../secret')).toBeUndefined();
    expect(reached('/..//../dir/./file')).toBe(`${host}/dir/file`);
  });

  test('links of the host mean what they mean in the guest', () => {
    fs.symlinkSync(outside, `${host}/absolute`);
    fs.symlinkSync('../secret', `${host}/relative`);
    fs.symlinkSync('../../../../../../../../..', `${host}/dir/up`);
    fs.symlinkSync('/', `${host}/dir/slash`);
    fs.symlinkSync('../outside', `${host}/directory`);
    for (const path of ['absolute', 'relative', 'directory']) {
      expect(walk(path, false).inode!.isSymlink).toBe(true);
      expect(errorOf(() => lookupPath({ root, creds: rootUser }, root, path, true))).toBe('ENOENT');
    }
    expect(errorOf(() => walk('directory/file'))).toBe('ENOENT');
    expect(reached('dir/up')).toBe(host);
    expect(reached('dir/slash/dir/file')).toBe(`${host}/dir/file`);
    expect(errorOf(() => walk(`dir/up${outside}`))).toBe('ENOENT');
    // Made through such a link, a file is made inside.
    fs.mkdirSync(`${host}${fs.realpathSync(`${host}/..`)}`, { recursive: true });
    root.fs.vfs.passed.turned();
    const { dir, name, inode } = walk('absolute');
    expect(inode).toBeUndefined();
    dir
      .create(name, S_IFREG | 0o600, O_RDWR, rootUser)
      .ref()
      .release();
    expect(fs.readFileSync(outside, 'utf8')).toBe('secret');
    expect(fs.existsSync(`${host}${outside}`)).toBe(true);
  });

  test('links that come between the look and the opening are not followed', () => {
    const file = walk('dir/file').inode!;
    fs.rmSync(`${host}/dir/file`);
    fs.symlinkSync(outside, `${host}/dir/file`);
    expect(errorOf(() => file.open(O_RDONLY))).toBe('ELOOP');
    expect(errorOf(() => file.open(O_RDWR))).toBe('ELOOP');
    // ENOENT when the link has another inode number, so that it is seen to be another file.
    expect(errorOf(() => file.setattr({ size: 0 }))).toMatch(/^(ELOOP|ENOENT)$/);
    expect(fs.readFileSync(outside, 'utf8')).toBe('secret');
  });

  test('a directory moved by the guest stays inside', () => {
    const sub = walk('dir/sub').inode!;
    walk('dir').inode!.rename('sub', root, 'elsewhere', 0);
    expect(reached('..', sub)).toBe(host);
    expect(reached('../..', sub)).toBe(host);
    expect(reached('../../secret', sub)).toBeUndefined();
  });

  test('a process with a root of its own below', () => {
    const context = { root: walk('dir').inode!, creds: rootUser };
    const inner = (path: string) => resolve(context, context.root, path, true).inode as NodeInode | undefined;
    fs.symlinkSync('/file', `${host}/dir/link`);
    expect(inner('../../..')!.path).toBe(`${host}/dir`);
    expect(inner('/link')!.path).toBe(`${host}/dir/file`);
    expect(inner('/dir')).toBeUndefined();
    expect(pathOf(inner('sub')!, context.root)).toBe('/sub');
  });

  test('names that are not names of one component', () => {
    expect(errorOf(() => walk(''))).toBe('ENOENT');
    expect(errorOf(() => walk('x'.repeat(256)))).toBe('ENAMETOOLONG');
    expect(errorOf(() => walk(`${'x/'.repeat(2048)}`))).toBe('ENAMETOOLONG');
    expect(errorOf(() => walk('dir/file/..'))).toBe('ENOTDIR');
    expect(errorOf(() => walk('dir/file/'))).toBe('ENOTDIR');
  });
});

test('openat2: beneath and in root', () => {
  fs.symlinkSync('/dir/file', `${host}/dir/absolute`);
  fs.symlinkSync('../dir/file', `${host}/dir/above`);
  const dir = walk('dir').inode!;
  const beneath = (path: string) => errorOf(() => walk(path, true, dir, { beneath: true }));
  expect([beneath('file'), beneath('sub/../file')]).toEqual(['none', 'none']);
  expect([beneath('..'), beneath('/dir/file'), beneath('absolute'), beneath('above')]).toEqual(
    Array(4).fill('EXDEV'),
  );
  const inRoot = (path: string) => walk(path, true, dir, { inRoot: true }).inode;
  expect(inRoot('../../file')).toBeDefined();
  expect(inRoot('/file')).toBeDefined();
  expect(errorOf(() => inRoot('absolute'))).toBe('ENOENT');
});

test('permission to search is asked of every directory', () => {
  const user = credsFor(1234, 1234);
  fs.chmodSync(`${host}/dir`, 0o700);
  expect(errorOf(() => walk('dir/file', true, root, undefined, user))).toBe('EACCES');
  fs.chmodSync(`${host}/dir`, 0o711);
  root = new NodeFs(new Vfs(), host).root;
  expect(walk('dir/file', true, root, undefined, user).inode).toBeDefined();
  expect(walk('dir').inode!.permits(4, user)).toBe(false);
  expect(walk('dir/file').inode!.permits(4, user)).toBe(true);
  expect(walk('dir/file').inode!.permits(2, user)).toBe(false);
  expect(walk('dir/file').inode!.permits(1, rootUser)).toBe(false);
});

test('changes by others on the host are seen', () => {
  expect(walk('dir/sub').inode).toBeDefined();
  fs.writeFileSync(`${host}/new`, '');
  expect(walk('new').inode).toBeDefined();
  fs.rmSync(`${host}/new`);
  expect(walk('new').inode).toBeUndefined();
  fs.rmSync(`${host}/dir`, { recursive: true });
  fs.writeFileSync(`${host}/dir`, 'now a file');
  expect(walk('dir').inode!.isRegular).toBe(true);
});

test('mounts', () => {
  root.fs.vfs.mounts.setRoot(root.fs);
  const tmp = new TmpFs(root.fs.vfs);
  tmp.root.mkdir('inner', 0o755, rootUser);
  const dir = walk('dir').inode!;
  root.fs.vfs.mounts.add(dir, 'sub', tmp);
  root.fs.vfs.mounts.add(root, 'no-such-directory', new TmpFs(root.fs.vfs, { source: 'a b' }));
  expect(walk('dir/sub/inner').inode!.fs).toBe(tmp);
  expect(pathOf(walk('dir/sub/inner').inode!, root)).toBe('/dir/sub/inner');
  expect(walk('dir/sub/inner/../..').inode).toBe(dir);
  expect(walk('/no-such-directory').inode!.isDirectory).toBe(true);
  expect(errorOf(() => walk('dir/sub', true, root, { noXdev: true }))).toBe('EXDEV');
  expect(errorOf(() => root.fs.vfs.mounts.add(dir, 'sub', tmp))).toBe('EBUSY');
  const over = new TmpFs(root.fs.vfs);
  root.fs.vfs.mounts.add(dir, 'sub', over);
  expect(walk('dir/sub/inner').inode).toBe(undefined);
  root.fs.vfs.mounts.remove(over);
  const names: string[] = [];
  const file = root.open(O_RDONLY).ref();
  file.readdir((entry) => names.push(entry.name) > 0);
  file.release();
  expect(names).toContain('no-such-directory');
  expect(root.fs.vfs.mounts.below(root).length).toBe(3);
  expect(root.fs.vfs.mounts.list(root, root)).toMatch(
    /^\/dev\/root \/ .*\ntmpfs \/dir\/sub tmpfs rw.*\na\\040b \/no-such-directory /,
  );
  root.fs.vfs.mounts.remove(tmp);
  expect((walk('dir/sub').inode as NodeInode).path).toBe(`${host}/dir/sub`);
  expect(errorOf(() => root.fs.vfs.mounts.mountedAt(dir))).toBe('EINVAL');
});

test('directories and files of the host are bound into the guest', () => {
  const shown = `${host}/../outside`;
  bindHost(root, shown, '/dir/sub', true);
  bindHost(root, `${shown}/file`, '/hosts', false);
  expect(reached('/dir/sub/file')).toBe(`${fs.realpathSync(shown)}/file`);
  expect(reached('/dir/sub/../file')).toBe(`${host}/dir/file`);
  expect(errorOf(() => walk('/dir/sub/file').inode!.open(O_RDWR))).toBe('EROFS');
  expect(errorOf(() => walk('/dir/sub').inode!.mkdir('x', 0o755, rootUser))).toBe('EROFS');
  expect(errorOf(() => walk('/dir/sub/file').inode!.setattr({ mode: 0 }))).toBe('EROFS');
  walk('/hosts').inode!.open(O_RDWR).ref().release();
  expect(errorOf(() => bindHost(root, shown, '/', true))).toBe('EBUSY');
  expect(errorOf(() => bindHost(root, shown, '/none/x', true))).toBe('ENOENT');
  expect(errorOf(() => bindHost(root, `${shown}/none`, '/x', true))).toBe('ENOENT');
});

test('a file may be mounted on a name', () => {
  fs.writeFileSync(`${host}/resolv.conf`, 'bound');
  root.fs.vfs.mounts.add(walk('dir').inode!, 'file', new NodeFs(root.fs.vfs, `${host}/resolv.conf`));
  const file = walk('dir/file').inode!.open(O_RDONLY).ref();
  const into = new Uint8Array(10);
  expect(Buffer.from(into.subarray(0, file.read(into))).toString()).toBe('bound');
  file.release();
});

describe('a path that is one name', () => {
  const nobody = credsFor(65534, 65534);

  test('means what a walk finds, for whoever asks', () => {
    fs.symlinkSync('../../outside/file', `${host}/out`);
    fs.symlinkSync('dir/file', `${host}/in`);
    fs.symlinkSync('dir', `${host}/to-dir`);
    fs.symlinkSync('loop', `${host}/loop`);
    fs.symlinkSync('none', `${host}/dangling`);
    fs.mkdirSync(`${host}/closed`, { mode: 0o700 });
    fs.writeFileSync(`${host}/closed/file`, '');
    fs.mkdirSync(`${host}/mnt`);
    root.fs.vfs.mounts.add(root, 'mnt', new TmpFs(root.fs.vfs));
    const names = [
      'in',
      'out',
      'dir',
      'to-dir',
      'loop',
      'dangling',
      'closed',
      'mnt',
      'file',
      'none',
      '.',
      '..',
    ];
    names.push('', 'x'.repeat(255), 'x'.repeat(256), '...', '.x', 'dir/', 'dir/file');
    const starts = [root, walk('dir').inode!, walk('closed').inode!, walk('dir/file').inode!];
    /** Which file it is, or what is thrown. */
    const told = (found: () => { ino: number; mode: number } | undefined) => {
      let what: { ino: number; mode: number } | undefined;
      const error = errorOf(() => {
        what = found();
      });
      return what === undefined ? error : `${what.ino} ${what.mode}`;
    };
    for (const creds of [rootUser, nobody])
      for (const start of starts)
        for (const follow of [true, false])
          for (const name of names) {
            const context = { root, creds };
            const expected = told(() => resolve(context, start, name, follow).inode?.stat());
            const what = [name, follow, creds.uid, start.name].join();
            const none = (answer: string) => (answer === 'ENOENT' ? 'none' : answer);
            const looked = told(() => lookupIfThere(context, start, name, follow)?.stat());
            const stated = told(() => statIfThere(context, start, name, follow));
            expect([what, none(looked), none(stated)]).toEqual([what, none(expected), none(expected)]);
          }
  });

  test('is looked at each time: what others on the host do is seen at once', () => {
    const context = { root, creds: rootUser };
    const dir = walk('dir').inode!;
    const stat = () => statIfThere(context, dir, 'file', true);
    const before = stat()!;
    fs.appendFileSync(`${host}/dir/file`, ' and more');
    expect(stat()!.size).toBe(before.size + 9);
    fs.writeFileSync(`${host}/other`, '');
    fs.renameSync(`${host}/other`, `${host}/dir/file`);
    expect(stat()!.ino).not.toBe(before.ino);
    fs.rmSync(`${host}/dir/file`);
    expect(stat()).toBeUndefined();
    fs.symlinkSync(outside, `${host}/dir/file`);
    expect(stat()).toBeUndefined();
    fs.rmSync(`${host}/dir/file`);
    fs.mkdirSync(`${host}/dir/file`);
    expect(stat()!.mode & 0o170000).toBe(0o040000);
  });
});

describe('what is met on the way is believed for a moment', () => {
  /** How often the host is asked. */
  function asked(operation: () => unknown): number {
    const read = vi.spyOn(HostCalls.prototype, 'try');
    const looked = vi.spyOn(HostCalls.prototype, 'tryStatx');
    operation();
    const count = read.mock.calls.filter(([name]) => name === 'readlinkat').length + looked.mock.calls.length;
    read.mockRestore();
    looked.mockRestore();
    return count;
  }
  const turn = () => root.fs.vfs.passed.turned();

  test('and costs nothing then', () => {
    fs.symlinkSync('dir/sub', `${host}/link`);
    fs.writeFileSync(`${host}/dir/sub/file`, '');
    expect(asked(() => walk('link/file'))).toBe(5);
    expect(asked(() => walk('link/file'))).toBe(1);
    expect(asked(() => walk('dir/file'))).toBe(1);
    expect(errorOf(() => walk('none/file'))).toBe('ENOENT');
    expect(asked(() => errorOf(() => walk('none/file')))).toBe(0);
    turn();
    // The two directories that are open are asked once what they are.
    expect(asked(() => walk('link/file'))).toBe(7);
    turn();
    expect(asked(() => walk('link/file'))).toBe(5);
  });

  test('changes by the guest are seen at once', () => {
    const found = (path: string) => errorOf(() => walk(path));
    fs.writeFileSync(`${host}/dir/sub/file`, '');
    expect(found('new/file')).toBe('ENOENT');
    root.mkdir('new', 0o755, rootUser);
    expect(found('new/file')).toBe('none');
    root.rmdir('new');
    expect(found('new/file')).toBe('ENOENT');
    root.symlink('new', 'dir', rootUser);
    expect(reached('new/file')).toBe(`${host}/dir/file`);
    root.symlink('newer', 'dir/sub', rootUser);
    root.rename('newer', root, 'new', 0);
    expect(reached('new/file')).toBe(`${host}/dir/sub/file`);
    expect(found('newer/file')).toBe('ENOENT');
    root.rename('new', root, 'newer', 0);
    expect(found('new/file')).toBe('ENOENT');
    expect(reached('newer/file')).toBe(`${host}/dir/sub/file`);
    root.unlink('newer');
    expect(found('newer/file')).toBe('ENOENT');
    walk('dir').inode!.rename('sub', root, 'new', 0);
    expect(found('new/file')).toBe('none');
    expect(found('dir/sub/file')).toBe('ENOENT');
  });

  test('also those by another of its ways to the same directory', () => {
    bindHost(root, `${host}/dir`, '/bound', false);
    expect(errorOf(() => walk('dir/new/file'))).toBe('ENOENT');
    walk('bound').inode!.mkdir('new', 0o755, rootUser);
    expect(errorOf(() => walk('dir/new/file'))).toBe('none');
  });

  test('changes by others are seen when the event loop has turned', () => {
    fs.symlinkSync('dir', `${host}/link`);
    walk('link/file');
    expect(errorOf(() => walk('new/file'))).toBe('ENOENT');
    fs.mkdirSync(`${host}/new`);
    fs.writeFileSync(`${host}/new/file`, '');
    fs.rmSync(`${host}/link`);
    fs.symlinkSync('new', `${host}/link`);
    fs.rmSync(`${host}/dir`, { recursive: true });
    fs.writeFileSync(`${host}/dir`, '');
    turn();
    expect(reached('new/file')).toBe(`${host}/new/file`);
    expect(reached('link/file')).toBe(`${host}/new/file`);
    expect(errorOf(() => walk('dir/file'))).toBe('ENOTDIR');
  });

  /** How often a directory is opened for what is looked at in it. */
  function opened(operation: () => unknown): number {
    const tried = vi.spyOn(HostCalls.prototype, 'try');
    operation();
    const count = tried.mock.calls.filter(([name]) => name === 'openat2').length;
    tried.mockRestore();
    return count;
  }
  const others = () => {
    fs.mkdirSync(`${host}/aside/theirs`, { recursive: true });
    fs.mkdirSync(`${host}/dir/ours`);
  };
  const exchange = () => {
    fs.renameSync(`${host}/dir`, `${host}/dir~`);
    fs.renameSync(`${host}/aside`, `${host}/dir`);
    fs.renameSync(`${host}/dir~`, `${host}/aside`);
  };

  test('a directory stays open for as long as it has its name', () => {
    others();
    expect(opened(() => walk('dir/ours'))).toBe(1);
    turn();
    expect(opened(() => walk('dir/ours'))).toBe(0);
    exchange();
    turn();
    expect(walk('dir/ours').inode).toBeUndefined();
    expect(reached('dir/theirs')).toBe(`${host}/dir/theirs`);
  });

  test('one that was opened in its place does not', () => {
    others();
    walk('dir');
    const { try: given } = HostCalls.prototype;
    const tried = vi.spyOn(HostCalls.prototype, 'try').mockImplementation(function (
      this: HostCalls,
      ...args
    ) {
      // Between the look at it and its opening.
      if (args[0] === 'openat2' && args[2] === 'dir') exchange();
      return given.apply(this, args);
    });
    expect(walk('dir/theirs').inode).toBeDefined();
    tried.mockRestore();
    exchange();
    turn();
    expect(reached('dir/ours')).toBe(`${host}/dir/ours`);
    expect(walk('dir/theirs').inode).toBeUndefined();
  });

  test('and so is the end of the path that was looked at last, by who asks for attributes of that name', () => {
    const again = () => walk('dir/file', true, root, { seen: true }).inode!;
    const first = walk('dir/file').inode!;
    expect(asked(() => expect(again().ino).toBe(first.ino))).toBe(0);
    expect(errorOf(() => again().getxattr('user.x'))).toBe('none');
    // The guest's changes, by whatever name, are seen at once.
    root.symlink('link', 'sub', rootUser);
    root.rename('link', walk('dir').inode!, 'file', 0);
    expect(again().isDirectory || again().isSymlink).toBe(true);
    walk('dir').inode!.unlink('file');
    expect(walk('dir/file', true, root, { seen: true }).inode).toBeUndefined();
    // Those of others, when the event loop has turned; that there is none any more, the host says itself.
    fs.writeFileSync(`${host}/dir/file`, '');
    walk('dir/file');
    fs.rmSync(`${host}/dir/file`);
    expect(errorOf(() => again().getxattr('user.x'))).toBe('ENOENT');
    turn();
    expect(walk('dir/file', true, root, { seen: true }).inode).toBeUndefined();
  });
});
