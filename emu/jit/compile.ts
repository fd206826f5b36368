/**
 * Compiles a region to the body of one wasm function (see convention.ts).
 *
 * Control flow is structured from the dominator tree (N. Ramsey, "Beyond Relooper", ICFP 2022): a block whose dominator-tree
 * children have several forward edges is wrapped in one wasm `block` per such child, a loop header in a `loop`, everything else
 * nests in place.
 *
 * State: guest registers and flags live in locals between the places where others look at the state block. At every call, SVC
 * and exit the dirty ones are stored; behind a call the live ones are loaded again. A variable is dirty when some path has
 * written it since; a dirty variable stays live up to the place that stores it. Faults are a side exit: `check` puts the place
 * in the state block, and the end of its loop, or of the function, stores the variables that are dirty there (cold-exits.ts).
 * Flags that nobody will read are not computed, so a fault between may leave a dead flag wrong in the state block, never a live
 * one, and never a register.
 *
 * An inlined function (InlinedCall) returns by going on behind its call, if its return goes there; else the region returns
 * where it does go. Jumps out of it to code outside become calls that are to return behind its call.
 */

import { EXIT } from '../cpu.ts';
import { OFF } from '../cpu-state.ts';
import { ALWAYS, type BranchKind, type Trap } from '../machine/machine.ts';
import { type AccessPlan, planAccesses } from './access-groups.ts';
import { ColdExits } from './cold-exits.ts';
import { CPU, DEPTH, FLAG_MASK, importIndex, LEAVE, REG_MASK, Unsupported } from './convention.ts';
import { liveness } from './data-flow.ts';
import { Emitter, type EmitterHost } from './emitter.ts';
import type { Node, RunNumber } from './function-writer.ts';
import { isBackEdge, isIrreducible } from './graph.ts';
import type { JumpTable } from './jump-table.ts';
import { Links } from './links.ts';
import type { Block, Effects, InlinedCall, Region, Step } from './region.ts';
import { ByteWriter, OP, type ValType } from './wasm.ts';

const SVC = importIndex('svc');

/** V8's limit of the stack in KiB: what src/v8-flags.json sets, else its default. */
const STACK_KIB = Number(/--stack-size=(\d+)/.exec(process.execArgv.join(' '))?.[1] ?? 984);
/**
 * Calls nest on the host's stack no deeper than this; beyond it a region returns its own location, and everything unwinds to the
 * dispatcher. Its frame takes well below 3 KiB: 160 locals were the most seen.
 */
export const MAX_DEPTH = Math.floor(STACK_KIB / 3);

export interface CompileContext {
  /** Whether the location has code now, or is to have with this module. */
  hasCode(location: number): boolean;
  constantWord(address: number, size: number): number | undefined;
  /** A number for a place that may fault: its location, the dirty variables with ITSTATE in bits 31..24, and its region. */
  siteOf(location: number, dirty: number, region: number): number;
  /**
   * Whether the access at a location has turned out to be unaligned, or the first of a group that cannot be tested together,
   * or one that leaves its region, often.
   */
  isUnaligned(location: number): boolean;
  /** Count instructions exactly in OFF.icount. */
  count: boolean;
  /** Take fuel for one iteration at a time. */
  exactFuel: boolean;
}

export interface CompiledBody {
  code: Uint8Array;
  locals: [number, ValType][];
  unlikely: number[];
  numbers: RunNumber[];
}

/** Flags that nothing inside the region needs behind a block, only a way out at its end. */
function deferrableFlags(b: Block): number {
  if (b.end !== 'branch') return 0;
  const { branch, conditional } = b.last.effects;
  const jumps = branch!.kind === 'jump' && branch!.target !== undefined && conditional;
  if (!jumps && !(b.returns && !conditional)) return 0;
  let flags = FLAG_MASK;
  for (const s of b.succ) if (!isIrreducible(b, s)) flags &= ~s.liveIn;
  return flags;
}

