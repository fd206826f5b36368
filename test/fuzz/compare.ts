/**
 * Holds a result against the oracle's, and prints a difference so that it can be understood.
 *
 * Not compared, with reasons in docs/ORACLE.md: what a multi-word transfer that faults has already done; unaligned LDM, STM, LDRD
 * and STRD, which Linux makes work; a store exclusive that faults; cases in which FPSCR asks for short vectors.
 */
import { disassemble } from '../../emu/decode/disassemble.ts';
import { effectsOf, FLAG } from '../../emu/evaluator/effects.ts';
import type { Case, PlacedInsn, Result } from './layout.ts';
import * as bench from './layout.ts';

const FIXED_UP = /^(LDM|STM|LDRD|STRD|PUSH|POP)/i;
const MULTI_WORD = /^(LDM|STM|LDRD|STRD|PUSH|POP|F?V?LDM|F?V?STM|VLDR|VSTR|VPUSH|VPOP|V(LD|ST)[1-4])/i;

const SIGNALS: Record<number, string> = {
  [bench.SIGILL]: 'SIGILL',
  [bench.SIGTRAP]: 'SIGTRAP',
  [bench.SIGBUS]: 'SIGBUS',
  [bench.SIGSEGV]: 'SIGSEGV',
  [bench.SVC]: 'a system call',
  [bench.ENDLESS]: 'no end',
};

export function hex(x: number, digits = 8): string {
  return (x >>> 0).toString(16).padStart(digits, '0');
}

/** Name of a word of the state. */
function wordName(i: number): string {
  if (i < 15) return `r${i}`;
  if (i === bench.PC) return 'pc';
  if (i === bench.CPSR) return 'cpsr';
  if (i === bench.FPSCR) return 'fpscr';
  const word = i - bench.VFP;
  return word < 32 ? `s${word}` : `d${word >> 1}.${word & 1 ? 'high' : 'low'}`;
}

/** The instruction that faulted on data, if one did. */
function faulted(c: Case, result: Result): PlacedInsn | undefined {
  const pc = result.state[bench.PC]!;
  if (result.signal !== bench.SIGSEGV && result.signal !== bench.SIGBUS) return undefined;
  return c.insns.find((insn) => insn.pc === pc);
}

/** Whether the case does what the manual leaves open and qemu and armrun settle differently. */
function incomparable(c: Case, oracle: Result, ours: Result): boolean {
  if (oracle.state[bench.FPSCR]! & bench.FPSCR_ABSENT) return true;
  if (oracle.signal === bench.SIGBUS && FIXED_UP.test(faulted(c, oracle)?.row.mnemonic ?? '')) return true;
  // qemu's state keeps the ITSTATE that it had there, when the block ends with it.
  if (c.insns.some((insn) => insn.itBefore !== 0 && insn.row.name === 'MRC (PMUSERENR) T1')) return true;
  const insn = faulted(c, ours);
  if (insn === undefined) return false;
  // Of an alignment to 32 bytes qemu asks for 16 only (pow2_align in its translate-neon.c).
  if (ours.signal === bench.SIGBUS && (insn.args as { align?: number }).align === 32) return true;
  return /^st[rl]ex/i.test(insn.row.mnemonic);
}

/** CPSR bits of the flags in FLAG. */
const FLAG_BITS: readonly (readonly [flag: number, bits: number])[] = [
  [FLAG.N, 0x8000_0000],
  [FLAG.Z, 0x4000_0000],
  [FLAG.C, 0x2000_0000],
  [FLAG.V, 0x1000_0000],
  [FLAG.GE, 0x000f_0000],
];

/**
 * CPSR bits of flags that are dead at an instruction of the case: overwritten by what follows before it is read. The JIT does not
 * compute them, so they are not exact at a fault; what resumes there cannot tell.
 */
function deadFlags(c: Case, at: PlacedInsn): number {
  // In a program what follows is not what stands behind.
  const isProgram = c.insns.slice(0, -1).some((insn) => effectsOf(insn, insn.pc).branch !== null);
  let live = isProgram ? 0 : ~0;
  for (const insn of c.insns.slice(c.insns.indexOf(at)).reverse()) {
    const { reads, writes } = effectsOf(insn, insn.pc);
    if (!isProgram) live = (live & ~writes.flags) | reads.flags;
  }
  return FLAG_BITS.reduce((dead, [flag, bits]) => (live & flag ? dead : dead | bits), 0);
}

