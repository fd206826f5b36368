/**
 * The CPU 'jit': code runs in the evaluator until it is hot, then as wasm functions compiled region by region.
 *
 * The dispatcher (`dispatch`) goes from one to the other. It may be nested: a call in compiled code to something not compiled runs a dispatcher on top of the caller's
 * wasm frame until the location that the call is to return to is reached. Because all state is in the state block at every call, no frame is ever needed for meaning: a frame whose
 * callee comes back to another location just returns that location to its own caller.
 */
import { type CpuBackend, type CpuOptions, type CpuStats, EXIT, type FaultReason } from '../cpu.ts';
import { type CpuState, FPSCR_MODE_MASK, OFF } from '../cpu-state.ts';
import { InsnCache } from '../decode/insn-cache.ts';
import { Interpreter } from '../machine/interpreter.ts';
import type { Access, AddressSpace } from '../memory/address-space.ts';
import { PAGE_SHIFT, PAGE_SIZE, READ } from '../memory/layout.ts';
import { b, blx, cbnz, cbz } from '../ops/branch.ts';
import { TimeSheet, type Work } from '../work.ts';
import { CodeCache, type Start } from './code-cache.ts';
import { MAX_DEPTH } from './compile.ts';
import { GROUP_ALIGN, LEAVE } from './convention.ts';
import type { Heat } from './heat.ts';
import { MAX_DISTANCE } from './region.ts';
import { TranslationStore } from './store.ts';

const EXIT_WORD = OFF.exit >> 2;
const IT = OFF.it >> 2;
const E = OFF.e >> 2;
const FPSCR = OFF.fpscr >> 2;
const TARGET = OFF.target >> 2;
const EXIT_FROM = OFF.exitFrom >> 2;
const EXIT_TO = OFF.exitTo >> 2;
const RUNNING = OFF.running >> 2;

/** Frames of TypeScript are bigger than those of compiled code: a nested dispatcher counts as so many calls. */
const DISPATCH_DEPTH = 8;

/** Times a location is branched to in the evaluator before it is compiled. */
const HOT = 120;

/** Times that a group of accesses may fail its test. */
const MAX_GROUP_FAILURES = 8;

/** Hot locations that are waited for before a module is made of them. */
const BATCH = 16;

export class JitBackend implements CpuBackend {
  readonly name = 'jit';
  readonly space: AddressSpace;
  private readonly options: CpuOptions;
  private readonly interpreter: Interpreter;
  private readonly cache: InsnCache;
  private readonly code: CodeCache;
  private cpu!: CpuState;
  /** Location at which the innermost nested dispatcher is done; 0 for the outermost. */
  private stopAt = 0;
  private faultWhy: FaultReason = 'unmapped';
  /** Something compiled was invalidated since the hook under way began. */
  private stale = false;
  /** `losses` of the page bytes when the hook under way began: compiled code goes on with what it has tested. */
  private losses = 0;
  /** By site. */
  private readonly groupFailures = new Map<number, number>();
  private readonly heat: Heat;
  private readonly onBranch: (location: number) => boolean;
  private readonly times: TimeSheet;
  /** By row: how often compiled code has left one to the evaluator. */
  private readonly steps: Work['steps'] = {};

  constructor(space: AddressSpace, options: CpuOptions, store = new TranslationStore()) {
    this.space = space;
    this.times = new TimeSheet(options.count === true);
    this.options = { ...options, hooks: this.times.timed(options.hooks, 'hooks') };
    this.heat = store.heat;
    this.cache = new InsnCache(space, undefined, (location) => store.sharedInsns(space, location));
    this.interpreter = new Interpreter(space, this.options.hooks, this.cache);
    this.code = new CodeCache(space, this.cache, store, options, {
      check: (_cpu, address, code, site) => this.check(address >>> 0, code, site),
      svc: (_cpu, imm) => this.svc(imm),
      step: () => this.step(),
      preempt: () => this.preempt(),
      miss: (_cpu, depth, ret) => this.miss(depth, ret >>> 0),
    });
    this.cache.times = this.times;
    this.code.times = this.times;
    space.onInvalidate.push((start, length) => this.invalidate(start, length));
    this.onBranch = (location) => this.branched(location);
  }

  run(cpu: CpuState): void {
    const outer = this.cpu;
    const stopAt = this.stopAt;
    this.cpu = cpu;
    this.stopAt = 0;
    const before = this.times.begin('evaluator');
    try {
      this.dispatch(0);
    } finally {
      this.times.end(before);
      this.cpu = outer;
      this.stopAt = stopAt;
    }
  }

  stop(): void {
    if (this.cpu !== undefined) this.cpu.fuel = 0;
  }

  invalidate(address: number, length: number): void {
    this.cache.invalidate(address, length);
    if (this.code.invalidate(address, length)) this.stale = true;
  }

  close(): void {
    this.code.close();
  }

  stats(): CpuStats {
    const { code, interpreter, options } = this;
    const compiled = code.countedInstructions();
    return {
      instructions: interpreter.instructions + compiled,
      ...code.stats,
      ...(options.count && { work: this.work(compiled) }),
    };
  }

