/**
 * The programs whose first and later runs bench/first.ts measures: what an image build starts. All of Debian's roots
 * (fixtures/root.sh).
 */
import type { RootName } from '../test/programs/engines.ts';
import { configureInput, configureScript, HELLO_CPP, HELLO_GO, largeC } from './generate.ts';

/** Guest path of a directory that is empty before each run. */
export const WORK = '/srv/bench/work';
/** Guest path of the directory of `files`. */
export const SOURCES = '/srv/bench';

export interface FirstProgram {
  readonly name: string;
  /** What it shows. */
  readonly about: string;
  readonly root: RootName;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** It starts other programs or asks for files by names of the guest's, for which qemu-arm needs binfmt_misc and a chroot. */
  readonly needsChroot?: boolean;
  /** Files in SOURCES, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Names in WORK of files that must be the same whoever made them. */
  readonly makes?: readonly string[];
  /** Times as multiples of qemu-arm's that are aimed at: in a first run and in later ones. */
  readonly goal?: { readonly first: number; readonly later: number };
}

/** Functions in the large C file: 2900 lines. */
const FUNCTIONS = 200;

export const firstPrograms: readonly FirstProgram[] = [
  { name: 'date', about: '/bin/date: a small program', root: 'full', argv: ['/bin/date', '-u', '-d', '@0'] },
  {
    name: 'perl',
    about: 'perl -e 1: an interpreter that does nothing',
    root: 'full',
    argv: ['/usr/bin/perl', '-e', '1'],
    goal: { first: 2, later: 1.2 },
  },
  {
    name: 'python',
    about: 'python3 -c pass: a big one that does nothing',
    root: 'full',
    argv: ['/usr/bin/python3', '-c', 'pass'],
    goal: { first: 1.5, later: 1 },
  },
  { name: 'apt-get', about: 'apt-get --version', root: 'image', argv: ['/usr/bin/apt-get', '--version'] },
  {
    name: 'dpkg',
    about: 'dpkg -l: reads the list of packages',
    root: 'image',
    argv: ['/usr/bin/dpkg', '-l'],
    needsChroot: true,
  },
  {
    name: 'node',
    about: 'node -p 6*7: V8 under V8',
    root: 'languages',
    argv: ['/usr/bin/node', '-p', '6*7'],
    goal: { first: 2.5, later: 1.5 },
  },
  {
    name: 'ruby',
    about: 'ruby -e "puts 6*7"',
    root: 'languages',
    argv: ['/usr/bin/ruby', '-e', 'puts 6*7'],
    needsChroot: true,
    goal: { first: 2.5, later: 1.5 },
  },
  {
    name: 'gdb',
    about: 'gdb that prints 6*7',
    root: 'languages',
    argv: ['/usr/bin/gdb', '-nx', '-batch', '-ex', 'print 6*7'],
    needsChroot: true,
    goal: { first: 2.5, later: 1.5 },
  },
  {
    name: 'g++',
    about: 'g++ of a hello with iostream and map, linked',
    root: 'languages',
    argv: ['/usr/bin/g++', `${SOURCES}/hello.cpp`, '-o', `${WORK}/hello`],
    needsChroot: true,
    files: { 'hello.cpp': HELLO_CPP },
    makes: ['hello'],
    goal: { first: 1.5, later: 0.9 },
  },
  {
    name: 'gcc',
    about: `gcc -O2 -c of ${FUNCTIONS} generated functions`,
    root: 'languages',
    argv: ['/usr/bin/gcc', '-O2', '-c', `${SOURCES}/large.c`, '-o', `${WORK}/large.o`],
    needsChroot: true,
    files: { 'large.c': largeC(FUNCTIONS) },
    makes: ['large.o'],
    goal: { first: 1.2, later: 0.7 },
  },
  {
    name: 'go',
    about: 'go build of a hello, nothing built before',
    root: 'go',
    argv: ['/usr/bin/go', 'build', '-o', `${WORK}/hello`, `${SOURCES}/hello.go`],
    env: { CGO_ENABLED: '0', GOCACHE: `${WORK}/cache`, GOFLAGS: '-trimpath' },
    needsChroot: true,
    files: { 'hello.go': HELLO_GO },
    makes: ['hello'],
    goal: { first: 2.5, later: 1.5 },
  },
  {
    name: 'configure',
    about: './configure with 17 runs of the compiler',
    root: 'languages',
    argv: ['/bin/sh', '-c', `cd ${WORK} && exec ../configure`],
    needsChroot: true,
    files: { configure: configureScript(), ...configureInput() },
    makes: ['config.h', 'Makefile'],
  },
];
