/** The commands of armrun that are no runs of a program: what makes and unmakes images. */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { Errno } from '../../syscalls/abi/errno.ts';
import type { HostCommand } from '../../syscalls/kernel/kernel.ts';
import { UsageError } from '../options.ts';
import { doctor } from './doctor.ts';
import { exportRoot } from './export.ts';
import { FILES, FOLDER } from './folder.ts';
import { install, uninstall } from './install.ts';
import type { Architecture } from './launcher.ts';
import { applyOverlay, discardOverlay } from './overlay.ts';

const COMMANDS = [
  'pack',
  'install',
  'uninstall',
  'clean',
  'enter',
  'export',
  'flatten',
  'overlay',
  'doctor',
] as const;
type CommandName = (typeof COMMANDS)[number];

export function isCommand(word: string | undefined): word is CommandName {
  return (COMMANDS as readonly (string | undefined)[]).includes(word);
}

/**
 * Carries out a command and gives the exit status; or the command line of a run that is to be done instead. Throws UsageError, or
 * Error for the user.
 */
export async function runCommand(name: CommandName, args: string[]): Promise<number | string[]> {
  switch (name) {
    case 'pack': {
      const { values } = parse(
        args,
        {
          output: { type: 'string', short: 'o' },
          arch: { type: 'string' },
          warm: { type: 'string' },
          'folder-only': { type: 'boolean' },
        },
        0,
      );
      const architecture = architectureNamed(values.arch ?? process.arch);
      const isHost = architecture === process.arch;
      const output = values.output ?? (isHost ? 'armrun.tar.gz' : `armrun-${architecture}.tar.gz`);
      const warm = values.warm === undefined ? undefined : directory(values.warm);
      if (warm !== undefined && !isHost) {
        throw new UsageError(`--warm runs programs: that needs a machine of ${architecture}`);
      }
      const folderOnly = values['folder-only'] ?? false;
      await packModule().pack({ output, architecture, project: project(), warm, folderOnly });
      process.stdout.write(`${output}: ${fs.statSync(output).size.toLocaleString('en-US')} bytes\n`);
      const readers = READERS.find(([pattern]) => pattern.test(output))?.[1];
      if (readers !== undefined) process.stdout.write(`${readers}\n`);
      return 0;
    }
    case 'install': {
      const { values, positionals } = parse(args, { arch: { type: 'string' } }, 1);
      const root = directory(positionals[0] ?? '/');
      // Inside an image the folder is there already; and this machine's own /bin/sh is not to be replaced by mistake.
      if (!fs.existsSync(`${root}${FOLDER}/${FILES.wrapper}`)) {
        if (fs.realpathSync(root) === '/')
          throw new UsageError('install: / is this machine; name the root of an image');
        packModule().writeFolder(root, architectureNamed(values.arch ?? process.arch), project());
      }
      install(root);
      return 0;
    }
    case 'uninstall': {
      const { positionals } = parse(args, {}, 1);
      if (positionals[0] === undefined) throw new UsageError('uninstall: name the root directory');
      uninstall(directory(positionals[0]));
      return 0;
    }
    case 'clean':
      parse(args, {}, 0);
      uninstall('/');
      return 0;
    case 'enter':
      return enter(args);
    case 'export': {
      const { values, positionals } = parse(args, { output: { type: 'string', short: 'o' } }, 1);
      if (positionals[0] === undefined) throw new UsageError('export: name the root directory');
      const root = fs.realpathSync(directory(positionals[0]));
      const { output } = values;
      if (output === undefined && process.stdout.isTTY)
        throw new UsageError('export: an archive is nothing for a terminal; name a file by -o');
      exportTo(root, output);
      return 0;
    }
    case 'flatten': {
      const { values, positionals } = parse(args, { output: { type: 'string', short: 'o' } }, 1);
      const { output } = values;
      if (output === undefined && process.stdout.isTTY)
        throw new UsageError('flatten: an archive is nothing for a terminal; name a file by -o');
      const archive = fs.readFileSync(positionals[0] ?? 0);
      try {
        writeTo(output, (fd) => packModule().flatten(archive, fd));
      } catch (error) {
        throw new Error(`flatten: ${(error as Error).message}`, { cause: error });
      }
      return 0;
    }
    case 'overlay': {
      const { positionals } = parse(args, {}, 3);
      overlayCommand(positionals);
      return 0;
    }
    case 'doctor':
      parse(args, {}, 0);
      return doctor();
  }
}

/** Who unpacks what is no tar or gzip; others copy it into the image as it is. */
const READERS: readonly [pattern: RegExp, readers: string][] = [
  [
    /xz$/,
    'Docker unpacks .xz only where the daemon finds the program xz (BuildKit: the daemon or its container); else it copies the ' +
      'file, and says nothing. buildah, podman and kaniko have it built in.',
  ],
  [
    /zst$/,
    'Docker unpacks .zst from version 23 on (BuildKit from 0.10), buildah, podman and kaniko in versions since 2020; ' +
      'Docker 20.10 copies the file, and says nothing.',
  ],
];