  private work(compiled: number): Work {
    const { times, steps } = this;
    return {
      tiers: {
        evaluator: { instructions: this.interpreter.instructions, ms: times.of('evaluator') },
        compiled: { instructions: compiled, ms: times.of('compiled') },
      },
      threads: { main: { decodeMs: times.of('decode'), translateMs: times.of('translate') } },
      steps,
      hooksMs: times.of('hooks'),
    };
  }

  /** Runs from the state's location. Gives LEAVE when a hook said to leave, or the location where the dispatcher is done. */
  private dispatch(depth: number): number {
    const { cpu, code, interpreter } = this;
    const w = cpu.i32;
    w[EXIT_WORD] = EXIT.NONE;
    for (;;) {
      const location = cpu.location;
      const slot = code.compiledSlot(location);
      if (slot > 0 && this.compiledMode()) {
        const before = this.times.begin('compiled');
        const next = code.enter(cpu.base, depth, this.stopAt, slot);
        this.times.end(before);
        if (next !== LEAVE || w[EXIT_WORD] === EXIT.NONE) {
          cpu.location = next >>> 0;
          // Far up the host's stack nothing is begun anew: the frames below give way until there is room.
          if (next >>> 0 === this.stopAt || depth > MAX_DEPTH >> 1) return next;
          continue;
        }
        const why = w[EXIT_WORD];
        w[EXIT_WORD] = EXIT.NONE;
        if (why === EXIT.FAULT) {
          if (this.fault()) continue;
        } else if (why === EXIT.STEP) {
          if (interpreter.step(cpu)) continue;
        } else if (why === EXIT.LOOKUP) continue;
      } else if (interpreter.run(cpu, this.onBranch)) {
        if (cpu.location === this.stopAt && this.compiledMode()) return cpu.location;
        continue;
      }
      w[EXIT_WORD] = depth > 0 ? EXIT.HOOK : EXIT.NONE;
      return LEAVE;
    }
  }

  /** Whether compiled code may run: it assumes ITSTATE 0, little endian, and the default floating-point mode. */
  private compiledMode(): boolean {
    const w = this.cpu.i32;
    return (w[IT]! | w[E]! | (w[FPSCR]! & FPSCR_MODE_MASK)) === 0;
  }

  /** Asked by the evaluator at every taken branch: true ends its run. */
  private branched(location: number): boolean {
    if (location === this.stopAt) return this.compiledMode();
    // Regions begin where functions, loops and indirect jumps go; elsewhere they would only repeat a part of a region.
    const { insn, pc: at, kind } = this.interpreter.evaluator;
    if (kind === 'return') return false;
    const { op } = insn.row;
    const pc = at >>> 0;
    if (op === blx) this.code.sawJump(pc, location);
    const direct = op === b || op === cbz || op === cbnz;
    if (direct && location > pc) return false;
    if (!direct && kind === 'jump' && Math.abs(location - pc) < MAX_DISTANCE)
      if (this.code.sawJump(pc, location)) return false;
    return this.hot(location, direct) && this.compiledMode();
  }

  /** Counts an arrival at a location (by an edge out of region `from`, if not 0); true when there is compiled code for it, made now perhaps. */
  private hot(location: number, isLoop: boolean, from = 0): boolean {
    const { heat, code } = this;
    const i = heat.at(location);
    if (heat.location[i] !== (location | 0))
      heat.begin(i, location, isLoop, code.acquire(location) > 0 ? HOT : 1);
    const count = ++heat.count[i]!;
    if (count < HOT) return false;
    if (code.acquire(location) > 0) return true;
    // A module costs as much as many functions: wait a little for others.
    if (count === HOT) heat.waiting++;
    if ((heat.waiting < BATCH && count < 2 * HOT) || !this.compiledMode()) return false;
    if (from !== 0 && code.extend(from, location)) {
      heat.count[i] = 0;
      return false;
    }
    heat.waiting = 0;
    if (code.compile({ location, isLoop }, (l) => heat.of(l) >= HOT >> 3, this.warmLocations())) return true;
    heat.count[i] = 0;
    return false;
  }

  /** Locations about to become hot: compiled in the same module, because a module costs as much as many functions. */
  private warmLocations(): Start[] {
    return this.heat.atLeast(HOT >> 1).filter(({ location }) => this.code.compiledSlot(location) === 0);
  }

  // ---- what compiled code calls ----

