/**
 * The log of system calls and signals, in the style of strace(1): `[pid 42] openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3`. A
 * call that sleeps while others are logged is cut in two, "<unfinished ...>" and "<... read resumed>".
 */

import { siginfo } from '../abi/siginfo.ts';
import { type SigInfo, signalName } from '../abi/signal.ts';
import { SYSCALL_NAMES } from '../abi/unistd.ts';
import type { Tracer } from '../kernel/kernel.ts';
import type { Restart, Task } from '../kernel/task.ts';
import { address, resultText } from './args.ts';
import type { Call, Printing } from './declare.ts';

const RESTART_TEXT: Readonly<Record<Restart['kind'], string>> = {
  ERESTARTSYS: 'To be restarted if SA_RESTART is set',
  ERESTARTNOHAND: 'To be restarted if no handler',
  ERESTARTNOINTR: 'To be restarted',
  ERESTART_RESTARTBLOCK: 'Interrupted by signal',
};

/** A call begun and not yet logged whole. */
interface Open {
  readonly call: Call;
  /** Text of each argument; undefined for one that is printed after return. */
  readonly words: readonly number[];
  readonly texts: (string | undefined)[];
  /** Number of arguments already written out, when the line has been cut. */
  cut: number;
}

export class Strace implements Tracer {
  readonly #write: (line: string) => void;
  readonly #open = new Map<Task, Open>();

  /** @param write gets whole lines without the newline */
  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  enter(t: Task, call: Call): void {
    this.#cutOthers(t);
    const words = wordsOf(t, call);
    const printing: Printing = { task: t, args: words, result: 0 };
    const texts = call.args.map((arg, i) =>
      arg.out ? undefined : argumentText(printing, call, i, t.cpu.r[call.registers[i]! + 1]!),
    );
    this.#open.set(t, { call, words, texts, cut: -1 });
  }

  leave(t: Task, call: Call, result: number): void {
    const open = this.#open.get(t);
    if (open === undefined) return;
    // r0 now holds the result; the other words of 64-bit out-parameters do not exist.
    const printing: Printing = { task: t, args: open.words, result };
    open.texts.forEach((text, i) => {
      if (text === undefined) open.texts[i] = argumentText(printing, call, i, 0);
    });
    this.#finish(t, open, `= ${resultText(result, call.result)}`);
  }

  interrupted(t: Task, call: Call, restart: Restart): void {
    const open = this.#open.get(t);
    if (open === undefined) return;
    open.texts.forEach((text, i) => {
      if (text === undefined) open.texts[i] = address(open.words[i]!);
    });
    this.#finish(t, open, `= ? ${restart.kind} (${RESTART_TEXT[restart.kind]})`, call);
  }

  missing(t: Task, number: number): void {
    this.#cutOthers(t);
    const name = SYSCALL_NAMES.get(number) ?? `syscall_0x${number.toString(16)}`;
    const words = Array.from(t.cpu.ru.subarray(0, 6), (x) => `0x${x.toString(16)}`);
    this.#line(t, `${name}(${words.join(', ')})`.padEnd(39), '= -1 ENOSYS (Function not implemented)');
  }

  signal(t: Task, info: SigInfo): void {
    this.#cutOthers(t);
    this.#write(`${prefix(t)}--- ${signalName(info.signo)} ${siginfo.print(info)} ---`);
  }

  ended(t: Task): void {
    const open = this.#open.get(t);
    if (open !== undefined) {
      open.texts.forEach((text, i) => {
        if (text === undefined) open.texts[i] = address(open.words[i]!);
      });
      this.#finish(t, open, '= ?');
    }
    const { status } = t.process;
    const signal = status & 0x7f;
    if (t.process.threads.size > 1) return;
    if (signal === 0) this.#write(`${prefix(t)}+++ exited with ${status >> 8} +++`);
    else {
      this.#write(`${prefix(t)}+++ killed by ${signalName(signal)} +++`);
    }
  }

  #finish(t: Task, open: Open, result: string, call: Call = open.call): void {
    this.#open.delete(t);
    this.#cutOthers(t);
    const args = open.texts.slice(Math.max(open.cut, 0)).join(', ');
    const head = open.cut < 0 ? `${call.name}(${args})` : `<... ${call.name} resumed>${args})`;
    this.#line(t, head.padEnd(39), result);
  }

  #line(t: Task, call: string, result: string): void {
    this.#write(`${prefix(t)}${call} ${result}`);
  }

  /** Another task's line is about to be written: what is still open is cut here. */
  #cutOthers(t: Task): void {
    for (const [other, open] of this.#open) {
      if (other === t || open.cut >= 0) continue;
      let known = open.texts.indexOf(undefined);
      if (known < 0) known = open.texts.length;
      open.cut = known;
      const args = open.texts
        .slice(0, known)
        .map((text, i) => (i < open.texts.length - 1 ? `${text}, ` : text));
      this.#write(`${prefix(other)}${open.call.name}(${args.join('')} <unfinished ...>`);
    }
  }
}

/** The call a task makes, with its arguments as they are while it has not returned. */
export function callText(t: Task, call: Call): string {
  const printing: Printing = { task: t, args: wordsOf(t, call), result: -1 };
  const texts = call.args.map((_, i) => argumentText(printing, call, i, t.cpu.r[call.registers[i]! + 1]!));
  return `${call.name}(${texts.join(', ')})`;
}

/** Low word of every argument. */
function wordsOf(t: Task, call: Call): number[] {
  return call.registers.map((register) => t.cpu.r[register]!);
}

/** An argument as its declaration prints it; should that fail, it is not the guest's call that fails. */
function argumentText(p: Printing, call: Call, i: number, high: number): string {
  try {
    return call.args[i]!.print(p, p.args[i]!, high);
  } catch (error) {
    p.task.kernel.failed(`printing ${call.name}`, error);
    return address(p.args[i]!);
  }
}

function prefix(t: Task): string {
  return `[pid ${t.tid}] `;
}
