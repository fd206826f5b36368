/**
 * Writes the code of one wasm function: locals and temporaries, labels, the guest's variables, and expression trees.
 *
 * A tree is written out when an effect uses it. It may be written once only, and a tree that reads a variable not after that
 * variable was set again: both are checked, for they are how an op breaks the rules of machine.ts.
 */
import { OFF } from '../cpu-state.ts';
import { CPU, PARAMETERS, VAR_OFFSET, VARS } from './convention.ts';
import { type ByteWriter, I32, OP, type ValType, VOID, type WriterMark } from './wasm.ts';

export const CONST = 0;
export const LOCAL = 1;
export const VARIABLE = 2;
export const OPERATION = 3;

/** An expression. Only the emitter's own files read its fields. */
export class Node {
  readonly kind: number;
  /** Constant, local index, variable number or opcode. */
  readonly x: number;
  readonly a: Node | null;
  readonly b: Node | null;
  readonly c: Node | null;
  /** Version of a variable when it was read; for operations 1 once written out. */
  mark: number;
  constructor(kind: number, x: number, a: Node | null, b: Node | null, c: Node | null, mark: number) {
    this.kind = kind;
    this.x = x;
    this.a = a;
    this.b = b;
    this.c = c;
    this.mark = mark;
  }
}

/**
 * A number in the code that is another one in each run: the slot of a location, or a site (then `site` is not negative).
 */
export interface RunNumber {
  /** Offset in the function's code of a hole for it. */
  readonly at: number;
  readonly location: number;
  readonly site: number;
}

const constNode = (x: number) => new Node(CONST, x | 0, null, null, null, 0);
/** Constants 0..255, shared. */
const SMALL = Array.from({ length: 256 }, (_, x) => constNode(x));

/** Adds to a number of 64 bits in the state block: --stats counts so. */
export function addToState(out: ByteWriter, offset: number, n: number): void {
  out.get(CPU);
  out.get(CPU);
  out.mem(OP.i64_load, offset);
  out.byte(OP.i64_const);
  out.s64(BigInt(n));
  out.byte(OP.i64_add);
  out.mem(OP.i64_store, offset);
}

export class FunctionWriter {
  readonly out: ByteWriter;
  /** Open labels (block, loop, if) around the place being written. */
  depth = 0;
  readonly #localTypes: ValType[] = [];
  readonly #varLocal: number[] = [];
  readonly #version: number[] = [];
  readonly #free = new Map<ValType, number[]>();
  #taken: { type: ValType; local: number }[] = [];

  constructor(out: ByteWriter) {
    this.out = out;
  }

  /** Begins a function. */
  reset(): void {
    this.#localTypes.length = 0;
    this.unlikely.length = 0;
    this.numbers.length = 0;
    this.#varLocal.length = 0;
    for (let i = 0; i < VARS; i++) {
      this.#varLocal.push(-1);
      this.#version[i] = 0;
    }
    this.#free.clear();
    this.#taken = [];
    this.#kept = [];
    this.depth = 0;
  }