/** Differences of a result from the oracle's, one line each; none when they agree. */
export function differences(c: Case, oracle: Result, ours: Result): string[] {
  if (incomparable(c, oracle, ours)) return [];
  const lines: string[] = [];
  const differ = (what: string, a: string, b: string): void => {
    lines.push(`${what.padEnd(10)} oracle ${a}   ours ${b}`);
  };
  if (oracle.signal !== ours.signal) {
    differ(
      'ended by',
      SIGNALS[oracle.signal] ?? `${oracle.signal}`,
      SIGNALS[ours.signal] ?? `${ours.signal}`,
    );
  }
  const fault = oracle.signal === bench.SIGSEGV && ours.signal === bench.SIGSEGV;
  if (fault && oracle.faultAddress !== ours.faultAddress) {
    differ('address', hex(oracle.faultAddress), hex(ours.faultAddress));
  }
  const partial = faulted(c, oracle);
  const unknown =
    partial !== undefined && MULTI_WORD.test(partial.row.mnemonic)
      ? effectsOf(partial, partial.pc).mayWrite
      : null;
  const dead = partial === undefined ? 0 : deadFlags(c, partial);
  for (let i = 0; i < bench.STATE_WORDS; i++) {
    const mask = i === bench.CPSR ? bench.CPSR_MASK & ~dead : 0xffff_ffff;
    const a = (oracle.state[i]! & mask) >>> 0;
    const b = (ours.state[i]! & mask) >>> 0;
    if (a === b) continue;
    if (unknown !== null && i < 15 && unknown.core & (1 << i)) continue;
    if (unknown !== null && i >= bench.VFP) continue;
    differ(wordName(i), hex(a), hex(b));
  }
  if (unknown === null) {
    for (const i of new Set([...oracle.changes.keys(), ...ours.changes.keys()])) {
      const a = oracle.changes.get(i);
      const b = ours.changes.get(i);
      if (a === b) continue;
      const show = (x: number | undefined): string => (x === undefined ? 'unchanged' : hex(x));
      differ(`[${hex(bench.SCRATCH + 4 * i)}]`, show(a), show(b));
    }
  }
  return lines;
}

/** A difference as a minimal report: code, what it began with, how results differ. */
export function describeCase(c: Case, oracle: Result, lines: readonly string[]): string {
  const out = c.insns.map(
    (insn) =>
      `  ${hex(insn.pc)}  ${hex(insn.bits, insn.size * 2).padEnd(8)}  ${disassemble(insn, insn.pc)}   ; ${insn.row.name}`,
  );
  // Registers that matter: those the instructions use, and those that differ.
  const core = c.insns.reduce(
    (set, insn) => set | effectsOf(insn, insn.pc).reads.core | effectsOf(insn, insn.pc).mayWrite.core,
    0,
  );
  const show = (i: number): string => `${wordName(i)} ${hex(c.state[i]!)}`;
  const before = [...Array(15).keys()].filter((n) => core & (1 << n)).map(show);
  before.push(show(bench.CPSR));
  const used = c.insns.map(effectsOf);
  for (let n = 0; n < 32; n++) {
    const bit = 1 << n;
    if (used.some((e) => (e.reads.d | e.mayWrite.d) & bit)) {
      before.push(`d${n} ${hex(c.state[bench.VFP + 2 * n + 1]!)}_${hex(c.state[bench.VFP + 2 * n]!)}`);
    }
    if (used.some((e) => (e.reads.s | e.mayWrite.s) & bit)) before.push(show(bench.VFP + n));
  }
  if (used.some((e) => e.readsFpscr || e.writesFpscr)) before.push(show(bench.FPSCR));
  out.push(`  before: ${before.join('  ')}`);
  if (oracle.signal !== bench.SIGTRAP) {
    out.push(`  oracle: ${SIGNALS[oracle.signal] ?? oracle.signal} at ${hex(oracle.faultAddress)}`);
  }
  return [...out, ...lines.map((line) => `  ${line}`)].join('\n');
}
