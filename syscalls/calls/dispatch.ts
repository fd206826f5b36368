/**
 * From SVC to handler and back: looks the call up by r7, runs it, puts the result into r0, and does what is due on the way back
 * to the guest. The common case, a call that completes with no signal pending, makes no objects.
 */
import { ERRNO, Errno } from '../abi/errno.ts';
import { ARM_NR_BASE, SYSCALL_NAMES } from '../abi/unistd.ts';
import { SYSTEM_SAMPLE, sampledTime } from '../kernel/cpu-use.ts';
import type { CallRunner, Kernel } from '../kernel/kernel.ts';
import { eventStop, syscallStop } from '../kernel/ptrace.ts';
import { interruptCall } from '../kernel/signal-delivery.ts';
import { BLOCKED, Restart, type Task } from '../kernel/task.ts';
import type { Call } from './declare.ts';
import { callText, type Strace } from './strace.ts';

/** What a call costs in back-edges: some microseconds. */
const CALL_FUEL = 50;

/** What a tracer sees in r0 of an interrupted call (include/linux/errno.h). */
const RESTART_CODES = {
  ERESTARTSYS: 512,
  ERESTARTNOINTR: 513,
  ERESTARTNOHAND: 514,
  ERESTART_RESTARTBLOCK: 516,
} as const;

/** How a call went when it did not give a number. */
type Outcome = number | typeof BLOCKED | Restart;

export class Dispatcher implements CallRunner {
  readonly #table: (Call | undefined)[] = [];
  readonly #private: (Call | undefined)[] = [];
  #kernel: Kernel | undefined;
  #strace: Strace | undefined;
  readonly #unknown = new Set<number>();

  constructor(calls: readonly Call[]) {
    for (const call of calls) {
      const [table, index] = this.#slot(call.number);
      if (table[index])
        throw new Error(`two calls of number ${call.number}: ${table[index].name}, ${call.name}`);
      table[index] = call;
    }
  }

  /** The kernel it serves; with a log, every call is printed. */
  attach(kernel: Kernel, strace: Strace | undefined): void {
    this.#kernel = kernel;
    this.#strace = strace;
  }

  #slot(number: number): [(Call | undefined)[], number] {
    return number >= ARM_NR_BASE ? [this.#private, number - ARM_NR_BASE] : [this.#table, number];
  }

  find(number: number): Call | undefined {
    return number >= ARM_NR_BASE ? this.#private[number - ARM_NR_BASE] : this.#table[number];
  }

  enter(t: Task): boolean {
    t.syscalls++;
    // A program that does nothing but calls uses up its time slice too.
    t.cpu.fuel -= CALL_FUEL;
    t.originalR0 = t.cpu.r[0]!;
    if (t.trace?.syscalls) return syscallStop(t, 'entry', () => this.#afterEntry(t));
    return this.#run(t, t.cpu.ru[7]!, true);
  }

  /** The tracer has seen the call, and may have changed it; the number -1 means none at all, with r0 as it left it. */
  #afterEntry(t: Task): boolean {
    if (t.cpu.r[7] === -1) return this.#leave(t);
    return this.#run(t, t.cpu.ru[7]!, true);
  }

  again(t: Task): boolean {
    return this.#run(t, t.sleepingCall, false);
  }

  #run(t: Task, number: number, first: boolean): boolean {
    const call = number >= ARM_NR_BASE ? this.#private[number - ARM_NR_BASE] : this.#table[number];
    if (call === undefined) return this.#missing(t, number);
    if (this.#strace !== undefined && first) this.#strace.enter(t, call);
    const { r } = t.cpu;
    let outcome: Outcome;
    const measured = t.syscalls % SYSTEM_SAMPLE === 0;
    const began = measured ? performance.now() : 0;
    try {
      outcome = call.invoke(t, r);
    } catch (e) {
      if (e instanceof Errno) outcome = -e.errno;
      else if (e === BLOCKED || e instanceof Restart) outcome = e;
      else {
        if (t.cpu.r !== r) throw e; // exec has passed its point of no return: there is no program to tell
        outcome = this.#failed(t, call, e);
      }
    }
    if (measured) t.systemTime += sampledTime(performance.now() - began);
    if (outcome === BLOCKED) {
      t.sleepingCall = number;
      // A vfork's event comes before the waiting it begins.
      if (t.traceEvent !== undefined) {
        t.stopWaiting();
        return this.#tellEvent(t, () => this.again(t));
      }
      return false;
    }
    if (t.callState !== undefined || t.sleepingCall >= 0) t.endCall();
    if (outcome instanceof Restart) {
      this.#strace?.interrupted(t, call, outcome);
      interruptCall(t, outcome.kind);
      if (t.trace?.syscalls) t.cpu.r[0] = -RESTART_CODES[outcome.kind];
      return this.#leave(t);
    }
    // exec and sigreturn have put new registers into place: t.cpu, not the one of before.
    if (t.state !== 'dead') t.cpu.r[0] = outcome;
    this.#strace?.leave(t, call, outcome);
    if (t.savedBlocked !== undefined && outcome !== -ERRNO.EINTR) {
      const saved = t.savedBlocked;
      t.savedBlocked = undefined;
      t.setBlocked(saved);
    }
    return this.#leave(t);
  }

  /** A bug of armrun's in a handler: said once, and the call has failed, as one that met a broken device. */
  #failed(t: Task, call: Call, error: unknown): number {
    t.stopWaiting();
    const where = `${callText(t, call)} of ${t.comm} (${t.process.pid}), which gets EIO`;
    this.#kernel!.failed(call.name, error, where);
    return -ERRNO.EIO;
  }

  /** The way back to the guest, past the tracer. */
  #leave(t: Task): boolean {
    if (t.trace !== undefined && t.state === 'runnable') {
      if (t.traceEvent !== undefined) return this.#tellEvent(t, () => this.#leave(t));
      if (t.trace.syscalls) return syscallStop(t, 'exit', () => this.#kernel!.returnToUser(t));
    }
    return !t.notify || this.#kernel!.returnToUser(t);
  }

  #tellEvent(t: Task, then: () => boolean): boolean {
    const { event, message } = t.traceEvent!;
    t.traceEvent = undefined;
    return eventStop(t, event, message, then);
  }

  #missing(t: Task, number: number): boolean {
    if (!this.#unknown.has(number)) {
      this.#unknown.add(number);
      this.#kernel!.warn(
        `system call ${number} (${SYSCALL_NAMES.get(number) ?? 'unknown'}) is not implemented`,
      );
    }
    this.#strace?.missing(t, number);
    t.cpu.r[0] = -ERRNO.ENOSYS;
    return this.#leave(t);
  }
}
