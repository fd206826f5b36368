/**
 * The registers of a thread between its CpuState and a Unicorn engine, all in one call each way.
 */
import { type CpuState, OFF } from '../cpu-state.ts';
import {
  ARM_REG_C13_C0_3,
  ARM_REG_CP_REG,
  ARM_REG_CPSR,
  ARM_REG_D0,
  ARM_REG_FPSCR,
  ARM_REG_LR,
  ARM_REG_PC,
  ARM_REG_R0,
  ARM_REG_SP,
  CP_REG_SIZE,
  CP_REG_VALUE,
  cpRegister,
  type Engine,
  RegisterBatch,
} from './api.ts';

const R_IDS = [...Array.from({ length: 13 }, (_, n) => ARM_REG_R0 + n), ARM_REG_SP, ARM_REG_LR];
const D_IDS = Array.from({ length: 32 }, (_, n) => ARM_REG_D0 + n);

/** Written and read: CPSR first, as it says whose r13 and r14 are meant. The PC is only read: emu_start writes it. */
const IDS = [ARM_REG_CPSR, ...R_IDS, ARM_REG_FPSCR, ARM_REG_C13_C0_3, ...D_IDS, ARM_REG_CP_REG];

/** Offsets in 8-byte units. */
const AT = { cpsr: 0, r: 1, fpscr: 16, tls: 17, d: 18, tpidrurw: 50 } as const;

export class Registers {
  readonly #engine: Engine;
  readonly #batch: RegisterBatch;
  readonly #words: Uint32Array;
  readonly #d: BigUint64Array;
  readonly #tpidrurw = AT.tpidrurw * 2 + CP_REG_VALUE / 4;

  constructor(engine: Engine) {
    this.#engine = engine;
    const sizes = IDS.map((id) => (id === ARM_REG_CP_REG ? CP_REG_SIZE : 8));
    this.#batch = new RegisterBatch(IDS, sizes);
    const { buffer } = this.#batch.bytes;
    this.#words = new Uint32Array(buffer);
    this.#d = new BigUint64Array(buffer, AT.d * 8, 32);
    cpRegister(this.#batch.values, AT.tpidrurw * 8, 13, 0, 0, 2);
  }

  /** What was last read or loaded goes into the engine again. */
  write(): void {
    this.#engine.reg_write_batch(this.#batch);
  }

  /** Out of the engine, to be written again. */
  read(): void {
    this.#engine.reg_read_batch(this.#batch);
  }

  /** Into the engine; all but the PC. */
  load(cpu: CpuState): void {
    const w = this.#words;
    w[AT.cpsr * 2] = cpu.cpsr;
    for (let n = 0; n < 15; n++) w[(AT.r + n) * 2] = cpu.ru[n]!;
    w[AT.fpscr * 2] = cpu.fpscr;
    w[AT.tls * 2] = cpu.tls;
    this.#d.set(cpu.d);
    w[this.#tpidrurw] = cpu.u32[OFF.tpidrurw >> 2]!;
    this.write();
  }

  /** Out of the engine, with the PC. Whether the exclusive monitor is armed cannot be read: it is given as not armed. */
  store(cpu: CpuState): void {
    this.read();
    const w = this.#words;
    cpu.cpsr = w[AT.cpsr * 2]!;
    for (let n = 0; n < 15; n++) cpu.ru[n] = w[(AT.r + n) * 2]!;
    cpu.ru[15] = this.#engine.reg_read_i32(ARM_REG_PC) & ~1;
    cpu.fpscr = w[AT.fpscr * 2]!;
    cpu.d.set(this.#d);
    cpu.u32[OFF.tpidrurw >> 2] = w[this.#tpidrurw]!;
    cpu.clearExclusive();
  }
}
