/**
 * Part of the build: runs a program under the bundle, and writes down what V8 has compiled of that meanwhile; the snapshot is to
 * have that code and no other (docs/STARTUP.md). `node rehearsal.ts BUNDLE FILE DIRECTORY` goes on with what is in the file
 * already, and with what an earlier rehearsal has left in the directory.
 *
 * The program does once what programs do when they start, run others and work with files. It is made here, as machine code: where
 * armrun is built there are no programs for ARM, and no compiler.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import * as f from '../../syscalls/abi/fcntl.ts';
import { TCGETS } from '../../syscalls/abi/ioctl.ts';
import { MAP, PROT } from '../../syscalls/abi/mman.ts';
import { CLONE } from '../../syscalls/abi/sched.ts';
import { SA, SIG } from '../../syscalls/abi/signal.ts';
import { STATX_BASIC_STATS } from '../../syscalls/abi/stat.ts';
import { allCalls } from '../../syscalls/calls/table.ts';
import { letSettle } from '../translation-archive.ts';

const { loadBundle } = createRequire(import.meta.url)('./bundle.cjs');

const BASE = 0x1_0000;
/** Where the data of the program are, and room for what calls tell. */
const DATA = 0x2_0000;
const ROOM = 0x2_8000;
const LENGTH = 0x1_a000;
const PAGE = 0x1000;
/** The ELF header and two program headers. */
const HEADERS = 52 + 2 * 32;
const [ET_EXEC, ET_DYN, PT_LOAD, PT_INTERP] = [2, 3, 1, 3];

/** What C libraries ask for, and is not there. */
const ABSENT = { name: 'rseq', number: 398 };

/** A number; text, which stands for its address; or, as the first, what the last call gave. */
type Argument = number | string | typeof RESULT;
const RESULT = null;

/** A program in A32. */
class Program {
  readonly #code: number[] = [];
  readonly #data = new Uint8Array(ROOM - DATA);
  readonly #places = new Map<string, number>();
  #used = 0;

  get here(): number {
    return BASE + HEADERS + 4 * this.#code.length;
  }

  /** MOVW and MOVT. */
  set(register: number, value: number): void {
    for (const [op, half] of [
      [0xe300_0000, value & 0xffff],
      [0xe340_0000, value >>> 16],
    ] as const)
      this.#code.push(op | ((half >>> 12) << 16) | (register << 12) | (half & 0xfff));
  }

  call(name: string, ...args: readonly Argument[]): void {
    args.forEach((arg, register) => {
      if (arg !== RESULT) this.set(register, typeof arg === 'string' ? this.text(arg) : arg);
    });
    const call = allCalls.find((one) => one.name === name);
    if (call === undefined && name !== ABSENT.name) throw new Error(`no call ${name}`);
    this.set(7, call?.number ?? ABSENT.number);
    this.#code.push(0xef00_0000); // SVC #0
  }

  /** What is done only when the last call gave 0. */
  whenZero(body: () => void): void {
    this.#code.push(0xe350_0000, 0); // CMP r0, #0
    const begin = this.#code.length;
    body();
    this.#code[begin - 1] = 0x1a00_0000 | (this.#code.length - begin - 1); // BNE
  }

  /** A loop that counts in memory. */
  repeat(times: number): void {
    this.set(1, ROOM);
    this.set(2, times);
    // LDR r0, [r1]; ADD r0, r0, #3; STR r0, [r1]; SUBS r2, r2, #1; BNE
    this.#code.push(0xe591_0000, 0xe280_0003, 0xe581_0000, 0xe252_2001, 0x1aff_fffa);
  }

  /** Goes there, in Thumb state, and comes back. */
  visitThumb(address: number): void {
    this.set(4, address + 1);
    this.#code.push(0xe12f_ff34); // BLX r4
  }

  /** As machine code. */
  words(...words: number[]): void {
    this.#code.push(...words);
  }

