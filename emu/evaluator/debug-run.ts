/**
 * Runs a thread that has hardware breakpoints or watchpoints: instruction by instruction through the evaluator, with each
 * address looked at before anything happens (ARM ARM C3: software debug events). Slow, and only for as long as a debugger asks;
 * the other engines know nothing of it.
 *
 * Invariants:
 *   - A debug event is reported before any effect of its instruction, with the PC at it; as the point still matches when the
 *     thread goes on, the debugger takes the point away for that instruction.
 *   - What is decoded is dropped as everywhere, through AddressSpace.onInvalidate.
 */

import type { CpuHooks } from '../cpu.ts';
import type { CpuState } from '../cpu-state.ts';
import type { AccessKind } from '../machine/machine.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { EXEC } from '../memory/layout.ts';
import { Evaluator } from './evaluator.ts';
import { Interpreter } from './interpreter.ts';

/** One breakpoint (access EXEC) or watchpoint (READ, WRITE or both): bytes first to last. */
export interface DebugPoint {
  readonly first: number;
  readonly last: number;
  readonly access: number;
}

/** The point that an access of `length` bytes meets. */
export function metPoint<P extends DebugPoint>(
  points: readonly P[],
  address: number,
  length: number,
  access: number,
): P | undefined {
  return points.find((p) => (p.access & access) !== 0 && address <= p.last && address + length > p.first);
}

/**
 * An Evaluator that fails accesses to what is watched, with 'debug'. All of an instruction's accesses are tested by these
 * three.
 */
class WatchingEvaluator extends Evaluator {
  points: readonly DebugPoint[] = [];

  override load(address: number, size: 1 | 2 | 4): number {
    this.#look(address, size, 1);
    return super.load(address, size);
  }

  override store(address: number, size: 1 | 2 | 4, v: number): void {
    this.#look(address, size, 2);
    super.store(address, size, v);
  }

  override access(address: number, length: number, kind: AccessKind, align: number): void {
    super.access(address, length, kind, align);
    this.#look(address, length, kind);
  }

  #look(address: number, length: number, kind: AccessKind): void {
    const at = address >>> 0;
    const point = metPoint(this.points, at, length, kind);
    // As the fault address register has it: of what is watched, the first byte that is accessed.
    if (point !== undefined) throw this.fail(Math.max(at, point.first), kind, 'debug');
  }
}

export class DebugRun {
  readonly #hooks: CpuHooks;
  readonly #interpreter: Interpreter;
  readonly #evaluator: WatchingEvaluator;

  constructor(space: AddressSpace, hooks: CpuHooks) {
    this.#hooks = hooks;
    this.#interpreter = new Interpreter(space, hooks, undefined, WatchingEvaluator);
    this.#evaluator = this.#interpreter.evaluator as WatchingEvaluator;
  }

  /** As CpuBackend.run, with these points. */
  run(cpu: CpuState, points: readonly DebugPoint[]): void {
    this.#evaluator.points = points;
    for (;;) {
      const pc = cpu.ru[15]!;
      if (metPoint(points, pc, 1, EXEC) !== undefined) {
        if (!this.#hooks.fault(cpu, pc, EXEC, 'debug')) return;
      } else if (--cpu.fuel < 0) {
        if (!this.#hooks.preempt(cpu)) return;
      } else if (!this.#interpreter.step(cpu)) return;
    }
  }
}