  /** The access cannot be made as it stands: brings pages in, or notes the fault. */
  private check(address: number, code: number, site: number): number {
    const length = code & 0xff;
    const kind = (code >>> 8) & 3;
    const align = 1 << (code >>> 10);
    const { space } = this;
    const group = align === GROUP_ALIGN;
    if (!group && address & (align - 1)) return this.noteFault(site, address, kind, 'align');
    const end = address + length - 1;
    const bytes = space.pages.bytes;
    const { losses } = space.pages;
    let brought = false;
    for (let at = address; at <= end; at = ((at | (PAGE_SIZE - 1)) >>> 0) + 1) {
      const page = (at >>> PAGE_SHIFT) & 0xfffff;
      for (let missing = kind & ~bytes[page]!; missing !== 0; missing = kind & ~bytes[page]!) {
        const access = (missing & READ || missing) as Access;
        const result = space.fault(at >>> 0, access);
        if (result === 'ok') {
          brought = true;
          continue;
        }
        if (group) {
          this.groupFailed(site);
          return this.leaveToStep(site);
        }
        return this.noteFault(site, at >>> 0, access, result);
      }
    }
    // The runtime asks about an access that is allowed when it has passed it 255 times.
    // It then goes on in the evaluator, to come back into the new code.
    if (!brought && !group && this.code.sawUnaligned(site)) return this.leaveToStep(site);
    // Bringing one page in may have taken access to another away, which a group of accesses has been promised.
    return space.pages.losses === losses ? 1 : this.leaveToStep(site);
  }

  /** Not all that a group of accesses was to be tested for is there: where that happens again and again the first is to test less. */
  private groupFailed(site: number): void {
    const times = (this.groupFailures.get(site) ?? 0) + 1;
    this.groupFailures.set(site, times);
    if (times === MAX_GROUP_FAILURES) this.code.sawUnaligned(site);
  }

  /** Has the evaluator run the instruction at a site, which is left by the fault exit. */
  private leaveToStep(site: number): number {
    this.code.placeAt(this.cpu, site);
    this.cpu.i32[EXIT_WORD] = EXIT.STEP;
    return 0;
  }

  private noteFault(site: number, address: number, kind: number, why: FaultReason): number {
    const { cpu } = this;
    this.code.placeAt(cpu, site);
    cpu.i32[EXIT_WORD] = EXIT.FAULT;
    cpu.u32[OFF.faultAddress >> 2] = address;
    cpu.i32[OFF.faultAccess >> 2] = kind;
    this.faultWhy = why;
    return 0;
  }

  private fault(): boolean {
    const { cpu } = this;
    return this.options.hooks.fault(
      cpu,
      cpu.u32[OFF.faultAddress >> 2]!,
      cpu.i32[OFF.faultAccess >> 2]!,
      this.faultWhy,
    );
  }

  /** After a hook: 1 when compiled code may go on behind the place it called from. */
  private goOn(answer: boolean, expected: number): number {
    const { cpu } = this;
    if (!answer) {
      cpu.i32[EXIT_WORD] = EXIT.HOOK;
      return 0;
    }
    if (cpu.location !== expected || this.stale || this.lost() || !this.compiledMode()) {
      cpu.i32[EXIT_WORD] = EXIT.LOOKUP;
      return 0;
    }
    return 1;
  }

  /** Whether access to a page was taken away since. An SVC may do so: behind it everything is tested anew. */
  private lost(): boolean {
    return this.space.pages.losses !== this.losses;
  }

  private svc(imm: number): number {
    const { cpu } = this;
    const expected = cpu.location;
    this.stale = false;
    const answer = this.options.hooks.syscall(cpu, imm);
    this.losses = this.space.pages.losses;
    return this.goOn(answer, expected);
  }

  private preempt(): number {
    const { cpu } = this;
    const expected = cpu.location;
    this.losses = this.space.pages.losses;
    this.stale = this.code.sampled(cpu.u32[RUNNING]!, expected);
    return this.goOn(this.options.hooks.preempt(cpu), expected);
  }

  private step(): number {
    const { cpu } = this;
    const insn = this.cache.fetch(cpu.location, cpu.i32[IT]!);
    const expected = (cpu.location + insn.size) >>> 0;
    if (this.options.count) this.steps[insn.row.name] = (this.steps[insn.row.name] ?? 0) + 1;
    this.stale = false;
    this.losses = this.space.pages.losses;
    const answer = this.interpreter.step(cpu);
    const it = cpu.i32[IT];
    cpu.i32[IT] = 0;
    const result = this.goOn(answer, expected);
    if (result === 0) cpu.i32[IT] = it!;
    return result;
  }

  /** A call or jump to OFF.target, which has no code: runs it here, on top of the caller's frame. */
  private miss(depth: number, ret: number): number {
    const { cpu } = this;
    const target = cpu.u32[TARGET]!;
    // A jump to the return address by other means than BX LR: the caller knows it.
    if (depth + DISPATCH_DEPTH >= MAX_DEPTH || target === ret) return target;
    const from = cpu.u32[EXIT_TO] === target ? cpu.u32[EXIT_FROM]! : 0;
    cpu.u32[EXIT_TO] = 0;
    if (this.hot(target, false, from)) {
      const slot = this.code.compiledSlot(target);
      this.code.remember(target, slot);
      return this.code.enter(cpu.base, depth + 1, ret, slot);
    }
    const stopAt = this.stopAt;
    cpu.location = target;
    this.stopAt = ret;
    const before = this.times.begin('evaluator');
    try {
      return this.dispatch(depth + DISPATCH_DEPTH);
    } finally {
      this.stopAt = stopAt;
      this.times.end(before);
    }
  }
}
