/**
 * The kinds of argument a system call may declare: how each is decoded from registers and printed by strace. Printing follows
 * strace(1): strings quoted and cut at STRING_MAX characters, flags symbolic, structs from their layouts, out-parameters after
 * return.
 */

import { READ } from '../../emu/memory/layout.ts';
import { errnoOf, fail } from '../abi/errno.ts';
import { AT_FDCWD } from '../abi/fcntl.ts';
import type { Field } from '../abi/struct.ts';
import type { Task } from '../kernel/task.ts';
import { type IdMap, NO_ID } from '../vfs/core/user-namespace.ts';
import { type Arg, type Domain, type Printing, signed, unsigned } from './declare.ts';

const STRING_MAX = 32;

/** One whose value is the word as it is. */
function word(
  domain: Domain,
  decode: typeof signed | typeof unsigned,
  print: (low: number, p: Printing) => string,
  out = false,
): Arg<number> {
  return { domain, words: 1, decode, print: (p, low) => print(low, p), out };
}

const NUMBER: Domain = { kind: 'number' };
const PATH: Domain = { kind: 'path' };
export const addressOf = (type?: Field<unknown>): Domain => ({ kind: 'address', size: type?.size ?? 0 });
export const valuesOf = (kind: 'bits' | 'value', names: FlagNames): Domain => ({
  kind,
  values: Object.values(names),
});

export const int: Arg<number> = word(NUMBER, signed, String);
export const uint: Arg<number> = word(NUMBER, unsigned, (x) => String(x >>> 0));
export const hex: Arg<number> = word(NUMBER, unsigned, (x) => (x === 0 ? '0' : address(x)));
/** A guest address whose content strace does not show. */
export const ptr: Arg<number> = word(addressOf(), unsigned, address);
/** A length in bytes. */
export const size: Arg<number> = { ...uint, domain: { kind: 'size' } };
export const fd: Arg<number> = { ...int, domain: { kind: 'fd' } };
/** A number of the caller's PID namespace, or a group's with a minus sign. Decodes to the kernel's. */
export const pid: Arg<number> = {
  ...int,
  domain: { kind: 'pid' },
  decode: (t, x) => t.process.pids.argument(x),
};
/** A file mode, octal. */
export const mode: Arg<number> = word({ kind: 'mode' }, unsigned, (x) => `0${(x & 0xffff).toString(8)}`);
/** A user or group id: -1 prints as such. Decodes unsigned. */
export const id: Arg<number> = word({ kind: 'id' }, unsigned, String);
/** A user or group that is to be had in the caller's namespace. Decodes to the kernel's (make_kuid). EINVAL. */
export const uid: Arg<number> = { ...id, decode: (t, x) => kernelId(t.creds.user.uids, x >>> 0) };
export const gid: Arg<number> = { ...id, decode: (t, x) => kernelId(t.creds.user.gids, x >>> 0) };

export function kernelId(map: IdMap, id: number): number {
  return id === NO_ID ? id : (map.toKernel(id) ?? fail('EINVAL'));
}

/** The old calls' 16-bit ids (high2lowuid, low2highuid of linux/highuid.h): 0xffff means -1. */
export const id16: Arg<number> = {
  domain: { kind: 'id' },
  words: 1,
  decode: (_t, x) => ((x & 0xffff) === 0xffff ? 0xffff_ffff : x & 0xffff),
  print: (_p, x) => String(x),
};

export const uid16: Arg<number> = {
  ...id16,
  decode: (t, x) => kernelId(t.creds.user.uids, id16.decode(t, x, 0)),
};
export const gid16: Arg<number> = {
  ...id16,
  decode: (t, x) => kernelId(t.creds.user.gids, id16.decode(t, x, 0)),
};

/** 64-bit arguments in an aligned register pair, as numbers (exact to 2^53). */
export const s64: Arg<number> = {
  domain: NUMBER,
  words: 2,
  decode: (_t, low, high) => high * 2 ** 32 + (low >>> 0),
  print: (_p, low, high) => String(high * 2 ** 32 + (low >>> 0)),
};
export const u64: Arg<number> = {
  domain: NUMBER,
  words: 2,
  decode: (_t, low, high) => (high >>> 0) * 2 ** 32 + (low >>> 0),
  print: (_p, low, high) => String((high >>> 0) * 2 ** 32 + (low >>> 0)),
};

