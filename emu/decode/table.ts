/**
 * Text tables of encodings: one line for an instruction, which gives its rows of A32 and T32 together.
 *
 *     NAME ENCODING | bits | shape | op | unpredictable
 *
 * A mnemonic that is not the name's first word stands behind it, as in 'MOV (immediate) A2 =movw'. An encoding that is a number
 * is of both instruction sets (A1 and T1); one with a letter (A1) of one, by its width T16 or T32, and then its bits are all.
 *
 * The bits are the lower 28 in the form of row.ts (32 of rows that differ in more than the condition); what stands above them
 * is the table's `heads`. The shape is named with its arguments, as 'same su bhw'. Mnemonic, shape, op and predicate are looked
 * up when the row is first used: a program uses few of them.
 */
import type { Feature } from '../cpu-model.ts';
import { parse } from './build.ts';
import type { Field, IsaName, Op, Row, Shape } from './row.ts';

type Predicate = NonNullable<Row['unpredictable']>;

/** What the names in a table mean. */
export interface Vocabulary {
  readonly shapes: Readonly<Record<string, unknown>>;
  readonly ops: Readonly<Record<string, unknown>>;
  readonly predicates: Readonly<Record<string, unknown>>;
  /** What a CPU must have for the rows, when not all that are like the default have. */
  readonly needs?: Feature;
}

/** The upper bits of A32 and T32 for the lower 28 of a line, or those changed (T32's U stands elsewhere). */
export type Heads = (bits: string) => readonly [a32: string, t32: string];

/** The heads of tables whose lines are of one instruction set each. */
export const ofOneIsa: Heads = (bits) => [bits, bits];

/** By vocabulary and text. */
const meanings = new WeakMap<object, Map<string, unknown>>();

/** Few fields: all rows are in the startup snapshot, and few of them are used in a run. */
class TableRow implements Row {
  readonly isa: IsaName;
  readonly name: string;
  readonly mask: number;
  readonly value: number;
  readonly shouldMask: number;
  readonly shouldValue: number;
  readonly hasCond: boolean;
  readonly #words: readonly string[];
  readonly #heads: Heads;
  readonly #vocabulary: Vocabulary;
  #fields: readonly Field[] | undefined = undefined;
  #shape: Shape<unknown> | undefined = undefined;
  #op: Op<unknown> | undefined = undefined;
  #unpredictable: Predicate | undefined = undefined;

  constructor(isa: IsaName, name: string, words: readonly string[], heads: Heads, vocabulary: Vocabulary) {
    this.isa = isa;
    this.name = name;
    this.#words = words;
    this.#heads = heads;
    this.#vocabulary = vocabulary;
    const pattern = this.#parse();
    this.mask = pattern.mask;
    this.value = pattern.value;
    this.shouldMask = pattern.shouldMask;
    this.shouldValue = pattern.shouldValue;
    this.hasCond = pattern.fields.some((field) => field.letter === 'c');
  }

  get bits(): string {
    return this.#heads(this.#words[1]!)[this.isa === 'A32' ? 0 : 1];
  }

