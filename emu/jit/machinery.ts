/**
 * The wasm instances that an address space needs whatever program it holds: the runtime, the interpreter, and the table of
 * compiled code. To make them takes longer than many a process runs, so they stay with the memory (memory/pool.ts) and serve its
 * next process: what they call is looked up when it is called.
 */
import { STITCHED } from '../stencils/stencil.ts';
import type { RecordDecoder } from '../tier0/decoder.ts';
import type { HandlerSet } from '../tier0/handler-set.ts';
import { createRuntime, type Runtime, type RuntimeHooks } from './runtime.ts';

/** What the interpreter's functions call beside RuntimeHooks; see CONTROL_IMPORTS. */
export interface InterpreterCalls {
  page(cpu: number, location: number): number;
  decode(cpu: number, record: number, address: number): number;
  fault(cpu: number, record: number, address: number, at: number, code: number): number;
  hot(location: number, count: number, arrival: number): number;
  sawJump(address: number, location: number): number;
  compiled(cpu: number, begins: number): number;
  resume(cpu: number, depth: number, ret: number, next: number): number;
  /** Leaves a record's instruction to the evaluator: 0. */
  evaluate(cpu: number, record: number, address: number): number;
}

/** Runs from a location; the third parameter is not looked at. */
type Enter = (cpu: number, location: number, unused: number) => number;

/** Of memories without a process, by what their interpreter decodes with. */
const idle = new WeakMap<WebAssembly.Memory, Map<RecordDecoder, Machinery>>();

export class Machinery {
  readonly table: WebAssembly.Table;
  /** By slot of the table: of whose code there is a function in it that a process has left (ModuleTable). */
  readonly left: (object | undefined)[] = [undefined];
  readonly runtime: Runtime;
  readonly interpret: Enter;
  /** Makes a record from the tables of the interpreter (tier0/quick.ts): (record, encoding, instruction set) -> 1 when it has. */
  readonly quick: (record: number, bits: number, isa: number) => number;
  /** What a slot without code holds. */
  readonly missStub: WebAssembly.ExportValue;
  /** The imports of region modules. */
  readonly imports: WebAssembly.ModuleImports;
  /** Whose process it is; to be set before anything runs. */
  hooks!: RuntimeHooks;
  calls!: InterpreterCalls;
  /** Functions of stencils there are, in the places behind the handlers. */
  stitched = 0;
  readonly #handlerImports: WebAssembly.ModuleImports;
  readonly memory: WebAssembly.Memory;
  readonly #decoder: RecordDecoder;

  /** That of a memory, which must not be in use. */
  static take(memory: WebAssembly.Memory, set: HandlerSet): Machinery {
    const ofMemory = idle.get(memory);
    const known = ofMemory?.get(set.decoder);
    ofMemory?.delete(set.decoder);
    // Places of functions of stencils are not used again.
    return known === undefined || known.stitched > STITCHED / 2 ? new Machinery(memory, set) : known;
  }

  private constructor(memory: WebAssembly.Memory, { module, rest, decoder }: HandlerSet) {
    this.memory = memory;
    this.#decoder = decoder;
    this.table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 });
    this.runtime = createRuntime(memory, this.table, {
      check: (cpu, address, code, site) => this.hooks.check(cpu, address, code, site),
      svc: (cpu, imm) => this.hooks.svc(cpu, imm),
      step: (cpu) => this.hooks.step(cpu),
      preempt: (cpu) => this.hooks.preempt(cpu),
      miss: (cpu, depth, ret) => this.hooks.miss(cpu, depth, ret),
    });
    const calls: InterpreterCalls = {
      page: (cpu, location) => this.calls.page(cpu, location),
      decode: (cpu, record, address) => this.calls.decode(cpu, record, address),
      fault: (cpu, record, address, at, code) => this.calls.fault(cpu, record, address, at, code),
      hot: (location, count, arrival) => this.calls.hot(location, count, arrival),
      sawJump: (address, location) => this.calls.sawJump(address, location),
      compiled: (cpu, begins) => this.calls.compiled(cpu, begins),
      resume: (cpu, depth, ret, next) => this.calls.resume(cpu, depth, ret, next),
      evaluate: (cpu, record, address) => this.calls.evaluate(cpu, record, address),
    };
    let hasAll = false;
    const addRest = () => {
      if (!hasAll) new WebAssembly.Instance(rest(), { e: this.#handlerImports });
      hasAll = true;
    };
    let hasRoom = true;
    /** What V8 has no memory for it says by a RangeError: then the evaluator does without them. */
    const restOrNone: InterpreterCalls['evaluate'] = (cpu, record, address) => {
      try {
        if (hasRoom) addRest();
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        hasRoom = false;
      }
      return hasAll ? 1 : calls.evaluate(cpu, record, address);
    };
    const { imports, enter: enterCompiled } = this.runtime;
    const e = { ...imports, d: decoder.memory, ...calls, enterCompiled, rest: restOrNone };
    const { exports } = new WebAssembly.Instance(module, { e });
    this.#handlerImports = { ...e, ...exports };
    // Who is called again when the others come would count its instruction twice.
    if (decoder.counting) addRest();
    this.interpret = exports.control_enter as Enter;
    this.quick = exports.control_quick as Machinery['quick'];
    this.missStub = exports.control_miss!;
    this.imports = { ...this.runtime.imports, miss: this.missStub };
    this.table.set(0, this.missStub);
  }

  /** Adds a module of so many functions of stencils, which puts them into their places. */
  stitch(wasm: Uint8Array<ArrayBuffer>, count: number): void {
    new WebAssembly.Instance(new WebAssembly.Module(wasm), { e: this.#handlerImports });
    this.stitched += count;
  }

  /** Makes room for so many slots more. */
  grow(count: number): void {
    this.table.grow(count, this.missStub);
    for (let i = 0; i < count; i++) this.left.push(undefined);
  }

  /** Puts the stub back into a slot in which a process has left a function. */
  empty(slot: number): void {
    this.table.set(slot, this.missStub);
    this.left[slot] = undefined;
  }

  /** Leaves it to the memory's next process. In the table there is nothing but the stub, and what `left` says. */
  give(): void {
    const ofMemory = idle.get(this.memory) ?? new Map<RecordDecoder, Machinery>();
    ofMemory.set(this.#decoder, this);
    idle.set(this.memory, ofMemory);
  }
}
