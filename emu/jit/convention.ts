/**
 * What compiled functions, the runtime and the dispatcher agree on: the variables kept in locals, parameters, imports, types, and
 * how a function is left.
 *
 * A region function is (state block, call depth, return location) -> location. The return location is where the guest's function
 * is expected to return to: the location at which a dispatcher that runs on top of this frame is done. The function returns where
 * the thread goes on (an address, bit 0 set for Thumb), with all of the state in the state block but the PC; or LEAVE, with the
 * PC too in the block and the reason in OFF.exit.
 */
import { OFF } from '../cpu-state.ts';
import { VECTOR_IMPORTS } from './vector-helpers.ts';
import { F32, F64, I32 } from './wasm.ts';
import { V128 } from './wasm-simd.ts';

/** Numbers of the variables kept in locals; their bits make the masks of the data flow. */
export const VAR = { r: 0, nf: 15, zf: 16, cf: 17, vf: 18, qf: 19, ge: 20 } as const;
export const VARS = 21;
export const REG_MASK = 0x7fff;
export const FLAG_MASK = 0x1f8000;

/** Offset in the state block of each variable. */
export const VAR_OFFSET: readonly number[] = [
  ...Array.from({ length: 15 }, (_, n) => OFF.r + 4 * n),
  OFF.nf,
  OFF.zf,
  OFF.cf,
  OFF.vf,
  OFF.qf,
  OFF.ge,
];

/** The first locals are the parameters of every region function. */
export const CPU = 0;
export const DEPTH = 1;
export const RETURN = 2;
export const PARAMETERS = 3;

/**
 * Call depth is counted in frames of compiled code, the unit of MAX_DEPTH. So many of them stand for one of the interpreter that
 * runs on a caller's frame, and for a dispatcher there, whose frames of TypeScript are bigger.
 */
export const INTERPRETER_DEPTH = 1;
export const DISPATCH_DEPTH = 8;

/**
 * What a region function returns, in place of a location, when its caller is to leave too: 2 is no location (neither a word
 * address nor Thumb).
 */
export const LEAVE = 2;

/** Functions imported by region modules, with their types (see runtime.ts); the index is the function index. */
export const IMPORTS = [
  /**
   * (cpu, address, access code, site, page byte) -> 1 when the access may go on; 0: leave by the fault exit. Nobody looks at the
   * page byte: that it is used a second time keeps V8 from loading it twice, once for the trap that a load may be and once as an
   * operand of the test.
   */
  { name: 'check', type: 8 },
  /** (cpu, imm) -> 1 to go on behind the SVC with all of the state as before but r0. */
  { name: 'svc', type: 2 },
  /** (cpu) -> 1: runs the instruction at the state's location by the evaluator; 0: leave. */
  { name: 'step', type: 3 },
  /** (cpu) -> 1 to go on: the time slice is over. */
  { name: 'preempt', type: 3 },
  /**
   * A region function that runs what OFF.target names, which has no compiled code yet: in the interpreter (tier0/control.ts), on
   * the caller's frame.
   */
  { name: 'miss', type: 0 },
  /** (a, b, r) -> 1 when r is the exact result; see exactness.ts. */
  { name: 'exact_add64', type: 4 },
  { name: 'exact_mul64', type: 4 },
  { name: 'exact_div64', type: 4 },
  { name: 'exact_sqrt64', type: 5 },
  { name: 'exact_add32', type: 6 },
  { name: 'exact_mul32', type: 6 },
  { name: 'exact_div32', type: 6 },
  { name: 'exact_sqrt32', type: 7 },
  /** The same of four singles in vectors. */
  { name: 'exact_vadd', type: 9 },
  { name: 'exact_vmul', type: 9 },
  /** See vector-helpers.ts. */
  ...VECTOR_IMPORTS,
  /** See fused.ts. */
  { name: 'fma64', type: 14 },
] as const;
export type ImportName = (typeof IMPORTS)[number]['name'];
export const importIndex = (name: ImportName): number => IMPORTS.findIndex((i) => i.name === name);

/** The types of region modules, by index; 0 is the region function itself. */
export const TYPES = [
  { params: [I32, I32, I32], results: [I32] },
  /** enter: a region function's parameters and a table slot. */
  { params: [I32, I32, I32, I32], results: [I32] },
  { params: [I32, I32], results: [I32] },
  { params: [I32], results: [I32] },
  { params: [F64, F64, F64], results: [I32] },
  { params: [F64, F64], results: [I32] },
  { params: [F32, F32, F32], results: [I32] },
  { params: [F32, F32], results: [I32] },
  /** check */
  { params: [I32, I32, I32, I32, I32], results: [I32] },
  { params: [V128, V128, V128], results: [I32] },
  { params: [V128], results: [V128] },
  { params: [V128, V128], results: [V128] },
  { params: [V128, V128, V128], results: [V128] },
  { params: [V128, V128, V128, V128], results: [I32] },
  { params: [F64, F64, F64], results: [F64] },
  /** A block of stencils that leaves for an instruction's own handler: that, with the bytes of code; its record; its address. */
  { params: [], results: [I32, I32, I32] },
] as const;
/** The last of them. */
export const WAY_OUT_TYPE = TYPES.length - 1;

/** Words that say what a place that may fault is: its location, dirty variables with ITSTATE in bits 31..24, its region. */
export const SITE_WORDS = 3;

/** The op cannot be compiled; the evaluator runs this instruction. */
export class Unsupported extends Error {}

/**
 * An access as `check` is told of it: length in bytes, READ or WRITE, and the alignment asked for. The site, told beside it,
 * names the instruction and what is dirty there, so that the code of an access need not carry these.
 */
export function accessCode(length: number, kind: number, align: number): number {
  return length | (kind << 8) | ((31 - Math.clz32(align)) << 10);
}
/**
 * In an access code, in place of an alignment: the test of a group of accesses; when it fails the evaluator goes on, which knows
 * them one by one.
 */
export const GROUP_ALIGN = 128;