  get mnemonic(): string {
    return / =(\w+)$/.exec(this.#words[0]!)?.[1] ?? this.name.slice(0, this.name.indexOf(' ')).toLowerCase();
  }

  get needs(): Feature | undefined {
    return this.#vocabulary.needs;
  }

  get fields(): readonly Field[] {
    return (this.#fields ??= this.#parse().fields);
  }

  #parse(): ReturnType<typeof parse> {
    return parse(this.bits, this.isa === 'T16' ? 16 : 32);
  }

  get shape(): Shape<unknown> {
    return (this.#shape ??= meaning(this.#words[2]!, this.#vocabulary.shapes, true) as Shape<unknown>);
  }

  get op(): Op<unknown> {
    return (this.#op ??= meaning(this.#words[3]!, this.#vocabulary.ops, false) as Op<unknown>);
  }

  get unpredictable(): Predicate | undefined {
    const text = this.#words[4];
    if (text === undefined) return undefined;
    return (this.#unpredictable ??= predicateNamed(text, this.#vocabulary.predicates));
  }
}

function named(name: string, vocabulary: Readonly<Record<string, unknown>>): unknown {
  const found = vocabulary[name];
  if (found === undefined) throw new Error(`encoding table: nothing is called ${name}`);
  return found;
}

type Words = Readonly<Record<string, unknown>>;

/**
 * A name with its arguments: 'same su bhw', 'offsetImmediate {n=15 scale=4}', 'preload (offsetRegister)', 'immediate dn S
 * @armExpandImm'. Arguments are numbers, true and false, strings, options in braces, names in brackets with arguments of their
 * own, and with @ what has that name.
 */
class Expression {
  readonly #tokens: readonly string[];
  readonly #vocabulary: Words;
  #at = 0;

  constructor(text: string, vocabulary: Words) {
    this.#tokens = text.match(/[(){}]|[^\s(){}]+/g) ?? [];
    this.#vocabulary = vocabulary;
  }

  /** `always` calls a function that has no arguments, too. */
  value(always: boolean): unknown {
    const found = named(this.#tokens[this.#at++]!, this.#vocabulary);
    const args: unknown[] = [];
    while (this.#at < this.#tokens.length && this.#tokens[this.#at] !== ')') args.push(this.#argument());
    return typeof found === 'function' && (always || args.length > 0) ? found(...args) : found;
  }

  #argument(): unknown {
    const token = this.#tokens[this.#at]!;
    if (token === '{') return this.#options();
    if (token === '(') {
      this.#at++;
      const value = this.value(true);
      this.#at++;
      return value;
    }
    this.#at++;
    return this.#word(token);
  }

  #options(): Record<string, unknown> {
    const options: Record<string, unknown> = {};
    for (this.#at++; this.#tokens[this.#at] !== '}'; this.#at++) {
      const [key, value] = this.#tokens[this.#at]!.split('=');
      options[key!] = value === undefined ? true : this.#word(value);
    }
    this.#at++;
    return options;
  }

  #word(word: string): unknown {
    if (/^\d+$/.test(word)) return Number(word);
    if (word === 'true' || word === 'false') return word === 'true';
    return word.startsWith('@') ? named(word.slice(1), this.#vocabulary) : word;
  }
}

/** What a text means, the same each time: instructions of one kind are known by their op. */
function meaning(text: string, vocabulary: Words, always: boolean): unknown {
  let known = meanings.get(vocabulary);
  if (known === undefined) {
    known = new Map();
    meanings.set(vocabulary, known);
  }
  let value = known.get(text);
  if (value === undefined) {
    value = new Expression(text, vocabulary).value(always);
    known.set(text, value);
  }
  return value;
}

/** 'pc nt, same d n': any of these. */
function predicateNamed(text: string, vocabulary: Words): Predicate {
  const all = text.split(',').map((one) => new Expression(one, vocabulary).value(false) as Predicate);
  return all.length === 1 ? all[0]! : (a, f, ctx) => all.some((predicate) => predicate(a, f, ctx));
}

/** Bits of a bit string, in which brackets stand around should-be ones. */
function widthOf(bits: string): number {
  return bits.replaceAll(/[ ()]/g, '').length;
}

/** The rows of a table; empty lines and those that begin with # are not any. */
export function rowsOf(table: string, heads: Heads, vocabulary: Vocabulary): Row[] {
  const rows: Row[] = [];
  for (const line of table.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const words = line.split('|').map((word) => word.trim());
    const at = words[0]!.lastIndexOf(' ');
    const name = words[0]!.slice(0, at).trim();
    const encoding = words[0]!.slice(at + 1);
    const isaLetter = / ([AT])\d+( =\w+)?$/.exec(words[0]!)?.[1];
    if (isaLetter !== undefined) {
      const isa = isaLetter === 'A' ? 'A32' : widthOf(words[1]!) === 16 ? 'T16' : 'T32';
      rows.push(new TableRow(isa, words[0]!.replace(/ =\w+$/, ''), words, ofOneIsa, vocabulary));
      continue;
    }
    rows.push(new TableRow('A32', `${name} A${encoding}`, words, heads, vocabulary));
    rows.push(new TableRow('T32', `${name} T${encoding}`, words, heads, vocabulary));
  }
  return rows;
}

/** What is in no table: an undefined instruction exception. */
export function undefinedRow(isa: IsaName, shape: Shape<unknown>, op: Op<unknown>): Row {
  const vocabulary = { shapes: { shape }, ops: { op }, predicates: {} };
  const words = [`UNDEFINED (${isa}) =undefined`, '-'.repeat(isa === 'T16' ? 16 : 32), 'shape', 'op'];
  return new TableRow(isa, `UNDEFINED (${isa})`, words, ofOneIsa, vocabulary);
}
