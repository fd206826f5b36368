/**
 * The one scheduler: runs all tasks of all processes, round robin, each until it waits, ends, or has used its time slice. Between
 * slices it lets Node's event loop turn, so that timers, terminals, sockets and pipes of the host can wake queues. When nothing
 * is runnable it sleeps in the event loop and uses no CPU.
 *
 * Invariant: a runnable task of a process that is not stopped is in the queue exactly once, or is `current`.
 */
import type { Kernel } from './kernel.ts';
import type { Task } from './task.ts';

/** Back-edges and calls between two looks at the clock: as many as take about CHECK_MS with the CPU at hand. */
const FIRST_FUEL = 10_000;
const LEAST_FUEL = 500;
const MOST_FUEL = 1_000_000;
const CHECK_MS = 1;
/** Milliseconds a task may run while others wait, and between two turns of the event loop. */
const SLICE_MS = 8;
/** Below this many milliseconds a sleep is done by the thread itself: the event loop's timers are coarser. */
const FINE_SLEEP_MS = 1.5;
const LONGEST_TIMEOUT = 2 ** 30;
/**
 * From as many milliseconds on the host is asked how much of them was CPU time: it may have run others meanwhile. (To ask costs
 * more than a look at the clock.)
 */
const DOUBTFUL_MS = 1;

