/** epoll(7) (fs/eventpoll.c). */
import { USER_END, WRITE } from '../../../emu/memory/layout.ts';
import { fail } from '../../abi/errno.ts';
import { O_CLOEXEC } from '../../abi/fcntl.ts';
import {
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLL_EVENT_SIZE,
  EPOLLEXCLUSIVE,
  EPOLLEXCLUSIVE_OK_BITS,
} from '../../abi/poll.ts';
import { padding, struct, u32 } from '../../abi/struct.ts';
import { timespec64 } from '../../abi/time.ts';
import { fromTimespec, valid } from '../../kernel/clock.ts';
import type { Task } from '../../kernel/task.ts';
import { EpollFile } from '../../vfs/events/epoll.ts';
import { fd, int, oneOf, ptr, size } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { closeOnExec, installFile } from '../files/open.ts';
import { fdFlags } from '../names.ts';
import { useMask } from './poll.ts';

const epoll_event = struct('epoll_event', { events: u32, pad: padding(4), low: u32, high: u32 });

function epollOf(t: Task, fd: number): EpollFile {
  const file = t.files.get(fd);
  return file instanceof EpollFile ? file : fail('EINVAL');
}

function epollCreate(t: Task, flags: number): number {
  if (flags & ~O_CLOEXEC) fail('EINVAL');
  return installFile(t, new EpollFile(t.kernel.vfs), closeOnExec(flags));
}

/** Of so many events, how many there is memory for. */
function roomFor(t: Task, address: number, max: number): number {
  const fits = (at: number, count: number) => t.mm.space.check(at, count * EPOLL_EVENT_SIZE, WRITE);
  if (fits(address, max)) return max;
  let room = 0;
  while (fits(address + room * EPOLL_EVENT_SIZE, 1)) room++;
  return room;
}

/** @param timeout in milliseconds, Infinity for none */
function epollWait(t: Task, fd: number, address: number, max: number, timeout: number): number {
  const epoll = epollOf(t, fd);
  if (max <= 0 || max > 0x7fff_ffff / EPOLL_EVENT_SIZE) fail('EINVAL');
  // Of the memory only the range is judged before there is something to tell (access_ok).
  if (address + max * EPOLL_EVENT_SIZE > USER_END) fail('EFAULT');
  const state = (t.callState ??= { deadline: t.now() + timeout }) as { deadline: number };
  const room = roomFor(t, address, max);
  if (room === 0 && epoll.poll() !== 0) fail('EFAULT');
  const events = room === 0 ? [] : epoll.take(room);
  if (events.length > 0) {
    events.forEach((event, i) => {
      epoll_event.set(t.mm.view, address + i * EPOLL_EVENT_SIZE, event);
    });
    return events.length;
  }
  if (t.now() >= state.deadline) return 0;
  return t.wait(epoll.queue, state.deadline, 'EINTR');
}

const milliseconds = (timeout: number) => (timeout < 0 ? Infinity : timeout);
const EPOLL_OPERATIONS = { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD };

export const epollCalls: readonly Call[] = [
  call(250, 'epoll_create', [int], (t, size) => (size <= 0 ? fail('EINVAL') : epollCreate(t, 0))),
  call(357, 'epoll_create1', [fdFlags], epollCreate),
  call(251, 'epoll_ctl', [fd, oneOf(EPOLL_OPERATIONS), fd, ptr], (t, epfd, operation, fd, address) => {
    const wanted = operation === EPOLL_CTL_DEL ? undefined : t.mm.get(epoll_event, address);
    const self = t.files.get(epfd);
    const file = t.files.get(fd);
    if (!file.pollable) fail('EPERM');
    if (!(self instanceof EpollFile) || self === file) return fail('EINVAL');
    if (wanted !== undefined && wanted.events & EPOLLEXCLUSIVE) {
      const isFit = !(wanted.events & ~EPOLLEXCLUSIVE_OK_BITS) && !(file instanceof EpollFile);
      if (operation === EPOLL_CTL_MOD || (operation === EPOLL_CTL_ADD && !isFit)) fail('EINVAL');
    }
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
    const given = timeout === 0 ? null : t.mm.get(timespec64, timeout);
    if (given !== null && !valid(given)) fail('EINVAL');
    const wait = given === null ? Infinity : fromTimespec(given);
    useMask(t, mask, size);
    return epollWait(t, fd, events, max, wait);
  }),
];
