/**
 * PID namespaces (pid_namespaces(7); kernel/pid_namespace.c). The kernel knows its tasks by their numbers in the first one; a
 * task in another has a number in that, too, and in each above it. Each call translates what it is given and what it gives.
 */
import { fail } from '../abi/errno.ts';
import { RESERVED_PIDS } from '../abi/limits.ts';
import { firstNumber, Namespace } from '../vfs/core/namespace.ts';
import { FIRST_USER_NAMESPACE, type UserNamespace } from '../vfs/core/user-namespace.ts';
import type { Process } from './process.ts';

/** What stands for a number that is nobody's: more than kernel.pid_max can be. */
const NOBODY = 0x7fff_ffff;

export class PidNamespace extends Namespace {
  readonly parent: PidNamespace | undefined;
  readonly level: number;
  /** The kernel's ids by the numbers here, and the other way round; empty in the first one, where they are the same. */
  readonly #pids = new Map<number, number>();
  readonly #numbers = new Map<number, number>();
  #last = 0;
  /** Its process 1, to which orphans go, and with which it ends; undefined before there is one, and of the first. */
  init: Process | undefined;
  /** That has ended: there can be no more processes in it. */
  ended = false;

  constructor(parent?: PidNamespace, owner: UserNamespace = FIRST_USER_NAMESPACE) {
    super('pid', owner, parent ? undefined : firstNumber('pid'));
    this.parent = parent;
    this.level = parent ? parent.level + 1 : 0;
  }

  /** The number here of a kernel's id; 0 of what is not seen here (pid_nr_ns). */
  numberOf(pid: number): number {
    return this.parent ? (this.#numbers.get(pid) ?? 0) : pid;
  }
  /** The kernel's id of a number here; one that is nobody's when there is none (find_pid_ns). */
  pidOf(number: number): number {
    return this.parent ? (this.#pids.get(number) ?? NOBODY) : number;
  }
  /** The kernel's id for an argument that may be negative for a group, 0 and -1 meaning what they do. */
  argument(x: number): number {
    if (this.parent === undefined || x === 0 || x === -1 || x === -0x8000_0000) return x;
    return x < 0 ? -this.pidOf(-x) : this.pidOf(x);
  }
  /** Numbers from the namespace `from` down to this one, as NSpid shows them; none where this is not within that. */
  numbersFrom(from: PidNamespace, pid: number): number[] {
    if (!this.isWithin(from)) return [];
    const above = this === from ? [] : this.parent!.numbersFrom(from, pid);
    return [...above, this.numberOf(pid)];
  }
  isWithin(ancestor: PidNamespace): boolean {
    for (let at: PidNamespace | undefined = this; at !== undefined; at = at.parent)
      if (at === ancestor) return true;
    return false;
  }

  /** Gives a kernel's id a number here and in all above. EAGAIN, and ENOMEM when process 1 has ended. */
  enter(pid: number, pidMax: number): void {
    if (this.parent === undefined) return;
    if (this.ended) fail('ENOMEM');
    this.parent.enter(pid, pidMax);
    let number = this.#last;
    do {
      number = number >= pidMax - 1 ? RESERVED_PIDS : number + 1;
      if (number === this.#last) fail('EAGAIN');
    } while (this.#pids.has(number));
    this.#last = number;
    this.#pids.set(number, pid);
    this.#numbers.set(pid, number);
  }
  leave(pid: number): void {
    const number = this.#numbers.get(pid);
    if (number === undefined) return;
    this.#pids.delete(number);
    this.#numbers.delete(pid);
    this.parent?.leave(pid);
  }
}
