/** What steers the clock: adjtimex(2), clock_adjtime(2) (kernel/time/ntp.c). */
import { fail } from '../../abi/errno.ts';
import { type Field, padding, s32, s64, struct, u32 } from '../../abi/struct.ts';
import { CLOCK } from '../../abi/time.ts';
import { realtime, toTimeval } from '../../kernel/clock.ts';
import type { Task } from '../../kernel/task.ts';
import { ptr } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { clockId, clockTime, isDescriptors, refuseSetting } from './clock.ts';

/** struct timex of adjtimex, and struct __kernel_timex of clock_adjtime64. */
const timex = struct('timex', timexFields(s32));
const timex64 = struct('__kernel_timex', timexFields(s64));
function timexFields<T extends Field<number>>(long: T) {
  const wide = long.size === 8;
  return {
    modes: u32,
    pad0: padding(wide ? 4 : 0),
    offset: long,
    freq: long,
    maxerror: long,
    esterror: long,
    status: s32,
    pad1: padding(wide ? 4 : 0),
    constant: long,
    precision: long,
    tolerance: long,
    tv_sec: long,
    tv_usec: long,
    tick: long,
    ppsfreq: long,
    jitter: long,
    shift: s32,
    pad2: padding(wide ? 4 : 0),
    stabil: long,
    jitcnt: long,
    calcnt: long,
    errcnt: long,
    stbcnt: long,
    tai: s32,
    pad3: padding(44),
  };
}

const STA_UNSYNC = 0x40;
const TIME_ERROR = 5;

type Timex = ReturnType<typeof timex.get>;

/** Of what was refused adjtimex writes back what it has read, which is all but the end (put_old_timex32). */
const writeBack = (t: Task, at: number, given: Timex) => t.mm.put(timex, at, { ...given, tai: 0 });

/** Nobody steers the clock here, as far as the guest can know: it is told as not synchronized (ntp_adjtime(3)). */
function adjtimex(
  type: typeof timex | typeof timex64,
  refused = (_t: Task, _at: number, _given: Timex) => {},
) {
  return (t: Task, at: number): number => {
    const given = t.mm.get(type, at);
    const { modes } = given;
    if (modes !== 0) {
      refused(t, at, given);
      refuseSetting(t);
    }
    const { tv_sec, tv_usec } = toTimeval(realtime());
    const none = {
      offset: 0,
      freq: 0,
      ppsfreq: 0,
      jitter: 0,
      shift: 0,
      stabil: 0,
      jitcnt: 0,
      calcnt: 0,
      errcnt: 0,
    };
    t.mm.put(type, at, {
      ...none,
      modes,
      maxerror: 16_000_000,
      esterror: 16_000_000,
      status: STA_UNSYNC,
      constant: 2,
      precision: 1,
      tolerance: 32_768_000,
      tv_sec,
      tv_usec,
      tick: 10_000,
      stbcnt: 0,
      tai: 0,
    });
    return TIME_ERROR;
  };
}

function clockAdjtime(type: typeof timex | typeof timex64) {
  return (t: Task, id: number, at: number): number => {
    if (id === CLOCK.CLOCK_REALTIME) return adjtimex(type)(t, at);
    t.mm.get(type, at);
    if (id >= 0 || isDescriptors(id)) clockTime(t, id);
    return fail('EOPNOTSUPP');
  };
}

export const adjtimexCalls: readonly Call[] = [
  call(124, 'adjtimex', [ptr], adjtimex(timex, writeBack)),
  call(372, 'clock_adjtime', [clockId, ptr], clockAdjtime(timex)),
  call(405, 'clock_adjtime64', [clockId, ptr], clockAdjtime(timex64)),
];
