/** Encodes wasm modules: the binary format's sections (WebAssembly core specification, 5.5). */
import { ByteWriter, type FuncBody, type FuncType, I32, OP } from './wasm.ts';

/**
 * Everything of a module that matters here: an imported shared memory or two, perhaps tables and numbers, imported and defined
 * functions.
 */
export interface ModuleSpec {
  readonly types: readonly FuncType[];
  /** Imported from module "e". */
  readonly functionImports: readonly { readonly name: string; readonly type: number }[];
  readonly table: boolean;
  /** Name of a second memory, which is imported, too. */
  readonly secondMemory?: string;
  readonly typedTable?: TypedTable;
  readonly functions: readonly FuncBody[];
  /** name -> index in `functions`. */
  readonly exports?: readonly { readonly name: string; readonly function: number }[];
  /** Names of the functions, for profilers. */
  readonly names?: readonly string[];
  /** So many numbers are imported from NUMBERS: global i is its property i. */
  readonly numbers?: number;
  /** functions[i] is put in the table slot that number placed[i] tells when the module is instantiated. */
  readonly placed?: readonly number[];
}

/**
 * A table of functions of just type 0, none null, so that a call needs no test of that. V8 finds table 0 by two loads less than
 * another.
 */
export interface TypedTable {
  readonly size: number;
  /** Index of the function that is in all places at first; the table is exported. Without, it is imported. */
  readonly filledWith?: number;
  /** Indices of the functions that are put into the table, and the place of the first. */
  readonly functions: readonly number[];
  readonly first: number;
}

/** Name by which a typed table is exported, and imported from "e". */
export const TYPED_TABLE = 'h';

/** Name of the import module that numbers come from: an array. */
export const NUMBERS = 'n';

export const MEMORY_PAGES_MAX = 65536;

/** Reused by every section. */
const sectionWriter = new ByteWriter(1 << 16);

/** Section numbers of the binary format. */
const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  export: 7,
  element: 9,
  code: 10,
} as const;

/** References to functions of just type 0, none null. */
const REFERENCE = [0x64, 0];

/**
 * Encodes a module; `codes` gets the offset of the code of each function. The memory is import "e" "m", the table "e" "t".
 */
export function encodeModule(spec: ModuleSpec, codes: number[] = []): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter();
  const section = (id: number, fill: (w: ByteWriter) => void) => addSection(out, id, fill);
  const { functions, exports = [], placed, typedTable, names } = spec;
  const base = spec.functionImports.length;
  writeHead(out, spec);
  section(SECTION.function, (w) => {
    w.u32(functions.length);
    for (const f of functions) w.u32(f.type);
  });
  const filledWith = typedTable?.filledWith;
  if (filledWith !== undefined)
    section(SECTION.table, (w) => {
      w.u32(1);
      w.raw([0x40, 0]); // with a first value for all
      writeTypedTable(w, typedTable!);
      w.byte(OP.ref_func);
      w.u32(filledWith);
      w.byte(OP.end);
    });
  if (exports.length > 0)
    section(SECTION.export, (w) => writeExports(w, exports, base, filledWith !== undefined));
  if (placed !== undefined) section(SECTION.element, (w) => writePlaces(w, placed, base));
  if (typedTable !== undefined) section(SECTION.element, (w) => writeTyped(w, typedTable));
  // Locals are encoded first: the hints count offsets from their beginning.
  const locals = functions.map((f) => encodeLocals(f.locals));
  if (functions.some((f) => f.unlikely !== undefined))
    section(SECTION.custom, (w) => writeHints(w, functions, locals, base));
  const inSection: number[] = [];
  const at = section(SECTION.code, (w) => writeCode(w, functions, locals, inSection));
  for (const code of inSection) codes.push(at + code);
  if (names !== undefined) section(SECTION.custom, (w) => writeNames(w, names, base));
  return out.view().slice() as Uint8Array<ArrayBuffer>;
}

/** Adds a section; gives the offset of its content. */
function addSection(out: ByteWriter, id: number, fill: (w: ByteWriter) => void): number {
  const w = sectionWriter;
  w.length = 0;
  fill(w);
  out.byte(id);
  out.u32(w.length);
  const at = out.length;
  out.raw(w.view());
  return at;
}

type Head = Omit<ModuleSpec, 'functions' | 'exports' | 'names' | 'placed'>;

