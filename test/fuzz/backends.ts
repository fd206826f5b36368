/** The CPUs the instruction fuzzer knows. */
import type { CpuState } from '../../emu/cpu-state.ts';
import { ReferenceBackend } from '../../emu/evaluator/reference-backend.ts';
import { JitBackend } from '../../emu/jit/backend.ts';
import { UnicornBackend } from '../../emu/unicorn/backend.ts';
import { type Case, CPSR, type Result, SIGBUS } from './layout.ts';
import type { BackendFactory, BenchCpu } from './runner.ts';

/** Cases that are compiled as one module: making one takes longer than all else of a case. */
const MODULE_CASES = 32;

/** Code of a case is no longer. */
const MAX_BYTES = 256;

/** The JIT without its patience: each case is compiled before it runs, not after it has run often. */
class EagerJit extends JitBackend implements BenchCpu {
  #batch: readonly number[] = [];

  load(locations: readonly number[]): void {
    this.#batch = locations;
  }

  override run(cpu: CpuState): void {
    const { location } = cpu;
    if (this.code.modules.compiledSlot(location) <= 0) this.#compile(location);
    super.run(cpu);
  }

  /** With those that come next, and are not compiled yet. */
  #compile(location: number): void {
    // What a case calls is compiled with it, or not: both ways are to be tried.
    const isAlike = (l: number) => (l & 4) === (location & 4);
    const at = this.#batch.indexOf(location);
    const next = this.#batch.slice(at + 1, at < 0 ? 0 : at + 2 * MODULE_CASES).filter(isAlike);
    const also = next.slice(0, MODULE_CASES - 1).map((l) => ({ location: l, isLoop: false }));
    const wanted = location & 4 ? 0 : Infinity;
    this.code.compile({ location, isLoop: false }, { also, wanted, ahead: true });
  }
}

/** Each case is put together from stencils before it runs; nothing is compiled. */
class EagerStencils extends JitBackend implements BenchCpu {
  override run(cpu: CpuState): void {
    this.stencils.ahead(cpu, cpu.location, MAX_BYTES);
    super.run(cpu);
  }
}

export const BACKENDS: ReadonlyMap<string, BackendFactory> = new Map<string, BackendFactory>([
  ['reference', (space, options) => new ReferenceBackend(space, options)],
  ['interp', (space, options) => new JitBackend(space, { ...options, interpret: true, brief: 0 })],
  ['stencils', (space, options) => new EagerStencils(space, { ...options, hot: 2 ** 30, brief: 0 })],
  ['jit', (space, options) => new EagerJit(space, options)],
  ['unicorn', (space, options) => new UnicornBackend(space, options)],
]);

/**
 * Where libunicorn 2.0.1, a fork of qemu 5.0, is known not to do what qemu 7.2 does (docs/ORACLE.md): no alignment faults, ISB
 * forgets its IT block, MSR does not set CPSR.E, fixed-point numbers are converted by FPSCR's rounding mode.
 */
export function isUnicornsOwn(c: Case, oracle: Result): boolean {
  return (
    oracle.signal === SIGBUS ||
    c.insns.some((insn) => insn.row.mnemonic === 'isb' && insn.itBefore !== 0) ||
    c.insns.some((insn) => insn.row.name.startsWith('VCVT (from fixed-point)')) ||
    (c.insns.some((insn) => insn.row.mnemonic === 'msr') && (oracle.state[CPSR]! & 0x200) !== 0)
  );
}
