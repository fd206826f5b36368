/**
 * What a CPU does with its time, when that is to be told (`--stats`): by tier and by thread, and what compiled code leaves to
 * another tier.
 */

export interface TierWork {
  instructions: number;
  /** Milliseconds in its code, without decoding, translation and hooks. */
  ms: number;
}

export interface ThreadWork {
  decodeMs: number;
  translateMs: number;
}

export interface Work {
  /** By name of the tier. */
  readonly tiers: Record<string, TierWork>;
  /** By name of the thread: 'main', or a worker's. */
  readonly threads: Record<string, ThreadWork>;
  /** Modules of earlier runs that were used, and of these the ones that came with V8's code. */
  readonly kept: { modules: number; compiled: number };
  /** How often compiled code had another tier run an instruction, by the name of its row. */
  readonly steps: Record<string, number>;
  /** Milliseconds in CpuHooks: the kernel's. */
  hooksMs: number;
}

export function noWork(): Work {
  return { tiers: {}, threads: {}, kept: { modules: 0, compiled: 0 }, steps: {}, hooksMs: 0 };
}

export function addWork(to: Work, from: Work): void {
  for (const [name, { instructions, ms }] of Object.entries(from.tiers)) {
    const tier = (to.tiers[name] ??= { instructions: 0, ms: 0 });
    tier.instructions += instructions;
    tier.ms += ms;
  }
  for (const [name, { decodeMs, translateMs }] of Object.entries(from.threads)) {
    const thread = (to.threads[name] ??= { decodeMs: 0, translateMs: 0 });
    thread.decodeMs += decodeMs;
    thread.translateMs += translateMs;
  }
  to.kept.modules += from.kept.modules;
  to.kept.compiled += from.kept.compiled;
  for (const [name, count] of Object.entries(from.steps)) to.steps[name] = (to.steps[name] ?? 0) + count;
  to.hooksMs += from.hooksMs;
}

/**
 * Tells a thread's time apart: at each moment it is spent on one thing. Who begins another ends it with what `begin` gave, so
 * what lies inside is not counted to what is outside. Costs nothing when it is off.
 */
export class TimeSheet {
  readonly #isOn: boolean;
  readonly #clock: () => number;
  readonly #ms = new Map<string, number>();
  #now: string | null = null;
  #since = 0;

  /** `clock` gives milliseconds. */
  constructor(isOn: boolean, clock = () => performance.now()) {
    this.#isOn = isOn;
    this.#clock = clock;
  }

  /** From now on time goes to `what` (null: to nothing). Gives what it went to before. */
  begin(what: string | null): string | null {
    if (!this.#isOn) return null;
    const before = this.#now;
    const time = this.#clock();
    if (before !== null) this.#ms.set(before, this.of(before) + time - this.#since);
    this.#now = what;
    this.#since = time;
    return before;
  }

  end(before: string | null): void {
    this.begin(before);
  }

  /** Milliseconds spent on something. */
  of(what: string): number {
    return this.#ms.get(what) ?? 0;
  }

  /**
   * What the thread has done, given the instructions of each tier, which have their time under its name; the translating thread's
   * milliseconds, and Work.steps.
   */
  work(
    instructions: Readonly<Record<string, number>>,
    threadMs: number,
    rest: Pick<Work, 'kept' | 'steps'>,
  ): Work {
    const tiers = Object.entries(instructions).map(([tier, n]) => [
      tier,
      { instructions: n, ms: this.of(tier) },
    ]);
    return {
      tiers: Object.fromEntries(tiers),
      threads: {
        main: { decodeMs: this.of('decode'), translateMs: this.of('translate') },
        ...(threadMs > 0 && { translator: { decodeMs: 0, translateMs: threadMs } }),
      },
      ...rest,
      hooksMs: this.of('hooks'),
    };
  }

  /** An object whose methods, called, take time of `what`. */
  timed<T extends object>(object: T, what: string): T {
    if (!this.#isOn) return object;
    return new Proxy(object, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          const before = this.begin(what);
          try {
            return value.apply(target, args);
          } finally {
            this.end(before);
          }
        };
      },
    });
  }
}
