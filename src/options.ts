/**
 * The command line of armrun: its own options, and those of qemu-user (with their environment variables) that mean the same.
 *
 * Options end at PROGRAM: it and all that follows belong to the guest, whatever it looks like. An option's value is the next
 * word, even when that starts with a dash (`-0 -bash`). Later settings win; options win over environment variables.
 */
import { availableParallelism } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { parseArgs } from 'node:util';

import type { CpuName } from '../emu/cpu.ts';
import { CPU_MODELS, DEFAULT_MODEL } from '../emu/cpu-model.ts';
import { NR_CPUS, PID_MAX_LIMIT, PID_MAX_MIN } from '../syscalls/abi/limits.ts';
import type { Bind, Tmpfs } from './api.ts';
import { ownFolder, ownTranslations } from './image/folder.ts';

/** __NEW_UTS_LEN. */
const HOSTNAME_MAX = 64;
const MODEL_NAMES = CPU_MODELS.map(({ name }) => name);

/** What the command line asks for. Strings are as given; null stands for "not said". */
export interface Options {
  /** Directory that the guest sees as `/`; null: the host's own tree. */
  root: string | null;
  /** What of the host is shown in it. */
  binds: Bind[];
  tmpfs: Tmpfs[];
  readOnly: boolean;
  /** Changes of the root go to that directory; true: to memory. */
  overlay: string | true | null;
  /** Null: as is usual for who runs it. */
  fakeroot: boolean | null;
  hostname: string | null;
  net: 'none' | 'loopback' | 'host' | null;
  pidMax: number | null;
  /** Bytes. */
  memory: number | null;
  cpus: number | null;
  /** qemu's -L: the dynamic linker and libraries are looked for here first. */
  ldPrefix: string | null;
  /** Working directory, as the guest sees it. */
  cwd: string | null;
  /** The guest's environment as KEY=VALUE. */
  env: string[];
  argv0: string | null;
  cpu: CpuName;
  /** Name of one of CPU_MODELS. */
  cpuModel: string;
  /** Directory where translations are kept from run to run; null: nowhere. */
  cache: string | null;
  /** Runs a second CPU beside the first and compares. */
  verify: CpuName | null;
  /** Where system calls are logged: '-' is standard error. */
  strace: string | null;
  /** The same turns each time. */
  repeatable: boolean;
  stats: boolean;
  /** Says what is run. */
  debug: boolean;
  warn: boolean;
  /** A failure of armrun's own ends the run. */
  strict: boolean;
  /** Release that uname(2) gives. */
  release: string | null;
  /** Bytes; null: the stack limit's default. */
  stackSize: number | null;
  /** PROGRAM and its arguments as written; never empty. */
  command: string[];
}

/** What can be asked for instead of a run. */
type Instead = 'help' | 'version' | 'cpu-models';

/** A command line that cannot be understood; the message is one line for the user. */
export class UsageError extends Error {}

