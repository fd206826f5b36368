/**
 * The compiled code of one address space: its table, the modules in it, the jump cache, and invalidation.
 *
 * Every location that compiled code calls or jumps to has a slot of the table for ever; the slot holds the function compiled for it, or the miss
 * stub. Calls between regions always go through the table, so that a region can be replaced: by a bigger one when a way out of it turns out to be hot, by the stub when
 * a page that it came from changes. Functions are compiled in batches, one wasm module each, and are dropped with their module.
 *
 * What is translated from the pages of a program file belongs to the file's image (unit.ts), and is compiled once for all processes.
 */
import type { CpuOptions, CpuStats } from '../cpu.ts';
import { type CpuState, OFF } from '../cpu-state.ts';
import type { InsnCache } from '../decode/insn-cache.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import {
  EXEC,
  JUMP_CACHE,
  JUMP_CACHE_ENTRIES,
  PAGE_SHIFT,
  READ,
  SITE_COUNTERS,
  SITE_COUNTERS_LENGTH,
  STATE_BASE,
  STATE_MAX,
  STATE_SIZE,
  WRITE,
} from '../memory/layout.ts';
import { TimeSheet } from '../work.ts';
import { type CompileContext, RegionCompiler } from './compile.ts';
import { effectsOf } from './effects.ts';
import { moduleOf } from './module.ts';
import { type CodeSource, findRegion, type Region } from './region.ts';
import { createRuntime, type Runtime, type RuntimeHooks } from './runtime.ts';
import type { TranslationStore } from './store.ts';
import { holds, type Segment, type Translation, Unit } from './unit.ts';

/** Limits of one batch. */
const BATCH_REGIONS = 64;
const BATCH_INSTRUCTIONS = 6000;
/** A region is compiled again so often, as more of it turns out to be hot. */
const MAX_EXTENSIONS = 6;
/** A region is optimized when fuel was over in it so often (about a millisecond apart). */
const SAMPLES = 8;
/** A block that is in so many regions already is compiled as one of its own. */
const MAX_COPIES = 3;

/** Where a region begins; `isLoop` when it is a loop inside a function, and not a place that is called or jumped to. */
export interface Start {
  readonly location: number;
  readonly isLoop: boolean;
  /** It is worth having what it calls inside it. */
  readonly optimize?: boolean;
}

export class CodeCache {
  /** Where making translations is 'translate'. */
  times = new TimeSheet(false);
  readonly stats: Omit<CpuStats, 'instructions' | 'work'> = {
    regions: 0,
    modules: 0,
    compileMs: 0,
    wasmBytes: 0,
  };
  private readonly space: AddressSpace;
  private readonly insns: InsnCache;
  private readonly store: TranslationStore;
  private readonly table: WebAssembly.Table;
  private readonly runtime: Runtime;
  /** 1 for slots that hold code. */
  private filled = new Uint8Array(1024);
  /** Code that is this address space's alone. */
  private readonly own = new Unit();
  /** Segments with an instance in this address space, by page. */
  private readonly byPage = new Map<number, Set<Segment>>();
  private readonly live = new Set<Segment>();
  /** How many of a unit's segments have been looked at. */
  private readonly attached = new Map<Unit, number>();
  /** The units of pages with indirect jumps. */
  private readonly jumpUnits = new Map<number, Unit>();
  private readonly jumpCache: Uint32Array;
  /** Entries of the jump cache that have been used. */
  private readonly remembered: number[] = [];
  private readonly compiler: RegionCompiler;
  /** The unit and the locations of the batch under construction. */
  private unit: Unit = this.own;
  private batch = new Set<number>();
  private folded = new Set<number>();
  private readonly counting: boolean;
  /** Whether the instruction at a location has been run: only then is it worth compiling. */
  executed: (location: number) => boolean = () => false;
  /** The compiled code of a location is gone. */
  onDrop: (location: number) => void = () => {};

