/** Signals of descriptors that are ready (O_ASYNC with F_SETOWN and F_SETSIG; fcntl(2), signal(7); send_sigio of fs/fcntl.c). */
import { F_OWNER_PGRP, F_OWNER_TID } from '../abi/fcntl.ts';
import {
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLMSG,
  POLLOUT,
  POLLRDNORM,
  POLLWRBAND,
  POLLWRNORM,
} from '../abi/poll.ts';
import { SI, SIG, type SigInfo } from '../abi/signal.ts';
import type { FileOwner, OpenFile } from '../vfs/core/open-file.ts';
import { ANYTHING, type Waiter } from '../vfs/core/wait-queue.ts';
import type { Kernel } from './kernel.ts';
import { sendToProcess, sendToTask } from './signals.ts';
import type { Task } from './task.ts';

/** What there is to tell: si_code, and the events of si_band. */
export const POLL_IN = { code: 1, band: POLLIN | POLLRDNORM } as const;
const POLL_OUT = { code: 2, band: POLLOUT | POLLWRNORM | POLLWRBAND } as const;
export const POLL_MSG = { code: 3, band: POLLIN | POLLRDNORM | POLLMSG } as const;
export type IoReason = { readonly code: number; readonly band: number };

/** sigio_perm: whether the owner was set by somebody who may send to the task. */
function mayTell(owner: FileOwner, t: Task): boolean {
  const { uid, suid } = t.creds;
  return owner.euid === 0 || [uid, suid].includes(owner.euid) || [uid, suid].includes(owner.uid);
}

/** Tells the owner of an open file; with F_SETSIG by another signal, which says why. */
export function tellOwner(kernel: Kernel, { owner, signal }: OpenFile, fd: number, reason: IoReason): void {
  if (owner === undefined) return;
  const info: SigInfo =
    signal === 0
      ? { signo: SIG.SIGIO, code: SI.SI_KERNEL, pid: 0, uid: 0 }
      : { signo: signal, code: reason.code, band: reason.band, fd };
  if (owner.type === F_OWNER_TID) {
    const t = kernel.tasks.get(owner.id);
    if (t && mayTell(owner, t)) sendToTask(t, info);
    return;
  }
  const one = kernel.processes.get(owner.id);
  const processes = owner.type === F_OWNER_PGRP ? kernel.group(owner.id) : one ? [one] : [];
  for (const p of processes) if (mayTell(owner, p.leader)) sendToProcess(p, info);
}

/** Waits where the file tells what happens to it, as long as it is O_ASYNC. */
class AsyncIo implements Waiter, Disposable {
  readonly #kernel: Kernel;
  readonly #file: OpenFile;
  readonly #fd: number;
  readonly #closed = () => this[Symbol.dispose]();

  constructor(kernel: Kernel, file: OpenFile, fd: number) {
    this.#kernel = kernel;
    this.#file = file;
    this.#fd = fd;
    file.asyncQueue.add(this);
    (file.onClose ??= new Set()).add(this.#closed);
  }

  wake(events: number = ANYTHING): void {
    this.#file.asyncQueue.add(this);
    const now = this.#file.poll() & events;
    if (now & (POLLIN | POLLHUP)) tellOwner(this.#kernel, this.#file, this.#fd, POLL_IN);
    if (now & (POLLOUT | POLLERR) && !(now & POLLIN)) tellOwner(this.#kernel, this.#file, this.#fd, POLL_OUT);
  }

  [Symbol.dispose](): void {
    this.#file.asyncQueue.remove(this);
    this.#file.onClose?.delete(this.#closed);
  }
}

/** Turns O_ASYNC of a file on or off, with the descriptor it was asked by. */
export function setAsync(kernel: Kernel, file: OpenFile, fd: number, on: boolean): void {
  file.async?.[Symbol.dispose]();
  file.async = on ? new AsyncIo(kernel, file, fd) : undefined;
}
