/**
 * Makes the interpreter's modules: the control functions, and a handler for each form of instruction there is (form.ts).
 *
 * Which forms there are is found out by decoding random encodings of every row. A form that does not turn up, or that no handler
 * can be written for, is run by the evaluator.
 */

import { cpuModelNamed, DEFAULT_MODEL } from '../cpu-model.ts';
import { fieldsOf } from '../decode/build.ts';
import { firstMatch, newA32, newThumb, ROWS } from '../decode/decoder.ts';
import { withModel } from '../decode/features.ts';
import type { Field, Insn, IsaName, Row } from '../decode/row.ts';
import { itRow } from '../decode/t16.ts';
import { COND_FLAGS, effectsOf } from '../evaluator/effects.ts';
import { CPU, IMPORTS, TYPES, Unsupported } from '../jit/convention.ts';
import { ByteWriter, type FuncBody, OP } from '../jit/wasm.ts';
import { encodeHead, encodeModule } from '../jit/wasm-module.ts';
import { ALWAYS } from '../machine/machine.ts';
import { NO_WRITES } from '../stencils/access-shape.ts';
import {
  CONDITIONS,
  FLAG,
  type HandlerStencils,
  STITCHED,
  type Stencil,
  Stencils,
} from '../stencils/stencil.ts';
import { DEAD_NZCV, NZCV, StencilWriter, type What, whatOf } from '../stencils/stencil-writer.ts';
import {
  compiledHandler,
  countHandler,
  decodeHandler,
  itHandler,
  nextPageHandler,
} from './builtin-handlers.ts';
import {
  CONTROL_FUNCTIONS,
  CONTROL_IMPORTS,
  CONTROL_NAMES,
  controlBodies,
  controlIndex,
  FIRST_HANDLER,
  HANDLER_TABLE,
  HANDLER_TYPE,
} from './control.ts';
import { findRuns, type Run } from './find-runs.ts';
import { type Args, describe, formKey, isSimd, nameOfForm, operandsOf, testsCondition } from './form.ts';
import { HandlerWriter, holeOf, NoHandler } from './handler-writer.ts';
import { type FormEntry, Handlers } from './handlers.ts';
import { buildTables, IN_BLOCK, type KindSource, type Pair } from './kinds.ts';
import type { Operand } from './operand.ts';
import { PAIRS } from './pairs.ts';
import {
  CONDITION_HANDLERS,
  conditionHandler,
  FIRST_FORM,
  HANDLER,
  MASTER_KIND,
  RECORD,
  TABLES_AT,
} from './record.ts';
import { RecordMaker } from './record-maker.ts';
import { usualForms } from './usual.ts';
import { usualEncodings } from './usual-encodings.ts';

/** Names handlers by their rows, for profilers. */
const NAMES = process.env.ARMRUN_JIT_NAMES !== undefined;

/** Random encodings of a row are tried until so many, and so many for each form, have shown none that is new. */
const SAMPLES = 600;
const SAMPLES_OF_FORM = 60;
/** The two bases of made-up operands. */
const BASES = [0x5a12_3457, 0x2b98_7653] as const;
/** From those to the ones of a pair's second instruction. */
const SECOND = 0x0200_0000;

/** ITSTATE of the last instruction of a block, whose condition is always true. */
const LAST_ALWAYS = 0xe8;
/** What runs whatever the condition is, and what has to say where in the block it is: the evaluator does. */
const NOT_IN_BLOCKS: ReadonlySet<string> = new Set(['bkpt', 'hlt', 'svc']);

