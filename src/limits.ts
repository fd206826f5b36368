/** Resource limits of a run: this process's, and what the options say. */
import fs from 'node:fs';
import { NR_CPUS, PID_MAX_LIMIT, PID_MAX_MIN } from '../syscalls/abi/limits.ts';
import { RLIMIT } from '../syscalls/abi/resource.ts';
import { defaultLimits } from '../syscalls/kernel/boot.ts';
import type { Rlimit } from '../syscalls/kernel/process.ts';
import type { Limit, Limits, RunOptions } from './api.ts';
import { OptionError } from './errors.ts';

const NUMBERS: Readonly<Record<keyof Limits, number>> = {
  as: RLIMIT.RLIMIT_AS,
  core: RLIMIT.RLIMIT_CORE,
  cpu: RLIMIT.RLIMIT_CPU,
  fsize: RLIMIT.RLIMIT_FSIZE,
  memlock: RLIMIT.RLIMIT_MEMLOCK,
  msgqueue: RLIMIT.RLIMIT_MSGQUEUE,
  nofile: RLIMIT.RLIMIT_NOFILE,
  nproc: RLIMIT.RLIMIT_NPROC,
  sigpending: RLIMIT.RLIMIT_SIGPENDING,
  stack: RLIMIT.RLIMIT_STACK,
};

/** Limits by RLIMIT number. Throws an OptionError for what is no limit. */
export function limitsOf(given: Limits): Rlimit[] {
  const limits = hostLimits();
  for (const [name, value] of Object.entries(given) as [keyof Limits, Limit | undefined][]) {
    if (value === undefined) continue;
    const { soft, hard } = typeof value === 'number' ? { soft: value, hard: value } : value;
    if (!(name in NUMBERS) || !(soft >= 0) || (hard !== undefined && !(hard >= soft)))
      throw new OptionError('ERR_ARMRUN_OPTION', `limits: ${name} cannot be so`);
    const limit = limits[NUMBERS[name]]!;
    limits[NUMBERS[name]] = { cur: soft, max: hard ?? Math.max(limit.max, soft) };
  }
  return limits;
}

/** What the machine that the program sees can be. Throws an OptionError. */
export function checkMachine({ pidMax, memory, cpus }: Pick<RunOptions, 'pidMax' | 'memory' | 'cpus'>): void {
  const check = (name: string, value: number | null | undefined, min: number, max: number) => {
    if (value == null || (Number.isInteger(value) && value >= min && value <= max)) return;
    throw new OptionError('ERR_ARMRUN_OPTION', `${name}: ${value} is not a number from ${min} to ${max}`);
  };
  check('pidMax', pidMax, PID_MAX_MIN, PID_MAX_LIMIT);
  check('memory', memory, 0, Number.MAX_SAFE_INTEGER);
  check('cpus', cpus, 1, NR_CPUS);
}

/** The limits this process runs under, from /proc/self/limits. */
function hostLimits(): Rlimit[] {
  const limits = defaultLimits();
  const names: Record<string, number> = {
    'Max cpu time': RLIMIT.RLIMIT_CPU,
    'Max file size': RLIMIT.RLIMIT_FSIZE,
    'Max stack size': RLIMIT.RLIMIT_STACK,
    'Max core file size': RLIMIT.RLIMIT_CORE,
    'Max processes': RLIMIT.RLIMIT_NPROC,
    'Max open files': RLIMIT.RLIMIT_NOFILE,
    'Max locked memory': RLIMIT.RLIMIT_MEMLOCK,
    'Max pending signals': RLIMIT.RLIMIT_SIGPENDING,
    'Max msgqueue size': RLIMIT.RLIMIT_MSGQUEUE,
    'Max nice priority': RLIMIT.RLIMIT_NICE,
    'Max realtime priority': RLIMIT.RLIMIT_RTPRIO,
  };
  try {
    for (const line of fs.readFileSync('/proc/self/limits', 'latin1').split('\n')) {
      const match = /^(Max .*?) {2,}(\S+) +(\S+)/.exec(line);
      const index = match ? names[match[1]!] : undefined;
      if (index === undefined) continue;
      const value = (text: string) => (text === 'unlimited' ? Infinity : Number(text));
      limits[index] = { cur: value(match![2]!), max: value(match![3]!) };
    }
  } catch {
    // Not Linux: the defaults stand.
  }
  // Node raises its own soft limit to the hard one; programs expect the usual.
  const { max } = limits[RLIMIT.RLIMIT_NOFILE]!;
  limits[RLIMIT.RLIMIT_NOFILE] = { cur: Math.min(1024, max), max };
  return limits;
}