export class Scheduler {
  readonly #kernel: Kernel;
  #queue: Task[] = [];
  #queued = new Set<Task>();
  /** How often another task has got its turn. */
  switches = 0;
  /** The task whose code or system call runs now. */
  current: Task | undefined;
  #fuel = FIRST_FUEL;
  /** What the current task was given last. */
  #given = 0;
  #lastCheck = 0;
  #sliceEnd = 0;
  /** Up to when the CPU time of `current` has been counted. */
  #countedUntil = 0;
  /**
   * CPU milliseconds of this thread of the host when they were last asked for, and how many were counted without asking since.
   */
  #hostCpu = hostCpuTime();
  #believed = 0;
  #wakeIdle: (() => void) | undefined;
  /** What the run is to end by. */
  #failure: { error: unknown } | undefined;
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Makes a runnable task wait for its turn. */
  enqueue(t: Task): void {
    if (t.process.stopped || t === this.current || this.#queued.has(t)) return;
    this.#queued.add(t);
    this.#queue.push(t);
    this.#wakeIdle?.();
  }

  /** Takes a task out (it ended, or its process stopped). */
  dequeue(t: Task): void {
    if (!this.#queued.delete(t)) return;
    this.#queue.splice(this.#queue.indexOf(t), 1);
  }

  /** Whether others wait for their turn. */
  get contended(): boolean {
    return this.#queue.length > 0;
  }

  /** Makes `run` throw this. */
  end(error: unknown): void {
    this.#failure ??= { error };
    this.#wakeIdle?.();
  }

  /** Runs until `done` answers true. */
  async run(done: () => boolean): Promise<void> {
    const { timers } = this.#kernel;
    let lastTurn = this.#kernel.now();
    while (!done()) {
      if (this.#failure !== undefined) throw this.#failure.error;
      const now = this.#kernel.now();
      if (timers.next <= now) timers.expire(now);
      const t = this.#queue.shift();
      if (t === undefined) {
        await this.#idle();
        lastTurn = this.#turned();
        continue;
      }
      this.#queued.delete(t);
      this.#runSlice(t, now);
      if (this.#kernel.now() - lastTurn >= SLICE_MS) {
        await eventLoop();
        lastTurn = this.#turned();
      }
    }
  }

  /** The event loop has turned: who knows what others have done meanwhile. Gives the time. */
  #turned(): number {
    this.#kernel.vfs.passed.turned();
    return this.#kernel.now();
  }

  #runSlice(t: Task, now: number): void {
    this.current = t;
    t.ns.mnt.enter();
    this.#countedUntil = now;
    this.#sliceEnd = now + SLICE_MS;
    this.#lastCheck = now;
    this.#refuel(t);
    try {
      if (this.#kernel.resume(t)) t.run();
    } catch (error) {
      this.#kernel.crash(t, 'running', error);
    } finally {
      this.#burned(t);
      this.#countCpu(t);
      this.#countSwitch(t);
      this.current = undefined;
      this.#checkCpuTimers(t);
      this.#kernel.runDeferred();
    }
    if (t.state === 'runnable') this.enqueue(t);
  }

  /** The hook of the CPU: true when the task may go on. */
  preempt(t: Task): boolean {
    const kernel = this.#kernel;
    this.#burned(t);
    const now = kernel.now();
    const waiting = this.#queue.length;
    if (kernel.timers.next <= now) kernel.timers.expire(now);
    this.#checkCpuTimers(t);
    if (t.notify && !kernel.returnToUser(t)) return false;
    // Who wakes from a sleep does not wait for the rest of the slice, as with Linux's preemption by who wakes (sched(7)).
    if (this.#queue.length > waiting) return false;
    // The event loop must turn, even when no other task waits.
    if (now >= this.#sliceEnd) return false;
    const elapsed = now - this.#lastCheck;
    this.#lastCheck = now;
    if (elapsed < CHECK_MS / 2) this.#fuel = Math.min(MOST_FUEL, this.#fuel * 2);
    else if (elapsed > CHECK_MS * 2) this.#fuel = Math.max(LEAST_FUEL, this.#fuel >> 1);
    this.#refuel(t);
    return true;
  }

  #refuel(t: Task): void {
    this.#given = t.cpu.fuel = this.#fuel;
  }

  /** Has the time pass for the fuel that a task has used. */
  #burned(t: Task): void {
    this.#kernel.options.clock?.ran(this.#given - t.cpu.fuel);
    this.#given = t.cpu.fuel;
  }

  /** The task that runs gives up its turn (sched_yield): it goes on when the others have had theirs. */
  yield(): void {
    const t = this.current!;
    if (!this.contended) return;
    t.leaveCpu = true;
    t.notify = true;
  }

  #checkCpuTimers(t: Task): void {
    const { armedCpuTimers } = t.process;
    if (armedCpuTimers.size === 0) return;
    for (const timer of armedCpuTimers) this.#kernel.attempt('a CPU timer', () => timer.check());
  }

  /** CPU time of a task up to now, its running slice included (milliseconds). */
  cpuTime(t: Task): number {
    if (t === this.current) this.#countCpu(t);
    return t.cpuTime;
  }

  /** Counts what the running task has used since it was last done. */
  #countCpu(t: Task): void {
    const now = this.#kernel.now();
    let used = now - this.#countedUntil;
    this.#countedUntil = now;
    if (used < DOUBTFUL_MS || this.#kernel.options.clock !== undefined) {
      this.#believed += used;
    } else {
      const cpu = hostCpuTime();
      used = Math.min(used, Math.max(0, cpu - this.#hostCpu - this.#believed));
      this.#hostCpu = cpu;
      this.#believed = 0;
    }
    t.cpuTime += used;
  }

  #countSwitch(t: Task): void {
    if (t.state !== 'runnable') t.switches.voluntary++;
    else if (this.contended) t.switches.involuntary++;
    else return;
    this.switches++;
  }

  /** Waits for the next deadline or for a host event that makes a task runnable. */
  async #idle(): Promise<void> {
    const { timers, options } = this.#kernel;
    if (timers.next < Infinity) options.clock?.sleepUntil(timers.next);
    const wait = timers.next - this.#kernel.now();
    if (wait <= 0) return;
    if (wait < FINE_SLEEP_MS) {
      Atomics.wait(this.#cell, 0, 0, wait);
      await eventLoop();
      return;
    }
    await new Promise<void>((resolve) => {
      // The timer also keeps Node from ending while all tasks wait for nothing.
      const timer = setTimeout(resolve, Math.min(wait - 0.5, LONGEST_TIMEOUT));
      this.#wakeIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wakeIdle = undefined;
  }
}

/** CPU milliseconds that this thread has used. */
function hostCpuTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** One turn of Node's event loop. */
function eventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => resolve()));
}