function writeHead(out: ByteWriter, spec: Head): void {
  out.raw([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  addSection(out, SECTION.type, (w) => writeTypes(w, spec.types));
  addSection(out, SECTION.import, (w) => writeImports(w, spec));
}

/** What modules with the same types and imports begin with. */
export function encodeHead(spec: Head): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter();
  writeHead(out, spec);
  return out.view().slice() as Uint8Array<ArrayBuffer>;
}

/**
 * Adds to a head functions of type 0, which go into the typed table from `first` on; `bodies` are as the code section has them:
 * each its length, locals and code. The first one's index is `base`.
 */
export function encodeBehind(
  out: ByteWriter,
  count: number,
  base: number,
  first: number,
  bodies: Uint8Array,
): void {
  addSection(out, SECTION.function, (w) => {
    w.u32(count);
    for (let i = 0; i < count; i++) w.byte(0);
  });
  const functions = Array.from({ length: count }, (_, i) => base + i);
  addSection(out, SECTION.element, (w) => writeTyped(w, { size: 0, functions, first }));
  addSection(out, SECTION.code, (w) => {
    w.u32(count);
    w.raw(bodies);
  });
}

function writeTypes(w: ByteWriter, types: readonly FuncType[]): void {
  w.u32(types.length);
  for (const t of types) {
    w.byte(0x60);
    w.u32(t.params.length);
    w.raw(t.params);
    w.u32(t.results.length);
    w.raw(t.results);
  }
}

function writeImports(w: ByteWriter, spec: Head): void {
  const { functionImports, table, secondMemory, typedTable, numbers = 0 } = spec;
  const importsTyped = typedTable !== undefined && typedTable.filledWith === undefined;
  const memories = secondMemory === undefined ? ['m'] : ['m', secondMemory];
  const tables = (table ? 1 : 0) + (importsTyped ? 1 : 0);
  w.u32(functionImports.length + memories.length + tables + numbers);
  for (const name of memories) {
    w.name('e');
    w.name(name);
    w.raw([2, 3]); // memory with a maximum, shared
    w.u32(0);
    w.u32(MEMORY_PAGES_MAX);
  }
  if (table) {
    w.name('e');
    w.name('t');
    w.raw([1, 0x70, 0]); // table of funcref, no maximum
    w.u32(0);
  }
  if (importsTyped) {
    w.name('e');
    w.name(TYPED_TABLE);
    w.byte(1);
    writeTypedTable(w, typedTable);
  }
  for (const f of functionImports) {
    w.name('e');
    w.name(f.name);
    w.byte(0);
    w.u32(f.type);
  }
  for (let i = 0; i < numbers; i++) {
    w.name(NUMBERS);
    w.name(String(i));
    w.raw([3, I32, 0]); // a global that does not change
  }
}

/** Its type. */
function writeTypedTable(w: ByteWriter, { size }: TypedTable): void {
  w.raw([...REFERENCE, 1]); // with a maximum
  w.u32(size);
  w.u32(size);
}

function writeExports(
  w: ByteWriter,
  exports: NonNullable<ModuleSpec['exports']>,
  base: number,
  hasTable: boolean,
): void {
  w.u32(exports.length + (hasTable ? 1 : 0));
  if (hasTable) {
    w.name(TYPED_TABLE);
    w.byte(1);
    w.u32(0);
  }
  for (const e of exports) {
    w.name(e.name);
    w.byte(0);
    w.u32(base + e.function);
  }
}

/** Each function into its slot of table 0. */
function writePlaces(w: ByteWriter, placed: readonly number[], base: number): void {
  w.u32(placed.length);
  placed.forEach((number, i) => {
    w.byte(0); // active, table 0
    w.byte(OP.global_get);
    w.u32(number);
    w.byte(OP.end);
    w.u32(1);
    w.u32(base + i);
  });
}

function writeTyped(w: ByteWriter, { functions, first }: TypedTable): void {
  w.u32(1);
  w.byte(6); // active, explicit table, expressions
  w.u32(0);
  w.i32(first);
  w.byte(OP.end);
  w.raw(REFERENCE);
  w.u32(functions.length);
  for (const f of functions) {
    w.byte(OP.ref_func);
    w.u32(f);
    w.byte(OP.end);
  }
}

/** A function's locals, as they stand in front of its code. */
export function encodeLocals(locals: FuncBody['locals']): Uint8Array {
  const w = new ByteWriter(16);
  w.u32(locals.length);
  for (const [count, type] of locals) {
    w.u32(count);
    w.byte(type);
  }
  return w.view();
}

/** Which branches are unlikely (the branch hinting proposal). */
function writeHints(
  w: ByteWriter,
  functions: readonly FuncBody[],
  locals: readonly Uint8Array[],
  base: number,
): void {
  w.name('metadata.code.branch_hint');
  w.u32(functions.length);
  functions.forEach(({ unlikely = [] }, i) => {
    w.u32(base + i);
    w.u32(unlikely.length);
    for (const offset of unlikely) {
      w.u32(locals[i]!.length + offset);
      w.u32(1);
      w.byte(0);
    }
  });
}

/** `codes` gets where each function's code begins. */
function writeCode(
  w: ByteWriter,
  functions: readonly FuncBody[],
  locals: readonly Uint8Array[],
  codes: number[],
): void {
  w.u32(functions.length);
  functions.forEach(({ code }, i) => {
    w.u32(locals[i]!.length + code.length + 1);
    w.raw(locals[i]!);
    codes.push(w.length);
    w.raw(code);
    w.byte(OP.end);
  });
}

function writeNames(w: ByteWriter, names: readonly string[], base: number): void {
  w.name('name');
  const list = new ByteWriter();
  list.u32(names.length);
  names.forEach((name, i) => {
    list.u32(base + i);
    list.name(name);
  });
  w.byte(1);
  w.u32(list.length);
  w.raw(list.view());
}
