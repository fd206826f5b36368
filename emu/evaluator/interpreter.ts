/**
 * Runs a thread instruction by instruction: the run loop around the Evaluator, and where its events and faults become calls of
 * CpuHooks.
 *
 * Invariants:
 *   - Inside the loop the PC and ITSTATE are locals; whenever a hook, onBranch's true or an exception is seen from outside,
 *     they are in the CpuState.
 *   - After a hook answered true everything is read from the CpuState again: the hook may have changed all of it.
 *   - Fuel is spent at taken branches only, so a loop always comes by hooks.preempt.
 */

import type { CpuHooks, GuestFault } from '../cpu.ts';
import type { CpuState } from '../cpu-state.ts';
import { OFF } from '../cpu-state.ts';
import { InsnCache, type InsnPage } from '../decode/insn-cache.ts';
import type { Insn } from '../decode/row.ts';
import { ALWAYS } from '../machine/machine.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { EXEC, PAGE_MASK } from '../memory/layout.ts';
import { EVENT, Evaluator } from './evaluator.ts';

const PC = OFF.r / 4 + 15;
const THUMB = OFF.thumb >> 2;
const IT = OFF.it >> 2;
const FUEL = OFF.fuel >> 2;

/** Why the inner loop ended. */
type Left = 'hook' | 'again' | 'compiled';

export class Interpreter {
  readonly space: AddressSpace;
  readonly hooks: CpuHooks;
  readonly cache: InsnCache;
  readonly evaluator: Evaluator;
  /** Instructions run since the start, faulting ones not counted. */
  instructions = 0;
  readonly #guestFault: GuestFault;

  constructor(
    space: AddressSpace,
    hooks: CpuHooks,
    cache: InsnCache = new InsnCache(space),
    Kind: typeof Evaluator = Evaluator,
  ) {
    this.space = space;
    this.hooks = hooks;
    this.cache = cache;
    this.#guestFault = cache.fault;
    this.evaluator = new Kind(space, cache.fault);
  }

  /**
   * Runs until a hook answers false, which gives false; or until onBranch, asked with the target of each taken branch (bit 0:
   * Thumb) outside IT blocks, answers true, which gives true with the state at that location and no effect left undone.
   */
  run(cpu: CpuState, onBranch?: (location: number) => boolean): boolean {
    for (;;) {
      try {
        const left = this.#loop(cpu, onBranch);
        if (left !== 'again') return left === 'compiled';
      } catch (error) {
        if (error !== this.#guestFault) throw error;
        if (!this.#reportFault(cpu)) return false;
      }
    }
  }

  /**
   * Runs exactly one instruction at the state's location, with the hooks it brings about (but not hooks.preempt). False: a hook
   * said to leave; true: go on at the state's location, which after a hook may be anywhere.
   */
  step(cpu: CpuState): boolean {
    const m = this.evaluator;
    m.bind(cpu);
    const w = cpu.i32;
    try {
      const insn = this.cache.fetch(cpu.location, w[IT]!);
      m.insn = insn;
      m.pc = w[PC]!;
      if (insn.cond === ALWAYS || m.holds(insn.cond)) insn.row.op(m, insn.args);
      this.instructions++;
      const event = m.event;
      if (event === EVENT.NONE) this.#place(cpu, insn, m.pc + insn.size, insn.itAfter);
      else return this.#act(cpu, insn, event);
      return true;
    } catch (error) {
      if (error !== this.#guestFault) throw error;
      return this.#reportFault(cpu);
    }
  }

  #loop(cpu: CpuState, onBranch: ((location: number) => boolean) | undefined): Left {
    const m = this.evaluator;
    const cache = this.cache;
    const w = cpu.i32;
    m.bind(cpu);
    let thumb = w[THUMB]!;
    let pc = w[PC]!;
    let it = w[IT]!;
    let page: InsnPage = cache.page(pc | thumb);
    let count = 0;
    try {
      for (;;) {
        let insn = page[(pc & PAGE_MASK) >>> 1];
        if (insn === undefined || insn.itBefore !== it) {
          w[PC] = pc;
          w[THUMB] = thumb;
          w[IT] = it;
          insn = cache.fetch(pc | thumb, it);
        }
        m.insn = insn;
        m.pc = pc;
        if (insn.cond === ALWAYS || m.holds(insn.cond)) insn.row.op(m, insn.args);
        count++;
        it = insn.itAfter;
        const event = m.event;
        if (event === EVENT.NONE) {
          const size = insn.size;
          pc = (pc + size) | 0;
          // Only an instruction that began on the page before leaves less than its size behind.
          if ((pc & PAGE_MASK) < size) page = cache.page(pc | thumb);
        } else if (event === EVENT.BRANCH) {
          m.event = EVENT.NONE;
          const target = m.target;
          thumb = target & 1;
          pc = target & ~1;
          if (--w[FUEL]! < 0) {
            this.#place(cpu, insn, pc, it);
            w[THUMB] = thumb;
            return this.hooks.preempt(cpu) ? 'again' : 'hook';
          }
          if (onBranch !== undefined && it === 0 && onBranch(target >>> 0)) {
            w[PC] = pc;
            w[THUMB] = thumb;
            w[IT] = 0;
            return 'compiled';
          }
          page = cache.page(target);
        } else {
          return this.#act(cpu, insn, event) ? 'again' : 'hook';
        }
      }
    } finally {
      this.instructions += count;
    }
  }

  /** Does what an instruction asked for besides its effects; gives the hook's answer. */
  #act(cpu: CpuState, insn: Insn, event: number): boolean {
    const m = this.evaluator;
    m.event = EVENT.NONE;
    switch (event) {
      case EVENT.BRANCH:
        cpu.location = m.target >>> 0;
        cpu.i32[IT] = insn.itAfter;
        return true;
      case EVENT.SVC:
        this.#place(cpu, insn, m.pc + insn.size, insn.itAfter);
        return this.hooks.syscall(cpu, m.imm);
      case EVENT.YIELD:
        this.#place(cpu, insn, m.pc + insn.size, insn.itAfter);
        return this.hooks.preempt(cpu);
      default:
        this.#place(cpu, insn, m.pc, insn.itBefore);
        return this.hooks.trap(cpu, event === EVENT.UNDEFINED ? 'undefined' : 'breakpoint', m.imm);
    }
  }

  /** Puts the thread at a place in the code of the instruction's kind. */
  #place(cpu: CpuState, insn: Insn, pc: number, it: number): void {
    cpu.i32[PC] = pc;
    cpu.i32[THUMB] = insn.thumb ? 1 : 0;
    cpu.i32[IT] = it;
  }

  /** A failed access, of the code or of the instruction under way, becomes hooks.fault. */
  #reportFault(cpu: CpuState): boolean {
    const m = this.evaluator;
    const { address, access, why } = this.#guestFault;
    m.event = EVENT.NONE;
    // A failed fetch has the place in the state already, and `insn` is still the one before.
    if (access !== EXEC) this.#place(cpu, m.insn, m.pc, m.insn.itBefore);
    return this.hooks.fault(cpu, address, access, why);
  }
}
