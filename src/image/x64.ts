/** The launcher's instructions for x86-64 (Intel SDM, volume 2). Memory operands always have a 32-bit displacement. */
import { Assembler, type Condition, type Register, type SystemCall } from './assembler.ts';

/** `r0`..`r6` are none of those that CPUID or SYSCALL changes. */
const NUMBER: Record<Register | 'rax', number> = {
  rax: 0,
  w: 4, // rsp
  a0: 7, // rdi
  a1: 6, // rsi
  a2: 2, // rdx
  r0: 5, // rbp
  r1: 8,
  r2: 9,
  r3: 10,
  r4: 12,
  r5: 13,
  r6: 14,
};
const JUMP: Record<Condition, number> = { equal: 0x84, notEqual: 0x85, aboveOrEqual: 0x83, below: 0x82 };
const SYSTEM_CALL: Record<SystemCall, number> = { write: 1, execve: 59, exit: 60, sched_getaffinity: 204 };

/**
 * Leaves of CPUID that V8 decides by (src/codegen/x64/assembler-x64.cc), and which of eax, ebx, ecx, edx of each. EBX of leaf 1
 * tells cores apart.
 */
const CPUID: [leaf: number, subleaf: number, registers: number[]][] = [
  [0, 0, [3, 1, 2]],
  [1, 0, [0, 2, 1]],
  [7, 0, [3, 1, 2]],
  [7, 1, [0]],
  [0x8000_0001, 0, [1, 2]],
];

export class X64Assembler extends Assembler {
  override readonly machine = 62;

  #emit(...bytes: number[]): void {
    this.bytes.push(...bytes);
  }
  #imm32(value: number): void {
    for (let i = 0; i < 4; i++) this.bytes.push((value >> (8 * i)) & 0xff);
  }
  /** REX.W, opcode and a register in ModRM.rm; `reg` is the other register or the opcode's extension. */
  #direct(opcode: number, reg: number, rm: number): void {
    this.#emit(0x48 | ((reg >> 3) << 2) | (rm >> 3), opcode, 0xc0 | ((reg & 7) << 3) | (rm & 7));
  }
  #memory(opcode: number[], reg: Register, base: Register, offset: number): void {
    const [r, b] = [NUMBER[reg], NUMBER[base]];
    this.#emit(0x48 | ((r >> 3) << 2) | (b >> 3), ...opcode, 0x80 | ((r & 7) << 3) | (b & 7));
    if ((b & 7) === 4) this.#emit(0x24);
    this.#imm32(offset);
  }
  #relative(label: string): void {
    const at = this.bytes.length;
    this.refer(label, (distance) => this.patch32(at, distance - 4));
    this.#imm32(0);
  }

  override begin(): void {}
  override set(to: Register | 'rax', value: number): void {
    this.#direct(0xc7, 0, NUMBER[to]);
    this.#imm32(value);
  }
  override address(to: Register, label: string): void {
    const r = NUMBER[to];
    this.#emit(0x48 | ((r >> 3) << 2), 0x8d, ((r & 7) << 3) | 5);
    this.#relative(label);
  }
  override copy(to: Register | 'rax', from: Register | 'rax'): void {
    this.#direct(0x89, NUMBER[from], NUMBER[to]);
  }
  override add(to: Register, value: number): void {
    this.#direct(0x81, 0, NUMBER[to]);
    this.#imm32(value);
  }
  override addRegister(to: Register, other: Register): void {
    this.#direct(0x01, NUMBER[other], NUMBER[to]);
  }
  override and(to: Register, other: Register): void {
    this.#direct(0x21, NUMBER[other], NUMBER[to]);
  }
  override xor(to: Register, value: number): void {
    this.#direct(0x81, 6, NUMBER[to]);
    this.#imm32(value);
  }
  override load(to: Register, base: Register, offset: number): void {
    this.#memory([0x8b], to, base, offset);
  }
  override load8(to: Register, base: Register, offset: number): void {
    this.#memory([0x0f, 0xb6], to, base, offset);
  }
  override store8(base: Register, offset: number, from: Register): void {
    this.#memory([0x88], from, base, offset);
  }
  override push(from: Register): void {
    const r = NUMBER[from];
    this.#emit(0x40 | (r >> 3), 0x50 | (r & 7));
  }
  override compare(a: Register, value: number): void {
    this.#direct(0x81, 7, NUMBER[a]);
    this.#imm32(value);
  }
  override compareRegisters(a: Register, b: Register): void {
    this.#direct(0x39, NUMBER[b], NUMBER[a]);
  }
  override jump(label: string): void {
    this.#emit(0xe9);
    this.#relative(label);
  }
  override jumpIf(condition: Condition, label: string): void {
    this.#emit(0x0f, JUMP[condition]);
    this.#relative(label);
  }
  override systemCall(name: SystemCall): void {
    this.set('rax', SYSTEM_CALL[name]);
    this.#emit(0x0f, 0x05);
    this.copy('a0', 'rax');
  }

  override pushProcessor(): number {
    let words = 0;
    for (const [leaf, subleaf, registers] of CPUID) {
      this.#emit(0xb8); // mov eax, leaf
      this.#imm32(leaf);
      this.#emit(0xb9); // mov ecx, subleaf
      this.#imm32(subleaf);
      this.#emit(0x0f, 0xa2); // cpuid
      for (const register of registers) this.#emit(0x50 | register);
      words += registers.length;
      if (leaf !== 1) continue;
      // XCR0, which registers the kernel keeps; when it uses XSAVE, which bit 27 of ECX says.
      this.#emit(0x0f, 0xba, 0xe1, 27); // bt ecx, 27
      this.#emit(0xb8, 0, 0, 0, 0); // mov eax, 0
      this.#emit(0x73, 5); // jnc over the next two
      this.#emit(0x31, 0xc9, 0x0f, 0x01, 0xd0); // xor ecx, ecx; xgetbv
      this.#emit(0x50);
      words++;
    }
    return words;
  }
}