/** The special directory descriptor of the *at calls. */
export const dirfd: Arg<number> = word({ kind: 'fd' }, signed, (x) =>
  x === AT_FDCWD ? 'AT_FDCWD' : String(x),
);

/** A path name; a byte string (see mm.ts). EFAULT, ENAMETOOLONG, and ENOENT for an empty one (getname of fs/namei.c). */
export const path: Arg<string> = {
  domain: PATH,
  words: 1,
  decode: (t, low) => t.mm.string(low >>> 0) || fail('ENOENT'),
  print: (p, low) => stringAt(p.task, low >>> 0, 4096),
};
/** As path, but read when the handler asks for it: after another one has been looked up, or other strings read. */
export const laterPath: Arg<() => string> = {
  ...path,
  decode: (t, low, high) => () => path.decode(t, low, high),
};
/** As path, but may be empty: of a call that knows AT_EMPTY_PATH. */
export const pathOrEmpty: Arg<string> = { ...path, decode: (t, low) => t.mm.string(low >>> 0) };
/** A path name, or null for a null pointer. May be empty. */
export const pathOrNull: Arg<string | null> = {
  domain: PATH,
  words: 1,
  decode: (t, low) => (low === 0 ? null : t.mm.string(low >>> 0)),
  print: path.print,
};
/** A short NUL-terminated string, such as an attribute's name. */
export const str: Arg<string> = {
  domain: PATH,
  words: 1,
  decode: pathOrEmpty.decode,
  print: (p, low) => stringAt(p.task, low >>> 0, STRING_MAX),
};

/** Names of flag bits; a value that holds several bits at once goes before those it contains. */
export type FlagNames = Readonly<Record<string, number>>;

/** A set of flags, printed symbolically. `field` is a mask of bits that are one number instead (O_ACCMODE). */
export function flags(names: FlagNames, field = 0): Arg<number> {
  return word(valuesOf('bits', names), signed, (x) => flagText(x, names, field));
}

/** One of several values. */
export function oneOf(names: FlagNames): Arg<number> {
  const byValue = new Map(Object.entries(names).map(([name, value]) => [value | 0, name]));
  return word(valuesOf('value', names), signed, (x) => byValue.get(x) ?? address(x));
}

/** Bytes the call reads, `length` being the position of the argument that counts them. Decodes to the address. */
export function bytesIn(length: number): Arg<number> {
  return word(addressOf(), unsigned, (x, p) => bytesAt(p.task, x >>> 0, p.args[length]! >>> 0));
}

/** Bytes the call writes: as many as its result says. Decodes to the address. */
export const bytesOut: Arg<number> = word(
  addressOf(),
  unsigned,
  (x, p) => (p.result < 0 ? address(x) : bytesAt(p.task, x >>> 0, p.result)),
  true,
);

/** A struct the call reads; decodes to its value. EFAULT, also for a null pointer. */
export function structIn<T>(type: Field<T>): Arg<T> {
  return {
    domain: addressOf(type),
    words: 1,
    decode: (t, low) => t.mm.get(type, low >>> 0),
    print: (p, low) => fieldAt(p.task, type, low >>> 0),
  };
}

/** A struct the call reads, or null for a null pointer. */
export function structInOrNull<T>(type: Field<T>): Arg<T | null> {
  return {
    domain: addressOf(type),
    words: 1,
    decode: (t, low) => (low === 0 ? null : t.mm.get(type, low >>> 0)),
    print: (p, low) => fieldAt(p.task, type, low >>> 0),
  };
}

/**
 * A struct or scalar the call writes; decodes to its address (0: null). Write it with `t.mm.put(type, address, value)`. `written`
 * tells by the result whether the call wrote it.
 */
export function structOut<T>(type: Field<T>, written = (result: number) => result >= 0): Arg<number> {
  return word(
    addressOf(type),
    unsigned,
    (x, p) => (written(p.result) ? fieldAt(p.task, type, x >>> 0) : address(x)),
    true,
  );
}

/** An array of structs, counted by another argument; decodes to its address. */
export function arrayIn<T>(type: Field<T>, count: number): Arg<number> {
  return word(addressOf(type), unsigned, (x, p) => arrayAt(p.task, type, x >>> 0, p.args[count]!));
}

