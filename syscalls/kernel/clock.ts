/**
 * Clocks. The kernel's own unit is milliseconds of the host's CLOCK_MONOTONIC as a double (finer than a nanosecond over months);
 * deadlines are in it.
 */

/**
 * What the two clocks are ahead of performance.now(). Found at the first question, not when this module is loaded: that
 * may be long ago, in the process that made the startup snapshot.
 */
let monotonicOffset = Number.NaN;
let realOffset = Number.NaN;

/** Milliseconds of CLOCK_MONOTONIC. */
export function monotonic(): number {
  if (Number.isNaN(monotonicOffset)) {
    monotonicOffset = Number(process.hrtime.bigint()) / 1e6 - performance.now();
  }
  return performance.now() + monotonicOffset;
}

/** Milliseconds since the epoch, with fractions; follows when the host's clock is set. */
export function realtime(): number {
  if (Number.isNaN(realOffset)) realOffset = performance.timeOrigin;
  const real = performance.now() + realOffset;
  const coarse = Date.now();
  // Date.now() is cut to a millisecond.
  if (real >= coarse - 1 && real < coarse + 2) return real;
  realOffset += coarse - real;
  return coarse;
}

export interface Timespec {
  tv_sec: number;
  tv_nsec: number;
}

/** timespec64_valid. */
export const valid = (x: Timespec) => x.tv_sec >= 0 && x.tv_nsec >= 0 && x.tv_nsec < 1e9;

/** Seconds and nanoseconds of a time in milliseconds; rounds down. */
export function toTimespec(ms: number): { tv_sec: number; tv_nsec: number } {
  const tv_sec = Math.floor(ms / 1000);
  return { tv_sec, tv_nsec: Math.min(999_999_999, Math.floor((ms - tv_sec * 1000) * 1e6)) };
}

export function fromTimespec(t: { tv_sec: number; tv_nsec: number }): number {
  return t.tv_sec * 1000 + t.tv_nsec / 1e6;
}

export interface Timeval {
  tv_sec: number;
  tv_usec: number;
}

export function toTimeval(ms: number): Timeval {
  const tv_sec = Math.floor(ms / 1000);
  return { tv_sec, tv_usec: Math.min(999_999, Math.floor((ms - tv_sec * 1000) * 1000)) };
}
