/** Descriptors to wait for: epoll, eventfd, timerfd, signalfd (fs/eventpoll.c, eventfd.c, timerfd.c, signalfd.c). */
import { fail } from '../../abi/errno.ts';
import { O_CLOEXEC, O_NONBLOCK } from '../../abi/fcntl.ts';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLL_EVENT_SIZE } from '../../abi/poll.ts';
import { type Field, padding, struct, u32, u64big } from '../../abi/struct.ts';
import { CLOCK, itimerspec32, itimerspec64, TIMER_ABSTIME, timespec64 } from '../../abi/time.ts';
import { fromTimespec, realtime, toTimespec } from '../../kernel/clock.ts';
import { IntervalTimer } from '../../kernel/interval-timer.ts';
import { SignalFile } from '../../kernel/signalfd.ts';
import type { Task } from '../../kernel/task.ts';
import { EpollFile } from '../../vfs/events/epoll.ts';
import { EventFile } from '../../vfs/events/eventfd.ts';
import { TimerFile } from '../../vfs/events/timerfd.ts';
import { fd, flags, int, oneOf, ptr, size, structIn, structOut, uint } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { installFile } from '../files/open.ts';
import { useMask } from './poll.ts';

const closeOnExec = (flags: number) => (flags & O_CLOEXEC) !== 0;

// ---- epoll ----

const epoll_event = struct('epoll_event', { events: u32, pad: padding(4), low: u32, high: u32 });

function epollOf(t: Task, fd: number): EpollFile {
  const file = t.files.get(fd);
  return file instanceof EpollFile ? file : fail('EINVAL');
}

function epollCreate(t: Task, flags: number): number {
  if (flags & ~O_CLOEXEC) fail('EINVAL');
  return installFile(t, new EpollFile(), closeOnExec(flags));
}

/** @param timeout in milliseconds, Infinity for none */
function epollWait(t: Task, fd: number, address: number, max: number, timeout: number): number {
  const epoll = epollOf(t, fd);
  if (max <= 0 || max > 0x7fff_ffff / EPOLL_EVENT_SIZE) fail('EINVAL');
  t.mm.writable(address, Math.min(max, 1) * EPOLL_EVENT_SIZE);
  const state = (t.callState ??= { deadline: t.now() + timeout }) as { deadline: number };
  const events = epoll.take(max);
  if (events.length > 0) {
    t.mm.writable(address, events.length * EPOLL_EVENT_SIZE);
    events.forEach((event, i) => {
      epoll_event.set(t.mm.view, address + i * EPOLL_EVENT_SIZE, event);
    });
    return events.length;
  }
  if (t.now() >= state.deadline) return 0;
  return t.wait(epoll.queue, state.deadline, 'EINTR');
}

const milliseconds = (timeout: number) => (timeout < 0 ? Infinity : timeout);

// ---- timers ----

const CLOCKS: readonly number[] = [
  CLOCK.CLOCK_REALTIME,
  CLOCK.CLOCK_MONOTONIC,
  CLOCK.CLOCK_BOOTTIME,
  CLOCK.CLOCK_REALTIME_ALARM,
  CLOCK.CLOCK_BOOTTIME_ALARM,
];

const TFD_TIMER_CANCEL_ON_SET = 2;

interface Itimerspec {
  it_interval: { tv_sec: number; tv_nsec: number };
  it_value: { tv_sec: number; tv_nsec: number };
}

function timerOf(t: Task, fd: number): TimerFile {
  const file = t.files.get(fd);
  return file instanceof TimerFile ? file : fail('EINVAL');
}

function setting(file: TimerFile): Itimerspec {
  const { timer } = file;
  return { it_interval: toTimespec(timer.interval), it_value: toTimespec(timer.remaining) };
}

function timerSettime(
  t: Task,
  fd: number,
  flags: number,
  spec: Itimerspec,
  old: number,
  type: Field<never>,
): number {
  if (flags & ~(TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) fail('EINVAL');
  for (const { tv_sec, tv_nsec } of [spec.it_interval, spec.it_value]) {
    if (tv_sec < 0 || tv_nsec < 0 || tv_nsec > 999_999_999) fail('EINVAL');
  }
  const file = timerOf(t, fd);
  if (old !== 0) t.mm.put(type as Field<Itimerspec>, old, setting(file));
  const value = fromTimespec(spec.it_value);
  const real = file.clock === CLOCK.CLOCK_REALTIME || file.clock === CLOCK.CLOCK_REALTIME_ALARM;
  let at = value === 0 ? Infinity : value;
  if (!(flags & TIMER_ABSTIME)) at += t.now();
  else if (real) at += t.now() - realtime();
  file.set(at, fromTimespec(spec.it_interval));
  return 0;
}

function timerGettime(t: Task, fd: number, out: number, type: Field<never>): number {
  t.mm.put(type as Field<Itimerspec>, out, setting(timerOf(t, fd)));
  return 0;
}

const type32 = itimerspec32 as unknown as Field<never>;
const type64 = itimerspec64 as unknown as Field<never>;

// ---- eventfd, signalfd ----

const EFD_SEMAPHORE = 1;

function eventfd(t: Task, count: number, flags: number): number {
  if (flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK)) fail('EINVAL');
  const file = new EventFile(count, (flags & EFD_SEMAPHORE) !== 0, flags & O_NONBLOCK);
  return installFile(t, file, closeOnExec(flags));
}

