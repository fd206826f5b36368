/** Where armrun and the host's kernel came to different ends of the same calls. */
import { errnoOf } from '../../syscalls/abi/errno.ts';
import { explanation } from './differences.ts';
import type { BatchResult, CallResult } from './encode.ts';
import type { Made } from './generate.ts';
import type { Difference } from './rule.ts';
import { IN_CHILD } from './selection.ts';

/**
 * Differences of one batch, up to where the two go different ways; `calls` counts those that were compared. Those that are meant
 * are not given, but with `all`.
 */
export function compare(
  batch: readonly Made[],
  ours: BatchResult,
  theirs: BatchResult,
  all = false,
): { calls: number; found: Difference[] } {
  const found: Difference[] = [];
  const add = (index: number, what: string, our: string, their: string, name?: string): void => {
    const made = batch[index]!;
    const last = ours.calls[index];
    const result = last === undefined ? '' : valueText(made, last);
    const names = name === undefined ? (last?.names ?? []) : [name];
    const difference = { made, before: batch.slice(0, index), what, ours: our, theirs: their, result, names };
    if (all || explanation(difference) === undefined) found.push(difference);
  };
  const both = Math.min(ours.calls.length, theirs.calls.length);
  for (let i = 0; i < both; i++) {
    const [a, b] = [ours.calls[i]!, theirs.calls[i]!];
    const [x, y] = [valueText(batch[i]!, a), valueText(batch[i]!, b)];
    if (x !== y) {
      add(i, 'result', x, y);
      return { calls: i + 1, found };
    }
    if (a.first < 0 !== b.first < 0 || (b.value < 0 && (a.first !== b.first || a.last !== b.last))) {
      add(i, 'memory', rangeText(a), rangeText(b));
    }
  }
  if (ours.calls.length !== theirs.calls.length || ours.status !== theirs.status) {
    add(Math.min(both, batch.length - 1), 'end', endText(ours, both), endText(theirs, both));
    return { calls: both + 1, found };
  }
  for (let fd = 0; both === batch.length && fd < ours.descriptors.length / 2; fd++) {
    const [a, b] = [ours.descriptors[2 * fd]!, theirs.descriptors[2 * fd]!];
    if (a < 0 !== b < 0) add(both - 1, `descriptor ${fd}`, String(a), String(b));
    const [c, d] = [ours.descriptors[2 * fd + 1]!, theirs.descriptors[2 * fd + 1]!];
    const [name, other] = [ours.names?.[fd] ?? '', theirs.names?.[fd]];
    if (c !== d) add(both - 1, `offset of descriptor ${fd}`, String(c), String(d), name);
    if (other !== undefined && plain(name) !== plain(other))
      add(both - 1, `name of descriptor ${fd}`, name, other, name);
  }
  return { calls: both, found };
}

/** Without the number of a pipe or of the process. */
const plain = (name: string) => name.replace(/\[\d.*/, '').replace(/^\/proc\/\d+/, '/proc');

/** As in executor.c. */
const ENDED = 0x4000_0000;

/** Results that say something of the machine, not of the call. */
const OWN_RESULT = new RegExp(
  '^(mmap2|mremap|brk|shmat|getpid|gettid|getppid|getpgid|getpgrp|getsid|setsid|times|time|getrandom|set_tid_address|add_key|' +
    'fork|vfork|clone|clone3|msgget|semget|shmget|msgctl|semctl|shmctl|wait4|waitid|timer_create|getcpu|personality|sched_.*|getpriority|syslog|sysinfo)$',
);

function valueText({ call }: Made, { value }: CallResult): string {
  if (value < 0 && value >= -4095) return errnoOf(-value)?.name ?? String(value);
  if (IN_CHILD.test(call.name) && value & ENDED) return statusText(value & ~ENDED);
  return OWN_RESULT.test(call.name) ? 'success' : String(value);
}
const GONE = -2;
const rangeText = ({ first, last }: CallResult): string =>
  first === GONE ? 'gone' : first < 0 ? 'nothing' : `${first}..${last}`;
const statusText = (status: number): string =>
  status & 0x7f ? `signal ${status & 0x7f}` : `status ${status >> 8}`;
const endText = ({ status, calls }: BatchResult, both: number): string =>
  calls.length > both ? `${calls[both]!.value}` : statusText(status);

const hex = (x: number) => (x > 9 ? `0x${x.toString(16)}` : String(x));

/** A call as made, with what was put into memory for it. */
export function callText({ call, words, fills }: Made): string {
  const args = call.args.map((arg, i) =>
    arg.words === 2 ? `${hex(words[i]![0])}:${hex(words[i]![1])}` : hex(words[i]![0]),
  );
  const memory = fills.map(({ at, bytes }) => {
    const text = Buffer.from(bytes).toString('latin1');
    const shown = /^[ -~]*\0$/.test(text)
      ? JSON.stringify(text.slice(0, 40))
      : Buffer.from(bytes.subarray(0, 32))
          .toString('hex')
          .replace(/(.{8})/g, '$1 ')
          .trim();
    return ` ${hex(at)}=${shown}`;
  });
  return `${call.name}(${args.join(', ')})${memory.join('')}`;
}

export function differenceText({ made, what, ours, theirs }: Difference): string {
  return `${callText(made)}: ${what} ${ours}, Linux ${theirs}`;
}
