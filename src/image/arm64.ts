/** The launcher's instructions for AArch64 (Arm ARM, C6.2). x17 is what larger constants are made in. */
import { Assembler, type Condition, type Register, type SystemCall } from './assembler.ts';

const NUMBER: Record<Register, number> = {
  a0: 0,
  a1: 1,
  a2: 2,
  r0: 9,
  r1: 10,
  r2: 11,
  r3: 12,
  r4: 13,
  r5: 14,
  r6: 15,
  w: 19,
};
const SCRATCH = 17;
const ZERO = 31;
const CONDITION: Record<Condition, number> = { equal: 0, notEqual: 1, aboveOrEqual: 2, below: 3 };
const SYSTEM_CALL: Record<SystemCall, number> = { write: 64, execve: 221, exit: 93, sched_getaffinity: 123 };

/** The auxiliary vector's entries that V8 decides by (src/base/cpu.cc). */
const AT_HWCAP = 16;
const AT_HWCAP2 = 26;

export class Arm64Assembler extends Assembler {
  override readonly machine = 183;

  #word(instruction: number): void {
    for (let i = 0; i < 4; i++) this.bytes.push((instruction >>> (8 * i)) & 0xff);
  }
  /** An instruction whose field at `shift` is the distance to a label in units of `1 << scale` bytes. */
  #branch(instruction: number, label: string, bits: number, shift: number): void {
    const at = this.bytes.length;
    this.refer(label, (distance) => {
      const field = (distance >> 2) & ((1 << bits) - 1);
      this.patch32(at, (instruction | (field << shift)) >>> 0);
    });
    this.#word(0);
  }
  #constant(to: number, value: number): void {
    if (Math.abs(value) > 0xffff) throw new RangeError(`${value} does not fit`);
    if (value >= 0)
      this.#word((0xd280_0000 | (value << 5) | to) >>> 0); // movz
    else this.#word((0x9280_0000 | (~value << 5) | to) >>> 0); // movn
  }
  #registers(opcode: number, to: number, a: number, b: number): void {
    this.#word((opcode | (b << 16) | (a << 5) | to) >>> 0);
  }

  override begin(): void {
    this.#word(0x9100_03e0 | NUMBER.w); // mov w, sp
  }
  override set(to: Register, value: number): void {
    this.#constant(NUMBER[to], value);
  }
  override address(to: Register, label: string): void {
    const at = this.bytes.length;
    this.refer(label, (distance) => {
      const [low, high] = [distance & 3, (distance >> 2) & 0x7ffff];
      this.patch32(at, (0x1000_0000 | (low << 29) | (high << 5) | NUMBER[to]) >>> 0); // adr
    });
    this.#word(0);
  }
  override copy(to: Register, from: Register): void {
    this.#registers(0xaa00_0000, NUMBER[to], ZERO, NUMBER[from]); // orr
  }
  override add(to: Register, value: number): void {
    this.#constant(SCRATCH, value);
    this.#registers(0x8b00_0000, NUMBER[to], NUMBER[to], SCRATCH);
  }
  override addRegister(to: Register, other: Register): void {
    this.#registers(0x8b00_0000, NUMBER[to], NUMBER[to], NUMBER[other]);
  }
  override and(to: Register, other: Register): void {
    this.#registers(0x8a00_0000, NUMBER[to], NUMBER[to], NUMBER[other]);
  }
  override xor(to: Register, value: number): void {
    this.#constant(SCRATCH, value);
    this.#registers(0xca00_0000, NUMBER[to], NUMBER[to], SCRATCH); // eor
  }
  /** The unscaled forms: offsets from -256 to 255. */
  #memory(opcode: number, register: Register, base: Register, offset: number): void {
    if (offset < -256 || offset > 255) throw new RangeError(`offset ${offset}`);
    this.#word((opcode | ((offset & 0x1ff) << 12) | (NUMBER[base] << 5) | NUMBER[register]) >>> 0);
  }
  override load(to: Register, base: Register, offset: number): void {
    this.#memory(0xf840_0000, to, base, offset); // ldur
  }
  override load8(to: Register, base: Register, offset: number): void {
    this.#memory(0x3840_0000, to, base, offset); // ldurb
  }
  override store8(base: Register, offset: number, from: Register): void {
    this.#memory(0x3800_0000, from, base, offset); // sturb
  }
  override push(from: Register): void {
    this.#memory(0xf800_0c00, from, 'w', -8); // str with pre-index
  }
  override compare(a: Register, value: number): void {
    this.#constant(SCRATCH, value);
    this.#registers(0xeb00_0000, ZERO, NUMBER[a], SCRATCH); // subs
  }
  override compareRegisters(a: Register, b: Register): void {
    this.#registers(0xeb00_0000, ZERO, NUMBER[a], NUMBER[b]);
  }
  override jump(label: string): void {
    this.#branch(0x1400_0000, label, 26, 0);
  }
  override jumpIf(condition: Condition, label: string): void {
    this.#branch(0x5400_0000 | CONDITION[condition], label, 19, 5);
  }
  override systemCall(name: SystemCall): void {
    this.#constant(8, SYSTEM_CALL[name]);
    this.#word(0xd400_0001); // svc 0
  }

  override pushProcessor(auxv: Register): number {
    this.copy('r2', auxv);
    this.set('r0', 0);
    this.set('r1', 0);
    this.label('auxv');
    this.load('r3', 'r2', 0);
    this.load('r4', 'r2', 8);
    this.add('r2', 16);
    for (const [type, register] of [
      [AT_HWCAP, 'r0'],
      [AT_HWCAP2, 'r1'],
    ] as const) {
      this.compare('r3', type);
      this.jumpIf('notEqual', `not ${type}`);
      this.copy(register, 'r4');
      this.label(`not ${type}`);
    }
    this.compare('r3', 0);
    this.jumpIf('notEqual', 'auxv');
    this.push('r0');
    this.push('r1');
    return 2;
  }
}
