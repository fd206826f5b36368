/**
 * CpuBackend: the one interface of a CPU, on Unicorn's model (map, protect, read and write registers, run, stop, hooks), and
 * what a CPU asks of the world around it. The machine knows no Linux: a system call, a fault or an undefined instruction is
 * reported through CpuHooks.
 */
import type { CpuState } from './cpu-state.ts';
import type { AddressSpace } from './memory/address-space.ts';
import type { Work } from './work.ts';

/**
 * What the kernel gives a CPU. Called with the thread's state complete in its CpuState (but see `fault`).
 * An answer of true means: go on with the state as it is now; false: leave run().
 */
export interface CpuHooks {
  /** SVC; the PC is past it. imm is the SVC's immediate (0 under EABI). */
  syscall(cpu: CpuState, imm: number): boolean;
  /**
   * A page test failed: `access` is READ, WRITE or EXEC at `address`. First AddressSpace.fault has been asked and could not
   * help. The PC is at the instruction, no effect of it has happened. 'align' is an alignment fault, 'debug' a breakpoint
   * (EXEC) or watchpoint of evaluator/debug-run.ts.
   */
  fault(
    cpu: CpuState,
    address: number,
    access: number,
    why: 'unmapped' | 'protected' | 'beyond-file' | 'align' | 'debug',
  ): boolean;
  /** Undefined instruction or BKPT; PC at it. */
  trap(cpu: CpuState, kind: 'undefined' | 'breakpoint', imm: number): boolean;
  /** The time slice is over (fuel below zero) or stop() was called. True: fuel has been refilled, go on. */
  preempt(cpu: CpuState): boolean;
}

export type CpuName = 'jit' | 'interp' | 'reference' | 'unicorn' | 'unicorn.js';

/** One CPU engine bound to one address space; runs any thread of it, one at a time. */
export interface CpuBackend {
  readonly name: CpuName;
  readonly space: AddressSpace;
  /**
   * Runs the thread from its state until a hook answers false. An exception thrown by a hook passes through, with the state as
   * the hook saw it.
   */
  run(cpu: CpuState): void;
  /** Makes run() ask hooks.preempt at the next back-edge or call. May be called from a hook. */
  stop(): void;
  /** Forget everything translated from these bytes (cacheflush, munmap, a write to code). */
  invalidate(address: number, length: number): void;
  /** For engines that can do single instructions. */
  readonly steps?: Steps;
  /** Frees what the engine holds outside the memory. */
  close(): void;
  stats(): CpuStats;
}

/** A CPU that can be led instruction by instruction. Hooks are called as in run(). */
export interface Steps {
  /** Runs one instruction (or a few: those of an IT block). False: a hook said to leave. */
  step(cpu: CpuState): boolean;
  /**
   * Runs at least one instruction, until the thread is at the location and `accept` (which is to look at the state only) answers
   * true (gives true), or a hook says to leave (gives false). hooks.preempt is asked now and then.
   */
  runTo(cpu: CpuState, location: number, accept: () => boolean): boolean;
}

export interface CpuStats {
  /** Instructions run; an estimate unless counting was asked for. */
  instructions: number;
  regions: number;
  modules: number;
  /** Milliseconds spent translating. */
  compileMs: number;
  wasmBytes: number;
  /** Where time and instructions went, when counting was asked for and the engine knows. */
  work?: Work;
}

export interface CpuOptions {
  hooks: CpuHooks;
  /** Count instructions exactly. */
  count?: boolean;
  /** Ask hooks.preempt at the very back-edge or call at which the fuel is used up. */
  exactFuel?: boolean;
  /** How often code is arrived at before it is compiled: a power of two, for tests. */
  hot?: number;
  /** The same before it is put together from stencils; for tests. */
  stitched?: number;
  /** How long the evaluator runs a mode of FPSCR before the interpreter does, in taken branches, for tests. */
  brief?: number;
  /** Translate nothing: handlers and stencils alone; with `exactFuel` only handlers. */
  interpret?: boolean;
}

/** Why an access could not be made: what AddressSpace.fault answered, 'align', or 'debug'. */
export type FaultReason = Parameters<CpuHooks['fault']>[3];

/**
 * What an engine throws inside itself when an access failed for good, and turns into hooks.fault in its run loop. Each engine
 * makes one and throws it again and again (no allocation, no stack trace), so its fields are only valid until the next fault.
 */
export class GuestFault {
  /** The first byte that could not be accessed. */
  address = 0;
  /** READ, WRITE or EXEC. */
  access = 0;
  why: FaultReason = 'unmapped';
}

/** Values of OFF.exit in the state block: why compiled code gave back LEAVE. */
export const EXIT = {
  NONE: 0,
  /** Go on at the state's location (nothing happened but leaving compiled code). */
  LOOKUP: 1,
  /** A hook answered false. */
  HOOK: 2,
  FAULT: 3,
  /** The instruction at the state's location is to be run once by the evaluator. */
  STEP: 4,
} as const;