  /** Locals as runs, for the function's header. */
  locals(): [number, ValType][] {
    const runs: [number, ValType][] = [];
    for (const type of this.#localTypes) {
      const last = runs[runs.length - 1];
      if (last !== undefined && last[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    return runs;
  }

  /** Type of the local that a held value stands in. */
  typeOf(n: Node): ValType {
    return n.kind === LOCAL ? this.#localTypes[n.x - PARAMETERS]! : I32;
  }

  newLocal(type: ValType): number {
    this.#localTypes.push(type);
    return this.#localTypes.length - 1 + PARAMETERS;
  }

  /** A local that is free again at the next instruction. */
  temp(type: ValType): number {
    const local = this.#free.get(type)?.pop() ?? this.newLocal(type);
    this.#taken.push({ type, local });
    return local;
  }

  /** Makes the temporaries taken so far free again. */
  freeTemps(): void {
    for (const { type, local } of this.#taken) {
      const list = this.#free.get(type);
      if (list === undefined) this.#free.set(type, [local]);
      else list.push(local);
    }
    this.#taken.length = 0;
  }

  /** Temporaries that stay taken until `freeKept`. */
  #kept: { type: ValType; local: number }[] = [];

  /** Keeps the temporaries taken so far. */
  protected keepTemps(): void {
    this.#kept.push(...this.#taken);
    this.#taken.length = 0;
  }

  /** Frees the temporaries kept since there were `count`. */
  freeKept(count: number): void {
    this.#taken.push(...this.#kept.splice(count));
  }
  get keptCount(): number {
    return this.#kept.length;
  }

  varLocalOf(v: number): number {
    let local = this.#varLocal[v]!;
    if (local < 0) {
      local = this.newLocal(I32);
      this.#varLocal[v] = local;
    }
    return local;
  }

  // ---- structured control ----
  /** Offsets of branches that are rarely taken. */
  readonly unlikely: number[] = [];
  /** Opens an `if` that is rarely entered: V8 keeps what is needed only there out of the way. */
  openUnlikely(): void {
    this.unlikely.push(this.out.length);
    this.open(OP.if);
  }
  brIfUnlikely(label: number): void {
    this.unlikely.push(this.out.length);
    this.br(OP.br_if, label);
  }
  /** Throws away what has been written since. */
  rollBack(mark: WriterMark, depth: number): void {
    this.out.rollBack(mark);
    this.depth = depth;
    const { length } = mark;
    while (this.unlikely.length > 0 && this.unlikely[this.unlikely.length - 1]! >= length)
      this.unlikely.pop();
    while (this.numbers.length > 0 && this.numbers[this.numbers.length - 1]!.at >= length) this.numbers.pop();
  }

  // ---- numbers of the run ----
  readonly numbers: RunNumber[] = [];
  /** The table slot of a location. */
  slot(location: number): void {
    this.numbers.push({ at: this.out.hole(), location, site: -1 });
  }
  /** The number of a place that may fault. */
  site(site: number): void {
    this.numbers.push({ at: this.out.hole(), location: 0, site });
  }

  open(op: number): void {
    this.out.byte(op);
    this.out.byte(VOID);
    this.depth++;
  }
  close(): void {
    this.out.byte(OP.end);
    this.depth--;
  }
  /** br (or br_if) to the label that was opened when depth was `label` (the depth before opening it). */
  br(op: number, label: number): void {
    this.out.byte(op);
    this.out.u32(this.depth - 1 - label);
  }

  // ---- writing expressions ----
  gen(n: Node): void {
    const { out } = this;
    switch (n.kind) {
      case CONST:
        out.i32(n.x);
        return;
      case LOCAL:
        out.get(n.x);
        return;
      case VARIABLE:
        if (this.#version[n.x] !== n.mark)
          throw new Error(`emitter: variable ${n.x} read before and used after it changed`);
        out.get(this.varLocalOf(n.x));
        return;
      default:
        if (n.mark !== 0) throw new Error(`emitter: value used twice without let`);
        n.mark = 1;
        this.gen(n.a!);
        if (n.b !== null) this.gen(n.b);
        if (n.c !== null) this.gen(n.c);
        out.byte(n.x);
    }
  }

  protected op1(op: number, a: Node): Node {
    return new Node(OPERATION, op, a, null, null, 0);
  }
  protected op2(op: number, a: Node, b: Node): Node {
    return new Node(OPERATION, op, a, b, null, 0);
  }

  protected setVar(v: number, n: Node): void {
    this.gen(n);
    this.out.set(this.varLocalOf(v));
    this.#version[v]!++;
  }

  protected readVar(v: number): Node {
    return new Node(VARIABLE, v, null, null, null, this.#version[v]!);
  }

  /** Loads variables from the state block into their locals. */
  loadVars(mask: number): void {
    for (let v = 0; v < VARS; v++)
      if (mask & (1 << v)) {
        this.out.get(CPU);
        this.out.mem(OP.i32_load, VAR_OFFSET[v]!);
        this.out.set(this.varLocalOf(v));
        this.#version[v]!++;
      }
  }

  /** Stores variables from their locals into the state block. */
  storeVars(mask: number): void {
    for (let v = 0; v < VARS; v++)
      if (mask & (1 << v)) {
        this.out.get(CPU);
        this.out.get(this.varLocalOf(v));
        this.out.mem(OP.i32_store, VAR_OFFSET[v]!);
      }
  }

  storeState(offset: number, value: number): void {
    this.out.get(CPU);
    this.out.i32(value);
    this.out.mem(OP.i32_store, offset);
  }

  /** Stores PC and instruction set of a location. */
  storeLocation(location: number): void {
    this.storeState(OFF.r + 60, location & ~1);
    this.storeState(OFF.thumb, location & 1);
  }

  protected tempOf(n: Node): Node {
    this.gen(n);
    return this.fromStack();
  }

  protected stateWord(offset: number): Node {
    this.out.get(CPU);
    this.out.mem(OP.i32_load, offset);
    return this.fromStack();
  }

  constantOf(n: Node): number | undefined {
    return n.kind === CONST ? n.x : undefined;
  }

  const(x: number): Node {
    x |= 0;
    return x >= 0 && x < 256 ? SMALL[x]! : constNode(x);
  }
  let(v: Node): Node {
    return v.kind === CONST || v.kind === LOCAL ? v : this.tempOf(v);
  }
  /** A value that has no code: only who made it knows what it is. */
  placeholder(): Node {
    return new Node(CONST, 0, null, null, null, 0);
  }
  /** The value on the wasm stack, held in a local. */
  fromStack(type: ValType = I32): Node {
    const local = this.temp(type);
    this.out.set(local);
    return new Node(LOCAL, local, null, null, null, 0);
  }
}
