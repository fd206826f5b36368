/**
 * Random programs for the JIT, of control flow: functions with loops in loops, jumps into and out of them, calls (direct, through
 * registers, under a condition, recursive), returns to other places, and accesses near the borders of what is mapped. Every way
 * round costs a unit of a budget in r11, so that each program ends.
 *
 * r0 is the scratch page, r4 a second base within it, r11 the budget; SP is the stack. r1..r3, r5..r8 are what the program
 * computes with, and d0..d3 with s0..s7.
 */
import { Random } from '../fuzz/random.ts';

const LOW = ['r1', 'r2', 'r3', 'r5', 'r6', 'r7'] as const;
const DOUBLES = ['d0', 'd1', 'd2', 'd3'] as const;
const SINGLES = ['s0', 's1', 's2', 's3', 's4', 's5', 's6', 's7'] as const;
const CONDITIONS = ['eq', 'ne', 'cs', 'cc', 'mi', 'pl', 'hi', 'ls', 'ge', 'lt', 'gt', 'le'] as const;
const BUDGET = 40_000;

class FlowGenerator {
  readonly #random: Random;
  readonly #lines: string[] = [];
  readonly #functions: number;
  #labels = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#functions = 3 + this.#random.below(5);
  }

  program(): string {
    this.#emit('.fpu vfpv3', '.thumb', 'mov r4, r0', `movw r11, #${BUDGET}`, 'mov r10, sp');
    for (const r of LOW) this.#emit(`movw ${r}, #${this.#random.below(60000)}`);
    this.#emit('vmov s1, r1', ...DOUBLES.map((d) => `vcvt.f64.s32 ${d}, s1`));
    this.#emit('top:', 'bl f0', 'nop.w', 'bl f1', 'nop.w', 'b top', 'out:', 'svc #0');
    for (let f = 0; f < this.#functions; f++) this.#function(f);
    return this.#lines.join('\n');
  }

  #emit(...lines: string[]): void {
    this.#lines.push(...lines);
  }
  #label(): string {
    return `l${this.#labels++}`;
  }

  /** Sets flags; those of the budget keep changing. */
  #question(): string {
    return this.#random.chance(0.5)
      ? `cmp ${this.#random.pick(LOW)}, ${this.#random.pick(LOW)}`
      : `tst r11, #${1 << this.#random.below(6)}`;
  }

  #pay(): void {
    const enough = this.#label();
    this.#emit('subs r11, #1', `bpl ${enough}`, 'mov sp, r10', 'b.w out', `${enough}:`);
  }

  #function(f: number): void {
    const leaf = f > 1 && this.#random.chance(0.4);
    this.#emit('.balign 4', `f${f}:`);
    this.#pay();
    if (leaf) {
      this.#body(f, 1 + this.#random.below(2), false);
      if (this.#random.chance(0.2))
        this.#emit(`cmp ${this.#random.pick(LOW)}, ${this.#random.pick(LOW)}`, 'it hi', 'bxhi lr');
      // Now and then it returns behind the instruction that follows the call (a wide one).
      if (this.#random.chance(0.15)) this.#emit('tst r11, #7', 'it eq', 'addeq lr, #4');
      this.#emit('bx lr');
      return;
    }
    const saved = this.#random.pick(['r5, r6', 'r6, r7', 'r8', 'r5, r6, r7, r8']);
    this.#emit(`push {${saved}, lr}`, 'sub sp, #16');
    this.#body(f, 3 + this.#random.below(5), true);
    this.#emit('add sp, #16');
    if (this.#random.chance(0.15)) {
      const end = this.#label();
      this.#emit(
        `cmp ${this.#random.pick(LOW)}, #${this.#random.below(200)}`,
        `bhi ${end}`,
        `pop {${saved}, lr}`,
      );
      this.#emit(`b.w ${this.#callee(f)}`, `${end}:`);
    }
    this.#emit(`pop {${saved}, pc}`);
  }

  #body(f: number, length: number, frame: boolean): void {
    for (let i = 0; i < length; i++) this.#statement(f, 3, frame);
  }

  #statement(f: number, depth: number, frame: boolean): void {
    const kind = this.#random.below(depth > 0 ? 13 : 6);
    if (kind < 3)
      for (let i = this.#random.below(4); i >= 0; i--)
        if (this.#random.chance(0.5)) this.#compute(frame);
        else for (let n = this.#random.below(3); n >= 0; n--) this.#float();
    else if (kind < 6) this.#call(f, frame);
    else if (kind < 9) this.#conditional(f, depth, frame);
    else if (kind < 11) this.#loop(f, depth, frame);
    else if (kind < 12) this.#table(f, depth, frame);
    else this.#crossing();
  }

  #compute(frame: boolean): void {
    const [a, b, c] = [this.#random.pick(LOW), this.#random.pick(LOW), this.#random.pick(LOW)];
    const n = this.#random.below(200);
    const word = 4 * this.#random.below(40);
    const condition = this.#random.pick(CONDITIONS);
    this.#emit(
      this.#random.pick([
        `adds ${a}, ${b}, ${c}`,
        `subs ${a}, ${b}, #${n & 7}`,
        `eor ${a}, ${b}, ${c}, ror #${1 + (n & 15)}`,
        `adcs ${a}, ${b}`,
        `sbc ${a}, ${b}, ${c}`,
        `movs ${a}, #${n}`,
        `muls ${a}, ${b}, ${a}`,
        `lsrs ${a}, ${b}, #3`,
        `cmp ${a}, ${b}\nit ${condition}\nadd${condition} ${c}, #${n}`,
        `ldr ${a}, [r0, #${word}]`,
        `str ${a}, [r4, #${word}]`,
        `ldrb ${a}, [r4, #${n}]`,
        `strh ${b}, [r0, #${n}]`,
        // Their immediates are wide operands, and most addresses no multiples of their size.
        `ldr.w ${a}, [r0, #${256 + n}]`,
        `str.w ${a}, [r4, #${256 + n}]`,
        ...(frame ? [`str ${a}, [sp, #${word & 12}]`, `ldr ${a}, [sp, #${word & 12}]`] : []),
        `uxtb ${a}, ${b}\nldr ${c}, [r0, ${a}]`,
        `and r12, ${b}, #252\nadd r12, r0\nldr ${b}, [r12, #4]\nstr ${c}, [r12, #8]\nldr ${c}, [r12]`,
      ]),
    );
  }

  #float(): void {
    const [a, b, c] = [this.#random.pick(DOUBLES), this.#random.pick(DOUBLES), this.#random.pick(DOUBLES)];
    const [s, t, u] = [this.#random.pick(SINGLES), this.#random.pick(SINGLES), this.#random.pick(SINGLES)];
    const r = this.#random.pick(LOW);
    const n = 8 * this.#random.below(20);
    const condition = this.#random.pick(CONDITIONS);
    this.#emit(
      this.#random.pick([
        `vadd.f64 ${a}, ${b}, ${c}`,
        `vsub.f64 ${a}, ${b}, ${c}`,
        `vmul.f64 ${a}, ${b}, ${c}`,
        `vmla.f64 ${a}, ${b}, ${c}`,
        `vneg.f64 ${a}, ${b}`,
        `vadd.f32 ${s}, ${t}, ${u}`,
        `vmul.f32 ${s}, ${t}, ${u}`,
        `vcvt.f64.s32 ${a}, ${s}`,
        `vcvt.s32.f64 ${s}, ${a}`,
        `vcvt.f32.f64 ${s}, ${a}`,
        `vmov ${s}, ${r}\nvcvt.f64.s32 ${a}, ${s}`,
        `vmov ${s}, ${r}\nvcvt.f32.u32 ${s}, ${s}`,
        `vmov ${r}, ${s}`,
        `vmov.f64 ${a}, ${b}`,
        `vldr ${a}, [r0, #${n}]`,
        `vstr ${a}, [r4, #${n}]`,
        `vcmp.f64 ${a}, ${b}\nvmrs APSR_nzcv, fpscr\nit ${condition}\nvadd${condition}.f64 ${c}, ${a}, ${b}`,
      ]),
    );
  }

  /** Mostly a function that comes later, so that the calls end; else any. */
  #callee(f: number): string {
    const later = this.#functions - 1 - f;
    return later > 0 && this.#random.chance(0.9)
      ? `f${f + 1 + this.#random.below(later)}`
      : `f${this.#random.below(this.#functions)}`;
  }

  #call(f: number, frame: boolean): void {
    if (!frame || (f === this.#functions - 1 && this.#random.chance(0.8))) return;
    const callee = this.#callee(f);
    const way = this.#random.below(4);
    if (way === 0) this.#emit(`adr.w r9, ${callee}`, 'orr r9, #1', 'blx r9', 'nop.w');
    else if (way === 1) {
      const other = this.#callee(f);
      this.#emit(`tst r11, #${1 << this.#random.below(4)}`, `adr.w r9, ${callee}`, `adr.w r12, ${other}`);
      this.#emit('it ne', 'movne r9, r12', 'orr r9, #1', 'blx r9', 'nop.w');
    } else if (way === 2) {
      const condition = this.#random.pick(CONDITIONS);
      this.#emit(this.#question(), `it ${condition}`, `bl${condition} ${callee}`, 'nop.w');
    } else this.#emit(`bl ${callee}`, 'nop.w');
  }

  #conditional(f: number, depth: number, frame: boolean): void {
    const [other, end] = [this.#label(), this.#label()];
    this.#emit(this.#question(), `b${this.#random.pick(CONDITIONS)}.w ${other}`);
    this.#statement(f, depth - 1, frame);
    this.#emit(`b.w ${end}`, `${other}:`);
    if (this.#random.chance(0.6)) this.#statement(f, depth - 1, frame);
    this.#emit(`${end}:`);
  }

  #loop(f: number, depth: number, frame: boolean): void {
    const [again, middle, end] = [this.#label(), this.#label(), this.#label()];
    // Now and then it is entered in the middle, which makes it irreducible.
    if (this.#random.chance(0.15))
      this.#emit(`cmp ${this.#random.pick(LOW)}, #${this.#random.below(200)}`, `bls.w ${middle}`);
    this.#emit(`${again}:`);
    this.#pay();
    this.#statement(f, depth - 1, frame);
    if (this.#random.chance(0.4)) this.#emit(this.#question(), `b${this.#random.pick(CONDITIONS)}.w ${end}`);
    this.#emit(`${middle}:`);
    this.#statement(f, depth - 1, frame);
    if (this.#random.chance(0.3)) this.#emit('tst r11, #24', `beq.w ${again}`);
    this.#emit(`lsls r12, r11, #${28 + this.#random.below(4)}`, `bne.w ${again}`, `${end}:`);
  }

  #table(f: number, depth: number, frame: boolean): void {
    const [a, b, end] = [this.#label(), this.#label(), this.#label()];
    const table = this.#label();
    this.#emit(
      `and r12, ${this.#random.pick(LOW)}, #3`,
      'cmp r12, #2',
      `bhi.w ${end}`,
      'tbh [pc, r12, lsl #1]',
      `${table}:`,
    );
    this.#emit(`.hword (${a} - ${table}) / 2, (${b} - ${table}) / 2, (${end} - ${table}) / 2`, `${a}:`);
    this.#statement(f, depth - 1, frame);
    this.#emit(`b.w ${end}`, `${b}:`);
    this.#statement(f, depth - 1, frame);
    this.#emit(`${end}:`);
  }

  /** A structure of which, at the end of the scratch area, only the beginning is mapped. */
  #crossing(): void {
    const [a, b] = [this.#random.pick(LOW), this.#random.pick(LOW)];
    const end = this.#label();
    this.#emit(`add r12, r0, #${0x1000}`, `add r12, #${0x1000 - 8}`, `ldr ${a}, [r12]`);
    this.#emit(`cmp r11, #0`, `bpl ${end}`, `ldr ${b}, [r12, #12]`, `str ${b}, [r12, #16]`, `${end}:`);
  }
}

/** The program with a number, as assembly text. */
export function flowProgram(seed: number): string {
  return new FlowGenerator(seed).program();
}
