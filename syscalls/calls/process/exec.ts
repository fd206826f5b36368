/** execve(2), execveat(2) (fs/exec.c). */

import { PAGE_MASK, READ } from '../../../emu/memory/layout.ts';
import { ERRNO, fail } from '../../abi/errno.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from '../../abi/fcntl.ts';
import { checkExecutable, execve, type Program } from '../../kernel/exec.ts';
import { exitGroup } from '../../kernel/exit.ts';
import type { HostCommand } from '../../kernel/kernel.ts';
import { exitTraced } from '../../kernel/signal-delivery.ts';
import type { Task } from '../../kernel/task.ts';
import { lookupIfThere, lookupPath } from '../../vfs/core/walk.ts';
import { dirfd, flags, path, pathOrEmpty, stringVector } from '../args.ts';
import { type Call, call } from '../declare.ts';

/** Longest single string, and most strings (MAX_ARG_STRLEN, MAX_ARG_STRINGS within the limit of the whole). */
const ARG_STRLEN = 32 * 4096;
const ARG_STRINGS = 0x10_0000;

/** A NULL-terminated vector of strings; a null pointer is an empty one. EFAULT, E2BIG. */
function strings({ mm }: Task, at: number): string[] {
  const list: string[] = [];
  if (at === 0) return list;
  // Nearly all lie in one or two pages.
  let page = -1;
  let text = '';
  for (let i = 0; i < ARG_STRINGS; i++) {
    if (!mm.space.check(at + 4 * i, 4, READ)) fail('EFAULT');
    const string = mm.view.getUint32(at + 4 * i, true);
    if (string === 0) return list;
    const within = string & PAGE_MASK;
    if (string - within !== page) {
      page = string - within;
      text = mm.pageText(page);
    }
    const nul = text.indexOf('\0', within);
    if (nul >= 0) {
      list.push(text.slice(within, nul));
      continue;
    }
    try {
      list.push(mm.string(string, ARG_STRLEN));
    } catch (e) {
      if ((e as { name?: string }).name === 'ENAMETOOLONG') fail('E2BIG');
      throw e;
    }
  }
  return fail('E2BIG');
}

/** Runs a command of the host's in the place of the task's program, which ends with it. */
function execCommand(t: Task, command: HostCommand, argv: readonly string[], envp: number): number {
  const done = command.run(argv.slice(1), t.creds.euid === 0);
  if ('argv' in done) {
    const path = done.argv[0] ?? fail('ENOENT');
    const context = { root: t.fs.root, creds: t.creds, prefix: t.fs.prefix };
    const inode = lookupPath(context, t.fs.cwd, path, true);
    checkExecutable(t, inode);
    execve(t, { inode, path, argv: done.argv, envp: strings(t, envp) });
    return 0;
  }
  t.files.find(2)?.write(Buffer.from(done.message));
  const status = (done.status & 0xff) << 8;
  exitTraced(t, status, () => exitGroup(t, status));
  return 0;
}

function exec(t: Task, dir: number, name: string, argv: number, envp: number, how: number): number {
  if (name === '' && !(how & AT_EMPTY_PATH)) fail('ENOENT');
  if (how & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) fail('EINVAL');
  const { command } = t.kernel.options;
  if (command !== undefined && name === command.path) return execCommand(t, command, strings(t, argv), envp);
  const context = { root: t.fs.root, creds: t.creds, prefix: t.fs.prefix };
  let program: Pick<Program, 'inode' | 'path' | 'inaccessible'>;
  if (name === '' && how & AT_EMPTY_PATH) {
    const inode = dir === AT_FDCWD ? t.fs.cwd : t.files.raw(dir).inode;
    // What was seen of it when it was opened may be so no more.
    inode.fs.vfs.beginWalk();
    program = { inode, path: `/dev/fd/${dir}`, inaccessible: t.files.closesOnExec(dir) };
  } else {
    const absolute = name.startsWith('/');
    const start = absolute || dir === AT_FDCWD ? t.fs.cwd : t.files.raw(dir).inode;
    const inode = lookupIfThere(context, start, name, !(how & AT_SYMLINK_NOFOLLOW));
    // Who looks for a program along PATH hears it many times.
    if (inode === undefined) return -ERRNO.ENOENT;
    if (inode.isSymlink) fail('ELOOP');
    const relative = !absolute && dir !== AT_FDCWD;
    program = {
      inode,
      path: relative ? `/dev/fd/${dir}/${name}` : name,
      inaccessible: relative && t.files.closesOnExec(dir),
    };
  }
  // Before the arguments are read (alloc_bprm).
  checkExecutable(t, program.inode);
  execve(t, { ...program, argv: strings(t, argv), envp: strings(t, envp) });
  return 0;
}

export const execCalls: readonly Call[] = [
  call(11, 'execve', [path, stringVector, stringVector], (t, name, argv, envp) =>
    exec(t, AT_FDCWD, name, argv, envp, 0),
  ),
  call(
    387,
    'execveat',
    [dirfd, pathOrEmpty, stringVector, stringVector, flags({ AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW })],
    exec,
  ),
];
