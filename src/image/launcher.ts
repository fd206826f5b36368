/**
 * The program that starts armrun inside an image: a static ELF file of a kilobyte that the host's kernel runs where there is no
 * host libc, no shell for the host and perhaps no /proc. It replaces itself by Node, which the pack brings, and does what
 * src/armrun and dist/start.sh do elsewhere:
 *
 * - it takes the startup snapshot, unless the processor is another than the snapshot was made on, which Node would refuse; then
 *   the bundle;
 * - it counts the processors for V8's thread pool;
 * - it hides the image's environment from Node and the dynamic linker, for whom NODE_OPTIONS or LD_PRELOAD are not meant: the
 *   first byte of each variable is turned into another (environment.ts turns it back).
 *
 * As the wrapper at /bin/sh it runs the image's /bin/sh, with its arguments from argv[0] on; as /armrun/armrun it is the command
 * armrun.
 */
import { FLIPPED_BIT, LAUNCHER_ENVIRONMENT } from '../environment.ts';
import { Arm64Assembler } from './arm64.ts';
import type { Assembler, Register } from './assembler.ts';
import { FOLDER, SHELL } from './folder.ts';
import { X64Assembler } from './x64.ts';

export type Architecture = 'x64' | 'arm64';

export interface LauncherOptions {
  architecture: Architecture;
  /** File name of the dynamic linker in the folder's lib. */
  linker: string;
  /** Options for Node, and what a start from the snapshot takes besides. */
  flags: readonly string[];
  snapshotFlags: readonly string[];
  /**
   * The processor a snapshot was made on, as a launcher with 'ask' tells it; null: there is no snapshot; 'ask': tell it on
   * standard output.
   */
  processor: Uint8Array | null | 'ask';
  /** It is the wrapper at /bin/sh. */
  shell: boolean;
}

const MOST_THREADS = 4;
/** Room for the kernel's set of 8192 processors. */
const CPU_SET_BYTES = 1024;
/** Bytes between the texts of the option for 1, 2 ... threads. */
const THREADS_STRIDE = 24;

/** A whole ELF file. */
export function launcher(options: LauncherOptions): Uint8Array {
  const asm = options.architecture === 'x64' ? new X64Assembler() : new Arm64Assembler();
  asm.begin();
  asm.copy('r6', 'w');
  flipEnvironment(asm);
  const { processor } = options;
  if (processor === 'ask') tellProcessor(asm);
  else write(asm, { ...options, processor });
  return elf(asm.machine, asm.finish());
}

/** AT_EXECFN of getauxval(3): the path that was executed. */
const AT_EXECFN = 31;
/** Room for a path of the kernel's longest, and a file of the folder. */
const PATH_STRIDE = 4096 + 128;

/** r6 is the initial stack all the time: argc, argv, a null, the environment, a null, the auxiliary vector. */
function write(asm: Assembler, options: LauncherOptions & { processor: Uint8Array | null }): void {
  const { processor, flags, snapshotFlags, linker, shell } = options;
  compareProcessor(asm, processor);
  chooseThreads(asm);

  /** Files of the folder that are named, by where they are in it. */
  const files = [`lib/${linker}`, 'lib', 'node', 'armrun.blob', 'start.cjs'];
  const texts = new Map<string, string>();
  const text = (register: Register, content: string) => {
    if (!texts.has(content)) texts.set(content, `text ${texts.size}`);
    asm.address(register, texts.get(content)!);
  };
  const push = (...contents: string[]) => {
    for (const content of contents) {
      text('a0', content);
      asm.push('a0');
    }
  };
  // The wrapper is elsewhere than the folder; the command is in it, wherever that is mounted. a2: the paths, made on the stack.
  if (!shell) {
    for (const content of [...files, `${FOLDER}/`]) text('a0', content);
    makePaths(
      asm,
      files.map((file) => texts.get(file)!),
      texts.get(`${FOLDER}/`)!,
    );
  }
  const path = (register: Register, file: string) => {
    if (shell) return text(register, `${FOLDER}/${file}`);
    asm.copy(register, 'a2');
    asm.add(register, files.indexOf(file) * PATH_STRIDE);
  };
  const pushPath = (file: string) => {
    path('a0', file);
    asm.push('a0');
  };

  // The vectors are pushed from their ends. r5: the environment; r0 and r1: end and start of what is copied.
  environmentAt(asm, 'r1');
  asm.copy('r0', 'r1');
  asm.label('end');
  asm.load('r2', 'r0', 0);
  asm.add('r0', 8);
  asm.compare('r2', 0);
  asm.jumpIf('notEqual', 'end');
  pushPointers(asm, 'environment');
  push(...LAUNCHER_ENVIRONMENT);
  asm.copy('r5', 'w');

  environmentAt(asm, 'r0');
  asm.copy('r1', 'r6');
  asm.add('r1', 16);
  pushPointers(asm, 'arguments');
  if (shell) {
    push(SHELL, '--');
    asm.load('a0', 'r6', 8);
    asm.push('a0');
    push('--argv0');
  }
  asm.compare('r4', 0);
  asm.jumpIf('equal', 'bundle');
  push('--');
  pushPath('armrun.blob');
  push('--snapshot-blob', ...snapshotFlags.toReversed());
  asm.jump('node');
  asm.label('bundle');
  pushPath('start.cjs');
  asm.label('node');
  push(...flags.toReversed());
  asm.push('r3');
  pushPath('node');
  pushPath('lib');
  push('--library-path');
  pushPath(`lib/${linker}`);

  path('a0', `lib/${linker}`);
  asm.copy('a1', 'w');
  asm.copy('a2', 'r5');
  asm.systemCall('execve');
  const where = shell ? `${FOLDER}/lib/${linker}` : `lib/${linker} beside armrun`;
  const message = `armrun: ${where} cannot be executed: the archive was unpacked in part, or is not all there\n`;
  text('a1', message);
  fail(asm, message.length);

  for (const [content, label] of texts) asm.text(label, content);
}