  /** LDR r0, [r1]; STR r0, [r1] at an address. */
  touch(address: number): void {
    this.set(1, address);
    this.#code.push(0xe591_0000, 0xe581_0000);
  }

  /** The address of a text with a NUL behind it. */
  text(text: string): number {
    return this.#place(text, new TextEncoder().encode(`${text}\0`));
  }

  /** The address of data. */
  data(...words: number[]): number {
    return this.#place(`${words}`, new Uint8Array(Int32Array.from(words).buffer));
  }

  #place(name: string, bytes: Uint8Array): number {
    let place = this.#places.get(name);
    if (place === undefined) {
      place = DATA + this.#used;
      this.#places.set(name, place);
      this.#data.set(bytes, this.#used);
      this.#used += (bytes.length + 7) & ~7;
    }
    return place;
  }

  /** A static program that begins there. */
  file(entry: number): Uint8Array {
    const text = DATA - BASE;
    const data = LENGTH - text;
    const bytes = elf(ET_EXEC, entry, [
      [PT_LOAD, 0, BASE, BASE, text, text, 5, PAGE],
      [PT_LOAD, text, DATA, DATA, data, data + PAGE, 6, PAGE],
    ]);
    new Uint32Array(bytes.buffer, HEADERS, this.#code.length).set(this.#code);
    bytes.set(this.#data, DATA - BASE);
    return bytes;
  }
}

/** A program that has an interpreter. */
function dynamic(interpreter: string): Uint8Array {
  const name = new TextEncoder().encode(`${interpreter}\0`);
  const bytes = elf(ET_DYN, 0, [
    [PT_INTERP, HEADERS, HEADERS, HEADERS, name.length, name.length, 4, 1],
    [PT_LOAD, 0, 0, 0, PAGE, 2 * PAGE, 7, PAGE],
  ]);
  bytes.set(name, HEADERS);
  return bytes;
}

function elf(type: number, entry: number, headers: readonly number[][]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(LENGTH);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  const EM_ARM = 40;
  const EABI5_HARD_FLOAT = 0x0500_0400;
  const words = new Int32Array(bytes.buffer);
  words.set([type | (EM_ARM << 16), 1, entry, 52, 0, EABI5_HARD_FLOAT, 52 | (32 << 16), headers.length], 4);
  words.set(headers.flat(), 13);
  return bytes;
}

const ARGS = ['second', 'an argument'];
const ENVIRONMENT = ['PATH=/usr/bin:/bin', 'HOME=/root'];
/** So that some of it is compiled, and what is kept of that is used the next time. */
const TIMES = 250_000;

/** What a C library does before main. */
function begin(p: Program): void {
  const readWrite = PROT.PROT_READ | PROT.PROT_WRITE;
  const fixed = MAP.MAP_PRIVATE | MAP.MAP_FIXED;
  p.call('brk', 0);
  p.call('access', '/etc/ld.so.preload', f.R_OK);
  for (const name of ['/lib/absent', '/etc/data']) p.call('openat', f.AT_FDCWD, name, f.O_CLOEXEC);
  p.call('read', 3, ROOM, 512);
  p.call('pread64', 3, ROOM, 64, 0, 16, 0);
  p.call('statx', 3, '', f.AT_EMPTY_PATH, STATX_BASIC_STATS, ROOM);
  p.call('fstat64', 3, ROOM);
  p.call('mmap2', 0, 3 * PAGE, PROT.PROT_READ | PROT.PROT_EXEC, MAP.MAP_PRIVATE, 3, 0);
  p.call('mmap2', 0x4000_0000, 4 * PAGE, readWrite, fixed | MAP.MAP_ANONYMOUS, -1, 0);
  p.call('mmap2', 0x4000_1000, PAGE, readWrite, fixed, 3, 0);
  p.call('mprotect', 0x4000_0000, PAGE, PROT.PROT_READ);
  p.call('munmap', 0x4000_2000, PAGE);
  p.call('close', 3);
  p.call('set_tls', ROOM);
  p.call('set_tid_address', ROOM);
  p.call('set_robust_list', ROOM, 12);
  p.call('rseq', ROOM + 0x100, 32, 0, 0xe7f5_def3);
  p.call('ugetrlimit', 3, ROOM);
  p.call('prlimit64', 0, 3, 0, ROOM);
  p.call('getrandom', ROOM, 8, 1);
  p.call('uname', ROOM);
}

function askAround(p: Program): void {
  for (const name of [
    'getuid32',
    'geteuid32',
    'getgid32',
    'getegid32',
    'getpid',
    'getppid',
    'gettid',
    'getpgrp',
  ])
    p.call(name);
  p.call('getgroups32', 16, ROOM);
  p.call('sysinfo', ROOM);
  p.call('clock_gettime', 0, ROOM);
  p.call('clock_gettime64', 1, ROOM);
  p.call('gettimeofday', ROOM, 0);
  p.call('ioctl', 1, TCGETS, ROOM);
  p.call('fstat64', 1, ROOM);
  p.call('write', 1, '\n', 1);
  p.call('fcntl64', 1, f.F_GETFL);
  p.call('fcntl64', 1, f.F_DUPFD_CLOEXEC, 10);
  p.call('getcwd', ROOM, 256);
  p.call('chdir', '/tmp');
  p.call('umask', 0o22);
  p.call('umask', 0o22);
  p.call('readlink', '/proc/self/exe', ROOM, 256);
  p.call('openat', f.AT_FDCWD, '/proc/self/status', 0);
  p.call('read', 3, ROOM, 512);
  p.call('close', 3);
  p.call('futex', ROOM, 1, 1);
  p.call('clock_nanosleep_time64', 1, 0, p.data(0, 0, 1000, 0), 0);
}

function workWithFiles(p: Program): void {
  p.call('openat', f.AT_FDCWD, '/etc', f.O_DIRECTORY);
  p.call('getdents64', 3, ROOM, 0x1000);
  p.call('getdents64', 3, ROOM, 0x1000);
  p.call('close', 3);
  p.call('mkdirat', f.AT_FDCWD, '/tmp/d', 0o755);
  p.call('openat', f.AT_FDCWD, '/tmp/d/file', f.O_CREAT | f.O_WRONLY, 0o644);
  p.call('write', 3, '/tmp/d/file', 11);
  p.call('writev', 3, p.data(p.text('some text'), 9, p.text('more'), 4), 2);
  p.call('lseek', 3, 0, 0);
  p.call('_llseek', 3, 0, 2, ROOM, 1);
  p.call('ftruncate64', 3, 0, 4, 0);
  p.call('fchmod', 3, 0o600);
  p.call('close', 3);
  p.call('utimensat', f.AT_FDCWD, '/tmp/d/file', 0, 0);
  p.call('symlinkat', 'file', f.AT_FDCWD, '/tmp/d/link');
  p.call('linkat', f.AT_FDCWD, '/tmp/d/file', f.AT_FDCWD, '/tmp/d/other', 0);
  p.call('stat64', '/tmp/d/link', ROOM);
  p.call('lstat64', '/tmp/d/link', ROOM);
  p.call('fstatat64', f.AT_FDCWD, '/tmp/d/absent', ROOM, 0);
  p.call('faccessat2', f.AT_FDCWD, '/tmp/d/file', f.R_OK, 0);
  p.call('renameat2', f.AT_FDCWD, '/tmp/d/other', f.AT_FDCWD, '/tmp/d/third', 0);
  for (const name of ['file', 'link', 'third']) p.call('unlinkat', f.AT_FDCWD, `/tmp/d/${name}`, 0);
  p.call('unlinkat', f.AT_FDCWD, '/tmp/d', f.AT_REMOVEDIR);
}

function handleSignals(p: Program, handler: number): void {
  p.call('rt_sigprocmask', 0, p.data(0, 0), ROOM, 8);
  p.call('rt_sigaction', SIG.SIGCHLD, 0, ROOM, 8);
  p.call(
    'rt_sigaction',
    SIG.SIGUSR1,
    p.data(handler, SA.SA_SIGINFO | SA.SA_RESTORER, handler + 4, 0, 0),
    ROOM,
    8,
  );
  p.call('getpid');
  p.call('kill', RESULT, SIG.SIGUSR1);
}

function runOthers(p: Program): void {
  p.call('pipe2', ROOM, 0);
  const pointers = (texts: readonly string[]) => p.data(...texts.map((text) => p.text(text)), 0);
  for (const how of [SIG.SIGCHLD, CLONE.CLONE_VM | CLONE.CLONE_VFORK | SIG.SIGCHLD]) {
    p.call('clone', how, 0);
    p.whenZero(() => {
      p.call('dup2', 4, 1);
      p.call('close', 3);
      p.call('close', 4);
      p.call('execve', '/bin/absent', pointers(ARGS), pointers(ENVIRONMENT));
      p.call('execve', '/bin/second', pointers(ARGS), pointers(ENVIRONMENT));
      p.call('exit_group', 127);
    });
    p.call('read', 3, ROOM, 16);
    p.call('wait4', -1, ROOM, 0, 0);
  }
  p.call('poll', p.data(3, 1), 1, 0);
  p.call('_newselect', 0, 0, 0, 0, p.data(0, 1));
  p.call('close', 3);
  p.call('close', 4);
}

/** Puts the programs into a root directory: /bin/first, which is to be run, and what it needs. */
function makeRoot(root: string): void {
  const p = new Program();
  const handler = p.here;
  p.words(0xe12f_ff1e); // BX lr
  p.call('rt_sigreturn');
  const thumb = p.here;
  // ITE EQ; PUSHEQ {r0, r2, r5, r6}; PUSHNE; POP; BX lr; PUSH and POP of lists as few have, as instructions of four bytes.
  p.words(0xb465_bf0c, 0xbc65_b465, 0x0a61_e92d, 0x0a61_e8bd, 0xbf00_4770);
  const first = p.here;
  begin(p);
  for (const page of [0x4000_1000, 0x4000_3000]) p.touch(page);
  p.visitThumb(thumb);
  p.words(0xf220_0840); // VADD.I32 q0, q0, q0
  askAround(p);
  workWithFiles(p);
  handleSignals(p, handler);
  runOthers(p);
  p.repeat(TIMES);
  p.call('exit_group', 0);
  const second = p.here;
  begin(p);
  p.call('write', 1, 'x', 1);
  p.call('exit_group', 0);
  for (const directory of ['bin', 'etc', 'lib', 'tmp']) fs.mkdirSync(path.join(root, directory));
  fs.writeFileSync(path.join(root, 'etc/data'), new Uint8Array(4 * PAGE));
  const put = (name: string, bytes: Uint8Array) =>
    fs.writeFileSync(path.join(root, name), bytes, { mode: 0o755 });
  put('lib/first', p.file(first));
  put('lib/second', p.file(second));
  put('bin/first', dynamic('/lib/first'));
  put('bin/second', dynamic('/lib/second'));
}

const [bundle, code, directory] = process.argv.slice(2) as [string, string, string];
const root = path.join(directory, 'root');
if (!fs.existsSync(root)) {
  fs.mkdirSync(root);
  makeRoot(root);
  letSettle();
}
const { script, exports } = loadBundle(
  fs.readFileSync(bundle, 'utf8'),
  fs.existsSync(code) ? fs.readFileSync(code) : undefined,
);
process.on('exit', () => {
  exports.decodeUsual();
  fs.writeFileSync(code, script.createCachedData());
});
exports.locate(bundle);
exports.main(['--root', root, '--cache', path.join(directory, 'cache'), '/bin/first']);
