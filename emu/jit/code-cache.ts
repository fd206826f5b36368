/**
 * The compiled code of one address space: table slots, modules, the jump cache, and invalidation.
 *
 * Every location that compiled code calls or jumps to has a slot of the table for ever; the slot holds the function compiled for it, or the miss
 * stub. Calls between regions always go through the table, so that a region can be replaced: by a bigger one when a way out of it turns out to be hot, by the stub when
 * a page that it came from changes. Functions are compiled in batches, one wasm module each, and are dropped with their module.
 */
import type { CpuStats } from '../cpu.ts';
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
  STATE_BASE,
  STATE_MAX,
  STATE_SIZE,
  WRITE,
} from '../memory/layout.ts';
import { type CompileContext, RegionCompiler } from './compile.ts';
import { IMPORTS, MAX_SITES, TYPES } from './convention.ts';
import { effectsOf } from './effects.ts';
import { findRegion, type Region, type Step } from './region.ts';
import { createRuntime, type Runtime, type RuntimeHooks } from './runtime.ts';
import { encodeModule } from './wasm.ts';

/** Names compiled functions by their guest address: for `node --cpu-prof`. */
const NAMES = process.env.ARMRUN_JIT_NAMES !== undefined;
/** Limits of one batch. */
const BATCH_REGIONS = 64;
const BATCH_INSTRUCTIONS = 6000;
const SITE_WORDS = 3;
/** More than a batch can need: an instruction makes at most a few. */
const SITES_PER_BATCH = 1 << 15;

/** Targets of one indirect jump that are compared with, before the jump cache is asked. */
const MAX_GUESSES = 4;
/** A region is compiled again so often, as more of it turns out to be hot. */
const MAX_EXTENSIONS = 6;
/** A block that is in so many regions already is compiled as one of its own. */
const MAX_COPIES = 3;

/** Where a region begins; `isLoop` when it is a loop inside a function, and not a place that is called or jumped to. */
export interface Start {
  readonly location: number;
  readonly isLoop: boolean;
}

interface CodeModule {
  readonly locations: number[];
  readonly pages: Set<number>;
}

export class CodeCache {
  readonly stats: Omit<CpuStats, 'instructions'> = { regions: 0, modules: 0, compileMs: 0, wasmBytes: 0 };
  private readonly space: AddressSpace;
  private readonly insns: InsnCache;
  private readonly table: WebAssembly.Table;
  private readonly runtime: Runtime;
  private readonly slots = new Map<number, number>();
  /** Slots that hold code. */
  private readonly compiled = new Map<number, number>();
  private readonly modulesByPage = new Map<number, Set<CodeModule>>();
  /** Compiled locations that are loops inside functions. */
  private readonly loops = new Set<number>();
  /** How many regions hold a block, and the blocks of each region. */
  private readonly covered = new Map<number, number>();
  private readonly blocksOf = new Map<number, number[]>();
  /** How often a region was compiled again with more in it. */
  private readonly extended = new Map<number, number>();
  /** Targets of indirect jumps that the evaluator has seen, by the jump's address; few each. */
  private readonly jumps = new Map<number, number[]>();
  private nextSlot = 1;
  private readonly jumpCache: Uint32Array;
  private readonly compiler: RegionCompiler;
  /** Locations of the batch under construction. */
  private batch = new Set<number>();
  /** Places that may fault: location, dirty variables with ITSTATE, and location of the region. */
  private sites = new Int32Array(SITE_WORDS << 12);
  /** Locations of accesses that are often unaligned. */
  private readonly unaligned = new Set<number>();
  private siteCount = 0;
  private foldedPages = new Set<number>();
  private readonly counting: boolean;

