/**
 * The interpreter's functions that are no instruction: how it goes from one instruction to another, and when it leaves. Written
 * by hand in wasm.
 *
 * All are (state block, location or record, address) -> location or LEAVE, as handlers are, but `check` and `wayOut`. OFF.thumb
 * is kept true at every step; the PC, and ITSTATE, are only in the state block when TypeScript looks.
 */
import { EXIT } from '../cpu.ts';
import { OFF } from '../cpu-state.ts';
import { MAX_DEPTH } from '../jit/compile.ts';
import {
  CPU,
  DEPTH,
  DISPATCH_DEPTH,
  IMPORTS,
  INTERPRETER_DEPTH,
  importIndex,
  LEAVE,
  PARAMETERS,
  RETURN,
} from '../jit/convention.ts';
import { MAX_DISTANCE } from '../jit/region.ts';
import { ifAllowed } from '../jit/runtime.ts';
import { ByteWriter, type FuncBody, I32, OP, VOID } from '../jit/wasm.ts';
import {
  JUMP_TARGETS,
  JUMP_TARGETS_ENTRIES,
  PAGE_MASK,
  PAGE_SHIFT,
  RECORD_PAGES_ARM,
  RECORD_PAGES_THUMB,
} from '../memory/layout.ts';
import { itBlockBody } from './it-block.ts';
import { fuseBody, quickBody } from './quick.ts';
import { HANDLER, RECORD } from './record.ts';

/** What TypeScript gives the interpreter beside the imports of compiled code (jit/convention.ts). */
export const CONTROL_IMPORTS = [
  /** (cpu, location) -> 1 when the page of code now has records; 0: leave. */
  { name: 'page', type: 2 },
  /** (cpu, record, address) -> 1 when the record has been filled; 0: leave. */
  { name: 'decode', type: 0 },
  /** (cpu, record, address, accessed address, access code) -> 1 when the access may go on; 0: leave. */
  { name: 'fault', type: 8 },
  /**
   * (location, arrivals, ARRIVAL.*) -> anything: asked when a location has been arrived at as often as OFF.heatMask says.
   */
  { name: 'hot', type: 0 },
  /** (address, location) -> anything: an indirect jump goes where it did not go the last time. */
  { name: 'sawJump', type: 2 },
  /** (cpu, 1 or 0) -> anything: compiled code begins and ends, when OFF.timed says so. */
  { name: 'compiled', type: 2 },
  /**
   * (cpu, depth, return location, location or LEAVE) -> the same: goes on where the interpreter has left, below a call of
   * compiled code.
   */
  { name: 'resume', type: 1 },
  /** (cpu, depth, return location, slot) -> location or LEAVE: the runtime's way into compiled code. */
  { name: 'enterCompiled', type: 1 },
  /**
   * (cpu, record, address) -> 1 when the handlers that are not usual are in their places; 0: leave, there is no memory for them.
   */
  { name: 'rest', type: 0 },
] as const;

const CONTROL = [
  'enter',
  'goTo',
  'enterPage',
  'goCounted',
  'goBranch',
  'preempt',
  'jumpDirect',
  'sideExit',
  'fallThrough',
  'call',
  'jump',
  'returnTo',
  'check',
  'miss',
  'quick',
  'fuse',
  'itBlock',
  'unusual',
  'wayOut',
] as const;
export type ControlName = (typeof CONTROL)[number];

/** How a location has been arrived at: by a call or an indirect jump, a loop, or a branch onwards, where no region begins. */
export const ARRIVAL = { JUMP: 0, LOOP: 1, BRANCH: 2 } as const;

/** Other than those of imports. */
export function exportedName<T extends ControlName>(name: T): `control_${T}` {
  return `control_${name}`;
}

/** Type of handlers and of control functions, and of the others of these. */
export const HANDLER_TYPE = 0;
const OTHER_TYPES: Partial<Record<ControlName, number>> = { check: 8, wayOut: 1 };
/** For `wayOut`: where in its last parameter the bytes of code begin. */
export const SIZE_SHIFT = 15;
/** The interpreter's modules have no other table. */
export const HANDLER_TABLE = 0;

const typeOf = (name: ControlName): number => OTHER_TYPES[name] ?? HANDLER_TYPE;

