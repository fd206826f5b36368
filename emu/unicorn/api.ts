/**
 * What all Unicorn engines have in common: constants, errors, and the methods that the CPU (backend.ts) calls, under the names
 * of unicorn.js.
 *
 * Different from unicorn.js, because the guest is always 32 bits wide: addresses are one number, in hooks, too.
 * Added: reg_read_batch and reg_write_batch.
 *
 * Constants follow include/unicorn/unicorn.h and arm.h, version 2.0.1.
 */

export const ARCH_ARM = 1;
export const MODE_ARM = 0;
export const MODE_THUMB = 1 << 4;

export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const PROT_EXEC = 4;
export const PROT_ALL = 7;

export const HOOK_INTR = 1;
export const HOOK_CODE = 4;
export const HOOK_BLOCK = 8;
export const HOOK_MEM_READ_UNMAPPED = 1 << 4;
export const HOOK_MEM_WRITE_UNMAPPED = 1 << 5;
export const HOOK_MEM_FETCH_UNMAPPED = 1 << 6;
export const HOOK_MEM_READ_PROT = 1 << 7;
export const HOOK_MEM_WRITE_PROT = 1 << 8;
export const HOOK_MEM_FETCH_PROT = 1 << 9;
export const HOOK_MEM_READ = 1 << 10;
export const HOOK_MEM_WRITE = 1 << 11;
/** Events a hook answers: true means "mapped now, try again". */
export const HOOK_MEM_INVALID = 0x3f0;

export const MEM_READ = 16;
export const MEM_WRITE = 17;
export const MEM_FETCH = 18;

export const ERR_OK = 0;
export const ERR_READ_UNMAPPED = 6;
export const ERR_WRITE_UNMAPPED = 7;
export const ERR_FETCH_UNMAPPED = 8;
export const ERR_INSN_INVALID = 10;
export const ERR_EXCEPTION = 21;

export const ARM_REG_APSR = 1;
export const ARM_REG_APSR_NZCV = 2;
export const ARM_REG_CPSR = 3;
export const ARM_REG_FPEXC = 4;
export const ARM_REG_FPSCR = 6;
export const ARM_REG_LR = 10;
export const ARM_REG_PC = 11;
export const ARM_REG_SP = 12;
/** d0..d31, q0..q15, r0..r12 and s0..s31 follow each other. */
export const ARM_REG_D0 = 14;
export const ARM_REG_Q0 = 50;
export const ARM_REG_R0 = 66;
export const ARM_REG_S0 = 79;
/** CPACR, TPIDRURO. */
export const ARM_REG_C1_C0_2 = 111;
export const ARM_REG_C13_C0_3 = 113;
/** A coprocessor register; its value is a struct uc_arm_cp_reg (see cpRegister). */
export const ARM_REG_CP_REG = 139;

/** A call of the library that failed. */
export class UnicornError extends Error {
  /** ERR_*. */
  readonly code: number;
  constructor(call: string, code: number, text: string) {
    super(`${call}: ${text}`);
    this.name = 'UnicornError';
    this.code = code;
  }
}

/** There is no such engine on this machine; the message is one line and says what to do. */
export class UnicornMissing extends Error {
  constructor(what: string, fix: string) {
    super(`Unicorn cannot be used: ${what} (${fix})`);
    this.name = 'UnicornMissing';
  }
}

export type InterruptCallback = (engine: Engine, intno: number, userData: unknown) => void;
export type CodeCallback = (engine: Engine, address: number, size: number, userData: unknown) => void;
/** For HOOK_MEM_*_UNMAPPED and _PROT the answer true means that the access may be tried again. */
export type MemoryCallback = (
  engine: Engine,
  type: number,
  address: number,
  size: number,
  value: bigint,
  userData: unknown,
) => boolean | undefined;

export interface Hook {
  readonly handle: bigint | number;
  readonly callback: bigint | number;
}

/**
 * Registers read or written together: value i lies in `values`, at `offsets[i]`. A fixed place in memory of ours, so that
 * one call can move all of them.
 */
export class RegisterBatch {
  readonly values: DataView;
  readonly bytes: Uint8Array;
  readonly ids: Int32Array;
  /** In bytes. */
  readonly sizes: readonly number[];
  readonly offsets: readonly number[];

  /** `sizes` in bytes, in the order of `ids`; offsets are multiples of 8. */
  constructor(ids: readonly number[], sizes: readonly number[]) {
    this.ids = Int32Array.from(ids);
    this.sizes = sizes;
    const offsets: number[] = [];
    let length = 0;
    for (const size of sizes) {
      offsets.push(length);
      length += (size + 7) & ~7;
    }
    this.offsets = offsets;
    this.bytes = new Uint8Array(new SharedArrayBuffer(length));
    this.values = new DataView(this.bytes.buffer);
  }
}

/** An emulator. Every method throws UnicornError when the engine refuses. Not usable after close(). */
export interface Engine {
  /** Memory hooks are called before the MMU is asked (2.0), not after it has allowed the access. */
  readonly hooksFirst: boolean;
  /** A register of a coprocessor (ARM_REG_CP_REG) can be read. */
  readonly readsCoprocessors: boolean;
  close(): void;
  mem_map(address: number, size: number, perms: number): void;
  mem_read(address: number, size: number): Uint8Array;
  mem_write(address: number, bytes: Uint8Array): void;
  reg_read(regid: number, size: number): Uint8Array;
  reg_write(regid: number, bytes: Uint8Array): void;
  /** As an unsigned number. */
  reg_read_i32(regid: number): number;
  reg_write_i32(regid: number, value: number): void;
  reg_read_batch(batch: RegisterBatch): void;
  reg_write_batch(batch: RegisterBatch): void;
  /**
   * Runs from `begin` (bit 0 set: Thumb) until the PC is `until` (bit 0 clear), or `count` instructions have been run (0: no
   * limit; the timeout in microseconds too). Code translated while no count was given is not counted later: always give one, or
   * never. What a hook throws stops the guest and is thrown here.
   */
  emu_start(begin: number, until: number, timeout: number, count: number): void;
  emu_stop(): void;
  hook_add(type: typeof HOOK_INTR, callback: InterruptCallback, userData?: unknown): Hook;
  hook_add(
    type: typeof HOOK_CODE | typeof HOOK_BLOCK,
    callback: CodeCallback,
    userData?: unknown,
    begin?: number,
    end?: number,
  ): Hook;
  hook_add(type: number, callback: MemoryCallback, userData?: unknown, begin?: number, end?: number): Hook;
  hook_del(hook: Hook): void;
}

/** Where the value of a coprocessor register lies in its struct uc_arm_cp_reg, and the length of that. */
export const CP_REG_VALUE = 32;
export const CP_REG_SIZE = 40;

/**
 * A struct uc_arm_cp_reg for a 32-bit register of CP15, with the value 0, written into `into` at `offset`. crn, crm, opc1, opc2
 * as in MRC; of the two banks the one Unicorn runs with (sec = 0).
 */
export function cpRegister(
  into: DataView,
  offset: number,
  crn: number,
  crm: number,
  opc1: number,
  opc2: number,
): void {
  const words = [15, 0, 0, crn, crm, opc1, opc2, 0, 0, 0];
  for (const [i, word] of words.entries()) into.setUint32(offset + i * 4, word, true);
}