/** Writes an instruction; what cannot be compiled is left to the evaluator. `isCold`: its condition holds rarely. */
function writeInsn(emitter: Emitter, { insn, effects }: Step, isCold: boolean): void {
  const { cmp, dirty, depth } = emitter;
  const mark = emitter.out.mark();
  const wasCompared = cmp.valid;
  const pending = emitter.pending.size === 0 ? null : new Map(emitter.pending);
  try {
    if (insn.cond === ALWAYS) {
      insn.row.op(emitter, insn.args);
      emitter.finish();
    } else {
      emitter.gen(emitter.cond(insn.cond));
      if (isCold) emitter.openUnlikely();
      else emitter.open(OP.if);
      const { cached } = emitter.vfp;
      insn.row.op(emitter, insn.args);
      emitter.finish();
      emitter.vfp.join(cached);
      emitter.close();
      // A conditional write of flags leaves two possible comparisons; a conditional branch leaves the flags alone.
      if ((effects.mayWrite | effects.writes) & FLAG_MASK) cmp.valid = false;
      else cmp.valid = wasCompared;
    }
  } catch (e) {
    if (!(e instanceof Unsupported)) throw e;
    emitter.rollBack(mark, depth);
    emitter.abandon();
    cmp.valid = false;
    emitter.pending = pending ?? new Map();
    emitter.settleFlags();
    emitter.storeVars(dirty);
    emitter.stepHere();
    emitter.vfp.forget();
    emitter.loadVars(effects.writes | effects.mayWrite);
  }
}

export class RegionCompiler implements EmitterHost {
  readonly #out = new ByteWriter();
  readonly #emitter: Emitter;
  readonly #context: CompileContext;
  readonly #links: Links;
  readonly #exits: ColdExits;
  #region!: Region;
  #plans: ReadonlyMap<Block, AccessPlan[]> = new Map();
  /** Open wasm labels of merge blocks and loops. */
  #blockLabel = new Map<Block, number>();
  #loopLabel = new Map<Block, number>();
  /** The block and instruction under way, and how many there are from it to the end of the block. */
  #block!: Block;
  #rest = 0;
  #dirtyAfter = 0;
  #location = 0;
  /** Live before the instruction under way; and whether accesses that the page test does not allow leave the region. */
  #live = 0;
  #leaves = false;

  constructor(context: CompileContext) {
    this.#context = context;
    this.#emitter = new Emitter(this.#out, this);
    this.#links = new Links(this.#emitter, context.exactFuel);
    this.#exits = new ColdExits(this.#emitter, this.#links);
  }

  compile(region: Region, isLoop: boolean): CompiledBody {
    this.#leaves = !isLoop && !region.isOptimized;
    const [emitter, out] = [this.#emitter, this.#out];
    this.#region = region;
    this.#blockLabel.clear();
    this.#loopLabel.clear();
    out.clear();
    emitter.reset();
    this.#plans = planAccesses(region, (at) => !this.#context.isUnaligned(at));
    this.#links.begin(region.location);
    this.#exits.around(region, () => this.#function(region));
    out.i32(LEAVE);
    return {
      code: out.view().slice(),
      locals: emitter.locals(),
      unlikely: [...emitter.unlikely],
      numbers: [...emitter.numbers],
    };
  }

  #function(region: Region): void {
    const emitter = this.#emitter;
    const out = this.#out;
    out.get(DEPTH);
    out.i32(MAX_DEPTH);
    out.byte(OP.i32_ge_s);
    emitter.openUnlikely();
    out.i32(region.location);
    out.byte(OP.return);
    emitter.close();
    if (!region.entry.loopHeader) this.#links.burnFuel(1, region.location, 0);
    emitter.loadVars(region.entry.liveIn);
    this.#tree(region.entry);
  }