const FIRST = IMPORTS.length + CONTROL_IMPORTS.length;
/** Function index of the first handler. */
export const FIRST_HANDLER = FIRST + CONTROL.length;
/** The control functions, by the names under which they are exported, and imported by the module of other handlers. */
export const CONTROL_FUNCTIONS = CONTROL.map((name) => ({
  name: exportedName(name),
  type: typeOf(name),
}));
export const controlIndex = (name: ControlName): number => FIRST + CONTROL.indexOf(name);
export const imported = (name: (typeof CONTROL_IMPORTS)[number]['name']): number =>
  IMPORTS.length + CONTROL_IMPORTS.findIndex((i) => i.name === name);

const LOCATION = 1;
export const ADDRESS = 2;
export const REC = 1;

export function state(w: ByteWriter, offset: number): void {
  w.get(CPU);
  w.mem(OP.i32_load, offset);
}

export function tail(w: ByteWriter, name: ControlName): void {
  w.byte(OP.return_call);
  w.u32(controlIndex(name));
}

/** Ends with the handler of a record in a local, at an address in a local. */
export function dispatch(w: ByteWriter, record: number, address: number): void {
  w.get(CPU);
  w.get(record);
  w.get(address);
  w.get(record);
  w.mem(OP.i32_load16_u, RECORD.handler);
  w.byte(OP.return_call_indirect);
  w.u32(HANDLER_TYPE);
  w.u32(HANDLER_TABLE);
}

export function when(w: ByteWriter, body: () => void): void {
  w.byte(OP.if);
  w.byte(VOID);
  body();
  w.byte(OP.end);
}

/**
 * Leaves where the records of the page of an address (a local) are; 0 when there are none. `thumb` leaves the instruction set.
 */
export function recordsOf(w: ByteWriter, address: number, thumb: () => void): void {
  const load = (table: number) => {
    w.get(address);
    w.i32(PAGE_SHIFT);
    w.byte(OP.i32_shr_u);
    w.i32(2);
    w.byte(OP.i32_shl);
    w.mem(OP.i32_load, table);
  };
  thumb();
  w.byte(OP.if);
  w.byte(I32);
  load(RECORD_PAGES_THUMB);
  w.byte(OP.else);
  load(RECORD_PAGES_ARM);
  w.byte(OP.end);
}

/** Leaves the offset of an address's record in its page's. Bits of the address that `mask` lacks are left out. */
export function offsetInPage(w: ByteWriter, address: number, mask = -1): void {
  w.get(address);
  w.i32(PAGE_MASK & mask);
  w.byte(OP.i32_and);
  w.i32(3);
  w.byte(OP.i32_shl);
}

/** Puts the record of a location (a local) in `record`; `none` goes elsewhere when its page has no records. */
function recordAt(w: ByteWriter, location: number, record: number, none: () => void): void {
  recordsOf(w, location, () => {
    w.get(location);
    w.i32(1);
    w.byte(OP.i32_and);
  });
  w.tee(record);
  w.byte(OP.i32_eqz);
  none();
  w.get(record);
  offsetInPage(w, location, -2);
  w.byte(OP.i32_add);
  w.set(record);
}

/** Finds the record of a location: puts the address in local ADDRESS and the record in `record`, or goes to enterPage. */
function find(w: ByteWriter, record: number): void {
  w.get(CPU);
  w.get(LOCATION);
  w.i32(1);
  w.byte(OP.i32_and);
  w.mem(OP.i32_store, OFF.thumb);
  w.get(LOCATION);
  w.i32(-2);
  w.byte(OP.i32_and);
  w.set(ADDRESS);
  recordAt(w, LOCATION, record, () =>
    when(w, () => {
      w.get(CPU);
      w.get(LOCATION);
      w.i32(0);
      tail(w, 'enterPage');
    }),
  );
}

export function leaveUnless(w: ByteWriter): void {
  w.byte(OP.i32_eqz);
  when(w, () => {
    w.i32(LEAVE);
    w.byte(OP.return);
  });
}

/** Puts the location in the state block. */
function storeLocation(w: ByteWriter): void {
  w.get(CPU);
  w.get(LOCATION);
  w.i32(1);
  w.byte(OP.i32_and);
  w.mem(OP.i32_store, OFF.thumb);
  w.get(CPU);
  w.get(LOCATION);
  w.i32(-2);
  w.byte(OP.i32_and);
  w.mem(OP.i32_store, OFF.r + 60);
}