/** A NULL-terminated array of strings (execve); decodes to its address. */
export const stringVector: Arg<number> = word({ kind: 'strings' }, unsigned, (x, p) =>
  vectorAt(p.task, x >>> 0),
);

// ---- printing ----

export function address(x: number): string {
  return x === 0 ? 'NULL' : `0x${(x >>> 0).toString(16)}`;
}

export function flagText(x: number, names: FlagNames, field = 0): string {
  const parts: string[] = [];
  let left = x;
  if (field !== 0) {
    const name = Object.keys(names).find((key) => (names[key]! & ~field) === 0 && names[key] === (x & field));
    parts.push(name ?? address(x & field));
    left &= ~field;
  }
  for (const [name, bits] of Object.entries(names)) {
    if (bits !== 0 && (bits & field) === 0 && (left & bits) === (bits | 0)) {
      parts.push(name);
      left &= ~bits;
    }
  }
  if (left !== 0) parts.push(`0x${(left >>> 0).toString(16)}`);
  return parts.length > 0 ? parts.join('|') : (Object.keys(names).find((key) => names[key] === 0) ?? '0');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
  '\v': '\\v',
  '\f': '\\f',
};

/** A byte string in C's quotes, octal where not printable, as strace prints it. */
export function quote(s: string): string {
  let text = '';
  for (let i = 0; i < s.length; i++) {
    const c = s[i]!;
    const code = s.charCodeAt(i);
    if (ESCAPES[c]) text += ESCAPES[c];
    else if (code >= 0x20 && code < 0x7f) text += c;
    else {
      // Three digits when a digit follows, else as few as will do.
      const next = s.charCodeAt(i + 1);
      text += `\\${code.toString(8).padStart(next >= 0x30 && next <= 0x39 ? 3 : 1, '0')}`;
    }
  }
  return `"${text}"`;
}

/** A string of the guest, quoted; its address when it cannot be read. */
function stringAt(t: Task, at: number, max: number): string {
  if (at === 0) return 'NULL';
  const { space } = t.mm;
  let s = '';
  for (let i = 0; i < max; i++) {
    if (!space.check(at + i, 1, READ)) return address(at);
    const c = space.u8[at + i]!;
    if (c === 0) return quote(s);
    s += String.fromCharCode(c);
  }
  return `${quote(s)}...`;
}

function bytesAt(t: Task, at: number, length: number): string {
  if (at === 0) return 'NULL';
  const shown = Math.min(length, STRING_MAX);
  if (!t.mm.space.check(at, shown, READ)) return address(at);
  const text = quote(String.fromCharCode(...t.mm.space.u8.subarray(at, at + shown)));
  return length > shown ? `${text}...` : text;
}

export function fieldAt<T>(t: Task, type: Field<T>, at: number): string {
  if (at === 0) return 'NULL';
  if (!t.mm.space.check(at, type.size, READ)) return address(at);
  const text = type.print(type.get(t.mm.view, at)) ?? '';
  return /^[{"[~]/.test(text) ? text : `[${text}]`;
}

function arrayAt<T>(t: Task, type: Field<T>, at: number, count: number): string {
  if (at === 0) return 'NULL';
  const shown = Math.min(Math.max(count, 0), STRING_MAX);
  if (!t.mm.space.check(at, type.size * shown, READ)) return address(at);
  const items = Array.from({ length: shown }, (_, i) => type.print(type.get(t.mm.view, at + i * type.size)));
  return `[${items.join(', ')}${count > shown ? ', ...' : ''}]`;
}

function vectorAt(t: Task, at: number): string {
  if (at === 0) return 'NULL';
  const items: string[] = [];
  for (let i = 0; ; i++) {
    if (i === STRING_MAX) {
      items.push('...');
      break;
    }
    if (!t.mm.space.check(at + 4 * i, 4, READ)) return address(at);
    const string = t.mm.view.getUint32(at + 4 * i, true);
    if (string === 0) break;
    items.push(stringAt(t, string, STRING_MAX));
  }
  return `[${items.join(', ')}]`;
}

/** What stands after '='. */
export function resultText(result: number, kind: 'int' | 'hex'): string {
  if (result < 0 && result >= -4095) {
    const e = errnoOf(-result);
    return e ? `-1 ${e.name} (${e.message})` : `-1 (errno ${-result})`;
  }
  return kind === 'hex' ? address(result) : String(result);
}
