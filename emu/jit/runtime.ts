/**
 * The small wasm module each address space gets once: the way in from TypeScript, and the second look at an access whose page
 * test failed.
 *
 * Most failing tests are unaligned accesses that are allowed; they are decided here without a call of JavaScript.
 */
import { PAGE_BYTES, SITE_COUNTERS, SITE_COUNTERS_LENGTH } from '../memory/layout.ts';
import { IMPORTS, PARAMETERS, TYPES } from './convention.ts';
import { exactness } from './exactness.ts';
import { fused } from './fused.ts';
import { vectorHelpers } from './vector-helpers.ts';
import { ByteWriter, type FuncBody, I32, OP, VOID } from './wasm.ts';
import { encodeModule } from './wasm-module.ts';

/** What TypeScript gives compiled code; see IMPORTS in convention.ts for the meaning. */
export interface RuntimeHooks {
  check(cpu: number, address: number, code: number, site: number): number;
  svc(cpu: number, imm: number): number;
  step(cpu: number): number;
  preempt(cpu: number): number;
  miss(cpu: number, depth: number, ret: number): number;
}

export interface Runtime {
  /** Calls the function in a table slot. */
  readonly enter: (cpu: number, depth: number, ret: number, slot: number) => number;
  /** The imports of the interpreter, and but for `miss` of region modules. */
  readonly imports: WebAssembly.ModuleImports;
}

const TYPE_CHECK = 8;
export const TYPE_ENTER = 1;

/**
 * Writes a second look at an access: what `then` writes is done when the address (a local) is a multiple of the alignment asked
 * for and the page bytes of both ends allow what the access code (a local) says. `scratch` is a local that is overwritten.
 */
export function ifAllowed(
  w: ByteWriter,
  address: number,
  code: number,
  scratch: number,
  then: () => void,
): void {
  w.get(address);
  w.get(code);
  w.i32(0xff);
  w.byte(OP.i32_and);
  w.byte(OP.i32_add);
  w.i32(-1);
  w.byte(OP.i32_add);
  w.set(scratch);
  // The bits below the alignment must be 0, and the page bytes of both ends have the access bit.
  w.get(address);
  w.i32(1);
  w.get(code);
  w.i32(10);
  w.byte(OP.i32_shr_u);
  w.i32(7);
  w.byte(OP.i32_and);
  w.byte(OP.i32_shl);
  w.i32(-1);
  w.byte(OP.i32_add);
  w.byte(OP.i32_and);
  w.byte(OP.i32_eqz);
  w.byte(OP.if);
  w.byte(VOID);
  for (const x of [address, scratch]) {
    w.get(x);
    w.i32(12);
    w.byte(OP.i32_shr_u);
    w.mem(OP.i32_load8_u, PAGE_BYTES);
  }
  w.byte(OP.i32_and);
  w.get(code);
  w.i32(8);
  w.byte(OP.i32_shr_u);
  w.i32(3);
  w.byte(OP.i32_and);
  w.tee(scratch);
  w.byte(OP.i32_and);
  w.get(scratch);
  w.byte(OP.i32_eq);
  w.byte(OP.if);
  w.byte(VOID);
  then();
  w.byte(OP.end);
  w.byte(OP.end);
}

/** (cpu, address, code, site, page byte) -> i32: both ends of the access may be used, else what JavaScript says. */
function checkBody(jsCheck: number): FuncBody {
  const w = new ByteWriter();
  const [cpu, address, code, site, end, count] = [0, 1, 2, 3, 5, 6];
  ifAllowed(w, address, code, end, () => {
    // Allowed. Where this happens often JavaScript is told, so that the place gets a test that fits it.
    w.get(site);
    w.i32(SITE_COUNTERS_LENGTH - 1);
    w.byte(OP.i32_and);
    w.tee(end);
    w.get(end);
    w.mem(OP.i32_load8_u, SITE_COUNTERS);
    w.i32(1);
    w.byte(OP.i32_add);
    w.tee(count);
    w.mem(OP.i32_store8, SITE_COUNTERS);
    w.get(count);
    w.i32(0xff);
    w.byte(OP.i32_ne);
    w.byte(OP.if);
    w.byte(VOID);
    w.i32(1);
    w.byte(OP.return);
    w.byte(OP.end);
  });
  w.get(cpu);
  w.get(address);
  w.get(code);
  w.get(site);
  w.i32(0);
  w.call(jsCheck);
  return { type: TYPE_CHECK, locals: [[2, I32]], code: w.view() };
}

function enterBody(): FuncBody {
  const w = new ByteWriter();
  for (let parameter = 0; parameter <= PARAMETERS; parameter++) w.get(parameter);
  w.byte(OP.return_call_indirect);
  w.u32(0);
  w.u32(0);
  return { type: TYPE_ENTER, locals: [], code: w.view() };
}

const helpers = { ...exactness, ...vectorHelpers, ...fused };

/** Encoded once and for all: it is in the startup snapshot. */
const MODULE = encodeModule({
  types: TYPES,
  functionImports: [{ name: 'check', type: TYPE_CHECK }],
  table: true,
  functions: [enterBody(), checkBody(0), ...Object.values(helpers)],
  exports: [
    { name: 'enter', function: 0 },
    { name: 'check', function: 1 },
    ...Object.keys(helpers).map((name, i) => ({ name, function: 2 + i })),
  ],
});
let compiled: WebAssembly.Module | undefined;

/** Makes the runtime of a memory and a table. */
export function createRuntime(
  memory: WebAssembly.Memory,
  table: WebAssembly.Table,
  hooks: RuntimeHooks,
): Runtime {
  compiled ??= new WebAssembly.Module(MODULE);
  const { exports } = new WebAssembly.Instance(compiled, {
    e: { m: memory, t: table, check: hooks.check },
  });
  const imports: WebAssembly.ModuleImports = { m: memory, t: table };
  const given: Record<string, WebAssembly.ImportValue> = {
    svc: hooks.svc,
    step: hooks.step,
    preempt: hooks.preempt,
    miss: hooks.miss,
  };
  for (const { name } of IMPORTS) imports[name] = given[name] ?? exports[name]!;
  return { enter: exports.enter as Runtime['enter'], imports };
}
