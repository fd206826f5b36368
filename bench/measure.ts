/** What both benchmarks share: to run a command and take its time, medians, and what is said of the machine. */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const GNU_TIME = '/usr/bin/time';
/** What binfmt.sh ends with where it can make no namespace. */
const NO_NAMESPACE = 90;

/**
 * Runs this script once more in a user namespace in which binfmt_misc executes ARM programs (binfmt.sh; ARMRUN_BENCH_BINFMT is
 * set there). Gives its exit status; null where there is no such namespace.
 */
export function runWithBinfmt(): number | null {
  const script = fileURLToPath(new URL('binfmt.sh', import.meta.url));
  const args = [process.execPath, ...process.argv.slice(1)];
  const { status } = spawnSync(script, args, { stdio: 'inherit' });
  return status === NO_NAMESPACE ? null : (status ?? 1);
}

export interface Measured {
  /** Wall time in milliseconds. */
  readonly ms: number;
  /** CPU time of the command and of all it has waited for, in milliseconds; in steps of 10 ms (proc_pid_stat(5)). */
  readonly cpu: number;
  /** Standard output, one character a byte. */
  readonly output: string;
}

/**
 * Runs a command to its end. Throws when it ends by anything but exit status 0, with what it wrote to standard error. Its input
 * is /dev/null and its outputs are files: what spawnSync calls pipes are sockets, which programs treat otherwise.
 */
export function measure(command: readonly string[], env: NodeJS.ProcessEnv, timeout = 300_000): Measured {
  const directory = mkdtempSync(join(tmpdir(), 'armrun-bench-'));
  const [stdout, stderr] = ['stdout', 'stderr'].map((name) => join(directory, name)) as [string, string];
  const fds = [stdout, stderr].map((file) => openSync(file, 'w'));
  try {
    const cpuBefore = childrenCpu();
    const start = process.hrtime.bigint();
    const { status, signal, error } = spawnSync(command[0]!, command.slice(1), {
      env,
      stdio: ['ignore', ...fds],
      timeout,
      killSignal: 'SIGKILL',
    });
    const ms = Number(process.hrtime.bigint() - start) / 1e6;
    if (status !== 0) {
      const why = error?.message ?? signal ?? `status ${status}`;
      throw new Error(`${command.join(' ')}: ${why}\n${readFileSync(stderr, 'utf8')}`);
    }
    return { ms, cpu: childrenCpu() - cpuBefore, output: readFileSync(stdout, 'latin1') };
  } finally {
    for (const fd of fds) closeSync(fd);
    rmSync(directory, { recursive: true });
  }
}

/** Milliseconds of CPU that the children of this process, waited for, have used: cutime and cstime, in ticks of 10 ms. */
function childrenCpu(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return 10 * (Number(fields[13]) + Number(fields[14]));
}

/**
 * KiB that a command had in memory at the most, its children's largest if that is more (GNU time); null where there is no such
 * program.
 */
export function peakMemory(command: readonly string[], env: NodeJS.ProcessEnv): number | null {
  if (!existsSync(GNU_TIME)) return null;
  const file = join(tmpdir(), `armrun-bench-peak-${process.pid}`);
  try {
    measure([GNU_TIME, '-f', '%M', '-o', file, ...command], env);
    return Number(readFileSync(file, 'utf8'));
  } finally {
    rmSync(file, { force: true });
  }
}

export function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[list.length >> 1]!;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
}

export function machine(): Machine {
  return { cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), node: process.version };
}

/** What a benchmark writes to a JSON file, and bench/compare.ts reads. Times in milliseconds. */
export interface Results {
  readonly date: string;
  readonly machine: Machine;
  readonly rounds: number;
  /** `node -e 0`: the least that any run of armrun can take. */
  readonly bareNode: number;
  readonly results: readonly Result[];
}

export interface Result {
  readonly name: string;
  readonly about: string;
  /** By engine: the median and all runs. An engine that could not run the program is missing. */
  readonly median: Record<string, number>;
  readonly runs: Record<string, number[]>;
  /** The medians of CPU time, by engine, where that was measured. */
  readonly cpu?: Record<string, number>;
  /** KiB in memory at the most, by engine, where that was measured. */
  readonly peak?: Record<string, number>;
}
