/**
 * Hardware breakpoints and watchpoints of a task (arch/arm/kernel/hw_breakpoint.c, and ptrace.c for how a tracer sets them):
 * pairs of registers, address and control, numbered 1, 2 for the first breakpoint and -1, -2 for the first watchpoint. While
 * one is enabled the task runs in a DebugRun.
 */
import type { CpuModel } from '../../emu/cpu-model.ts';
import { DebugRun, metPoint } from '../../emu/evaluator/debug-run.ts';
import { EXEC, READ, USER_END, WRITE } from '../../emu/memory/layout.ts';
import { fail } from '../abi/errno.ts';
import type { Task } from './task.ts';

/** As a Cortex-A7 has them, less the breakpoint that Linux keeps for its own single steps. */
const SLOTS = { breakpoints: 5, watchpoints: 4 } as const;
const LONGEST_WATCH = 8;
/** ARM_MAX_BRP and ARM_MAX_WRP: how many may be named. */
const NAMES = 16;
/** ARM_DEBUG_ARCH_V7_1 and ARM_DEBUG_ARCH_V8. */
const DEBUG_ARCH = { v7l: 5, v8l: 6, v6l: 5 } as const;

/** Fields of DBGBCR and DBGWCR (arch_hw_breakpoint_ctrl). */
const ENABLED = 1;
const PRIVILEGE_USER = 2 << 1;
const typeOf = (control: number): number => (control >>> 3) & 3;
const bytesOf = (control: number): number => (control >>> 5) & 0xff;
/** By the type in the control register: execute, load, store, both. */
const ACCESS = [EXEC, READ, WRITE, READ | WRITE] as const;
const LENGTH: Readonly<Record<number, number>> = { 1: 1, 3: 2, 15: 4, 255: 8 };

interface Point {
  /** Of its address register. */
  readonly number: number;
  address: number;
  control: number;
  readonly first: number;
  readonly last: number;
  readonly access: number;
}

function point(number: number, address: number, control: number): Point {
  const last = address + LENGTH[bytesOf(control)]! - 1;
  return { number, address, control, first: address, last, access: ACCESS[typeOf(control)]! };
}

/** hw_breakpoint_arch_parse: how a point that is to be enabled may lie. */
function check({ address, control, access }: Point): void {
  const length = LENGTH[bytesOf(control)]!;
  if (access === EXEC && length !== 2 && length !== 4) fail('EINVAL');
  const offset = address & (length === 8 ? 7 : 3);
  if (offset !== 0 && !(length === 2 && offset < 3) && length !== 1) fail('EINVAL');
  if (address >= USER_END) fail('EINVAL');
}

export class HwBreakpoints {
  readonly #task: Task;
  readonly #points = new Map<number, Point>();
  #enabled: Point[] = [];
  #run: DebugRun | undefined;

  constructor(t: Task) {
    this.#task = t;
  }

  /** Whether the task must run here and not in its CPU. */
  get active(): boolean {
    return this.#enabled.length > 0;
  }

  run(): void {
    const { mm, kernel, cpu } = this.#task;
    this.#run ??= new DebugRun(mm.space, kernel.hooks);
    this.#run.run(cpu, this.#enabled);
  }

  /** The number of the point that an access met. */
  met(address: number, access: number): number {
    return metPoint(this.#enabled, address, 1, access)?.number ?? 0;
  }

  /** PTRACE_GETHBPREGS of a register that is not 0. Throws EINVAL when it cannot be one. */
  get(register: number): number {
    const number = hwBreakpointNumber(register);
    const found = this.#points.get(number);
    if (found === undefined) return 0;
    return register === number ? found.address : found.control | PRIVILEGE_USER;
  }

  /** PTRACE_SETHBPREGS. Throws EINVAL, and ENOSPC when there is no place for one more. */
  set(register: number, value: number): void {
    const number = hwBreakpointNumber(register);
    const old = this.#points.get(number) ?? this.#create(number);
    const isAddress = register === number;
    if (!isAddress) {
      const access = ACCESS[typeOf(value)]!;
      if (LENGTH[bytesOf(value)] === undefined) fail('EINVAL');
      if (number > 0 ? access !== EXEC : access === EXEC) fail('EINVAL');
    }
    const control = isAddress ? old.control : value & 0x1ff9;
    const changed = point(number, isAddress ? value >>> 0 : old.address, control);
    // Of a disabled one (gdb gives the address first) the address is looked at when it is enabled, as before Linux 4.19.
    if (control & ENABLED) check(changed);
    this.#points.set(number, changed);
    this.#enabled = [...this.#points.values()].filter((p) => p.control & ENABLED);
  }

  /** Registers that have never been set take no place. */
  #create(number: number): Point {
    const taken = [...this.#points.keys()].filter((n) => n > 0 === number > 0).length;
    if (taken >= (number > 0 ? SLOTS.breakpoints : SLOTS.watchpoints)) fail('ENOSPC');
    const type = number > 0 ? 0 : 3;
    const created = point(number, 0, (15 << 5) | (type << 3));
    this.#points.set(number, created);
    return created;
  }
}

/**
 * PTRACE_GETHBPREGS of register 0: version of the debug architecture, longest watch, number of watchpoints and of breakpoints.
 */
export function hwBreakpointResources({ platform }: CpuModel): number {
  return (DEBUG_ARCH[platform] << 24) | (LONGEST_WATCH << 16) | (SLOTS.watchpoints << 8) | SLOTS.breakpoints;
}

/** The first of the pair that a register belongs to. Throws EINVAL when there can be none. */
export function hwBreakpointNumber(register: number): number {
  const index = (Math.abs(register) - 1) >> 1;
  if (index >= NAMES) fail('EINVAL');
  return register > 0 ? 2 * index + 1 : -(2 * index + 1);
}
