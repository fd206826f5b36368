/**
 * The CPUs 'interp' and 'jit': code runs in the wasm interpreter, and with 'jit', when it is hot, as wasm functions compiled
 * region by region. The evaluator runs what these cannot: rare instructions, modes other than the default.
 *
 * The dispatcher (`dispatch`) goes from one to the other. It may be nested: a call in compiled code to something not compiled
 * runs a dispatcher on top of the caller's wasm frame until the location that the call is to return to is reached. Because all
 * state is in the state block at every call, no frame is ever needed for meaning: a frame whose callee comes back to another
 * location just returns that location to its own caller.
 */

import {
  type CpuBackend,
  type CpuName,
  type CpuOptions,
  type CpuStats,
  EXIT,
  type FaultReason,
  type Steps,
} from '../cpu.ts';
import { type CpuState, OFF } from '../cpu-state.ts';
import { InsnCache } from '../decode/insn-cache.ts';
import { Interpreter } from '../evaluator/interpreter.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { bringIn } from '../memory/bring.ts';
import { StencilTier } from '../stencils/stencil-tier.ts';
import { ARRIVAL } from '../tier0/control.ts';
import { handlerSet } from '../tier0/handler-set.ts';
import { type InterpreterHooks, WasmInterpreter } from '../tier0/interpreter.ts';
import { TimeSheet, type Work } from '../work.ts';
import { CodeCache } from './code-cache.ts';
import { MAX_DEPTH } from './compile.ts';
import { DISPATCH_DEPTH, GROUP_ALIGN, LEAVE } from './convention.ts';
import { interpreterSteps, type Stop } from './interpreter-steps.ts';
import { Machinery } from './machinery.ts';
import { FloatModeInterpreter, MODE, ModeInterpreters, modeOf } from './modes.ts';
import { ModuleTable } from './module-table.ts';
import type { RuntimeHooks } from './runtime.ts';
import { TranslationStore } from './store.ts';
import { Tiering } from './tiering.ts';

const EXIT_REASON = OFF.exit >> 2;
const IT = OFF.it >> 2;
const TARGET = OFF.target >> 2;
const EXIT_FROM = OFF.exitFrom >> 2;
const EXIT_TO = OFF.exitTo >> 2;
const RUNNING = OFF.running >> 2;
const DEPTH = OFF.depth >> 2;
const STOP_AT = OFF.stopAt >> 2;

/** How often the runtime lets an access pass that is allowed but not aligned before it asks again (runtime.ts). */
const UNALIGNED_EACH = 256;
/** Times that a group of accesses may fail its test. */
const MAX_GROUP_FAILURES = 8;

export class JitBackend implements CpuBackend {
  readonly name: CpuName;
  readonly space: AddressSpace;
  /** Only where nothing is compiled. */
  readonly steps?: Steps;
  /** Where the interpreter is led to. */
  #stop: Stop | null = null;
  readonly #options: CpuOptions;
  readonly #interpreter: Interpreter;
  readonly #cache: InsnCache;
  readonly code: CodeCache;
  readonly #modules: ModuleTable;
  #cpu!: CpuState;
  /** Location at which the innermost nested dispatcher is done; 0 for the outermost. */
  #stopAt = 0;
  #faultWhy: FaultReason = 'unmapped';
  /** Something compiled was invalidated since the hook under way began. */
  #stale = false;
  /** The revocation epoch of the page bytes when the hook under way began: compiled code goes on with what it has tested. */
  #revocationEpoch = 0;
  /** By site. */
  readonly #groupFailures = new Map<number, number>();
  readonly #machinery: Machinery;
  #closed = false;
  readonly #wasm: WasmInterpreter;
  readonly #modes: ModeInterpreters;
  readonly #tiering: Tiering;
  readonly stencils: StencilTier;
  readonly #isEvaluated = () => this.#modes.isEvaluated(this.#cpu);
  readonly #times: TimeSheet;
  /** By row: how often compiled code or the interpreter has left one to the evaluator. */
  readonly #steps: Work['steps'] = {};

