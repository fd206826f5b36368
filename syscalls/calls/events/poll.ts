/** Waiting for files: poll, ppoll, select, pselect6 (fs/select.c). */
import { Errno, fail } from '../../abi/errno.ts';
import {
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  POLLPRI,
  POLLRDBAND,
  POLLRDNORM,
  POLLWRBAND,
  POLLWRNORM,
} from '../../abi/poll.ts';
import { RLIMIT } from '../../abi/resource.ts';
import { type Field, s16, s32, struct, u32, u64big } from '../../abi/struct.ts';
import { timespec32, timespec64, timeval32 } from '../../abi/time.ts';
import { BLOCKED, type Task } from '../../kernel/task.ts';
import type { WaitQueue } from '../../vfs/core/wait-queue.ts';
import { arrayIn, int, ptr, size, structInOrNull, uint } from '../args.ts';
import { type Call, call } from '../declare.ts';

const pollfd = struct('pollfd', { fd: s32, events: s16, revents: s16 });

/** When a waiting call gives up; kept in Task.callState while it sleeps. */
interface Deadline {
  readonly at: number;
}

/**
 * The deadline of this call: made at its first run, found again at later ones. `timeout` is in milliseconds, Infinity for none.
 */
function deadlineOf(t: Task, timeout: number): number {
  const state = (t.callState ??= { at: t.now() + timeout } satisfies Deadline) as Deadline;
  return state.at;
}

/** Replaces the signal mask while the call waits (sigset of ppoll, pselect6, epoll_pwait). */
export function useMask(t: Task, address: number, size: number): void {
  if (address === 0 || t.callState !== undefined) return;
  if (size !== 8) fail('EINVAL');
  const mask = t.mm.get(u64big, address);
  t.savedBlocked = t.blocked;
  t.setBlocked(mask);
}

/** One look at all: fills in revents and gives the number of files with events. Queues of files without any go to `queues`. */
function look(t: Task, address: number, count: number, queues: Set<WaitQueue>): number {
  const { view } = t.mm;
  let ready = 0;
  for (let i = 0; i < count; i++) {
    const at = address + 8 * i;
    const fd = view.getInt32(at, true);
    let revents = 0;
    if (fd >= 0) {
      const file = t.files.find(fd);
      if (file === undefined || file.isPath) revents = POLLNVAL;
      else {
        revents = file.poll() & (view.getUint16(at + 4, true) | POLLERR | POLLHUP);
        if (revents === 0) queues.add(file.queue);
      }
    }
    view.setUint16(at + 6, revents, true);
    if (revents !== 0) ready++;
  }
  return ready;
}

function pollUntil(t: Task, address: number, count: number, deadline: number, restarts: boolean): number {
  if (count > t.process.limits[RLIMIT.RLIMIT_NOFILE]!.cur) fail('EINVAL');
  if (count > 0) t.mm.writable(address, count * pollfd.size);
  const queues = new Set<WaitQueue>();
  const ready = look(t, address, count, queues);
  if (ready > 0 || t.now() >= deadline) return ready;
  return t.wait(
    [...queues],
    deadline,
    restarts ? (t) => pollUntil(t, address, count, deadline, true) : 'ERESTARTNOHAND',
  );
}

interface Timespec {
  tv_sec: number;
  tv_nsec: number;
}

function milliseconds({ tv_sec, tv_nsec }: Timespec): number {
  if (tv_sec < 0 || tv_nsec < 0 || tv_nsec > 999_999_999) fail('EINVAL');
  return tv_sec * 1000 + tv_nsec / 1e6;
}

/** Calls that tell the time left: writes it back when they end, however they end (poll_select_finish). */
function withTimeout(
  t: Task,
  timeout: number | null,
  put: (left: number) => void,
  wait: (deadline: number) => number,
): number {
  const deadline = deadlineOf(t, timeout ?? Infinity);
  if (timeout === null) return wait(deadline);
  const finish = () => {
    try {
      put(Math.max(0, deadline - t.now()));
    } catch (error) {
      // A timeout in read-only memory stays as it is.
      if (!(error instanceof Errno)) throw error;
    }
  };
  try {
    const result = wait(deadline);
    finish();
    return result;
  } catch (outcome) {
    if (outcome !== BLOCKED) finish();
    throw outcome;
  }
}

function ppoll<T extends Timespec>(
  type: Field<T>,
  make: (time: Timespec) => T,
): (t: Task, fds: number, count: number, timeout: number, mask: number, size: number) => number {
  return (t, fds, count, address, mask, size) => {
    const timeout = address === 0 ? null : firstTimeout(t, () => milliseconds(t.mm.get(type, address)));
    useMask(t, mask, size);
    const put = (left: number) => t.mm.put(type, address, make(timespec(left)));
    return withTimeout(t, timeout, put, (deadline) => pollUntil(t, fds, count, deadline, false));
  };
}

/** The timeout is read at the first run only, as what is left is written over it. */
function firstTimeout(t: Task, read: () => number): number {
  return t.callState === undefined ? read() : 0;
}