  constructor(
    space: AddressSpace,
    insns: InsnCache,
    store: TranslationStore,
    options: CpuOptions,
    hooks: RuntimeHooks,
  ) {
    this.space = space;
    this.insns = insns;
    this.store = store;
    this.counting = options.count === true;
    this.table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 });
    this.runtime = createRuntime(space.memory, this.table, hooks);
    this.table.set(0, this.runtime.missStub);
    this.jumpCache = new Uint32Array(space.buffer, JUMP_CACHE, JUMP_CACHE_ENTRIES * 2);
    const context: CompileContext = {
      slotOf: (location) => store.slotOf(location),
      hasCode: (location) =>
        this.batch.has(location) ||
        this.unit.kindAt(location) !== undefined ||
        this.compiledSlot(location) > 0,
      constantWord: (address, size) => this.constantWord(address, size),
      siteOf: (location, dirty, region) => store.siteOf(location, dirty, region),
      isUnaligned: (location) => this.unit.unaligned.has(location),
      count: options.count === true,
      exactFuel: options.exactFuel === true,
    };
    this.compiler = new RegionCompiler(context);
  }

  /** The slot of a location that has code, else 0. */
  compiledSlot(location: number): number {
    const slot = this.store.knownSlot(location);
    return this.filled[slot] ? slot : 0;
  }

  /** As compiledSlot, but takes what other processes and earlier runs have translated, too. */
  acquire(location: number): number {
    const slot = this.compiledSlot(location);
    if (slot > 0) return slot;
    const unit = this.store.imageAt(this.space, location);
    if (unit === null) return 0;
    if (this.attach(unit) && this.compiledSlot(location) > 0) return this.compiledSlot(location);
    const segment = unit.kept?.segmentAt(location, unit, this.store) ?? null;
    if (segment === null || this.live.has(segment) || !this.fits(segment, unit)) return 0;
    this.instantiate(segment);
    return this.compiledSlot(location);
  }

  /** What compiled code and the interpreter import. */
  get imports(): WebAssembly.ModuleImports {
    return this.runtime.imports;
  }

  enter(cpu: number, depth: number, ret: number, slot: number): number {
    return this.runtime.enter(cpu, depth, ret, slot);
  }

  /** Puts a compiled location in the jump cache. */
  remember(location: number, slot: number): void {
    const i = ((location >>> 1) & (JUMP_CACHE_ENTRIES - 1)) * 2;
    if (this.jumpCache[i + 1] === 0) this.remembered.push(i);
    this.jumpCache[i] = location;
    this.jumpCache[i + 1] = slot;
  }

  private unitAt(location: number): Unit {
    return this.store.imageAt(this.space, location) ?? this.own;
  }

  /**
   * Compiles the region at a location, and with it others: those it calls for which `wanted` says yes, and `also`. False when nothing can be
   * compiled there. Only what the evaluator has run is taken into a region (all that can be reached, with `ahead`): cold paths cost as much to compile as hot ones, and
   * most never run.
   *
   * A region ends where another begins, but for loops: one that was compiled because it ran long in the evaluator is compiled once more inside its function.
   */
  compile(
    start: Start,
    wanted: (location: number) => boolean,
    also: readonly Start[] = [],
    ahead = false,
  ): boolean {
    if (this.store.isFull) return false;
    const began = performance.now();
    const before = this.times.begin('translate');
    const unit = this.unitAt(start.location);
    this.unit = unit;
    this.folded = new Set();
    const queue = [
      start,
      ...also.filter(
        ({ location }) =>
          location !== start.location &&
          this.unitAt(location) === unit &&
          unit.kept?.kindAt(location) === undefined,
      ),
    ];
    const entries = new Set(queue.filter((s) => !s.isLoop).map((s) => s.location));
    const optimize = start.optimize === true;
    // An earlier run has been where its translation was.
    const ranEarlier = (pc: number, entry: number) => {
      const known = unit.translations.get(entry);
      return known !== undefined && holds(known, pc);
    };
    const source: CodeSource = {
      fetch: (at, it, entry) => {
        if (this.unitAt(at) !== unit) return null;
        const pc = (at & ~1) >>> 0;
        const insn =
          this.insns.known(at, it) ??
          // Of an IT block what has been run shows at its beginning.
          (ahead || it !== 0 || this.executed(at) || ranEarlier(pc, entry) ? this.insns.peek(at, it) : null);
        return insn === null ? null : { insn, pc, effects: effectsOf(insn, pc) };
      },
      isEntry: (at) => !optimize && (entries.has(at) || this.isEntry(at)),
      read: (address, size) => this.constantWord(address, size),
      seen: (pc) => unit.jumps.get(pc) ?? [],
      optimize,
      isInlined: (at) => unit.kindAt(at) !== undefined && this.unitAt(at) === unit,
    };
    const regions: { region: Region; start: Start }[] = [];
    let instructions = 0;
    for (const next of queue) {
      if (regions.length === BATCH_REGIONS || instructions > BATCH_INSTRUCTIONS) break;
      const region = findRegion(next.location, source);
      if (region === null) {
        if (next === start) {
          this.times.end(before);
          return false;
        }
        continue;
      }
      regions.push({ region, start: next });
      instructions += region.instructions;
      for (const callee of region.calls)
        if (
          !entries.has(callee) &&
          this.compiledSlot(callee) === 0 &&
          unit.kept?.kindAt(callee) === undefined &&
          wanted(callee) &&
          this.unitAt(callee) === unit
        ) {
          entries.add(callee);
          queue.push({ location: callee, isLoop: false });
        }
    }
    this.batch = new Set(regions.map(({ region }) => region.location));
    this.build(regions.map(({ region, start }) => this.translate(region, start)));
    this.batch.clear();
    this.store.translated(this.space, start.location, unit);
    this.stats.compileMs += performance.now() - began;
    this.times.end(before);
    return true;
  }

  /** Compiles a translated region once more, for what has become known since. */
  private compileAgain(unit: Unit, location: number): boolean {
    const { isLoop, isOptimized } = unit.translations.get(location)!;
    return this.compile({ location, isLoop, optimize: isOptimized }, () => false);
  }

  /**
   * The region was running, at a location, when fuel was over. Where that happens often it is worth having what it calls inside it. True when there is now better code for the location
   * than what is running.
   */
  sampled(region: number, location: number): boolean {
    const unit = this.unitAt(region);
    const translation = unit.translations.get(region);
    if (translation === undefined) return false;
    const count = (unit.samples.get(region) ?? 0) + 1;
    unit.samples.set(region, count);
    if (count % SAMPLES !== 0) return false;
    const { isLoop, isOptimized } = translation;
    if (!isOptimized) {
      this.compile({ location: region, isLoop, optimize: true }, () => false);
      return location === region;
    }
    // It may be in a loop for long, in the function as it was before.
    if (location === region || unit.translations.get(location)?.isOptimized === true) return false;
    return this.compile({ location, isLoop: true, optimize: true }, () => false);
  }

  private translate(region: Region, { isLoop }: Start): Translation {
    const { numbers, ...body } = this.compiler.compile(region);
    const [root] = region.frames;
    const blocks: number[] = [];
    const inlined: number[] = [];
    for (const b of region.blocks) (b.frame === root ? blocks : inlined).push(b.start, b.next);
    return {
      location: region.location,
      isLoop,
      isOptimized: region.isOptimized,
      instructions: region.instructions,
      body: { type: 0, ...body },
      numbers,
      blocks: Int32Array.from(blocks),
      inlined: Int32Array.from(inlined),
      pages: [...region.pages],
    };
  }

  private build(translations: Translation[]): void {
    const { unit, store } = this;
    const slotOf = (location: number) => store.slotOf(location);
    const bytes = moduleOf(translations, slotOf);
    const locations = translations.map((t) => t.location);
    const segment: Segment = {
      module: new WebAssembly.Module(bytes),
      locations,
      slots: locations.map(slotOf),
      pages: new Set([...translations.flatMap((t) => t.pages), ...this.folded]),
    };
    for (const t of translations) unit.add(t);
    this.attach(unit);
    unit.segments.push(segment);
    this.attached.set(unit, unit.segments.length);
    this.instantiate(segment);
    this.stats.regions += translations.length;
    this.stats.modules++;
    this.stats.wasmBytes += bytes.length;
  }

  /** Makes instances of a unit's segments that this address space does not have yet; false when there are none. */
  private attach(unit: Unit): boolean {
    const { segments } = unit;
    let next = this.attached.get(unit) ?? 0;
    if (next === segments.length) return false;
    for (; next < segments.length; next++) {
      const segment = segments[next]!;
      if (!this.live.has(segment) && this.fits(segment, unit)) this.instantiate(segment);
    }
    this.attached.set(unit, next);
    return true;
  }

  /** Whether all pages are here, as they were where the segment was compiled. */
  private fits(segment: Segment, unit: Unit): boolean {
    for (const page of segment.pages)
      if (this.store.imageAt(this.space, page * 2 ** PAGE_SHIFT) !== unit) return false;
    return true;
  }

  private instantiate(segment: Segment): void {
    const { table, store, runtime, space } = this;
    if (table.length < store.slotCount) {
      table.grow(Math.max(store.slotCount - table.length, table.length >> 1), runtime.missStub);
      const filled = new Uint8Array(table.length);
      filled.set(this.filled.subarray(0, table.length));
      this.filled = filled;
    }
    new WebAssembly.Instance(segment.module, { e: runtime.imports });
    this.live.add(segment);
    for (const slot of segment.slots) this.filled[slot] = 1;
    for (const page of segment.pages) {
      space.expectCode(page);
      const set = this.byPage.get(page);
      if (set === undefined) this.byPage.set(page, new Set([segment]));
      else set.add(segment);
    }
  }

  /** Whether regions end where they come to this location. */
  private isEntry(location: number): boolean {
    const kind = this.unit.kindAt(location);
    if (kind !== undefined) return kind === 'entry';
    return this.unit.copies((location & ~1) >>> 0) >= MAX_COPIES;
  }

  /** Compiles a region once more, now that a way out of it has turned out to be taken often. False when that would not help. */
  extend(from: number, target: number): boolean {
    const unit = this.unitAt(from);
    const times = unit.extended.get(from) ?? 0;
    this.unit = unit;
    if (!unit.translations.has(from) || times === MAX_EXTENSIONS || this.isEntry(target)) return false;
    unit.extended.set(from, times + 1);
    return this.compileAgain(unit, from);
  }

  /** Notes where an indirect jump went. False when it goes to so many places that each should be an entry of its own. */
  sawJump(pc: number, location: number): boolean {
    // The evaluator asks at every jump, and the page cannot become another unit's without invalidate.
    const page = pc >>> PAGE_SHIFT;
    let unit = this.jumpUnits.get(page);
    if (unit === undefined) {
      unit = this.unitAt(pc);
      this.jumpUnits.set(page, unit);
    }
    return unit.sawJump(pc, location);
  }

  /** The access at a site is often unaligned, but allowed: its region is compiled again with a test that lets such accesses pass at once. False when that is done already. */
  sawUnaligned(number: number): boolean {
    const { location, region } = this.store.site(number);
    const unit = this.unitAt(location);
    if (unit.unaligned.has(location)) return false;
    unit.unaligned.add(location);
    if (unit.translations.has(region)) this.compileAgain(unit, region);
    return true;
  }

  /** Puts a faulting instruction's place in the state. */
  placeAt(cpu: CpuState, number: number): void {
    const { location, dirty } = this.store.site(number);
    cpu.location = location;
    cpu.i32[OFF.it >> 2] = dirty >>> 24;
    cpu.i32[OFF.faultDirty >> 2] = dirty;
    cpu.i32[OFF.target >> 2] = 0;
  }

  /** The value of a word that only changes together with code: in an executable area that is not writable (literal pools). */
  private constantWord(address: number, size: number): number | undefined {
    if (address & (size - 1)) return undefined;
    const vma = this.space.find(address);
    if (vma === undefined || !(vma.prot & EXEC) || vma.prot & WRITE) return undefined;
    if (this.unitAt(address) !== this.unit || !this.space.check(address, size, READ)) return undefined;
    this.folded.add(address >>> PAGE_SHIFT);
    const { space } = this;
    return size === 4 ? space.i32[address >>> 2] : size === 2 ? space.u16[address >>> 1] : space.u8[address];
  }

  /** Drops every module that came from these bytes; true when there was one. */
  invalidate(address: number, length: number): boolean {
    this.jumpUnits.clear();
    if (this.byPage.size === 0 || length <= 0) return false;
    const first = address >>> PAGE_SHIFT;
    const last = Math.floor((address + length - 1) / 2 ** PAGE_SHIFT);
    let any = false;
    if (last - first < this.byPage.size) {
      for (let page = first; page <= last; page++) any = this.dropPage(page) || any;
    } else {
      for (const page of [...this.byPage.keys()])
        if (page >= first && page <= last) any = this.dropPage(page) || any;
    }
    return any;
  }

  private dropPage(page: number): boolean {
    const segments = this.byPage.get(page);
    if (segments === undefined) return false;
    for (const segment of segments) {
      segment.locations.forEach((location, i) => {
        const slot = segment.slots[i]!;
        if (!this.filled[slot]) return;
        this.filled[slot] = 0;
        this.onDrop(location);
        this.table.set(slot, this.runtime.missStub);
        const j = ((location >>> 1) & (JUMP_CACHE_ENTRIES - 1)) * 2;
        if (this.jumpCache[j] === location) {
          this.jumpCache[j] = 0;
          this.jumpCache[j + 1] = 0;
        }
      });
      this.live.delete(segment);
      for (const other of segment.pages) if (other !== page) this.byPage.get(other)?.delete(segment);
      this.forget(segment);
    }
    this.byPage.delete(page);
    return true;
  }

  /** Of images the other processes may go on with a segment, and this one when the pages come back; what was this address space's own is gone. */
  private forget(segment: Segment): void {
    const { own } = this;
    const i = own.segments.indexOf(segment);
    if (i < 0) {
      this.attached.clear();
      return;
    }
    own.segments.splice(i, 1);
    this.attached.set(own, own.segments.length);
    for (const location of segment.locations) own.remove(location);
  }

  /** Instructions counted in all state blocks: OFF.icount by compiled code, OFF.interpreted by the interpreter. */
  countedInstructions(counter: number): number {
    if (!this.counting) return 0;
    let n = 0;
    for (let i = 0; i < STATE_MAX; i++) {
      const at = (STATE_BASE + i * STATE_SIZE + counter) >>> 2;
      n += this.space.u32[at]! + this.space.u32[at + 1]! * 2 ** 32;
    }
    return n;
  }

  /** Leaves the memory as it was. */
  close(): void {
    for (const i of this.remembered) {
      this.jumpCache[i] = 0;
      this.jumpCache[i + 1] = 0;
    }
    if (this.live.size > 0) this.space.bytes(SITE_COUNTERS, SITE_COUNTERS_LENGTH).fill(0);
  }
}
