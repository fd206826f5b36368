/**
 * The form of a system call: ONE declaration of number, name, typed arguments and handler. Dispatch, argument decoding, strace
 * output and docs/SYSCALLS.md come from it.
 *
 *   call(322, 'openat', [dirfd, path, flags(O_FLAGS), mode], (t, dirfd, path, flags, mode) => ...)
 *
 * A handler gives the result (a negative errno number is an error as in the kernel), throws an Errno (`fail('ENOENT')`), or
 * blocks: `return t.wait(queue)`. A blocked handler is run again from the start, with the same arguments, when it is woken, and
 * finds `t.callState` as it left it. So it has no effect before its last wait that it may not have twice.
 *
 * Argument words are r0..r6 as the EABI passes them: a 64-bit argument takes an even/odd register pair, low word first
 * (syscall(2), "Architecture-specific requirements").
 */
import type { Task } from '../kernel/task.ts';

/** What printing an argument may look at. */
export interface Printing {
  readonly task: Task;
  /** Low word of every argument of the call (signed), by argument position. */
  readonly args: readonly number[];
  /** The result, after return; an error is -4095..-1. */
  readonly result: number;
}

/** What values an argument takes, for who makes calls up (test/hostile). */
export type Domain =
  | { readonly kind: 'number' | 'fd' | 'pid' | 'id' | 'mode' | 'size' | 'path' | 'strings' }
  /** Bits to be combined, or one of several values. */
  | { readonly kind: 'bits' | 'value'; readonly values: readonly number[] }
  /** Where a struct of so many bytes stands, or an array of them; 0 when the declaration does not say. */
  | { readonly kind: 'address'; readonly size: number };

/** The kind of an argument. */
export interface Arg<T> {
  readonly domain: Domain;
  readonly words: 1 | 2;
  /** The handler's value, from one word (signed) or two. May throw an Errno (EFAULT of a path). */
  decode(t: Task, low: number, high: number): T;
  print(p: Printing, low: number, high: number): string;
  /** Filled in by the call: printed after it returned. */
  readonly out?: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: an argument of any type
type AnyArg = Arg<any>;
type Values<A extends readonly AnyArg[]> = {
  -readonly [K in keyof A]: A[K] extends Arg<infer T> ? T : never;
};

/** How strace prints a result. */
export type ResultKind = 'int' | 'hex';

export interface Call {
  readonly number: number;
  readonly name: string;
  readonly args: readonly AnyArg[];
  /** Register of the first word of every argument. */
  readonly registers: readonly number[];
  readonly result: ResultKind;
  /** Decodes from registers and runs the handler. */
  readonly invoke: (t: Task, r: Int32Array) => number;
}

export interface CallOptions {
  result?: ResultKind;
  /**
   * What Linux refuses before it looks at memory, which decoding strings and structs does: gets the argument words as they are
   * (signed; a 64-bit argument is two). Throws an Errno.
   */
  before?: (t: Task, ...words: number[]) => void;
}

export function call<const A extends readonly AnyArg[]>(
  number: number,
  name: string,
  args: A,
  handler: (t: Task, ...values: Values<A>) => number,
  options: CallOptions = {},
): Call {
  const registers: number[] = [];
  let next = 0;
  for (const arg of args) {
    if (arg.words === 2) next += next & 1;
    registers.push(next);
    next += arg.words;
  }
  if (next > 7) throw new Error(`${name} has more argument words than r0..r6`);
  const run = compile(args, registers, handler as Handler);
  return {
    number,
    name,
    args,
    registers,
    result: options.result ?? 'int',
    invoke: options.before ? checked(args, registers, options.before, run) : run,
  };
}

/** What Linux refuses before it looks at memory comes first. */
function checked(
  args: readonly AnyArg[],
  registers: readonly number[],
  before: NonNullable<CallOptions['before']>,
  run: Call['invoke'],
): Call['invoke'] {
  const words = args.flatMap((arg, i) =>
    arg.words === 2 ? [registers[i]!, registers[i]! + 1] : registers[i]!,
  );
  // No array is made per call: who takes fewer words is given some that mean nothing.
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0] = words;
  return (t, r) => {
    before(t, r[a]!, r[b]!, r[c]!, r[d]!, r[e]!, r[f]!, r[g]!);
    return run(t, r);
  };
}

type Handler = (t: Task, ...values: unknown[]) => number;

/** A word as it is, as a number of either kind; most arguments are such. */
export function signed(_t: Task, low: number): number {
  return low;
}
export function unsigned(_t: Task, low: number): number {
  return low >>> 0;
}
/** How a word becomes a value: null as it is. */
type Decode = ((t: Task, low: number, high: number) => unknown) | null;
function decodeOf({ decode }: AnyArg): Decode {
  return decode === signed ? null : decode;
}
function value(decode: Decode, t: Task, r: Int32Array, x: number): unknown {
  return decode === null ? r[x]! : decode === unsigned ? r[x]! >>> 0 : decode(t, r[x]!, r[x + 1]!);
}

/** One function per number of arguments: no array is made per call. */
function compile(args: readonly AnyArg[], at: readonly number[], handler: Handler): Call['invoke'] {
  const [a = null, b = null, c = null, d = null, e = null, f = null] = args.map(decodeOf);
  const [i = 0, j = 0, k = 0, l = 0, m = 0, n = 0] = at;
  switch (args.length) {
    case 0:
      return (t) => handler(t);
    case 1:
      return (t, r) => handler(t, value(a, t, r, i));
    case 2:
      return (t, r) => handler(t, value(a, t, r, i), value(b, t, r, j));
    case 3:
      return (t, r) => handler(t, value(a, t, r, i), value(b, t, r, j), value(c, t, r, k));
    case 4:
      return (t, r) => handler(t, value(a, t, r, i), value(b, t, r, j), value(c, t, r, k), value(d, t, r, l));
    case 5:
      return (t, r) =>
        handler(
          t,
          value(a, t, r, i),
          value(b, t, r, j),
          value(c, t, r, k),
          value(d, t, r, l),
          value(e, t, r, m),
        );
    case 6:
      return (t, r) =>
        handler(
          t,
          value(a, t, r, i),
          value(b, t, r, j),
          value(c, t, r, k),
          value(d, t, r, l),
          value(e, t, r, m),
          value(f, t, r, n),
        );
    default: {
      const decodes = args.map(decodeOf);
      return (t, r) => handler(t, ...decodes.map((decode, x) => value(decode, t, r, at[x]!)));
    }
  }
}
