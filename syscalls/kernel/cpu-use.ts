/** CPU time in milliseconds: of the program, and of the kernel at work for it. */
export interface CpuUse {
  readonly user: number;
  readonly system: number;
}

/** How often a task has left the CPU: to wait, or because it was the turn of others. */
export class Switches {
  voluntary = 0;
  involuntary = 0;

  add({ voluntary, involuntary }: Switches): void {
    this.voluntary += voluntary;
    this.involuntary += involuntary;
  }
}

/**
 * Splits a CPU time by how much of it was the kernel's, as far as that is known: it is sampled (SYSTEM_SAMPLE), so the parts are
 * made to add up and never to go back (cputime_adjust of kernel/sched/cputime.c).
 */
export class CpuSplit {
  #user = 0;
  #system = 0;

  /** @param total exact @param sampled of the kernel, about */
  of(total: number, sampled: number): CpuUse {
    const more = total - this.#user - this.#system;
    if (more > 0) {
      // On a busy machine samples take in what the host did meanwhile: a program that makes calls only has some time of its
      // own, too.
      const user = Math.max(total - sampled, this.#user + more * LEAST_USER);
      this.#user = Math.min(user, this.#user + more);
      this.#system = total - this.#user;
    }
    return { user: this.#user, system: this.#system };
  }
}

/** The part of its time that a program has itself at least. */
const LEAST_USER = 1 / 16;

/** One call of so many is measured, and stands for them. */
export const SYSTEM_SAMPLE = 16;
/** What is beyond so many milliseconds is mostly the host at work for others, or a collection of garbage: it does not count. */
const USUAL_MS = 0.25;

/** CPU milliseconds that a measured call stands for. */
export function sampledTime(milliseconds: number): number {
  return SYSTEM_SAMPLE * Math.min(milliseconds, USUAL_MS);
}