function passOn(w: ByteWriter, name: ControlName): void {
  w.get(CPU);
  w.get(LOCATION);
  w.get(ADDRESS);
  tail(w, name);
}

function counted(w: ByteWriter, arrival: number, location = LOCATION): void {
  w.get(CPU);
  w.get(location);
  w.i32(arrival);
  tail(w, 'goCounted');
}

/** A taken branch takes fuel, to a location in a local or left by a function. */
export function takeFuel(w: ByteWriter, location: number | (() => void) = LOCATION): void {
  w.get(CPU);
  state(w, OFF.fuel);
  w.i32(-1);
  w.byte(OP.i32_add);
  w.mem(OP.i32_store, OFF.fuel);
  state(w, OFF.fuel);
  w.i32(0);
  w.byte(OP.i32_lt_s);
  when(w, () => {
    w.get(CPU);
    leave(w, location);
    w.get(ADDRESS);
    tail(w, 'preempt');
  });
}

function leave(w: ByteWriter, value: number | (() => void)): void {
  if (typeof value === 'number') w.get(value);
  else value();
}

/** Back to whoever runs the interpreter until this location. */
function stopHere(w: ByteWriter): void {
  w.get(LOCATION);
  state(w, OFF.stopAt);
  w.byte(OP.i32_eq);
  when(w, () => {
    w.get(LOCATION);
    w.byte(OP.return);
  });
}

/** The first local behind the parameters. */
export const A = PARAMETERS;
export const B = PARAMETERS + 1;
const KIND = PARAMETERS + 2;

/** Counts on from what is on the stack: in 16 bits, the highest of which stays when it is set. Leaves it, and in a local. */
export function oneMore(w: ByteWriter, local: number): void {
  w.tee(local);
  w.i32(1);
  w.byte(OP.i32_add);
  w.get(local);
  w.i32(0x8000);
  w.byte(OP.i32_and);
  w.byte(OP.i32_or);
  w.tee(local);
}

/**
 * `body` is run when a count of arrivals is told of: it has none of the bits of OFF.heatMask, nor, when it has become greater, of
 * those of OFF.seldomMask. (Tiering.isTold is the same.)
 */
function whenTold(w: ByteWriter, count: number, body: () => void): void {
  w.get(count);
  state(w, OFF.heatMask);
  w.byte(OP.i32_and);
  w.byte(OP.i32_eqz);
  when(w, () => {
    w.get(count);
    state(w, OFF.seldomMask);
    w.byte(OP.i32_le_u);
    w.get(count);
    state(w, OFF.seldomMask);
    w.byte(OP.i32_and);
    w.byte(OP.i32_eqz);
    w.byte(OP.i32_or);
    when(w, body);
  });
}

/** Counts an arrival in a record, and tells of it. */
function count(
  w: ByteWriter,
  record: number,
  location: number | (() => void),
  kind: number | (() => void),
): void {
  w.get(record);
  w.get(record);
  w.mem(OP.i32_load16_u, RECORD.count);
  oneMore(w, B);
  w.mem(OP.i32_store16, RECORD.count);
  whenTold(w, B, () => {
    leave(w, location);
    w.get(B);
    if (typeof kind === 'number') w.i32(kind);
    else kind();
    w.call(imported('hot'));
    w.byte(OP.drop);
  });
}

/** Counts an arrival at a record by a loop. */
export function countLoop(w: ByteWriter, record: number, location: number | (() => void)): void {
  count(w, record, location, ARRIVAL.LOOP);
}

/** Counts a branch onwards to a record. */
function countBranch(w: ByteWriter, record: number, location: number): void {
  count(w, record, location, ARRIVAL.BRANCH);
}