function timespec(left: number): Timespec {
  const tv_sec = Math.floor(left / 1000);
  return { tv_sec, tv_nsec: Math.floor((left - tv_sec * 1000) * 1e6) };
}

// ---- select ----

const READ_SET = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR | POLLNVAL;
const WRITE_SET = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR | POLLNVAL;
const EXCEPT_SET = POLLPRI | POLLNVAL;

/** Sets of descriptors: bit n of the words at an address, or null. */
function select(t: Task, n: number, sets: readonly number[], deadline: number): number {
  if (n < 0) fail('EINVAL');
  // What is beyond the table of descriptors is not looked at.
  n = Math.min(n, t.files.capacity);
  const words = Math.ceil(n / 32);
  const bytes = 4 * words;
  for (const set of sets) if (set !== 0) t.mm.readable(set, bytes);
  const { view } = t.mm;
  const kinds = [READ_SET, WRITE_SET, EXCEPT_SET];
  const results = sets.map(() => new Uint32Array(words));
  const queues = new Set<WaitQueue>();
  let ready = 0;
  for (let word = 0; word < words; word++) {
    const asked = sets.map((set) => (set === 0 ? 0 : view.getUint32(set + 4 * word, true)));
    const any = asked[0]! | asked[1]! | asked[2]!;
    if (any === 0) continue;
    for (let bit = 0; bit < 32 && 32 * word + bit < n; bit++) {
      if (!((any >>> bit) & 1)) continue;
      // Of an O_PATH descriptor nothing can be waited for: it is ready at once.
      const file = t.files.find(32 * word + bit) ?? fail('EBADF');
      const events = file.isPath ? POLLNVAL : file.poll();
      let hit = false;
      for (let k = 0; k < 3; k++) {
        if (!((asked[k]! >>> bit) & 1) || !(events & kinds[k]!)) continue;
        results[k]![word]! |= 1 << bit;
        ready++;
        hit = true;
      }
      if (!hit) queues.add(file.queue);
    }
  }
  if (ready === 0 && t.now() < deadline) t.wait([...queues], deadline, 'ERESTARTNOHAND');
  sets.forEach((set, k) => {
    if (set === 0) return;
    t.mm.writable(set, bytes);
    for (let word = 0; word < words; word++) view.setUint32(set + 4 * word, results[k]![word]!, true);
  });
  return ready;
}

const sigsetArgument = struct('sigset_argpack', { sigmask: u32, size: u32 });

function pselect6<T extends Timespec>(
  type: Field<T>,
  make: (time: Timespec) => T,
): (
  t: Task,
  n: number,
  r: number,
  w: number,
  x: number,
  timeout: number,
  sig: { sigmask: number; size: number } | null,
) => number {
  return (t, n, r, w, x, address, sig) => {
    const timeout = address === 0 ? null : firstTimeout(t, () => milliseconds(t.mm.get(type, address)));
    if (sig !== null) useMask(t, sig.sigmask, sig.size);
    const put = (left: number) => t.mm.put(type, address, make(timespec(left)));
    return withTimeout(t, timeout, put, (deadline) => select(t, n, [r, w, x], deadline));
  };
}

const make32 = (time: Timespec) => time;
const make64 = (time: Timespec) => ({ ...time }) as never;
const pollfds = arrayIn(pollfd, 1);

export const pollCalls: readonly Call[] = [
  call(168, 'poll', [pollfds, uint, int], (t, fds, count, timeout) =>
    pollUntil(t, fds, count, deadlineOf(t, timeout < 0 ? Infinity : timeout), true),
  ),
  call(336, 'ppoll', [pollfds, uint, ptr, ptr, size], ppoll(timespec32, make32)),
  call(414, 'ppoll_time64', [pollfds, uint, ptr, ptr, size], ppoll(timespec64, make64)),
  call(142, '_newselect', [int, ptr, ptr, ptr, ptr], (t, n, r, w, x, address) => {
    const read = () => {
      const { tv_sec, tv_usec } = t.mm.get(timeval32, address);
      // Microseconds may be more than a second (kern_select).
      return milliseconds({ tv_sec: tv_sec + Math.trunc(tv_usec / 1e6), tv_nsec: (tv_usec % 1e6) * 1000 });
    };
    const timeout = address === 0 ? null : firstTimeout(t, read);
    const put = (left: number) => {
      const { tv_sec, tv_nsec } = timespec(left);
      t.mm.put(timeval32, address, { tv_sec, tv_usec: Math.floor(tv_nsec / 1000) });
    };
    return withTimeout(t, timeout, put, (deadline) => select(t, n, [r, w, x], deadline));
  }),
  call(
    335,
    'pselect6',
    [int, ptr, ptr, ptr, ptr, structInOrNull(sigsetArgument)],
    pselect6(timespec32, make32),
  ),
  call(
    413,
    'pselect6_time64',
    [int, ptr, ptr, ptr, ptr, structInOrNull(sigsetArgument)],
    pselect6(timespec64, make64),
  ),
];