function signalfd(t: Task, fd: number, address: number, size: number, flags: number): number {
  if (flags & ~(O_CLOEXEC | O_NONBLOCK) || size !== 8) fail('EINVAL');
  const mask = t.mm.get(u64big, address);
  if (fd === -1)
    return installFile(t, new SignalFile(t.kernel, mask, flags & O_NONBLOCK), closeOnExec(flags));
  const file = t.files.get(fd);
  if (!(file instanceof SignalFile)) return fail('EINVAL');
  file.mask = mask;
  return fd;
}

const FD_FLAGS = { O_CLOEXEC, O_NONBLOCK };
const fdFlags = flags(FD_FLAGS);
const EPOLL_OPERATIONS = { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD };

export const eventCalls: Call[] = [
  call(250, 'epoll_create', [int], (t, size) => (size <= 0 ? fail('EINVAL') : epollCreate(t, 0))),
  call(357, 'epoll_create1', [fdFlags], epollCreate),
  call(251, 'epoll_ctl', [fd, oneOf(EPOLL_OPERATIONS), fd, ptr], (t, epfd, operation, fd, address) => {
    const wanted = operation === EPOLL_CTL_DEL ? undefined : t.mm.get(epoll_event, address);
    const self = t.files.get(epfd);
    const file = t.files.get(fd);
    if (!file.pollable) fail('EPERM');
    if (!(self instanceof EpollFile) || self === file) return fail('EINVAL');
    if (operation === EPOLL_CTL_DEL) self.remove(fd, file);
    else if (operation === EPOLL_CTL_ADD) self.add(fd, file, wanted!);
    else if (operation === EPOLL_CTL_MOD) self.modify(fd, file, wanted!);
    else fail('EINVAL');
    return 0;
  }),
  call(252, 'epoll_wait', [fd, ptr, int, int], (t, fd, events, max, timeout) =>
    epollWait(t, fd, events, max, milliseconds(timeout)),
  ),
  call(346, 'epoll_pwait', [fd, ptr, int, int, ptr, size], (t, fd, events, max, timeout, mask, size) => {
    useMask(t, mask, size);
    return epollWait(t, fd, events, max, milliseconds(timeout));
  }),
  call(441, 'epoll_pwait2', [fd, ptr, int, ptr, ptr, size], (t, fd, events, max, timeout, mask, size) => {
    const wait = timeout === 0 ? Infinity : fromTimespec(t.mm.get(timespec64, timeout));
    useMask(t, mask, size);
    return epollWait(t, fd, events, max, wait);
  }),

  call(351, 'eventfd', [uint], (t, count) => eventfd(t, count, 0)),
  call(356, 'eventfd2', [uint, fdFlags], eventfd),
  call(349, 'signalfd', [fd, ptr, size], (t, fd, mask, size) => signalfd(t, fd, mask, size, 0)),
  call(355, 'signalfd4', [fd, ptr, size, fdFlags], signalfd),

  call(350, 'timerfd_create', [oneOf(CLOCK), fdFlags], (t, clock, flags) => {
    if (flags & ~(O_CLOEXEC | O_NONBLOCK) || !CLOCKS.includes(clock)) fail('EINVAL');
    const { timers, now } = t.kernel;
    const file = new TimerFile(clock, flags & O_NONBLOCK, (fire) => new IntervalTimer(timers, now, fire));
    return installFile(t, file, closeOnExec(flags));
  }),
  call(353, 'timerfd_settime', [fd, int, structIn(itimerspec32), ptr], (t, fd, flags, spec, old) =>
    timerSettime(t, fd, flags, spec, old, type32),
  ),
  call(411, 'timerfd_settime64', [fd, int, structIn(itimerspec64), ptr], (t, fd, flags, spec, old) =>
    timerSettime(t, fd, flags, spec, old, type64),
  ),
  call(354, 'timerfd_gettime', [fd, structOut(itimerspec32)], (t, fd, out) =>
    timerGettime(t, fd, out, type32),
  ),
  call(410, 'timerfd_gettime64', [fd, structOut(itimerspec64)], (t, fd, out) =>
    timerGettime(t, fd, out, type64),
  ),
];
