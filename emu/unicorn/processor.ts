/**
 * The processor inside an engine: its PC, code of our own that it runs in Supervisor mode, and what an instruction accesses.
 */
import type { Access } from '../memory/address-space.ts';
import { PAGE_SIZE, READ, WRITE } from '../memory/layout.ts';
import {
  ARM_REG_C1_C0_2,
  ARM_REG_CPSR,
  ARM_REG_FPEXC,
  ARM_REG_LR,
  ARM_REG_PC,
  ARM_REG_R0,
  ARM_REG_SP,
  type Engine,
  HOOK_CODE,
  HOOK_INTR,
  HOOK_MEM_READ,
  HOOK_MEM_WRITE,
  MEM_WRITE,
  PROT_ALL,
} from './api.ts';
import { CHUNK } from './guest-memory.ts';
import { exclusiveAccess } from './instruction.ts';
import { TABLES } from './page-tables.ts';
import { Registers } from './registers.ts';

/** Where emu_start is to stop: an address the guest can not execute. */
export const NOWHERE = 0xffff_fff0;

/** Code of our own, run in Supervisor mode at this physical and virtual address. */
export const STUBS = 0xf000_0000;
const SUPERVISOR = 0x1d3;
const USER = 0x10;

/** The words of the stubs, by name; r0 and r1 are the arguments, r2 and r3 are clobbered, too. */
const STUB = {
  /** r0 = TTBR0, r1 = DACR: turns the MMU on. */
  mmuOn: [
    0xee02_0f10, // mcr p15, 0, r0, c2, c0, 0
    0xee03_1f10, // mcr p15, 0, r1, c3, c0, 0
    0xee08_0f17, // mcr p15, 0, r0, c8, c7, 0   TLBIALL
    0xee11_2f10, // mrc p15, 0, r2, c1, c0, 0
    0xe382_2001, // orr r2, r2, #1              SCTLR.M
    0xee01_2f10, // mcr p15, 0, r2, c1, c0, 0
  ],
  mmuOff: [
    0xee11_2f10, // mrc p15, 0, r2, c1, c0, 0
    0xe3c2_2001, // bic r2, r2, #1
    0xee01_2f10, // mcr p15, 0, r2, c1, c0, 0
  ],
  /** Stores the words of r0..r1-1 where they are. */
  rewrite: [
    0xe590_2000, // ldr r2, [r0]
    0xe480_2004, // str r2, [r0], #4
    0xe150_0001, // cmp r0, r1
    0x1aff_fffb, // bne the first
  ],
  tpidrurw: [0xee1d_0f50], // mrc p15, 0, r0, c13, c0, 2
  clearExclusive: [0xf57f_f01f],
  ldrex: [0xe191_0f9f],
  ldrexd: [0xe1b1_2f9f],
  ldrexb: [0xe1d1_0f9f],
  ldrexh: [0xe1f1_0f9f],
} as const;
type StubName = keyof typeof STUB;

/** Instructions that one emu_start runs at the most. */
export const MAX_COUNT = 0x7fff_ffff;

/** A load or store of the guest's, as the engine makes it. */
export interface Accessed {
  readonly address: number;
  /** In bytes. */
  readonly size: number;
  /** READ or WRITE. */
  readonly access: Access;
}

export class Processor {
  readonly registers: Registers;
  /** QEMU's number of the exception that stopped the engine, or -1. */
  interrupt = -1;
  /** Instructions of the guest's that have been run, when they are counted. */
  instructions = 0;
  readonly #engine: Engine;
  /** The guest's memory. */
  readonly #view: DataView;
  readonly #stubs = new Map<StubName, number>();

  constructor(engine: Engine, view: DataView) {
    this.#engine = engine;
    this.#view = view;
    this.registers = new Registers(engine);
    this.#placeStubs();
  }

  /** Turns on what Linux turns on for programs, and has exceptions and instructions noted. To be called when there are tables. */
  start(counting: boolean): void {
    const engine = this.#engine;
    this.turnMmuOn();
    engine.reg_write_i32(ARM_REG_C1_C0_2, 0xf0_0000); // CPACR: cp10 and cp11
    engine.reg_write_i32(ARM_REG_FPEXC, 0x4000_0000); // EN
    engine.reg_write_i32(ARM_REG_CPSR, USER);
    engine.hook_add(HOOK_INTR, (uc, intno) => {
      this.interrupt = intno;
      uc.emu_stop();
    });
    if (counting) engine.hook_add(HOOK_CODE, () => void this.instructions++);
  }

