/** Time namespaces (time_namespaces(7); kernel/time/namespace.c): what CLOCK_MONOTONIC and CLOCK_BOOTTIME are ahead by in one. */
import { fail } from '../abi/errno.ts';
import { firstNumber, Namespace } from '../vfs/core/namespace.ts';
import { FIRST_USER_NAMESPACE, type UserNamespace } from '../vfs/core/user-namespace.ts';

/** KTIME_SEC_MAX. */
const SECONDS_MAX = 9_223_372_036;

interface Offset {
  readonly seconds: number;
  readonly nanoseconds: number;
}
const NONE: Offset = { seconds: 0, nanoseconds: 0 };
const milliseconds = ({ seconds, nanoseconds }: Offset) => seconds * 1000 + nanoseconds / 1e6;

const CLOCKS = { monotonic: '1', boottime: '7' } as const;
type Clock = keyof typeof CLOCKS;

export class TimeNamespace extends Namespace {
  #offsets: Readonly<Record<Clock, Offset>>;
  /** Somebody is in it: nothing can be set any more. */
  frozen = false;

  constructor(of?: TimeNamespace, owner: UserNamespace = FIRST_USER_NAMESPACE) {
    super('time', owner, of ? undefined : firstNumber('time'));
    this.#offsets = of ? of.#offsets : { monotonic: NONE, boottime: NONE };
    this.frozen = of === undefined;
  }
  /** Milliseconds. */
  get monotonic(): number {
    return milliseconds(this.#offsets.monotonic);
  }
  get boottime(): number {
    return milliseconds(this.#offsets.boottime);
  }
  /** /proc/PID/timens_offsets. */
  get offsets(): string {
    const row = (clock: Clock) => {
      const { seconds, nanoseconds } = this.#offsets[clock];
      return `${clock.padEnd(10)} ${String(seconds).padStart(10)} ${String(nanoseconds).padStart(9)}\n`;
    };
    return row('monotonic') + row('boottime');
  }
  /** @param now seconds of the host's clock. EINVAL, ERANGE, EACCES. */
  setOffsets(text: string, now: number): void {
    const lines = text.replace(/\n$/, '').split('\n');
    if (lines.length > 2) fail('EINVAL');
    const given = lines.map((line): [Clock, Offset] => {
      const [, name, seconds, nanoseconds] =
        /^\s*(\S+)\s+([+-]?\d+)\s+(\d+)\s*$/.exec(line) ?? fail('EINVAL');
      const clock = (Object.keys(CLOCKS) as Clock[]).find((one) => one === name || CLOCKS[one] === name);
      if (clock === undefined || Number(nanoseconds) > 999_999_999) return fail('EINVAL');
      return [clock, { seconds: Number(seconds), nanoseconds: Number(nanoseconds) }];
    });
    for (const [, { seconds }] of given) {
      if (Math.abs(seconds) > SECONDS_MAX) fail('ERANGE');
      if (now + seconds < 0 || now + seconds > SECONDS_MAX / 2) fail('ERANGE');
    }
    if (this.frozen) fail('EACCES');
    this.#offsets = { ...this.#offsets, ...Object.fromEntries(given) };
  }
}