  constructor(space: AddressSpace, options: CpuOptions, store = new TranslationStore()) {
    this.space = space;
    this.#times = new TimeSheet(options.count === true);
    this.#options = { ...options, hooks: this.#times.timed(options.hooks, 'hooks') };
    this.#cache = new InsnCache(space, undefined, (location) => store.sharedInsns(space, location));
    this.#interpreter = new Interpreter(space, this.#options.hooks, this.#cache);
    this.#tiering = new Tiering(store, options);
    const { interpret = false } = options;
    this.name = interpret ? 'interp' : 'jit';
    if (interpret) this.steps = interpreterSteps((cpu, stop) => this.#runUntil(cpu, stop), this.#cache);
    const set = handlerSet(options.count);
    this.#machinery = Machinery.take(space.memory, set);
    const runtime: RuntimeHooks = {
      check: (_cpu, address, code, site) => this.#check(address >>> 0, code, site),
      svc: (_cpu, imm) => this.#svc(imm),
      step: () => this.#step(),
      preempt: () => this.#preempt(),
      miss: (_cpu, depth, ret) => this.#miss(depth, ret >>> 0),
    };
    this.#machinery.hooks = runtime;
    const left = store.leftovers.take(space, this.#machinery);
    this.#modules = new ModuleTable(space, store, this.#machinery, left.modules, {
      dropped: (compiled) => this.code.forget(compiled),
      emptied: (location) => this.#wasm.records.forgetCompiled(location),
    });
    this.code = new CodeCache(space, this.#cache, store, options, this.#modules, {
      records: () => this.#wasm.records,
      translated: (locations) => {
        for (const l of locations) this.#enterCompiled(l);
      },
    });
    this.#cache.times = this.#times;
    this.code.times = this.#times;
    const hooks: InterpreterHooks = {
      hot: (location, count, arrival) => {
        this.stencils.arrived(location, count);
        if (arrival !== ARRIVAL.BRANCH && !interpret)
          this.#arrived(location, count, arrival === ARRIVAL.LOOP);
      },
      sawJump: (address, location) => void (interpret || this.code.sawJump(address, location)),
      faulted: (why) => {
        this.#faultWhy = why;
      },
      begin: (what) => this.#times.begin(what),
      image: (address) => store.fileImageAt(space, address),
      found: (image) => this.#modules.found(image),
      isCompiled: (location) => this.#modules.compiledSlot(location) > 0,
      resume: (depth, ret, left) => this.#resume(depth, ret, left),
    };
    const how = { ...this.#tiering.masks, timed: options.count === true };
    this.#wasm = new WasmInterpreter(space, set.decoder, this.#machinery, hooks, how, left.pages);
    this.stencils = new StencilTier(this.#wasm, set, left, this.#tiering, store, this.#times);
    const newOfFloats = () => new FloatModeInterpreter(space, runtime, hooks, how.timed);
    this.#modes = new ModeInterpreters(this.#wasm, newOfFloats, options.brief);
    space.onInvalidate.push((start, length) => this.invalidate(start, length));
  }

  run(cpu: CpuState): void {
    const outer = this.#cpu;
    const stopAt = this.#stopAt;
    const { mode } = this.#modes;
    this.#cpu = cpu;
    this.#stopAt = 0;
    const before = this.#times.begin('evaluator');
    cpu.i32[EXIT_REASON] = EXIT.NONE;
    try {
      this.#dispatch(0);
    } finally {
      this.#times.end(before);
      this.#cpu = outer;
      this.#stopAt = stopAt;
      this.#modes.mode = mode;
    }
  }

  #runUntil(cpu: CpuState, stop: Stop): boolean {
    this.#stop = stop;
    this.#wasm.stopAt(stop.locations);
    try {
      this.run(cpu);
    } finally {
      this.#wasm.stopAt([]);
      this.#stop = null;
    }
    return stop.reached;
  }

