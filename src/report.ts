/** What the command says of a run on standard error. */
import { openSync, writeSync } from 'node:fs';
import type { Fault, StartEvent, Stats } from './api.ts';

export function complain(message: string): void {
  write(2, `armrun: ${message}\n`);
}

/** Milliseconds between two tries to write to a pipe that is full. */
const FULL_MS = 1;

/** Writes all of a text. A pipe of the host's may be full and not wait by itself (O_NONBLOCK is whoever's that shares it). */
function write(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; )
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_MS);
    }
}

/** Writes lines to standard error ('-') or to a file. */
export function lineWriter(where: string): (line: string) => void {
  const fd = where === '-' ? 2 : openSync(where, 'w');
  return (line) => {
    write(fd, `${line}\n`);
  };
}

/** A word as a shell would read it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function startedFrom(): string {
  if (process.execArgv.includes('--snapshot-blob')) return 'started from the snapshot';
  return import.meta.url.endsWith('.ts') ? 'started from the sources' : 'started from the bundle';
}

/** ARMRUN_DEBUG. */
export function sayStart({ path, argv, cwd, uid, gid }: StartEvent): void {
  complain(`${path} runs as: ${argv.map(quoted).join(' ')} (in ${cwd} as ${uid}:${gid}, ${startedFrom()})`);
}

export function sayFault({ text, address, pc, thumb }: Fault): void {
  const hex = (x: number) => `0x${x.toString(16)}`;
  complain(`${text} at address ${hex(address)} (pc ${hex(pc)}${thumb ? ', Thumb' : ''})`);
}

/** Encodings that are named of those that compiled code leaves to another tier. */
const MOST_STEPS = 10;

/** Widths of what --stats says of a process. */
const COLUMNS = [7, 15, 12, 8, 12, 11];

export function sayStats(stats: Stats): void {
  const number = (x: number) => Math.round(x).toLocaleString('en-US');
  const line = (name: string, value: string) => complain(`${name.padEnd(14)} ${value}`);
  line('instructions', number(stats.instructions));
  line('system calls', number(stats.syscalls));
  line('faults', number(stats.faults));
  line('processes', number(stats.processes));
  line(
    'translation',
    `${number(stats.compileMs)} ms, ${stats.regions} regions, ${stats.modules} modules, ${number(stats.wasmBytes)} bytes`,
  );
  const { tiers, threads, kept, steps, hooksMs } = stats.work;
  line('kept', `${kept.modules} modules, ${kept.compiled} with V8's code`);
  for (const [name, { instructions, ms }] of Object.entries(tiers))
    line(`in ${name}`, `${number(instructions)} instructions, ${number(ms)} ms`);
  for (const [name, { decodeMs, translateMs }] of Object.entries(threads))
    line(`thread ${name}`, `${number(decodeMs)} ms decoding, ${number(translateMs)} ms translating`);
  line('in the kernel', `${number(hooksMs)} ms`);
  const left = Object.entries(steps).sort(([, a], [, b]) => b - a);
  const sum = left.reduce((all, [, count]) => all + count, 0);
  const most = left.slice(0, MOST_STEPS).map(([name, count]) => `${name} ${number(count)}`);
  line(
    'left to step',
    `${number(sum)} of ${left.length} encodings${most.map((word, i) => (i === 0 ? ': ' : ', ') + word).join('')}`,
  );
  const columns = (...words: string[]) => words.map((w, i) => w.padStart(COLUMNS[i]!)).join(' ');
  line('by process', columns('pid', 'instructions', 'system calls', 'faults', 'translation', 'CPU time'));
  for (const { pid, comm, cpuTime, instructions, syscalls, faults, compileMs } of stats.byProcess) {
    const counts = [instructions, syscalls, faults].map(number);
    line(comm, columns(String(pid), ...counts, `${number(compileMs)} ms`, `${number(cpuTime)} ms`));
  }
  line('time', `${number(stats.wallMs)} ms, ${(stats.instructions / stats.wallMs / 1000).toFixed(1)} MIPS`);
}