export const USAGE = `usage: armrun [option ...] PROGRAM [argument ...]
       armrun pack [-o FILE] [--arch x64|arm64] [--warm ROOT]
       armrun install ROOT | uninstall ROOT | enter ROOT [PROGRAM ...] | export ROOT [-o FILE.tar] | clean | doctor
       armrun overlay apply ROOT DIR | overlay discard DIR

Runs a 32-bit ARM Linux program.

  --root DIR             the guest sees DIR as /
  -b, --bind SRC[:DST][:ro]
                         the guest sees SRC of the host as DST (by default SRC), or may only read it
  --tmpfs DST[:size=SIZE]
                         the guest sees an empty file system in memory as DST
  --read-only            nothing in the root can be changed, but for what is mounted in it
  --overlay[=DIR]        the root is not changed: changes go to memory, or to DIR (see 'armrun overlay')
  --fakeroot             the guest is root in DIR of --root; what the host refuses this user (owners, devices,
                         capabilities) is kept in DIR.owners. So by default for an ordinary user who may make that file;
                         --no-fakeroot
  --hostname NAME        what uname gives
  --net NAME             host (the default), loopback (only an interface of the run's own, lo) or none (and that is down)
  --pid-max N            process ids are below N (301 to 4194304): fork fails with EAGAIN when none is free
  --memory SIZE          programs are promised SIZE bytes (or with suffix k, M or G) of memory together;
                         beyond that they get ENOMEM
  --cpus N               programs see N processors (1 to ${NR_CPUS}, by default 1, in images the host's), which take
                         turns on one
  -w, --cwd DIR          working directory, as the guest sees it
  -E, --env VAR=VALUE    set a variable of the guest's environment
  -U, --unset VAR        unset a variable of the guest's environment
  -0, --argv0 NAME       the guest's argv[0]
  -r, --release RELEASE  the kernel release that uname gives
  -s, --stack-size SIZE  stack limit in bytes (or with suffix k or M)
  -L, --ld-prefix DIR    look for the dynamic linker and libraries in DIR first
  --cpu NAME             jit (the default), interp (nothing is translated), reference, unicorn or unicorn.js
  --cpu-model NAME       the processor that the guest sees, 'help' for a list (by default ${DEFAULT_MODEL.name})
  --cache DIR            where translated code is kept for later runs (by default ~/.cache/armrun), or 'none'
  --verify NAME          run a second of these CPUs beside it, and end with a report where they differ
  --strace[=FILE]        log system calls (to standard error)
  --repeatable           the same turns each time: time passes as programs run, files are listed and numbered in order
  --stats                print counters at the end
  --warn                 say what is not supported when the guest asks for it
  --strict               a failure of armrun's own ends the run at once, with status 125
  --version, --help

For images (docs/DOCKER.md; a program of such a name is run by its path):
  pack                   write an archive of armrun to ADD to an ARM image, armrun.tar.gz or FILE in .tar, .tar.gz, .tar.xz
                         or .tar.zst; --warm ROOT: with translations of what the programs of a root directory ran;
                         --folder-only: /bin/sh is not touched
  install, uninstall     put armrun into a root directory and its /bin/sh, and take it away again
  clean                  the same inside of an image, as its last RUN line
  enter                  a login shell, or a program, in a root directory
  export                 write a tar archive of a root directory as its guests see it, with the owners that --fakeroot keeps
  flatten                make the layers of an image archive (docker save) one from armrun's on, without armrun:
                         FILE or standard input to -o FILE or
                         standard output
  overlay                do to a root what DIR of --overlay says has been done over it; empty DIR
  doctor                 what works on this machine, and what to do about what does not

ARMRUN_STRACE=1 (or a file name), ARMRUN_STATS=1, ARMRUN_DEBUG=1 and ARMRUN_STRICT=1 in the environment: log system calls, print
counters, say what is run, end with armrun's own failure.

As with proot: -r DIR is --root, when DIR does not begin with a digit, and -0 before it, -b or -w --fakeroot.
As with qemu-user: -E and -U take several settings separated by commas, -strace, -version and -help have one dash, and
QEMU_CPU, QEMU_LD_PREFIX, QEMU_STACK_SIZE, QEMU_SET_ENV, QEMU_UNSET_ENV, QEMU_ARGV0, QEMU_UNAME and QEMU_STRACE stand for the
options; so does ARMRUN_CACHE.
ARMRUN_UNICORN_JS names the file or package of unicorn.js.

Exit status: the program's own; 125 when armrun itself fails and the run cannot go on (99 when --verify finds a difference),
126 when PROGRAM cannot be run, 127 when it is not found.
A program that ends by a signal ends armrun by the same.
`;

const CPU_NAMES: readonly CpuName[] = ['jit', 'interp', 'reference', 'unicorn', 'unicorn.js'];