  stop(): void {
    if (this.#cpu !== undefined) this.#cpu.fuel = 0;
  }

  invalidate(address: number, length: number): void {
    this.#cache.invalidate(address, length);
    // Before the interpreter forgets which pages have code.
    if (this.code.invalidate(address, length)) this.#stale = true;
    this.#modes.invalidate(address, length);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.code.close();
    this.#modes.close();
    this.#machinery.give();
  }

  stats(): CpuStats {
    const { code } = this;
    const evaluator = this.#interpreter.instructions;
    const interpreter = code.countedInstructions(OFF.interpreted);
    const compiled = code.countedInstructions(OFF.icount);
    const rest = { kept: code.kept, steps: this.#steps };
    const work = () => this.#times.work({ evaluator, interpreter, compiled }, code.threadMs, rest);
    return {
      instructions: evaluator + interpreter + compiled,
      ...code.stats,
      ...(this.#options.count && { work: work() }),
    };
  }

  /**
   * Runs from the state's location, or from where an interpreter has `left`. Gives LEAVE when a hook said to leave, or the
   * location where the dispatcher is done.
   */
  #dispatch(depth: number, left: number | null = null): number {
    const cpu = this.#cpu;
    const interpreter = this.#interpreter;
    const w = cpu.i32;
    for (let first = left; !this.#stop?.isAt(cpu); first = null) {
      const mode = first === null ? modeOf(cpu) : MODE.DEFAULT;
      if (mode !== MODE.DEFAULT && this.#stop !== null) {
        if (interpreter.step(cpu)) continue;
      } else if (this.#modes.evaluates(mode)) {
        if (interpreter.run(cpu, this.#isEvaluated)) continue;
      } else if (first === null && w[IT] !== 0) {
        if (interpreter.step(cpu)) continue;
      } else {
        const before = this.#times.begin('interpreter');
        const next = first ?? this.#modes.run(mode, cpu, depth, this.#stopAt);
        this.#times.end(before);
        if (next !== LEAVE || w[EXIT_REASON] === EXIT.NONE) {
          cpu.location = next >>> 0;
          // Far up the host's stack nothing is begun anew: the frames below give way until there is room.
          if (next >>> 0 === this.#stopAt || depth > MAX_DEPTH >> 1) return next;
          continue;
        }
        const why = w[EXIT_REASON];
        w[EXIT_REASON] = EXIT.NONE;
        if (why === EXIT.FAULT) {
          if (this.#fault()) continue;
        } else if (why === EXIT.STEP) {
          if (interpreter.step(cpu)) continue;
        } else if (why === EXIT.LOOKUP) continue;
      }
      break;
    }
    w[EXIT_REASON] = depth > 0 ? EXIT.HOOK : EXIT.NONE;
    return LEAVE;
  }

  /**
   * The interpreter has arrived at a location so often that there may be compiled code for it, made now perhaps. `from`: out of
   * this region, if not 0.
   */
  #arrived(location: number, count: number, isLoop: boolean, from = 0): void {
    const { code } = this;
    const tiering = this.#tiering;
    const times = tiering.since(count);
    code.poll();
    const image = code.imageAt(location);
    if (code.acquire(image, location, tiering.isHot(image.heat, location), times) > 0) {
      this.#enterCompiled(location);
      return;
    }
    if (tiering.becomesWarm(image.heat, location, isLoop, count)) code.prepare(image, tiering);
    if (from !== 0 && code.again.sawLeft(from, location, times)) return;
    if (code.isAskedFor(image, location) || !tiering.arrived(image.heat, location, isLoop, times)) return;
    if (from !== 0 && code.again.extend(from, location, times)) return;
    if (isLoop && code.again.waitsInside(location, times)) return;
    const others = tiering
      .others(image.heat)
      .filter(
        (l) => this.#modules.compiledSlot(l.location) === 0 && !(l.isLoop && code.again.isInside(l.location)),
      );
    if (!code.compile({ location, isLoop }, { also: others, wanted: tiering.wanted })) return;
    for (const l of [location, ...others.map((other) => other.location)]) this.#enterCompiled(l);
  }

  /** Has the interpreter enter the compiled code of a location, if there is some. */
  #enterCompiled(location: number): void {
    const slot = this.#modules.compiledSlot(location);
    if (slot === 0) return;
    this.code.imageAt(location).heat.locations.delete(location);
    this.#wasm.records.setCompiled(location, slot);
  }

  // ---- what compiled code calls ----

  /** The access cannot be made as it stands: brings pages in, or notes the fault. */
  #check(address: number, code: number, site: number): number {
    const length = code & 0xff;
    const kind = (code >>> 8) & 3;
    const align = 1 << (code >>> 10);
    const { space } = this;
    const group = align === GROUP_ALIGN;
    if (!group && address & (align - 1)) return this.#noteFault(site, address, kind, 'align');
    const { revocationEpoch } = space.pages;
    const wasAllowed = space.pages.allows(address, length, kind);
    if (!wasAllowed) {
      const fault = bringIn(space, address, length, kind);
      if (fault !== null && group) {
        this.#groupFailed(site);
        return this.#leaveToStep(site);
      }
      if (fault !== null) return this.#noteFault(site, fault.address, fault.access, fault.why);
    }
    // The runtime asks about an access that is allowed when it has passed it 255 times.
    // It then goes on in the evaluator, to come back into the new code.
    if (wasAllowed && !group && this.code.again.sawUnaligned(site, 'unaligned', UNALIGNED_EACH))
      return this.#leaveToStep(site);
    // Bringing one page in may have taken access to another away, which a group of accesses has been promised.
    return space.pages.revocationEpoch === revocationEpoch ? 1 : this.#leaveToStep(site);
  }

  /**
   * Not all that a group of accesses was to be tested for is there: where that happens again and again the first is to test less.
   */
  #groupFailed(site: number): void {
    const times = (this.#groupFailures.get(site) ?? 0) + 1;
    this.#groupFailures.set(site, times);
    if (times >= MAX_GROUP_FAILURES) this.code.again.sawUnaligned(site, 'group', 1);
  }

  /** Has the evaluator run the instruction at a site, which is left by the fault exit. */
  #leaveToStep(site: number): number {
    this.code.placeAt(this.#cpu, site);
    this.#cpu.i32[EXIT_REASON] = EXIT.STEP;
    return 0;
  }

  #noteFault(site: number, address: number, kind: number, why: FaultReason): number {
    const cpu = this.#cpu;
    this.code.placeAt(cpu, site);
    cpu.i32[EXIT_REASON] = EXIT.FAULT;
    cpu.u32[OFF.faultAddress >> 2] = address;
    cpu.i32[OFF.faultAccess >> 2] = kind;
    this.#faultWhy = why;
    return 0;
  }

  #fault(): boolean {
    const cpu = this.#cpu;
    return this.#options.hooks.fault(
      cpu,
      cpu.u32[OFF.faultAddress >> 2]!,
      cpu.i32[OFF.faultAccess >> 2]!,
      this.#faultWhy,
    );
  }