/**
 * Writes the paths of files of the folder onto the stack: what was executed, up to its last slash, and the file. a2: the first
 * of them; the others follow, each PATH_STRIDE after the one before. `otherwise` is taken where the kernel does not tell what
 * was executed.
 */
function makePaths(asm: Assembler, files: readonly string[], otherwise: string): void {
  environmentAt(asm, 'r1');
  asm.label('before vector');
  asm.load('r0', 'r1', 0);
  asm.add('r1', 8);
  asm.compare('r0', 0);
  asm.jumpIf('notEqual', 'before vector');
  asm.label('vector');
  asm.load('r2', 'r1', 0);
  asm.load('r0', 'r1', 8);
  asm.add('r1', 16);
  asm.compare('r2', AT_EXECFN);
  asm.jumpIf('equal', 'executed');
  asm.compare('r2', 0);
  asm.jumpIf('notEqual', 'vector');
  asm.address('r0', otherwise);
  asm.label('executed');

  // r5: behind the last slash.
  asm.copy('r5', 'r0');
  asm.copy('r1', 'r0');
  asm.label('path');
  asm.load8('r2', 'r1', 0);
  asm.add('r1', 1);
  asm.compare('r2', 0);
  asm.jumpIf('equal', 'path ended');
  asm.compare('r2', 0x2f);
  asm.jumpIf('notEqual', 'path');
  asm.copy('r5', 'r1');
  asm.jump('path');
  asm.label('path ended');

  asm.add('w', -PATH_STRIDE * files.length);
  asm.copy('a2', 'w');
  asm.copy('a1', 'w');
  for (const [i, file] of files.entries()) {
    // a1: where the next byte goes; r1: where it comes from.
    asm.copy('r1', 'r0');
    asm.label(`directory ${i}`);
    asm.compareRegisters('r1', 'r5');
    asm.jumpIf('equal', `file ${i}`);
    asm.load8('r2', 'r1', 0);
    asm.store8('a1', 0, 'r2');
    asm.add('r1', 1);
    asm.add('a1', 1);
    asm.jump(`directory ${i}`);
    asm.label(`file ${i}`);
    asm.address('r1', file);
    asm.label(`name ${i}`);
    asm.load8('r2', 'r1', 0);
    asm.store8('a1', 0, 'r2');
    asm.add('r1', 1);
    asm.add('a1', 1);
    asm.compare('r2', 0);
    asm.jumpIf('notEqual', `name ${i}`);
    asm.copy('a1', 'a2');
    asm.add('a1', (i + 1) * PATH_STRIDE);
  }
}

/** Ends with what pushProcessor pushes on standard output. */
function tellProcessor(asm: Assembler): void {
  const words = asm.pushProcessor('r1');
  asm.set('a0', 1);
  asm.copy('a1', 'w');
  asm.set('a2', words * 8);
  asm.systemCall('write');
  asm.set('a0', 0);
  asm.systemCall('exit');
}

/** Ends as a shell does that cannot execute a program, with a message whose address is in a1. */
function fail(asm: Assembler, length: number): void {
  asm.set('a0', 2);
  asm.set('a2', length);
  asm.systemCall('write');
  asm.set('a0', 126);
  asm.systemCall('exit');
}

/** The pointer to the environment, or one behind the null that ends argv. */
function environmentAt(asm: Assembler, to: Register): void {
  asm.load('r2', 'r6', 0);
  asm.copy(to, 'r6');
  for (let i = 0; i < 8; i++) asm.addRegister(to, 'r2');
  asm.add(to, 16);
}