const OPTIONS = {
  root: { type: 'string' },
  bind: { type: 'string', short: 'b' },
  tmpfs: { type: 'string' },
  'read-only': { type: 'boolean' },
  overlay: { type: 'boolean' },
  fakeroot: { type: 'boolean' },
  'no-fakeroot': { type: 'boolean' },
  hostname: { type: 'string' },
  net: { type: 'string' },
  'pid-max': { type: 'string' },
  memory: { type: 'string' },
  cpus: { type: 'string' },
  cwd: { type: 'string', short: 'w' },
  env: { type: 'string', short: 'E' },
  unset: { type: 'string', short: 'U' },
  argv0: { type: 'string', short: '0' },
  release: { type: 'string', short: 'r' },
  'stack-size': { type: 'string', short: 's' },
  'ld-prefix': { type: 'string', short: 'L' },
  cpu: { type: 'string' },
  'cpu-model': { type: 'string' },
  cache: { type: 'string' },
  verify: { type: 'string' },
  repeatable: { type: 'boolean' },
  strace: { type: 'boolean' },
  stats: { type: 'boolean' },
  warn: { type: 'boolean' },
  strict: { type: 'boolean' },
  version: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;
type OptionName = keyof typeof OPTIONS;
/** Options without a value that can have one, behind an equals sign. */
const MAY_HAVE_VALUE: ReadonlySet<OptionName> = new Set(['strace', 'overlay']);

/** qemu-user's words with one dash, which would otherwise be read as letters. */
const ONE_DASH = new Map([
  ['-strace', '--strace'],
  ['-version', '--version'],
  ['-help', '--help'],
]);

/** Options that environment variables set, too. */
const VARIABLES: readonly (readonly [string, OptionName])[] = [
  ['QEMU_LD_PREFIX', 'ld-prefix'],
  ['QEMU_STACK_SIZE', 'stack-size'],
  ['QEMU_SET_ENV', 'env'],
  ['QEMU_UNSET_ENV', 'unset'],
  ['QEMU_ARGV0', 'argv0'],
  ['QEMU_UNAME', 'release'],
  ['QEMU_CPU', 'cpu-model'],
  ['ARMRUN_CACHE', 'cache'],
];

/** Options as they are read, with the guest's environment by name. */
type Draft = Options & { readonly guestEnv: Map<string, string> };

/**
 * Reads a command line (without node and script) and the environment that stands behind it.
 * Gives 'help' or 'version' when that is all that is asked for. Throws UsageError.
 */
export function parseOptions(args: readonly string[], environment: NodeJS.ProcessEnv): Options | Instead {
  const { options, length } = splitOptions(args);
  const guestEnv = new Map<string, string>();
  for (const [name, value] of Object.entries(environment)) if (value !== undefined) guestEnv.set(name, value);
  const draft: Draft = {
    guestEnv,
    root: null,
    binds: [],
    tmpfs: [],
    readOnly: false,
    overlay: null,
    fakeroot: null,
    hostname: null,
    net: null,
    pidMax: null,
    memory: null,
    // An image's programs expect what a container has.
    cpus: ownFolder() ? Math.min(availableParallelism(), NR_CPUS) : null,
    ldPrefix: null,
    cwd: null,
    env: [],
    argv0: null,
    cpu: 'jit',
    cpuModel: DEFAULT_MODEL.name,
    cache: cacheDirectory(environment),
    verify: null,
    strace: null,
    repeatable: false,
    stats: false,
    debug: false,
    warn: false,
    strict: false,
    release: null,
    stackSize: null,
    command: args.slice(length),
  };
  const asked = readEnvironment(draft, environment);
  if (asked !== undefined) return asked;
  for (const option of options) {
    const { name, spelling, value } = option;
    if (!isOption(name)) throw new UsageError(`unknown option ${spelling}`);
    if (OPTIONS[name].type === 'string' && value === undefined)
      throw new UsageError(`${spelling} needs a value`);
    if (
      OPTIONS[name].type === 'boolean' &&
      value !== undefined &&
      (!MAY_HAVE_VALUE.has(name) || value === '')
    ) {
      throw new UsageError(`${spelling} takes no value`);
    }
    const asked = set(draft, name, spelling, value ?? '-');
    if (asked !== undefined) return asked;
  }
  const { guestEnv: _, ...result } = draft;
  if (result.command.length === 0) throw new UsageError('no PROGRAM given');
  result.env = Array.from(guestEnv, ([name, value]) => `${name}=${value}`);
  return result;
}

function readEnvironment(draft: Draft, environment: NodeJS.ProcessEnv): Instead | undefined {
  for (const [variable, name] of VARIABLES) {
    const value = environment[variable];
    const asked = value === undefined ? undefined : set(draft, name, variable, value);
    if (asked !== undefined) return asked;
  }
  if (environment.QEMU_STRACE !== undefined) draft.strace = '-';
  // Inside of an image build there is no command line of armrun's to write options on.
  const {
    ARMRUN_STRACE: strace,
    ARMRUN_STATS: stats,
    ARMRUN_DEBUG: debug,
    ARMRUN_STRICT: strict,
  } = environment;
  if (isOn(strace)) draft.strace = strace === '1' ? '-' : strace;
  draft.stats = isOn(stats);
  draft.debug = isOn(debug);
  draft.strict = isOn(strict);
  return undefined;
}

/** What -E and -U name: only qemu's spellings take several. */
const listOf = (spelling: string, value: string) => (spelling.startsWith('--') ? [value] : value.split(','));

function setVariables(guestEnv: Map<string, string>, spelling: string, value: string): void {
  for (const setting of listOf(spelling, value)) {
    const equals = setting.indexOf('=');
    if (equals <= 0) throw new UsageError(`${spelling}: '${setting}' is not VAR=VALUE`);
    guestEnv.set(setting.slice(0, equals), setting.slice(equals + 1));
  }
}

function unsetVariables(guestEnv: Map<string, string>, spelling: string, value: string): void {
  for (const variable of listOf(spelling, value)) {
    if (variable === '' || variable.includes('='))
      throw new UsageError(`${spelling}: '${variable}' is not the name of a variable`);
    guestEnv.delete(variable);
  }
}

/** What the guest sees. */
function setForGuest(draft: Draft, name: OptionName, spelling: string, value: string): void {
  switch (name) {
    case 'root':
      draft.root = value;
      break;
    case 'bind':
      draft.binds.push(parseBind(spelling, value));
      break;
    case 'tmpfs':
      draft.tmpfs.push(parseTmpfs(spelling, value));
      break;
    case 'overlay':
      draft.overlay = value === '-' ? true : value;
      break;
    case 'read-only':
      draft.readOnly = true;
      break;
    case 'fakeroot':
      draft.fakeroot = true;
      break;
    case 'no-fakeroot':
      draft.fakeroot = false;
      break;
    case 'hostname':
    case 'net':
    case 'pid-max':
    case 'memory':
    case 'cpus':
      setMachine(draft, name, spelling, value);
      break;
    case 'cwd':
      draft.cwd = value;
      break;
    case 'env':
      setVariables(draft.guestEnv, spelling, value);
      break;
    case 'unset':
      unsetVariables(draft.guestEnv, spelling, value);
      break;
    case 'argv0':
      draft.argv0 = value;
      break;
    case 'release':
      draft.release = value;
      break;
    case 'stack-size':
      draft.stackSize = parseSize(spelling, value);
      break;
    case 'ld-prefix':
      draft.ldPrefix = value;
      break;
  }
}

function set(draft: Draft, name: OptionName, spelling: string, value: string): Instead | undefined {
  switch (name) {
    case 'cpu':
      draft.cpu = oneOf(spelling, value, CPU_NAMES);
      break;
    case 'cpu-model':
      if (value === 'help') return 'cpu-models';
      draft.cpuModel = oneOf(spelling, value, MODEL_NAMES);
      break;
    case 'cache':
      draft.cache = value === 'none' ? null : value;
      break;
    case 'verify':
      draft.verify = oneOf(spelling, value, CPU_NAMES);
      break;
    case 'strace':
      draft.strace = value;
      break;
    case 'repeatable':
      draft.repeatable = true;
      break;
    case 'stats':
      draft.stats = true;
      break;
    case 'warn':
      draft.warn = true;
      break;
    case 'strict':
      draft.strict = true;
      break;
    case 'version':
    case 'help':
      return name;
    default:
      setForGuest(draft, name, spelling, value);
  }
  return undefined;
}

/** What the machine is that the guest sees. */
function setMachine(
  draft: Draft,
  name: 'hostname' | 'net' | 'pid-max' | 'memory' | 'cpus',
  spelling: string,
  value: string,
): void {
  switch (name) {
    case 'hostname':
      if (value === '' || Buffer.byteLength(value) > HOSTNAME_MAX)
        throw new UsageError(`${spelling}: '${value}' is not a host name`);
      draft.hostname = value;
      break;
    case 'net':
      draft.net = oneOf<'none' | 'loopback' | 'host'>(spelling, value, ['none', 'loopback', 'host']);
      break;
    case 'pid-max':
      draft.pidMax = parseNumber(spelling, value, PID_MAX_MIN, PID_MAX_LIMIT);
      break;
    case 'memory':
      draft.memory = bytesOf(spelling, value);
      break;
    case 'cpus':
      draft.cpus = parseNumber(spelling, value, 1, NR_CPUS);
      break;
  }
}

/**
 * Inside an image armrun's own folder, which goes when armrun goes; else the user's directory for caches, as the XDG base
 * directory specification has it. Null when there is none.
 */
function cacheDirectory({ XDG_CACHE_HOME: cache, HOME: home }: NodeJS.ProcessEnv): string | null {
  const own = ownTranslations();
  if (own) return own;
  if (cache && isAbsolute(cache)) return join(cache, 'armrun');
  return home && isAbsolute(home) ? join(home, '.cache/armrun') : null;
}

/**
 * Whether the words are options of proot, whose -r and -0 mean something else than qemu-user's: its letters are words by
 * themselves, and a kernel's release begins with a digit.
 */
function isProot(words: readonly string[]): boolean {
  let at = 0;
  while (words[at] === '-0') at++;
  const [letter, value] = words.slice(at);
  return letter === '-b' || letter === '-w' || (letter === '-r' && value !== undefined && !/^\d/.test(value));
}
const PROOT = new Map([
  ['-r', '--root'],
  ['-0', '--fakeroot'],
]);

/** The options before PROGRAM, and the number of words they take. */
function splitOptions(args: readonly string[]) {
  const proot = isProot(args);
  const words = args.map((word) => ONE_DASH.get(word) ?? (proot ? PROOT.get(word) : undefined) ?? word);
  const { tokens } = parseArgs({
    args: words,
    options: OPTIONS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const options: { name: string; spelling: string; value: string | undefined }[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') return { options, length: token.index };
    if (token.kind === 'option-terminator') return { options, length: token.index + 1 };
    options.push({ name: token.name, spelling: token.rawName, value: token.value });
  }
  return { options, length: args.length };
}

function isOn(value: string | undefined): value is string {
  return value !== undefined && value !== '' && value !== '0';
}

function isOption(name: string): name is OptionName {
  return Object.hasOwn(OPTIONS, name);
}

function oneOf<T extends string>(spelling: string, value: string, values: readonly T[]): T {
  const found = values.find((v) => v === value);
  if (found === undefined) throw new UsageError(`${spelling}: '${value}' is not one of ${values.join(', ')}`);
  return found;
}

/** SRC[:DST][:ro]. */
function parseBind(spelling: string, value: string): Bind {
  const parts = value.split(':');
  const access = parts.length > 1 && ['ro', 'rw'].includes(parts.at(-1)!) ? parts.pop() : 'rw';
  const [from, to = from] = parts;
  if (!from || !to || parts.length > 2) throw new UsageError(`${spelling}: '${value}' is not SRC[:DST][:ro]`);
  return { from, to, readOnly: access === 'ro' };
}

/** DST[:size=SIZE]. */
function parseTmpfs(spelling: string, value: string): Tmpfs {
  const match = /^(.+?)(?::size=(\w+))?$/.exec(value);
  if (match === null) throw new UsageError(`${spelling}: '${value}' is not DST[:size=SIZE]`);
  return { to: match[1]!, ...(match[2] !== undefined && { size: bytesOf(spelling, match[2]) }) };
}

const UNITS = { '': 1, k: 1024, M: 1 << 20, m: 1 << 20, G: 1 << 30, g: 1 << 30 } as const;

function bytesOf(spelling: string, value: string): number {
  const match = /^(\d+)([kMmGg]?)$/.exec(value);
  if (match === null) throw new UsageError(`${spelling}: '${value}' is not a size`);
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
}

function parseNumber(spelling: string, value: string, min: number, max: number): number {
  if (!/^\d+$/.test(value) || Number(value) < min || Number(value) > max)
    throw new UsageError(`${spelling}: '${value}' is not a number from ${min} to ${max}`);
  return Number(value);
}

function parseSize(spelling: string, value: string): number {
  const size = bytesOf(spelling, value);
  if (size === 0 || size > 0x8000_0000) throw new UsageError(`${spelling}: ${value} is out of range`);
  return size;
}