const BODIES: Readonly<Record<Exclude<ControlName, 'quick' | 'fuse' | 'itBlock'>, (w: ByteWriter) => void>> =
  {
    enter: (w) => passOn(w, 'goTo'),
    goTo(w) {
      find(w, A);
      dispatch(w, A, ADDRESS);
    },
    enterPage(w) {
      w.get(CPU);
      w.get(LOCATION);
      w.call(imported('page'));
      leaveUnless(w);
      passOn(w, 'goTo');
    },
    goCounted(w) {
      // The third parameter says how.
      w.get(ADDRESS);
      w.set(KIND);
      find(w, A);
      count(w, A, LOCATION, () => w.get(KIND));
      dispatch(w, A, ADDRESS);
    },
    preempt(w) {
      storeLocation(w);
      w.get(CPU);
      w.i32(0);
      w.mem(OP.i32_store, OFF.running);
      w.get(CPU);
      w.call(importIndex('preempt'));
      leaveUnless(w);
      passOn(w, 'goTo');
    },
    jumpDirect(w) {
      takeFuel(w);
      w.get(LOCATION);
      w.i32(-2);
      w.byte(OP.i32_and);
      w.get(ADDRESS);
      w.byte(OP.i32_gt_u);
      when(w, () => passOn(w, 'goBranch'));
      counted(w, ARRIVAL.LOOP);
    },
    /**
     * A direct branch out of stencils: (state block, record, address | 1 when it goes back). The record is 0 when that is in
     * another page.
     */
    sideExit(w) {
      const [record, target] = [REC, ADDRESS];
      const location = A;
      w.get(target);
      w.i32(-2);
      w.byte(OP.i32_and);
      state(w, OFF.thumb);
      w.byte(OP.i32_or);
      w.set(location);
      takeFuel(w, location);
      w.get(record);
      w.byte(OP.i32_eqz);
      when(w, () => {
        w.get(target);
        w.i32(1);
        w.byte(OP.i32_and);
        when(w, () => counted(w, ARRIVAL.LOOP, location));
        w.get(CPU);
        w.get(location);
        w.i32(0);
        tail(w, 'goBranch');
      });
      w.get(target);
      w.i32(1);
      w.byte(OP.i32_and);
      w.byte(OP.if);
      w.byte(VOID);
      countLoop(w, record, location);
      w.byte(OP.else);
      countBranch(w, record, location);
      w.byte(OP.end);
      w.get(target);
      w.i32(-2);
      w.byte(OP.i32_and);
      w.set(target);
      dispatch(w, record, target);
    },
    /** From stencils to a record behind them: (state block, record, address). */
    fallThrough(w) {
      w.get(ADDRESS);
      state(w, OFF.thumb);
      w.byte(OP.i32_or);
      w.set(A);
      countBranch(w, REC, A);
      dispatch(w, REC, ADDRESS);
    },
    /** As goTo, and counts branches that lead there. */
    goBranch(w) {
      find(w, A);
      countBranch(w, A, LOCATION);
      dispatch(w, A, ADDRESS);
    },
    call(w) {
      takeFuel(w);
      counted(w, ARRIVAL.JUMP);
    },
    returnTo(w) {
      takeFuel(w);
      stopHere(w);
      passOn(w, 'goBranch');
    },
    jump(w) {
      takeFuel(w);
      stopHere(w);
      // The only place that a jump went to is told when there is another, or who compiles asks (CodeCache.noteJumps).
      const tellOnly = () => {
        w.get(A);
        w.mem(OP.i32_load, JUMP_TARGETS + 8);
        w.byte(OP.i32_eqz);
        when(w, () => {
          w.get(A);
          w.mem(OP.i32_load, JUMP_TARGETS);
          w.get(A);
          w.mem(OP.i32_load, JUMP_TARGETS + 4);
          w.call(imported('sawJump'));
          w.byte(OP.drop);
        });
      };
      // A jump table's places are no beginnings, as long as they are few: what one jump has seen is kept in an entry of its own.
      w.get(ADDRESS);
      w.i32(1);
      w.byte(OP.i32_shr_u);
      w.i32(JUMP_TARGETS_ENTRIES - 1);
      w.byte(OP.i32_and);
      w.i32(4);
      w.byte(OP.i32_shl);
      w.set(A);
      w.get(A);
      w.mem(OP.i32_load, JUMP_TARGETS);
      w.get(ADDRESS);
      w.byte(OP.i32_ne);
      when(w, () => {
        tellOnly();
        w.get(A);
        w.get(ADDRESS);
        w.mem(OP.i32_store, JUMP_TARGETS);
        w.get(A);
        w.i32(0);
        w.mem(OP.i32_store, JUMP_TARGETS + 8);
        w.get(A);
        w.get(LOCATION);
        w.mem(OP.i32_store, JUMP_TARGETS + 4);
      });
      w.get(A);
      w.mem(OP.i32_load, JUMP_TARGETS + 4);
      w.get(LOCATION);
      w.byte(OP.i32_ne);
      when(w, () => {
        tellOnly();
        w.get(A);
        w.get(LOCATION);
        w.mem(OP.i32_store, JUMP_TARGETS + 4);
        w.get(A);
        w.mem(OP.i32_load, JUMP_TARGETS + 8);
        w.i32(MAX_JUMP_CHANGES);
        w.byte(OP.i32_lt_s);
        when(w, () => {
          w.get(A);
          w.get(A);
          w.mem(OP.i32_load, JUMP_TARGETS + 8);
          w.i32(1);
          w.byte(OP.i32_add);
          w.mem(OP.i32_store, JUMP_TARGETS + 8);
          w.get(ADDRESS);
          w.get(LOCATION);
          w.call(imported('sawJump'));
          w.byte(OP.drop);
        });
      });
      w.get(A);
      w.mem(OP.i32_load, JUMP_TARGETS + 8);
      w.i32(MAX_JUMP_CHANGES);
      w.byte(OP.i32_lt_s);
      w.get(LOCATION);
      w.get(ADDRESS);
      w.byte(OP.i32_sub);
      w.i32(MAX_DISTANCE);
      w.byte(OP.i32_add);
      w.i32(2 * MAX_DISTANCE);
      w.byte(OP.i32_lt_u);
      w.byte(OP.i32_and);
      when(w, () => passOn(w, 'goBranch'));
      counted(w, ARRIVAL.JUMP);
    },
    check(w) {
      const [rec, pc, address, code, end] = [1, 2, 3, 4, 5];
      ifAllowed(w, address, code, end, () => {
        w.i32(1);
        w.byte(OP.return);
      });
      for (const parameter of [CPU, rec, pc, address, code]) w.get(parameter);
      w.call(imported('fault'));
    },
    /**
     * In the place of each handler that is not usual, until one is needed: then they come, and the record's is called again. It
     * has changed nothing by then, nor has a condition that was tested before it.
     */
    unusual(w) {
      for (const parameter of [CPU, REC, ADDRESS]) w.get(parameter);
      w.call(imported('rest'));
      leaveUnless(w);
      dispatch(w, REC, ADDRESS);
    },
    /**
     * From stencils to an instruction's own handler: (state block, record, address, the handler | bytes of code << 15). What is
     * behind is worth stencils of its own if that happens often. (Inside an IT block it is told 0 bytes, and cannot have any.) A
     * record that holds no operands any more goes its own way: compiled code begins there, or it is to be decoded again.
     */
    wayOut(w) {
      const [handler, behind, location] = [3, 5, 6];
      w.get(handler);
      w.i32(SIZE_SHIFT);
      w.byte(OP.i32_shr_u);
      w.tee(behind);
      when(w, () => {
        w.get(ADDRESS);
        w.get(behind);
        w.byte(OP.i32_add);
        state(w, OFF.thumb);
        w.byte(OP.i32_or);
        w.set(location);
        w.get(REC);
        w.get(behind);
        w.i32(3);
        w.byte(OP.i32_shl);
        w.byte(OP.i32_add);
        w.set(behind);
        countBranch(w, behind, location);
      });
      w.get(REC);
      w.mem(OP.i32_load16_u, RECORD.handler);
      w.i32(HANDLER.COMPILED);
      w.byte(OP.i32_le_u);
      when(w, () => dispatch(w, REC, ADDRESS));
      for (const parameter of [CPU, REC, ADDRESS, handler]) w.get(parameter);
      w.i32((1 << SIZE_SHIFT) - 1);
      w.byte(OP.i32_and);
      w.byte(OP.return_call_indirect);
      w.u32(HANDLER_TYPE);
      w.u32(HANDLER_TABLE);
    },
    /**
     * A region function for code that is not compiled: (state block, depth, return location). The engine's `miss` does the
     * same, for what is not as usual: the location may have compiled code, has no record, or has been arrived at often.
     */
    miss(w) {
      const [depth, ret, record, stopAt, outerDepth] = [DEPTH, RETURN, A, B, KIND];
      const target = PARAMETERS + 3;
      state(w, OFF.target);
      w.tee(target);
      w.get(ret);
      w.byte(OP.i32_eq);
      w.get(depth);
      w.i32(MAX_DEPTH - DISPATCH_DEPTH);
      w.byte(OP.i32_ge_s);
      w.byte(OP.i32_or);
      when(w, () => {
        w.get(target);
        w.byte(OP.return);
      });
      const slow = () => {
        for (let parameter = 0; parameter < PARAMETERS; parameter++) w.get(parameter);
        w.byte(OP.return_call);
        w.u32(importIndex('miss'));
      };
      const slowWhen = () => when(w, slow);
      state(w, OFF.timed);
      slowWhen();
      recordAt(w, target, record, slowWhen);
      w.get(record);
      w.mem(OP.i32_load16_u, RECORD.handler);
      w.i32(HANDLER.COMPILED);
      w.byte(OP.i32_eq);
      slowWhen();
      w.get(record);
      w.mem(OP.i32_load16_u, RECORD.count);
      oneMore(w, stopAt);
      w.byte(OP.drop);
      whenTold(w, stopAt, slow);
      w.get(record);
      w.get(stopAt);
      w.mem(OP.i32_store16, RECORD.count);
      w.get(CPU);
      w.i32(0);
      w.mem(OP.i32_store, OFF.exitTo);
      // Whom the interpreter below has called it takes over from: a loop with a part that is not compiled would nest ever deeper.
      state(w, OFF.depth);
      w.tee(outerDepth);
      w.get(depth);
      w.byte(OP.i32_eq);
      when(w, () => {
        w.get(target);
        w.byte(OP.return);
      });
      interpretBelow(w, target, stopAt, outerDepth);
      w.get(target);
      w.get(ret);
      w.byte(OP.i32_eq);
      // A hook said to leave.
      w.get(target);
      w.i32(LEAVE);
      w.byte(OP.i32_eq);
      state(w, OFF.exit);
      w.i32(EXIT.HOOK);
      w.byte(OP.i32_eq);
      w.byte(OP.i32_and);
      w.byte(OP.i32_or);
      when(w, () => {
        w.get(target);
        w.byte(OP.return);
      });
      for (const parameter of [CPU, depth, ret, target]) w.get(parameter);
      w.byte(OP.return_call);
      w.u32(imported('resume'));
    },
  };