  constructor(space: AddressSpace, insns: InsnCache, count: boolean, hooks: RuntimeHooks) {
    this.space = space;
    this.insns = insns;
    this.counting = count;
    this.table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 });
    this.runtime = createRuntime(space.memory, this.table, hooks);
    this.table.set(0, this.runtime.missStub);
    this.jumpCache = new Uint32Array(space.buffer, JUMP_CACHE, JUMP_CACHE_ENTRIES * 2);
    const context: CompileContext = {
      slotOf: (location) => this.slotOf(location),
      hasCode: (location) => this.compiled.has(location) || this.batch.has(location),
      constantWord: (address, size) => this.constantWord(address, size),
      siteOf: (location, dirty, region) => this.siteOf(location, dirty, region),
      isUnaligned: (location) => this.unaligned.has(location),
      count,
    };
    this.compiler = new RegionCompiler(context);
  }

  /** The slot of a location that has code, else 0. */
  compiledSlot(location: number): number {
    return this.compiled.get(location) ?? 0;
  }

  enter(cpu: number, depth: number, ret: number, slot: number): number {
    return this.runtime.enter(cpu, depth, ret, slot);
  }

  /** Puts a compiled location in the jump cache. */
  remember(location: number, slot: number): void {
    const i = ((location >>> 1) & (JUMP_CACHE_ENTRIES - 1)) * 2;
    this.jumpCache[i] = location;
    this.jumpCache[i + 1] = slot;
  }

  private slotOf(location: number): number {
    let slot = this.slots.get(location);
    if (slot === undefined) {
      slot = this.nextSlot++;
      this.slots.set(location, slot);
    }
    return slot;
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
    if (this.siteCount > MAX_SITES - SITES_PER_BATCH) return false;
    const began = performance.now();
    this.foldedPages = new Set();
    const fetch = (at: number, it: number): Step | null => {
      const insn = ahead ? this.insns.peek(at, it) : this.insns.known(at, it);
      return insn === null ? null : { insn, effects: effectsOf(insn) };
    };
    const queue = [start, ...also.filter((s) => s.location !== start.location)];
    const entries = new Set(queue.filter((s) => !s.isLoop).map((s) => s.location));
    const isEntry = (at: number) => entries.has(at) || this.isEntry(at);
    const read = (address: number, size: number) => this.constantWord(address, size);
    const seen = (pc: number) => this.jumps.get(pc) ?? [];
    const regions: Region[] = [];
    let instructions = 0;
    for (const { location, isLoop } of queue) {
      if (regions.length === BATCH_REGIONS || instructions > BATCH_INSTRUCTIONS) break;
      const region = findRegion(location, fetch, isEntry, read, seen);
      if (region === null) {
        if (location === start.location) return false;
        continue;
      }
      if (isLoop) this.loops.add(location);
      else this.loops.delete(location);
      regions.push(region);
      instructions += region.instructions;
      for (const callee of region.calls)
        if (!entries.has(callee) && !this.compiled.has(callee) && wanted(callee)) {
          entries.add(callee);
          queue.push({ location: callee, isLoop: false });
        }
    }
    this.build(regions);
    this.stats.compileMs += performance.now() - began;
    return true;
  }

  private build(regions: Region[]): void {
    this.batch = new Set(regions.map((r) => r.location));
    const functions = regions.map((r) => {
      return { type: 0, ...this.compiler.compile(r) };
    });
    const slots = regions.map((r) => this.slotOf(r.location));
    const bytes = encodeModule({
      types: TYPES,
      functionImports: IMPORTS,
      table: true,
      functions,
      slots,
      ...(NAMES && { names: regions.map((r) => `arm ${r.location.toString(16)}`) }),
    });
    this.batch.clear();
    if (this.table.length < this.nextSlot)
      this.table.grow(Math.max(this.nextSlot - this.table.length, this.table.length), this.runtime.missStub);
    new WebAssembly.Instance(new WebAssembly.Module(bytes), { e: this.runtime.imports });

    const module: CodeModule = { locations: regions.map((r) => r.location), pages: this.foldedPages };
    regions.forEach((r, i) => {
      this.compiled.set(r.location, slots[i]!);
      this.remember(r.location, slots[i]!);
      for (const page of r.pages) module.pages.add(page);
      this.cover(r);
    });
    for (const page of module.pages) {
      this.space.markCode(page);
      const set = this.modulesByPage.get(page);
      if (set === undefined) this.modulesByPage.set(page, new Set([module]));
      else set.add(module);
    }
    this.stats.regions += regions.length;
    this.stats.modules++;
    this.stats.wasmBytes += bytes.length;
  }

  /** Whether regions end where they come to this location. */
  private isEntry(location: number): boolean {
    if (this.compiled.has(location)) return !this.loops.has(location);
    return (this.covered.get((location & ~1) >>> 0) ?? 0) >= MAX_COPIES;
  }

  /** Compiles a region once more, now that a way out of it has turned out to be taken often. False when that would not help. */
  extend(from: number, target: number): boolean {
    const times = this.extended.get(from) ?? 0;
    if (!this.compiled.has(from) || times === MAX_EXTENSIONS || this.isEntry(target)) return false;
    this.extended.set(from, times + 1);
    return this.compile({ location: from, isLoop: this.loops.has(from) }, () => false);
  }

  /** Counts the blocks of a region, in place of those of the region that it replaces. */
  private cover(r: Region): void {
    for (const start of this.blocksOf.get(r.location) ?? [])
      this.covered.set(start, this.covered.get(start)! - 1);
    const starts = r.blocks.map((b) => b.start);
    this.blocksOf.set(r.location, starts);
    for (const start of starts) this.covered.set(start, (this.covered.get(start) ?? 0) + 1);
  }

  /** Notes where an indirect jump went. False when it goes to so many places that each should be an entry of its own. */
  sawJump(pc: number, location: number): boolean {
    const targets = this.jumps.get(pc);
    if (targets === undefined) this.jumps.set(pc, [location]);
    else if (!targets.includes(location)) {
      if (targets.length === MAX_GUESSES) return false;
      targets.push(location);
    }
    return true;
  }

  private siteOf(location: number, dirty: number, region: number): number {
    const at = this.siteCount * SITE_WORDS;
    if (at === this.sites.length) {
      const bigger = new Int32Array(at * 2);
      bigger.set(this.sites);
      this.sites = bigger;
    }
    this.sites[at] = location;
    this.sites[at + 1] = dirty;
    this.sites[at + 2] = region;
    return this.siteCount++;
  }

  /** The access at a site is often unaligned, but allowed: its region is compiled again with a test that lets such accesses pass at once. False when that is done already. */
  sawUnaligned(site: number): boolean {
    const location = this.sites[site * SITE_WORDS]! >>> 0;
    if (this.unaligned.has(location)) return false;
    this.unaligned.add(location);
    const region = this.sites[site * SITE_WORDS + 2]! >>> 0;
    if (this.compiled.has(region))
      this.compile({ location: region, isLoop: this.loops.has(region) }, () => false);
    return true;
  }

  /** Puts a faulting instruction's place in the state. */
  placeAt(cpu: CpuState, site: number): void {
    const dirty = this.sites[site * SITE_WORDS + 1]!;
    cpu.location = this.sites[site * SITE_WORDS]! >>> 0;
    cpu.i32[OFF.it >> 2] = dirty >>> 24;
    cpu.i32[OFF.faultDirty >> 2] = dirty;
  }

  /** The value of a word that only changes together with code: in an executable area that is not writable (literal pools). */
  private constantWord(address: number, size: number): number | undefined {
    if (address & (size - 1)) return undefined;
    const vma = this.space.find(address);
    if (vma === undefined || !(vma.prot & EXEC) || vma.prot & WRITE) return undefined;
    if (!this.space.check(address, size, READ)) return undefined;
    this.foldedPages.add(address >>> PAGE_SHIFT);
    const { space } = this;
    return size === 4 ? space.i32[address >>> 2] : size === 2 ? space.u16[address >>> 1] : space.u8[address];
  }

  /** Drops every module that came from these bytes; true when there was one. */
  invalidate(address: number, length: number): boolean {
    if (this.modulesByPage.size === 0 || length <= 0) return false;
    const first = address >>> PAGE_SHIFT;
    const last = Math.floor((address + length - 1) / 2 ** PAGE_SHIFT);
    let any = false;
    if (last - first < this.modulesByPage.size) {
      for (let page = first; page <= last; page++) any = this.dropPage(page) || any;
    } else {
      for (const page of [...this.modulesByPage.keys()])
        if (page >= first && page <= last) any = this.dropPage(page) || any;
    }
    return any;
  }

  private dropPage(page: number): boolean {
    const modules = this.modulesByPage.get(page);
    if (modules === undefined) return false;
    for (const module of modules) {
      for (const location of module.locations) {
        const slot = this.compiled.get(location);
        if (slot === undefined) continue;
        this.compiled.delete(location);
        this.table.set(slot, this.runtime.missStub);
        const i = ((location >>> 1) & (JUMP_CACHE_ENTRIES - 1)) * 2;
        if (this.jumpCache[i] === location) {
          this.jumpCache[i] = 0;
          this.jumpCache[i + 1] = 0;
        }
      }
      for (const other of module.pages) if (other !== page) this.modulesByPage.get(other)?.delete(module);
    }
    this.modulesByPage.delete(page);
    return true;
  }

  /** Instructions counted by compiled code in all state blocks. */
  countedInstructions(): number {
    if (!this.counting) return 0;
    let n = 0;
    for (let i = 0; i < STATE_MAX; i++) {
      const at = (STATE_BASE + i * STATE_SIZE + OFF.icount) >>> 2;
      n += this.space.u32[at]! + this.space.u32[at + 1]! * 2 ** 32;
    }
    return n;
  }

  /** Leaves the memory as it was. */
  close(): void {
    if (this.stats.modules === 0) return;
    this.jumpCache.fill(0);
    this.space.bytes(SITE_COUNTERS, this.siteCount).fill(0);
  }
}