  /** Emits a block and all that is nested in it. */
  #tree(b: Block): void {
    this.#before(b.exits, () => {
      if (b.loopHeader) this.#loop(b);
      else this.#body(b);
    });
  }

  /** Emits a loop, with its own ways out behind it. */
  #loop(header: Block): void {
    const emitter = this.#emitter;
    emitter.storeVars(header.storedBefore);
    this.#exits.aroundLoop(() => {
      this.#loopLabel.set(header, emitter.depth);
      emitter.open(OP.loop);
      this.#links.burnLoopFuel(header.location, header.dirtyIn & header.liveIn);
      this.#body(header);
      emitter.close();
    });
  }

  #body(b: Block): void {
    this.#before(
      b.children.filter((c) => c.merge),
      () => this.#instructions(b),
    );
  }

  /** Emits code that may jump to the blocks that follow it, and these, in the order in which they may jump to each other. */
  #before(following: readonly Block[], code: () => void): void {
    const emitter = this.#emitter;
    const followers = [...following].sort((x, y) => y.order - x.order);
    for (const f of followers) {
      this.#blockLabel.set(f, emitter.depth);
      emitter.open(OP.block);
    }
    code();
    for (let i = followers.length - 1; i >= 0; i--) {
      emitter.close();
      this.#tree(followers[i]!);
    }
  }

  #instructions(b: Block): void {
    const emitter = this.#emitter;
    const after: number[] = [];
    liveness(b, after);
    const plans = this.#plans.get(b)!;
    const deferrable = deferrableFlags(b);
    let dirty = b.dirtyIn;
    emitter.cmp.valid = false;
    if (b.merge || b.loopHeader) emitter.vfp.forget();
    const { pending: outer, keptCount } = emitter;
    emitter.pending = new Map();
    if (this.#context.count) this.#links.countInstructions(b.steps.length);
    if (b.steps.length === 0) this.#goto(b, b.succ[0]!, dirty);
    for (let i = 0; i < b.steps.length; i++) {
      const { insn, pc, effects } = b.steps[i]!;
      const last = i === b.steps.length - 1;
      this.#block = b;
      this.#rest = b.steps.length - i;
      this.#dirtyAfter = dirty | effects.writes | effects.mayWrite;
      this.#location = b.call.locationOf(pc);
      emitter.begin(pc, insn.size, insn.thumb);
      emitter.dirty = dirty;
      emitter.it = insn.itBefore;
      emitter.conditional = insn.cond !== ALWAYS;
      emitter.dead = FLAG_MASK & ~after[i]!;
      this.#live = i === 0 ? b.liveIn : after[i - 1]!;
      emitter.deferrable = insn.cond === ALWAYS ? deferrable : 0;
      if (insn.cond !== ALWAYS && effects.mayWrite & FLAG_MASK) emitter.settleFlags();
      const { tested, test } = plans[i]!;
      if (test !== null) emitter.testGroup(test.register, test.offset, test.length, test.kind);
      emitter.tested = tested;
      writeInsn(emitter, b.steps[i]!, last && this.#isCold(b, effects));
      dirty = this.#dirtyAfter;
      if (!last) continue;
      emitter.begin(pc, insn.size, insn.thumb);
      if (b.end === 'fall' || effects.conditional) this.#goToLocation(b, b.call.locationOf(b.next), dirty);
    }
    emitter.pending = outer;
    emitter.freeKept(keptCount);
  }

  /** Whether the block's conditional branch goes to where nothing has gone yet. */
  #isCold(b: Block, { branch }: Effects): boolean {
    if (branch === null || branch.kind !== 'jump' || branch.target === undefined) return false;
    const target = branch.target >>> 0;
    return b.successor(target) === undefined && !this.#context.hasCode(target);
  }

  /**
   * Goes from a block to a location of its inlined call: inside the region when it has the edge, with `dirty` variables not
   * stored yet.
   */
  #goToLocation(from: Block, location: number, dirty: number): void {
    const to = from.successor(location);
    if (to === undefined) this.#exitTo(from, from.call, location, dirty);
    else this.#goto(from, to, dirty);
  }

  /** Goes from a block to one that the region has the edge to, with `dirty` variables not stored yet. */
  #goto(from: Block, to: Block, dirty: number): void {
    const emitter = this.#emitter;
    if (isIrreducible(from, to)) {
      this.#exitTo(from, to.call, to.location, dirty);
      return;
    }
    emitter.loadVars(from.spilledInLoop & ~to.spilledInLoop & to.liveIn);
    this.#jump(from, to);
  }

  /** Goes to a block inside the region, with its live variables in their locals. */
  #jump(from: Block, to: Block): void {
    const emitter = this.#emitter;
    if (isBackEdge(from, to)) emitter.br(OP.br, this.#loopLabel.get(to)!);
    else if (to.merge) emitter.br(OP.br, this.#blockLabel.get(to)!);
    else {
      const block = this.#block;
      const dirtyAfter = this.#dirtyAfter;
      const location = this.#location;
      const { cached } = emitter.vfp;
      this.#tree(to);
      emitter.vfp.cached = cached;
      this.#block = block;
      this.#dirtyAfter = dirtyAfter;
      this.#location = location;
    }
  }

  /**
   * Leaves the region for a location in the function of an inlined call: by a call of the rest of it; from the root by a tail
   * call.
   */
  #exitTo(from: Block, call: InlinedCall, location: number, dirty: number): void {
    const emitter = this.#emitter;
    dirty &= ~emitter.storePending();
    if (this.#context.hasCode(location) && (call.parent === null || this.#goesOnBehind(from, call))) {
      emitter.storeVars(dirty);
      emitter.storeState(OFF.target, location);
      this.#leaveTo(from, call, () => emitter.slot(location));
      return;
    }
    // Nothing has gone there yet: a way out that is short to write.
    this.#exits.exit(call, location, dirty);
  }

  /** Whether the region has the edge from a block to what is behind the inlined call. */
  #goesOnBehind(from: Block, call: InlinedCall): boolean {
    const { after } = call;
    return from.call === call && after !== undefined && from.after === after && !isIrreducible(from, after);
  }

  /** Leaves an inlined call for code outside, with all of the state in the state block. */
  #leaveTo(from: Block, call: InlinedCall, pushSlot: () => void): void {
    if (call.parent === null) {
      this.#links.pushOwnArguments();
      pushSlot();
      this.#links.callIndirect(OP.return_call_indirect);
      return;
    }
    this.#links.pushCallArguments(call.returnTo);
    pushSlot();
    this.#links.callIndirect(OP.call_indirect);
    this.#links.returnUnlessAt(call.returnTo);
    this.#goOnAfter(from, ~0);
  }

  // ---- EmitterHost ----
  /**
   * A call in each access would take V8's optimizing compiler a third of its time. There is one in loops and where most of the
   * time is, for the rest of them would be run in the interpreter each time that they come to a new page; inside an IT block,
   * which has no records of its own; and where the region begins, for that is where it would come back to.
   */
  leavesForPages(): boolean {
    const location = this.#location;
    if (!this.#leaves || this.#emitter.it !== 0 || location === this.#region.location) return false;
    return !this.#context.isUnaligned(location);
  }
  leave(dirty: number): void {
    if (this.#context.count) this.#links.countInstructions(-this.#rest);
    this.#exits.exit(this.#block.call, this.#location, dirty & (REG_MASK | this.#live));
  }

  site(dirty: number): number {
    // Flags that nobody will read need not be right.
    dirty &= REG_MASK | this.#live;
    this.#exits.mayFaultWith(dirty);
    return this.#context.siteOf(this.#location, dirty | (this.#emitter.it << 24), this.#region.location);
  }

  unaligned(): boolean {
    return this.#context.isUnaligned(this.#location);
  }

  constantWord(address: number, size: number): number | undefined {
    return this.#context.constantWord(address, size);
  }

  branch(location: Node, kind: BranchKind): void {
    const emitter = this.#emitter;
    const out = this.#out;
    const block = this.#block;
    const target = emitter.constantOf(location);
    const dirty = this.#dirtyAfter;
    if (kind === 'call') {
      this.#call(location, target, dirty);
      return;
    }
    if (target !== undefined) {
      this.#goToLocation(block, target >>> 0, dirty);
      return;
    }
    if (kind === 'return') {
      this.#returnTo(location, dirty);
      return;
    }
    if (block.table !== null) this.#switch(block, block.table);
    const to = emitter.let(location);
    this.#goToGuesses(block, to, block.guesses, dirty);
    emitter.storeVars(dirty);
    this.#links.lookUp(to);
    this.#leaveTo(block, block.call, () => out.get(this.#links.slot));
  }

  /** Goes to the one of these blocks that begins at a location; goes on behind when none does. */
  #goToGuesses(from: Block, location: Node, guesses: readonly Block[], dirty: number): void {
    const emitter = this.#emitter;
    const out = this.#out;
    for (const guess of guesses) {
      emitter.gen(location);
      out.i32(guess.location);
      out.byte(OP.i32_eq);
      emitter.open(OP.if);
      this.#goto(from, guess, dirty);
      emitter.close();
    }
  }

  /** Returns to a location: from an inlined call to behind it, when that is where the location is. */
  #returnTo(location: Node, dirty: number): void {
    const emitter = this.#emitter;
    const out = this.#out;
    const block = this.#block;
    const { call } = block;
    if (call.parent === null) {
      emitter.storeVars(dirty);
      emitter.gen(location);
      out.byte(OP.return);
      return;
    }
    const to = emitter.let(location);
    emitter.gen(to);
    out.i32(call.returnTo);
    out.byte(OP.i32_ne);
    emitter.openUnlikely();
    this.#exits.return(to, dirty & ~emitter.storePending());
    emitter.close();
    this.#goto(block, call.after!, dirty);
  }

  /** Jumps by the table; goes on behind for an index outside it or a target outside the region. */
  #switch(block: Block, table: JumpTable): void {
    const emitter = this.#emitter;
    const out = this.#out;
    for (const to of block.succ) emitter.loadVars(block.spilledInLoop & ~to.spilledInLoop & to.liveIn);
    const other = emitter.depth;
    emitter.open(OP.block);
    emitter.gen(emitter.reg(table.index));
    out.byte(OP.br_table);
    out.u32(table.targets.length);
    const label = (depth: number) => out.u32(emitter.depth - 1 - depth);
    for (const target of table.targets) {
      const to = block.successor(target);
      if (to === undefined || isIrreducible(block, to)) label(other);
      else label(isBackEdge(block, to) ? this.#loopLabel.get(to)! : this.#blockLabel.get(to)!);
    }
    label(other);
    emitter.close();
  }

  /** Calls a location: goes over to inlined calls, or calls through the table. */
  #call(location: Node, target: number | undefined, dirty: number): void {
    const emitter = this.#emitter;
    const out = this.#out;
    const block = this.#block;
    const { callees } = block;
    if (target !== undefined && callees.length > 0) {
      this.#goto(block, callees[0]!, dirty);
      return;
    }
    const to = emitter.let(location);
    this.#goToGuesses(block, to, callees, dirty);
    const returnTo = block.call.locationOf(block.next);
    emitter.storeVars(dirty);
    if (target === undefined) this.#links.lookUp(to);
    else emitter.storeState(OFF.target, target);
    this.#links.pushCallArguments(returnTo);
    if (target === undefined) out.get(this.#links.slot);
    else emitter.slot(target >>> 0);
    this.#links.callIndirect(OP.call_indirect);
    this.#links.returnUnlessAt(returnTo);
    this.#goOnAfter(block, ~0);
  }

  /** Goes on behind a call or SVC, with the live ones of `stale` variables loaded again. */
  #goOnAfter(block: Block, stale: number): void {
    const { after, call } = block;
    if (after === undefined) this.#exitTo(block, call, call.locationOf(block.next), 0);
    else if (isIrreducible(block, after)) this.#exitTo(block, after.call, after.location, 0);
    else {
      this.#emitter.loadVars(after.liveIn & ~after.spilledInLoop & (stale | block.spilledInLoop));
      this.#emitter.vfp.forget();
      this.#jump(block, after);
    }
  }

  trap(kind: Trap, imm: number): void {
    const emitter = this.#emitter;
    const out = this.#out;
    const block = this.#block;
    emitter.storeVars(this.#dirtyAfter);
    if (kind !== 'svc' || block.end !== 'svc') {
      // The evaluator takes it from here, the trap included.
      emitter.storeLocation(this.#location);
      emitter.storeState(OFF.it, emitter.it);
      emitter.storeState(OFF.exit, EXIT.STEP);
      emitter.leave();
      return;
    }
    emitter.storeLocation(block.call.locationOf(block.next));
    out.get(CPU);
    out.i32(imm);
    out.call(SVC);
    emitter.leaveUnless();
    this.#goOnAfter(block, 1);
  }
}