  /** After a hook: 1 when compiled code may go on behind the place it called from. */
  #goOn(answer: boolean, expected: number): number {
    const cpu = this.#cpu;
    if (!answer) {
      cpu.i32[EXIT_REASON] = EXIT.HOOK;
      return 0;
    }
    if (cpu.location !== expected || this.#stale || this.#revoked() || !this.#modes.mayGoOn(cpu))
      return this.#lookUp();
    return 1;
  }

  /** Back to the dispatcher, to go on at the state's location. */
  #lookUp(): 0 {
    this.#cpu.i32[EXIT_REASON] = EXIT.LOOKUP;
    return 0;
  }

  /** Whether access to a page was taken away since. An SVC may do so: behind it everything is tested anew. */
  #revoked(): boolean {
    return this.space.pages.revocationEpoch !== this.#revocationEpoch;
  }

  #svc(imm: number): number {
    const cpu = this.#cpu;
    const expected = cpu.location;
    this.#stale = false;
    const answer = this.#options.hooks.syscall(cpu, imm);
    this.#revocationEpoch = this.space.pages.revocationEpoch;
    return this.#goOn(answer, expected);
  }

  #preempt(): number {
    const cpu = this.#cpu;
    if (this.#stop?.branch && cpu.fuel < 0) return this.#lookUp();
    const expected = cpu.location;
    this.#revocationEpoch = this.space.pages.revocationEpoch;
    this.code.poll();
    // 0: the interpreter.
    const running = cpu.u32[RUNNING]!;
    this.#stale = running !== 0 && this.code.again.sampled(running, expected);
    return this.#goOn(this.#options.hooks.preempt(cpu), expected);
  }

  #step(): number {
    const cpu = this.#cpu;
    const insn = this.#cache.fetch(cpu.location, cpu.i32[IT]!);
    const expected = (cpu.location + insn.size) >>> 0;
    if (this.#options.count) this.#steps[insn.row.name] = (this.#steps[insn.row.name] ?? 0) + 1;
    this.#stale = false;
    this.#revocationEpoch = this.space.pages.revocationEpoch;
    const answer = this.#interpreter.step(cpu);
    const it = cpu.i32[IT];
    // Behind an IT that could not be decoded with its block the evaluator goes on.
    if (insn.itBefore === 0 && it !== 0 && answer) return this.#lookUp();
    cpu.i32[IT] = 0;
    const result = this.#goOn(answer, expected);
    if (result === 0) cpu.i32[IT] = it!;
    return result;
  }

  /** A call or jump to OFF.target, which has no code: runs it here, on top of the caller's frame. */
  #miss(depth: number, ret: number): number {
    const cpu = this.#cpu;
    const target = cpu.u32[TARGET]!;
    if (this.#stop !== null) {
      cpu.location = target;
      this.#lookUp();
      return LEAVE;
    }
    // A jump to the return address by other means than BX LR: the caller knows it.
    if (depth + DISPATCH_DEPTH >= MAX_DEPTH || target === ret) return target;
    const from = cpu.u32[EXIT_TO] === target ? cpu.u32[EXIT_FROM]! : 0;
    cpu.u32[EXIT_TO] = 0;
    const count = this.#wasm.records.countArrival(target);
    if (count !== 0 && this.#tiering.isTold(count)) this.#arrived(target, count, false, from);
    const slot = this.#modules.compiledSlot(target);
    if (slot > 0) {
      this.#modules.remember(target, slot);
      return this.#modules.enter(cpu.base, depth + 1, ret, slot);
    }
    if (depth === cpu.i32[DEPTH]) return target;
    cpu.location = target;
    cpu.i32[EXIT_REASON] = EXIT.NONE;
    return this.#resume(depth, ret, null);
  }

  /**
   * Goes on in the interpreter, below a call of compiled code that is to return to a location: from the state's location, or from
   * where an interpreter (tier0/control.ts, `miss`) has left.
   */
  #resume(depth: number, ret: number, left: number | null): number {
    const cpu = this.#cpu;
    const stopAt = this.#stopAt;
    const [outerStopAt, outerDepth] = [cpu.u32[STOP_AT]!, cpu.i32[DEPTH]!];
    this.#stopAt = ret;
    const before = this.#times.begin('interpreter');
    try {
      return this.#dispatch(depth + DISPATCH_DEPTH, left);
    } finally {
      this.#stopAt = stopAt;
      this.#times.end(before);
      cpu.i32[DEPTH] = outerDepth;
      cpu.u32[STOP_AT] = outerStopAt;
    }
  }
}
