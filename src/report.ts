/** What the command says of a run on standard error. */
import { openSync, writeSync } from 'node:fs';
import type { Fault, StartEvent, Stats } from './api.ts';

export function complain(message: string): void {
  writeSync(2, `armrun: ${message}\n`);
}

/** Writes lines to standard error ('-') or to a file. */
export function lineWriter(where: string): (line: string) => void {
  const fd = where === '-' ? 2 : openSync(where, 'w');
  return (line) => {
    writeSync(fd, `${line}\n`);
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
  const columns = (...words: string[]) => words.map((w, i) => w.padStart(COLUMNS[i]!)).join(' ');
  line('by process', columns('pid', 'instructions', 'system calls', 'faults', 'translation', 'CPU time'));
  for (const { pid, comm, cpuTime, instructions, syscalls, faults, compileMs } of stats.byProcess) {
    const counts = [instructions, syscalls, faults].map(number);
    line(comm, columns(String(pid), ...counts, `${number(compileMs)} ms`, `${number(cpuTime)} ms`));
  }
  line('time', `${number(stats.wallMs)} ms, ${(stats.instructions / stats.wallMs / 1000).toFixed(1)} MIPS`);
}