/** Changes the first byte of each variable; r1 ends at the auxiliary vector. */
function flipEnvironment(asm: Assembler): void {
  environmentAt(asm, 'r1');
  asm.label('variable');
  asm.load('r0', 'r1', 0);
  asm.add('r1', 8);
  asm.compare('r0', 0);
  asm.jumpIf('equal', 'flipped');
  asm.load8('r2', 'r0', 0);
  asm.compare('r2', 0x80);
  asm.jumpIf('aboveOrEqual', 'variable');
  for (const byte of [0, FLIPPED_BIT]) {
    asm.compare('r2', byte);
    asm.jumpIf('equal', 'variable');
  }
  asm.xor('r2', FLIPPED_BIT);
  asm.store8('r0', 0, 'r2');
  asm.jump('variable');
  asm.label('flipped');
}

/** r4: whether this is the processor of the snapshot. */
function compareProcessor(asm: Assembler, processor: Uint8Array | null): void {
  if (processor === null) {
    asm.set('r4', 0);
    return;
  }
  const words = asm.pushProcessor('r1');
  if (processor.length !== words * 8) throw new Error('the processor is described by an other launcher');
  asm.address('r0', 'processor');
  asm.set('r1', words);
  asm.set('r4', 1);
  asm.label('compare');
  asm.load('r2', 'w', 0);
  asm.load('r3', 'r0', 0);
  asm.add('w', 8);
  asm.add('r0', 8);
  asm.add('r1', -1);
  asm.compareRegisters('r2', 'r3');
  asm.jumpIf('equal', 'same');
  asm.set('r4', 0);
  asm.label('same');
  asm.compare('r1', 0);
  asm.jumpIf('notEqual', 'compare');
  asm.jump('compared');
  asm.data('processor', processor);
  asm.align();
  asm.label('compared');
}

/**
 * r3: Node's option for one thread less than there are processors, at least one, at most four, as src/snapshot/build.cjs has it.
 */
function chooseThreads(asm: Assembler): void {
  asm.set('r0', 0);
  for (let i = 0; i < CPU_SET_BYTES; i += 8) asm.push('r0');
  asm.set('a0', 0);
  asm.set('a1', CPU_SET_BYTES);
  asm.copy('a2', 'w');
  asm.systemCall('sched_getaffinity');
  asm.set('r1', CPU_SET_BYTES / 8);
  asm.label('word');
  asm.load('r2', 'w', 0);
  asm.add('w', 8);
  asm.label('bit');
  asm.compare('r2', 0);
  asm.jumpIf('equal', 'no bit');
  asm.copy('r3', 'r2');
  asm.add('r3', -1);
  asm.and('r2', 'r3');
  asm.add('r0', 1);
  asm.jump('bit');
  asm.label('no bit');
  asm.add('r1', -1);
  asm.compare('r1', 0);
  asm.jumpIf('notEqual', 'word');

  asm.address('r3', 'threads');
  asm.set('r1', MOST_THREADS - 1);
  asm.label('thread');
  asm.compare('r1', 0);
  asm.jumpIf('equal', 'threads chosen');
  asm.compare('r0', 3);
  asm.jumpIf('below', 'threads chosen');
  asm.add('r3', THREADS_STRIDE);
  asm.add('r0', -1);
  asm.add('r1', -1);
  asm.jump('thread');
  const options = Array.from({ length: MOST_THREADS }, (_, i) =>
    `--v8-pool-size=${i + 1}`.padEnd(THREADS_STRIDE, '\0'),
  );
  asm.data('threads', Buffer.from(options.join('')));
  asm.align();
  asm.label('threads chosen');
}

/** Pushes the pointers from r1 to before r0, so that the first is on top. */
function pushPointers(asm: Assembler, what: string): void {
  asm.label(what);
  asm.add('r0', -8);
  asm.load('a0', 'r0', 0);
  asm.push('a0');
  asm.compareRegisters('r1', 'r0');
  asm.jumpIf('below', what);
}

/** An executable of one segment, which can be read and executed, and a stack that cannot be executed (elf(5)). */
function elf(machine: number, code: Uint8Array): Uint8Array {
  const base = 0x400000n;
  const headers = 64 + 2 * 56;
  const file = Buffer.alloc(headers + code.length);
  file.write('\x7fELF', 'latin1');
  file.set([2, 1, 1], 4); // 64 bits, little-endian, version 1
  file.writeUInt16LE(2, 16); // ET_EXEC
  file.writeUInt16LE(machine, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(base + BigInt(headers), 24); // entry
  file.writeBigUInt64LE(64n, 32); // program headers
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(2, 56);
  file.writeUInt32LE(1, 64); // PT_LOAD
  file.writeUInt32LE(5, 68); // PF_R | PF_X
  file.writeBigUInt64LE(base, 80);
  file.writeBigUInt64LE(base, 88);
  file.writeBigUInt64LE(BigInt(file.length), 96);
  file.writeBigUInt64LE(BigInt(file.length), 104);
  file.writeBigUInt64LE(0x10000n, 112);
  file.writeUInt32LE(0x6474e551, 120); // PT_GNU_STACK
  file.writeUInt32LE(6, 124); // PF_R | PF_W
  file.set(code, headers);
  return file;
}