/**
 * Part of `miss`: runs the interpreter from the location in `target` until the return location, and puts in `target` where it has
 * come to. `stopAt` is a local that is overwritten.
 */
function interpretBelow(w: ByteWriter, target: number, stopAt: number, outerDepth: number): void {
  const [depth, ret] = [DEPTH, RETURN];
  state(w, OFF.stopAt);
  w.set(stopAt);
  w.get(CPU);
  w.get(ret);
  w.mem(OP.i32_store, OFF.stopAt);
  w.get(CPU);
  w.get(depth);
  w.i32(INTERPRETER_DEPTH);
  w.byte(OP.i32_add);
  w.mem(OP.i32_store, OFF.depth);
  w.get(CPU);
  w.get(target);
  w.i32(0);
  w.call(controlIndex('goTo'));
  w.set(target);
  w.get(CPU);
  w.get(stopAt);
  w.mem(OP.i32_store, OFF.stopAt);
  w.get(CPU);
  w.get(outerDepth);
  w.mem(OP.i32_store, OFF.depth);
}

/** Other places that an indirect jump may go to before each of them is a beginning of its own. */
const MAX_JUMP_CHANGES = 64;

export function controlBodies(): FuncBody[] {
  return CONTROL.map((name) => {
    const w = new ByteWriter(256);
    if (name === 'quick') return quickBody(w, HANDLER_TYPE);
    if (name === 'fuse') return fuseBody(w, HANDLER_TYPE);
    if (name === 'itBlock') return itBlockBody(w, HANDLER_TYPE, controlIndex('quick'));
    BODIES[name](w);
    const locals = name === 'check' ? 1 : name === 'miss' ? 4 : 3;
    return {
      type: typeOf(name),
      locals: [[locals, I32]],
      code: w.view().slice(),
    };
  });
}
export const CONTROL_NAMES: readonly string[] = CONTROL;