/** A generator of 32-bit numbers that gives the same ones in every build (xorshift). */
function random(seed: number): () => number {
  let x = seed | 0 || 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

/** A field's value: often one of those that make a form of their own. */
function fieldValue(width: number, next: () => number): number {
  const all = 2 ** width - 1;
  const x = next() >>> 4;
  switch (next() >>> 29) {
    case 0:
      return 0;
    case 1:
      return all;
    case 2:
      return x & next() & next() & all;
    case 3:
    case 4:
      // The frame pointer, SP, LR or PC, where it is a register; whole bytes, where it is a shift; lists of each length.
      if (width === 4) return [11, 13, 14, 15][x & 3]!;
      if (width < 4) return x & all;
      return width <= 6 ? x & 0x38 & all : (2 ** (x % (width + 1)) - 1) | ((x & 0x100) << (width - 9));
    default:
      return x & all;
  }
}

const widthOf = ({ runs }: Field): number => runs.reduce((sum, { width }) => sum + width, 0);

/** The bits of a field's value. */
function placed(field: Field, value: number): number {
  let bits = 0;
  let left = widthOf(field);
  for (const { lsb, width } of field.runs) {
    left -= width;
    bits |= ((value >>> left) & (2 ** width - 1)) << lsb;
  }
  return bits;
}

/** An encoding of a row. A more specific row may take it, or none. */
function encodingOf(row: Row, next: () => number): number {
  let bits = row.value | row.shouldValue;
  for (const field of row.fields) bits |= placed(field, fieldValue(widthOf(field), next));
  return bits;
}

/** Registers of structure transfers that make forms: an even and an odd one, and what the index register says by its number. */
const TRANSFER_REGISTERS: Readonly<Record<string, readonly number[]>> = {
  D: [0],
  d: [0, 1],
  n: [0],
  m: [0, 13, 15],
};
/** Encodings of a row of structure transfers that show all of its forms. */
function transferEncodings(row: Row): number[] {
  let all = [row.value | row.shouldValue];
  for (const field of row.fields) {
    const values = TRANSFER_REGISTERS[field.letter] ?? [...Array(2 ** widthOf(field)).keys()];
    all = all.flatMap((bits) => values.map((value) => bits | placed(field, value)));
  }
  return all;
}

function sample(row: Row, next: () => number): Insn {
  return decodeAs(row, encodingOf(row, next), next);
}
function decodeAs(row: Row, bits: number, next: () => number): Insn {
  if (row.isa === 'A32') return newA32(row.hasCond ? (bits & 0x0fff_ffff) | 0xe000_0000 : bits);
  // Flag-setting T16 instructions are others in IT blocks.
  const itstate = next() >>> 31 ? 0 : LAST_ALWAYS;
  return newThumb(...halves(row.isa, bits), itstate);
}

/** Whether the manual says that the instruction does nothing sure: not worth a handler. */
function isUnpredictable({ row, args, bits, thumb, itBefore }: Insn): boolean {
  const context = { thumb, inIT: itBefore !== 0, lastInIT: itBefore === LAST_ALWAYS };
  return row.unpredictable?.(args, fieldsOf(row, bits), context) ?? false;
}

/** An instruction of each form of a row, those that turn up most often first. */
function formsOfRow(row: Row, next: () => number): Insn[] {
  const found = new Map<number, { insn: Insn; text: string; times: number }>();
  const add = (insn: Insn): void => {
    const key = formKey(insn);
    const known = found.get(key);
    const text = describe(insn);
    if (known === undefined) found.set(key, { insn, text, times: 1 });
    else if (known.text !== text) throw new Error(`${known.text} and ${text} have one key`);
    else known.times++;
  };
  /** Whether it is one of the row's. */
  const show = (insn: Insn): boolean => {
    if (insn.row !== row || isUnpredictable(insn)) return false;
    if (testsCondition(insn)) for (let cond = 0; cond < 15; cond++) add({ ...insn, cond });
    else add(insn);
    return true;
  };
  // Of some rows few encodings are defined.
  for (let unknown = 0, forms = 0; unknown < SAMPLES + SAMPLES_OF_FORM * forms; ) {
    unknown += show(sample(row, next)) ? 1 : 1 / 8;
    if (found.size === forms) continue;
    forms = found.size;
    unknown = 0;
  }
  const [first] = found.values();
  if (first !== undefined && 'stride' in (first.insn.args as Args))
    for (const bits of transferEncodings(row)) show(decodeAs(row, bits, next));
  return [...found.values()].sort((a, b) => b.times - a.times).map(({ insn }) => insn);
}

/** An instruction of each form, by key. */
function formsOf(rows: readonly Row[]): Map<number, Insn> {
  const found = new Map<number, Insn>();
  const next = random(0x6172_6d72);
  for (const row of rows)
    for (const insn of formsOfRow(row, next)) {
      const known = found.get(formKey(insn));
      if (known !== undefined && describe(known) !== describe(insn))
        throw new Error(`${describe(known)} and ${describe(insn)} have one key`);
      found.set(formKey(insn), known ?? insn);
    }
  return found;
}

/** Writes what an instruction does, with made-up operands. */
function writeInsn(w: HandlerWriter, insn: Insn, operands: readonly string[], base: number): void {
  const args: Record<string, unknown> = { ...(insn.args as Args) };
  operands.forEach((name, i) => {
    args[name] = holeOf(base, i);
  });
  const body = () => {
    insn.row.op(w, args);
    w.finish();
  };
  if (testsCondition(insn) && insn.cond < ALWAYS) w.when(w.cond(insn.cond), body);
  else body();
}

/** Writes the handler of an instruction's form, or of a pair's. The operands are those of the last. */
function write(insns: readonly Insn[], base: number): { body: FuncBody; operands: Operand[] } {
  const w = new HandlerWriter(new ByteWriter(256));
  insns.forEach((insn, i) => {
    const operands = operandsOf(insn);
    const record = base + i * SECOND;
    if (i === 0) w.beginHandler(operands, record, insn.size, insn.thumb);
    else w.beginSecond(operands, record, insn.size);
    writeInsn(w, insn, operands, record);
  });
  w.next();
  const body = {
    type: HANDLER_TYPE,
    locals: w.locals(),
    code: w.out.view().slice(),
    unlikely: [...w.unlikely],
  };
  return { body, operands: [...w.used.values()] };
}

/**
 * A handler, or null where there can be none. Throws when an operand got into the code itself: then the op, or what form.ts takes
 * for operands, is wrong.
 */
function handlerOf(...insns: Insn[]): ReturnType<typeof write> | null {
  try {
    const [first, second] = [write(insns, BASES[0]), write(insns, BASES[1])];
    if (Buffer.compare(first.body.code, second.body.code) !== 0)
      throw new Error(`an operand of ${insns.map(describe).join(', then ')} is in the code`);
    return first;
  } catch (error) {
    if (error instanceof Unsupported || error instanceof NoHandler) return null;
    throw error;
  }
}

/** Writes a handler's only instruction, from the beginning. */
function writeWhole(w: StencilWriter, insn: Insn): void {
  const operands = operandsOf(insn);
  w.beginHandler(operands, BASES[0], insn.size, insn.thumb);
  writeInsn(w, insn, operands, BASES[0]);
}

/** The stencil of an instruction's form; undefined where there can be none. */
function stencilOf(insn: Insn, kept: readonly Operand[]): HandlerStencils | undefined {
  const what = whatOf(insn, kept);
  const write = (dead: number): Stencil => {
    const w = new StencilWriter(what);
    w.dead = dead;
    writeWhole(w, insn);
    return w.stencil();
  };
  try {
    if ((what.writes & 15) === 0) return { whole: write(0), quiet: undefined };
    const fused = isComparison(insn) ? fusedStencils(insn, what) : [];
    return { whole: write(0), quiet: write(DEAD_NZCV), fused };
  } catch (error) {
    if (error instanceof Unsupported || error instanceof NoHandler) return undefined;
    throw error;
  }
}

/** Whether an instruction does nothing but set flags: so it may be made later, while its registers are what they were. */
function isComparison(insn: Insn): boolean {
  const e = effectsOf({ ...insn, cond: ALWAYS }, 0);
  const { core, s, d, flags } = e.mayWrite;
  const hasOther = e.loads || e.stores || e.exclusive || e.writesFpscr || e.isb || e.yields || e.setsEndian;
  return (core | s | d | (flags & ~NZCV)) === 0 && !hasOther && e.branch === null && e.trap === null;
}

/** A comparison's with each condition behind it. */
function fusedStencils(insn: Insn, what: What): Stencil[] {
  return Array.from({ length: CONDITIONS }, (_, cond) => {
    const w = new StencilWriter({ ...NOTHING, reads: what.reads | COND_FLAGS[cond]! });
    return w.fused(cond, () => writeWhole(w, insn));
  });
}

/** What has no effects that matter: nothing is behind it, or it is before something. */
const NOTHING: What = { flags: 0, reads: 0, writes: 0, access: null, core: NO_WRITES };

/** That of a condition: leaves whether it holds. */
function conditionStencil(cond: number): HandlerStencils {
  const w = new StencilWriter({ ...NOTHING, reads: COND_FLAGS[cond]! });
  w.beginHandler([], BASES[0], 2, true);
  w.gen(w.cond(cond));
  return { whole: w.stencil(), quiet: undefined };
}

/** That of what the evaluator runs: it may be anything. */
function stepStencil(size: number): HandlerStencils {
  const flags = FLAG.ENDS | (size === 4 ? FLAG.LONG : 0);
  const w = new StencilWriter({ ...NOTHING, flags, reads: 15 });
  w.beginHandler([], BASES[0], size, true);
  w.stepHere();
  return { whole: w.stencil(), quiet: undefined };
}

function stepBody(size: number): FuncBody {
  const w = new HandlerWriter(new ByteWriter(64));
  w.beginHandler([], BASES[0], size, true);
  w.stepHere();
  w.next();
  return { type: HANDLER_TYPE, locals: w.locals(), code: w.out.view().slice() };
}

/** Tests a condition, and goes on with the instruction's own handler or with the next instruction. */
function conditionBody(cond: number, size: number): FuncBody {
  const w = new HandlerWriter(new ByteWriter(128));
  w.beginHandler([], BASES[0], size, true);
  w.when(w.cond(cond), () => {
    const { out } = w;
    for (let parameter = CPU; parameter < 3; parameter++) out.get(parameter);
    out.get(1);
    out.mem(OP.i32_load16_u, RECORD.inner);
    out.byte(OP.return_call_indirect);
    out.u32(HANDLER_TYPE);
    out.u32(HANDLER_TABLE);
  });
  w.next();
  return { type: HANDLER_TYPE, locals: w.locals(), code: w.out.view().slice() };
}

/** The same whatever the model of the run is. */
export function generate(): Handlers {
  return withModel(DEFAULT_MODEL, generateForModel).handlers;
}

/** Of each handler the name of a form that it is for, of a pair the names of its rows. */
export function namesOfHandlers(): readonly string[] {
  return withModel(DEFAULT_MODEL, generateForModel).names.slice(CONTROL_NAMES.length);
}

/** An instruction of each form that is to have a handler, by key. */
function allForms(): Map<number, Insn> {
  return withModel(cpuModelNamed('max')!, () => formsOf(ROWS));
}

function generateForModel(): { handlers: Handlers; names: readonly string[] } {
  const conditions = [2, 4].flatMap((size) =>
    Array.from({ length: CONDITION_HANDLERS }, (_, cond) => conditionBody(cond, size)),
  );
  const handlers = [
    decodeHandler(),
    nextPageHandler(),
    stepBody(2),
    stepBody(4),
    compiledHandler(),
    itHandler(),
    countHandler(),
    ...conditions,
  ];
  if (handlers.length !== FIRST_FORM) throw new Error('handlers are not in the order of HANDLER');
  const names = [
    ...CONTROL_NAMES,
    'decode',
    'nextPage',
    'step2',
    'step4',
    'compiled',
    'it',
    'count',
    ...conditions.map((_, i) => `cond${i}`),
  ];
  const forms: FormEntry[] = [];
  const byKey = new Map<number, Omit<Form, 'insn'>>();
  const byCode = new Map<string, number>();
  const usual = new Set(handlers.keys());
  const stencils: (HandlerStencils | undefined)[] = [];
  stencils[HANDLER.STEP2] = stepStencil(2);
  stencils[HANDLER.STEP4] = stepStencil(4);
  for (const size of [2, 4])
    for (let cond = 0; cond < CONDITION_HANDLERS; cond++)
      stencils[conditionHandler(cond, size)] = conditionStencil(cond);
  for (const [key, insn] of allForms()) {
    const made = handlerOf(insn);
    if (made === null) continue;
    const { body, operands } = made;
    const code = Buffer.from(body.code).toString('latin1') + JSON.stringify(body.locals);
    let handler = byCode.get(code);
    if (handler === undefined) {
      handler = handlers.length;
      stencils[handler] = stencilOf(insn, operands);
      byCode.set(code, handler);
      handlers.push(body);
      names.push(nameOfForm(insn));
    }
    forms.push({ key, handler, operands });
    if (usualForms().has(nameOfForm(insn))) usual.add(handler);
    byKey.set(key, { handler, operands });
  }
  const firstPair = handlers.length;
  const pairs = pairsOf(byKey, (insns, body) => {
    names.push(insns.map(({ row }) => row.name).join(' + '));
    usual.add(handlers.length);
    return handlers.push(body) - 1;
  });
  const order = usualFirst(handlers.length, usual);
  const placeOf = new Map(order.map((handler, place) => [handler, place]));
  const placed = (handler: number) => placeOf.get(handler)!;
  const ordered = order.map((handler) => handlers[handler]!);
  const orderedNames = [...CONTROL_NAMES, ...order.map((handler) => names[CONTROL_NAMES.length + handler]!)];
  const parts = {
    ...modulesOf(ordered, usual.size, orderedNames),
    stencils: Stencils.file(
      order.map((handler) => stencils[handler]),
      stitchedHead(handlers.length),
    ),
    firstPair: placed(firstPair),
    usual: usual.size,
  };
  const formsPlaced = forms.map((form) => ({ ...form, handler: placed(form.handler) }));
  const pairsPlaced = pairs.map(({ first, second, size, handler }) => ({
    first: placed(first),
    second: placed(second),
    size,
    handler: placed(handler),
  }));
  const alone = Handlers.of(formsPlaced, parts);
  const tables = buildTables(kindSource(alone), pairsPlaced, usualEntries(alone), TABLES_AT);
  return { handlers: Handlers.of(formsPlaced, { ...parts, tables }), names: orderedNames };
}

/** What the master table begins with. */
function usualEntries(handlers: Handlers): Int32Array {
  const maker = new RecordMaker(handlers, false);
  return Int32Array.from(
    usualEncodings().flatMap(({ isa, bits }) => {
      maker.make(isa === 'A32' ? newA32(bits) : newThumb(...halves(isa, bits), 0));
      return [bits, MASTER_KIND[isa], ...maker.record];
    }),
  );
}

/** All handlers, first those that are usual. Pairs stay together. */
function usualFirst(count: number, usual: ReadonlySet<number>): number[] {
  const all = Array.from({ length: count }, (_, handler) => handler);
  return [...all.filter((handler) => usual.has(handler)), ...all.filter((handler) => !usual.has(handler))];
}

/**
 * Two modules with the same imports: the control functions and the handlers that most programs need, with the table of all; and
 * the others, which put themselves into it.
 */
function modulesOf(
  handlers: readonly FuncBody[],
  usual: number,
  names: readonly string[],
): { wasm: Uint8Array<ArrayBuffer>; rest: Uint8Array<ArrayBuffer> } {
  const imports = [...IMPORTS, ...CONTROL_IMPORTS];
  const places = handlers.map((_, i) => FIRST_HANDLER + i);
  const common = { types: TYPES, table: false, secondMemory: 'd' };
  const wasm = encodeModule({
    ...common,
    functionImports: imports,
    functions: [...controlBodies(), ...handlers.slice(0, usual)],
    exports: CONTROL_FUNCTIONS.map(({ name }, function_) => ({ name, function: function_ })),
    typedTable: {
      size: handlers.length + STITCHED,
      filledWith: controlIndex('unusual'),
      functions: places.slice(0, usual),
      first: 0,
    },
    ...(NAMES && { names: names.slice(0, CONTROL_FUNCTIONS.length + usual) }),
  });
  const rest = encodeModule({
    ...common,
    // So that functions have the same numbers as there.
    functionImports: [...imports, ...CONTROL_FUNCTIONS],
    functions: handlers.slice(usual),
    typedTable: {
      size: handlers.length + STITCHED,
      functions: places.slice(0, handlers.length - usual),
      first: usual,
    },
    ...(NAMES && { names: names.slice(CONTROL_FUNCTIONS.length + usual) }),
  });
  return { wasm, rest };
}

/** What the modules of stitched functions begin with: they have the imports of the module of other handlers, and its table. */
function stitchedHead(handlers: number): Uint8Array {
  return encodeHead({
    types: TYPES,
    table: false,
    secondMemory: 'd',
    functionImports: [...IMPORTS, ...CONTROL_IMPORTS, ...CONTROL_FUNCTIONS],
    typedTable: { size: handlers + STITCHED, functions: [], first: 0 },
  });
}

/** A form with its handler. */
interface Form {
  readonly insn: Insn;
  readonly handler: number;
  readonly operands: readonly Operand[];
}

/** No shift, no carry of an immediate, no write-back. */
function isPlain({ type = 0, amount = 0, carry = null, wback = false }: Args): boolean {
  return type === 0 && amount === 0 && carry === null && wback === false;
}

/** Writes the handlers of pairs: of the plain forms of their rows, those that have most operands. */
function pairsOf(
  byKey: ReadonlyMap<number, Omit<Form, 'insn'>>,
  add: (insns: readonly Insn[], body: FuncBody) => number,
): Pair[] {
  const next = random(0x7061_6972);
  const candidatesOf = (name: string): Form[] => {
    // Whichever row a form was found in first.
    const all = formsOfRow(ROWS.find((row) => row.name === name)!, next).flatMap((insn) => {
      const known = byKey.get(formKey(insn));
      return known !== undefined && (insn.cond === ALWAYS || testsCondition(insn))
        ? [{ insn, ...known }]
        : [];
    });
    const plain = all.filter(({ insn }) => isPlain(insn.args as Args));
    const forms = plain.length > 0 ? plain : all;
    const most = Math.max(...forms.map(({ operands }) => operands.length));
    return forms.filter(({ operands }) => operands.length === most);
  };
  const candidates = new Map([...new Set(PAIRS.flat())].map((name) => [name, candidatesOf(name)]));
  const pairs = new Map<number, Pair>();
  for (const [first, second] of PAIRS)
    for (const a of candidates.get(first)!)
      for (const b of candidates.get(second)!) {
        const { stores, branch, trap } = effectsOf(a.insn, 0);
        // What is stored may be the second instruction.
        if (stores || branch !== null || trap !== null) throw new Error(`${first} cannot be first in a pair`);
        const key = (a.handler << 16) | b.handler;
        const made = pairs.has(key) ? null : handlerOf(a.insn, b.insn);
        // Both find their operands where their records have them.
        if (made === null || JSON.stringify(made.operands) !== JSON.stringify(b.operands)) continue;
        const handler = add([a.insn, b.insn], made.body);
        pairs.set(key, { first: a.handler, second: b.handler, size: a.insn.size, handler });
      }
  return [...pairs.values()];
}

/** How often the runs of a row are looked for, with other encodings. */
const RUN_TRIES = 4;
/** Random encodings of each row that show which kinds there are. */
const KIND_SAMPLES = 1500;

/**
 * What the tables of kinds are made from. Left out are Advanced SIMD, of which there is little in most programs, and lists of
 * extension registers, which must not be longer than there are registers.
 */
function kindSource(handlers: Handlers): KindSource {
  const maker = new RecordMaker(handlers, false);
  const next = random(0x6b69_6e64);
  const insnsOf = new Map(
    ROWS.map((row) => [
      row,
      Array.from({ length: 20 }, () => sample(row, next)).filter((insn) => insn.row === row),
    ]),
  );
  const decode = (isa: IsaName, bits: number): Insn =>
    isa === 'A32'
      ? newA32(bits)
      : newThumb(...halves(isa, bits), isa === 'T16' && bits & IN_BLOCK ? LAST_ALWAYS : 0);
  const recordOf = (isa: IsaName, bits: number): Int32Array => {
    maker.make(decode(isa, bits));
    return maker.record.slice();
  };
  return {
    recordOf,
    runsOf(row) {
      const insns = insnsOf.get(row)!;
      // The records of its block belong to it.
      if (row === itRow) return [];
      if (!insns.some((insn) => !isSimd(insn) && !('count' in (insn.args as Args)))) return [];
      // What is found depends on what is tried, and not on what other rows there are.
      const found = Array.from({ length: RUN_TRIES }, (_, i) => {
        const own = random(ROWS.indexOf(row) * RUN_TRIES + i + 1);
        return findRuns(row, {
          encodingOf: (r) => encodingOf(r, own),
          recordOf: (bits) => recordOf(row.isa, bits),
          isOf: (r, bits) => decode(r.isa, bits).row === r,
        });
      });
      const bits = (runs: readonly Run[]) => runs.reduce((sum, { width }) => sum + width, 0);
      return found.reduce((best, runs) => (bits(runs) > bits(best) ? runs : best));
    },
    samples: (row) =>
      Array.from({ length: KIND_SAMPLES }, () => encodingOf(row, next)).filter(
        (bits) => firstMatch(row.isa, bits) === row,
      ),
    valueOf: ({ width }) => fieldValue(width, next),
    isInBlocks: (row) => !NOT_IN_BLOCKS.has(row.mnemonic) && !insnsOf.get(row)!.some(testsCondition),
    testsCondition: (row) => insnsOf.get(row)!.some(testsCondition),
  };
}

/** The halfwords of a Thumb instruction. */
const halves = (isa: IsaName, bits: number): [number, number] =>
  isa === 'T16' ? [bits & 0xffff, 0] : [bits >>> 16, bits & 0xffff];
