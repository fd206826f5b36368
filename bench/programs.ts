/** The programs that bench/steady.ts measures: fixtures, most with a native build, and programs of Debian roots. */
import type { RootName } from '../test/programs/engines.ts';

export interface BenchProgram {
  readonly name: string;
  /** What it shows. */
  readonly about: string;
  /** A fixture (NAME.static and NAME.host), or the guest's path of a program in the root. */
  readonly program: string;
  /** The root that it is in, `full` unless said otherwise. */
  readonly root?: RootName;
  /** It makes ARM code and runs it: counted apart, and a fixture has no native build. */
  readonly makesCode?: boolean;
  /** A fixture of Advanced SIMD and ARMv8 (NAME.v8), for the CPU model max: counted apart, without a native build. */
  readonly vectors?: boolean;
  readonly args: readonly string[];
  /** Of a program that computes: arguments that keep it busy for seconds, to see how fast it is once it runs. */
  readonly long?: readonly string[];
  /** It executes other ARM programs, for which qemu-arm needs the kernel's binfmt_misc. */
  readonly executes?: boolean;
}

/** Guest path of what is in bench/scripts. */
export const SCRIPTS = '/srv/bench/scripts';

const pythonLoop = (n: number) => `s = 0\nfor i in range(${n}):\n s += i * i % 7\nprint(s)`;
const perlLoop = (n: number) => `my $s = 0; for my $i (1..${n}) { $s += $i * $i % 7 } print "$s\\n"`;
const bashLoop = (n: number) => `for ((i=s=0;i<${n};i++)); do ((s+=i*i%7)); done; echo $s`;

/** A kernel of fixtures/simd.c, in rounds. */
const kernel = (name: string, about: string, rounds: number): BenchProgram => ({
  name: `simd ${name}`,
  about,
  program: 'simd',
  vectors: true,
  args: [name, String(rounds / 10)],
  long: [name, String(rounds)],
});

export const programs: readonly BenchProgram[] = [
  { name: 'crc32', about: 'byte loads, a table', program: 'crc32', args: ['100'], long: ['600'] },
  {
    name: 'sieve',
    about: 'byte stores in nested loops',
    program: 'sieve',
    args: ['20000000'],
    long: ['120000000'],
  },
  { name: 'fib', about: 'calls and returns', program: 'fib', args: ['35'], long: ['39'] },
  { name: 'matrix', about: 'double arithmetic', program: 'matrix', args: ['400'], long: ['700'] },
  {
    name: 'mandelbrot',
    about: 'floating-point compares',
    program: 'mandelbrot',
    args: ['8000'],
    long: ['60000'],
  },
  {
    name: 'sort',
    about: 'calls through pointers, structures',
    program: 'sort',
    args: ['300000'],
    long: ['1500000'],
  },
  {
    name: 'sha256',
    about: 'word arithmetic, rotations',
    program: 'sha256',
    args: ['20000'],
    long: ['60000'],
  },
  { name: 'heap', about: 'malloc, memset, mmap', program: 'heap', args: ['30000'], long: ['200000'] },
  kernel('copy', 'VLD1 and VST1 of four registers', 600_000),
  kernel('saxpy', 'VMLA of floats', 40_000),
  kernel('dct', 'saturating multiplications, transpositions', 200_000),
  kernel('blend', 'VLD4, widening and narrowing', 20_000),
  kernel('convolve', 'VMLA of floats by scalars', 20_000),
  kernel('sha256', 'cryptographic instructions', 400_000),
  {
    name: 'xz',
    about: 'a compressor',
    program: '/usr/bin/xz',
    args: ['-T1', '-6', '-c', '/srv/data/text'],
    long: ['-T1', '-6', '-c', ...new Array<string>(15).fill('/srv/data/text')],
  },
  {
    name: 'gzip',
    about: 'a compressor, of noise',
    program: '/usr/bin/gzip',
    args: ['-9', '-c', '/srv/data/random'],
    long: ['-9', '-c', '/srv/data/random', '/srv/data/random', '/srv/data/random'],
  },
  {
    name: 'python3',
    about: 'an interpreter in a loop',
    program: '/usr/bin/python3',
    args: ['-c', pythonLoop(1_500_000)],
    long: ['-c', pythonLoop(5_000_000)],
  },
  {
    name: 'perl',
    about: 'an interpreter in a loop',
    program: '/usr/bin/perl',
    args: ['-e', perlLoop(2_000_000)],
    long: ['-e', perlLoop(6_000_000)],
  },
  {
    name: 'bash',
    about: 'an interpreter in a loop',
    program: '/bin/bash',
    args: ['-c', bashLoop(60_000)],
    long: ['-c', bashLoop(180_000)],
  },
  {
    name: 'python3 start',
    about: 'a big program that does nothing',
    program: '/usr/bin/python3',
    args: ['-c', 'pass'],
  },
  { name: 'date', about: 'the start of a small program', program: '/bin/date', args: ['-u', '-d', '@0'] },
  {
    name: 'fork+exec',
    about: 'five hundred times /bin/true from a shell',
    program: '/bin/sh',
    args: ['-c', 'i=0; while [ $i -lt 500 ]; do /bin/true; i=$((i+1)); done'],
    executes: true,
  },
  {
    name: 'pipes',
    about: 'forty times a substitution with a pipe',
    program: '/bin/bash',
    args: ['-c', 'for ((i=0;i<40;i++)); do x=$(echo hi | sed s/h/j/); done; echo $x'],
    executes: true,
  },
  {
    name: 'functions made',
    about: 'emits 4000 functions, calls each a hundred times and patches some meanwhile',
    program: 'makecode',
    makesCode: true,
    args: ['functions', '4000', '50'],
    long: ['functions', '4000', '200'],
  },
  {
    name: 'flushes',
    about: 'patches an instruction, flushes it and calls it, again and again',
    program: 'makecode',
    makesCode: true,
    args: ['flushes', '100000'],
    long: ['flushes', '1000000'],
  },
  {
    name: 'luajit',
    about: 'a just-in-time compiler',
    program: '/usr/bin/luajit',
    makesCode: true,
    root: 'languages',
    args: [`${SCRIPTS}/jit.lua`, '4'],
    long: [`${SCRIPTS}/jit.lua`, '15'],
  },
  {
    name: 'node',
    about: 'V8 under V8',
    program: '/usr/bin/node',
    makesCode: true,
    root: 'languages',
    args: [`${SCRIPTS}/jit.js`, '1'],
    long: [`${SCRIPTS}/jit.js`, '6'],
  },
];
