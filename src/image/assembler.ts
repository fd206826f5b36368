/**
 * A few instructions that both host architectures have, and what the launcher is written against, so that it is written once
 * (launcher.ts).
 *
 * All registers hold 64 bits. `w` points at what is pushed. A system call takes its arguments from `a0`..`a2`, gives its result
 * in `a0` and leaves all others as they are.
 */
export type Register = 'w' | 'a0' | 'a1' | 'a2' | 'r0' | 'r1' | 'r2' | 'r3' | 'r4' | 'r5' | 'r6';
/** Of unsigned comparisons. */
export type Condition = 'equal' | 'notEqual' | 'aboveOrEqual' | 'below';
export type SystemCall = 'write' | 'execve' | 'exit' | 'sched_getaffinity';

export abstract class Assembler {
  /** EM_* of the architecture. */
  abstract readonly machine: number;
  protected readonly bytes: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #fixups: { at: number; label: string; patch: (distance: number) => void }[] = [];

  label(name: string): void {
    this.#labels.set(name, this.bytes.length);
  }
  /** Bytes that are no instruction, at an address that words can be read from. */
  data(label: string, bytes: Uint8Array): void {
    this.align();
    this.label(label);
    this.bytes.push(...bytes);
  }
  align(): void {
    while (this.bytes.length % 8 !== 0) this.bytes.push(0);
  }
  text(label: string, text: string): void {
    this.data(label, Buffer.from(`${text}\0`));
  }
  /** The code with all labels resolved. */
  finish(): Uint8Array {
    for (const { at, label, patch } of this.#fixups) {
      const target = this.#labels.get(label);
      if (target === undefined) throw new Error(`no label ${label}`);
      patch(target - at);
    }
    return Uint8Array.from(this.bytes);
  }
  /** `patch` is called in the end with the distance from here to the label. */
  protected refer(label: string, patch: (distance: number) => void): void {
    this.#fixups.push({ at: this.bytes.length, label, patch });
  }
  protected patch32(at: number, value: number): void {
    for (let i = 0; i < 4; i++) this.bytes[at + i] = (value >>> (8 * i)) & 0xff;
  }

  /** First instruction: `w` becomes the stack pointer that the kernel gave. */
  abstract begin(): void;
  abstract set(to: Register, value: number): void;
  abstract address(to: Register, label: string): void;
  abstract copy(to: Register, from: Register): void;
  abstract add(to: Register, value: number): void;
  abstract addRegister(to: Register, other: Register): void;
  abstract and(to: Register, other: Register): void;
  abstract xor(to: Register, value: number): void;
  abstract load(to: Register, base: Register, offset: number): void;
  abstract load8(to: Register, base: Register, offset: number): void;
  abstract store8(base: Register, offset: number, from: Register): void;
  abstract push(from: Register): void;
  abstract compare(a: Register, value: number): void;
  abstract compareRegisters(a: Register, b: Register): void;
  abstract jump(label: string): void;
  abstract jumpIf(condition: Condition, label: string): void;
  abstract systemCall(name: SystemCall): void;
  /**
   * Pushes words that say what the processor can do, in as far as V8 looks at it, and gives their number. `auxv` points at the
   * auxiliary vector. Other registers but `w` are lost.
   */
  abstract pushProcessor(auxv: Register): number;
}