/** apply ROOT DIR, discard DIR. */
function overlayCommand([what, ...names]: readonly string[]): void {
  const [first, second] = names.map((name) => fs.realpathSync(directory(name)));
  try {
    if (what === 'apply' && first !== undefined && second !== undefined) applyOverlay(first, second);
    else if (what === 'discard' && first !== undefined && second === undefined) discardOverlay(first);
    else throw new UsageError("overlay: 'apply ROOT DIR' or 'discard DIR'");
  } catch (error) {
    throw error instanceof Errno ? new Error(`overlay: ${error.message}`, { cause: error }) : error;
  }
}

/** A file is whole or not there. */
function writeTo(output: string | undefined, write: (fd: number) => void): void {
  if (output === undefined) {
    write(1);
    return;
  }
  const temporary = `${output}.${process.pid}`;
  const fd = fs.openSync(temporary, 'wx');
  try {
    write(fd);
    fs.renameSync(temporary, output);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  } finally {
    fs.closeSync(fd);
  }
}

function exportTo(root: string, output: string | undefined): void {
  try {
    writeTo(output, (fd) => exportRoot(root, fd));
  } catch (error) {
    throw error instanceof Errno ? new Error(`export: ${error.message}`, { cause: error }) : error;
  }
}

/** What a guest gets that executes /armrun/armrun, where it sees no file: `clean`, which is for root, or a program of its own. */
export function guestCommand(uninstalled: () => void): HostCommand {
  return {
    path: `${FOLDER}/${FILES.command}`,
    run(args, isRoot) {
      const [name] = args;
      if (name?.includes('/')) return { argv: [...args] };
      if (name !== 'clean' || args.length > 1) {
        return {
          status: 125,
          message: `armrun: inside of a run there is 'armrun clean' and 'armrun /PROGRAM'\n`,
        };
      }
      if (!isRoot) return { status: 125, message: 'armrun: clean: only root can do that\n' };
      try {
        uninstall('/');
      } catch (error) {
        return { status: 125, message: `armrun: clean: ${(error as Error).message}\n` };
      }
      uninstalled();
      return { status: 0, message: '' };
    },
  };
}

function parse<T extends NonNullable<Parameters<typeof parseArgs>[0]>['options']>(
  args: string[],
  options: T,
  positionals: number,
) {
  let result: ReturnType<typeof parseArgs<{ args: string[]; options: T & object; allowPositionals: true }>>;
  try {
    result = parseArgs({ args, options: options as T & object, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message.split('. ')[0]!);
  }
  const unexpected = result.positionals[positionals];
  if (unexpected !== undefined) throw new UsageError(`'${unexpected}' is not expected`);
  return result;
}

function architectureNamed(name: string): Architecture {
  if (name === 'x64' || name === 'arm64') return name;
  throw new UsageError(`--arch: '${name}' is not one of x64, arm64`);
}

function directory(name: string): string {
  if (!fs.statSync(name, { throwIfNoEntry: false })?.isDirectory())
    throw new Error(`${name} is not a directory`);
  return name;
}

/** An interactive shell in a root, or a program of it, with the environment of a login. */
function enter(args: string[]): string[] {
  const [root, ...command] = args;
  if (root === undefined) throw new UsageError('enter: name the root directory');
  const has = (path: string) => fs.lstatSync(`${root}${path}`, { throwIfNoEntry: false }) !== undefined;
  directory(root);
  const shell = has('/bin/bash') ? '/bin/bash' : '/bin/sh';
  const environment = ['HOME=/root', 'USER=root', 'LOGNAME=root', `SHELL=${shell}`, `PATH=${PATH}`];
  return [
    ...['--root', root, '--cwd', has('/root') ? '/root' : '/'],
    ...environment.flatMap((setting) => ['--env', setting]),
    ...(command.length > 0 ? ['--', ...command] : ['--argv0', `-${shell.slice(5)}`, '--', shell]),
  ];
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Not a constant: a snapshot would hold where it was made. */
const isSource = () => import.meta.url.endsWith('.ts');

/** Root of this package. */
function project(): string {
  return fileURLToPath(new URL(isSource() ? '../..' : '..', import.meta.url));
}

/** What makes archives is a bundle of its own: the snapshot, which each start reads, is without it. */
function packModule(): typeof import('./pack.ts') {
  const file = fileURLToPath(new URL(isSource() ? 'pack.ts' : 'pack.cjs', import.meta.url));
  if (!fs.existsSync(file)) throw new Error('this is armrun inside of an image, which does not make others');
  return createRequire(import.meta.url)(file);
}