  pc(): number {
    return (this.#engine.reg_read_i32(ARM_REG_PC) & ~1) >>> 0;
  }

  location(): number {
    return this.pc() | ((this.#engine.reg_read_i32(ARM_REG_CPSR) >>> 5) & 1);
  }

  #placeStubs(): void {
    const code = new Uint32Array(PAGE_SIZE / 4);
    let at = 0;
    for (const name of Object.keys(STUB) as StubName[]) {
      this.#stubs.set(name, STUBS + at * 4);
      code.set(STUB[name], at);
      at += STUB[name].length + 1;
    }
    this.#engine.mem_map(STUBS, CHUNK, PROT_ALL);
    this.#engine.mem_write(STUBS, new Uint8Array(code.buffer));
  }

  /** Runs code of our own in Supervisor mode. */
  stub(name: StubName, r0 = 0, r1 = 0): void {
    const begin = this.#stubs.get(name)!;
    this.#engine.reg_write_i32(ARM_REG_CPSR, SUPERVISOR);
    this.#engine.reg_write_i32(ARM_REG_R0, r0);
    this.#engine.reg_write_i32(ARM_REG_R0 + 1, r1);
    const instructions = this.instructions;
    this.interrupt = -1;
    this.#engine.emu_start(begin, begin + STUB[name].length * 4, 0, MAX_COUNT);
    if (this.interrupt !== -1) throw new Error(`exception ${this.interrupt} in ${name}`);
    this.instructions = instructions;
    this.#engine.reg_write_i32(ARM_REG_CPSR, USER);
  }

  tpidrurw(): number {
    this.stub('tpidrurw');
    return this.#engine.reg_read_i32(ARM_REG_R0);
  }

  turnMmuOn(): void {
    this.stub('mmuOn', TABLES, 1); // domain 0: client, descriptors are obeyed
  }

  /** Does something that clobbers registers while the engine has the guest's; `restore` gives them back to it. */
  aside<T>(body: (restore: () => void) => T): T {
    const location = this.location();
    this.registers.read();
    const restore = () => {
      this.registers.write();
      this.#engine.reg_write_i32(ARM_REG_PC, location);
    };
    const result = body(restore);
    restore();
    return result;
  }

  /**
   * The accesses that the instruction at the engine's PC, which ended in a data abort, tries. Unicorn 2.0 calls hooks before it
   * asks the MMU: the last one called is of the access that fails. Later versions ask first: there the instruction is run
   * without the MMU, and what it writes is taken back.
   */
  probe(): Accessed[] {
    const instructions = this.instructions;
    const accesses = this.#engine.hooksFirst ? this.#watched().slice(-1) : this.#probeWithoutMmu();
    this.instructions = instructions - 1; // the instruction will be counted when it is run for good
    return accesses;
  }

  #probeWithoutMmu(): Accessed[] {
    // Running it would use up the monitor.
    const exclusive = exclusiveAccess(this.#view, this.location());
    if (exclusive !== null) {
      const { n, offset, size, loads } = exclusive;
      const base = this.#engine.reg_read_i32(n === 13 ? ARM_REG_SP : n === 14 ? ARM_REG_LR : ARM_REG_R0 + n);
      return [{ address: (base + offset) >>> 0, size, access: loads ? READ : WRITE }];
    }
    const written: [address: number, bytes: Uint8Array][] = [];
    return this.aside((restore) => {
      this.stub('mmuOff');
      restore();
      const accesses = this.#watched((address, size) => {
        written.push([address, this.#engine.mem_read(address, size)]);
      });
      for (const [address, bytes] of written.reverse()) this.#engine.mem_write(address, bytes);
      this.turnMmuOn();
      return accesses;
    });
  }

  /** Runs the instruction at the engine's PC and takes down its accesses. */
  #watched(writing?: (address: number, size: number) => void): Accessed[] {
    const found: Accessed[] = [];
    const hook = this.#engine.hook_add(HOOK_MEM_READ | HOOK_MEM_WRITE, (_engine, type, address, size) => {
      found.push({ address, size, access: type === MEM_WRITE ? WRITE : READ });
      if (type === MEM_WRITE) writing?.(address, size);
      return undefined;
    });
    try {
      this.#engine.emu_start(this.location(), NOWHERE, 0, 1);
    } finally {
      this.#engine.hook_del(hook);
    }
    return found;
  }
}
