/**
 * Runs programs of an armhf root under qemu-arm, the oracle, and under armrun, and gives what can be seen of each run.
 *
 * qemu-arm runs in a chroot, so that both see the same tree (its -L only redirects some paths); it loses the program at execve
 * there, which is why the commands start no other. For an ordinary user a user namespace makes the chroot possible. Its results
 * are kept under .cache/qemu.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CpuName } from '../../emu/cpu.ts';
import flags from '../../src/v8-flags.json' with { type: 'json' };

/** What a run shows. Outputs are latin1 text, which keeps every byte. */
export interface Outcome {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Invocation {
  /** Host path of the guest's root. */
  root: string;
  /** argv; [0] is the guest's path of the program. */
  argv: readonly string[];
  /** Guest path of the working directory, which is made empty. */
  cwd: string;
  stdin: string | Buffer;
}

const project = fileURLToPath(new URL('../..', import.meta.url));
const QEMU = '/usr/bin/qemu-arm-static';
const TIMEOUT_MS = 180_000;

/** What programs find in their environment. */
export const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LC_ALL: 'C.UTF-8',
  TZ: 'UTC',
  TERM: 'dumb',
  PYTHONDONTWRITEBYTECODE: '1',
  PYTHONHASHSEED: '0',
  PERL_HASH_SEED: '0',
};

export type RootName = 'date' | 'full' | 'go' | 'image' | 'languages' | 'vectors';

/** The directory of a root of fixtures/root.sh, made if need be. */
export function makeRoot(name: RootName): string {
  return execFileSync(`${project}fixtures/root.sh`, [name], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}

/** The directory of the compiled fixtures, up to date. */
export function makeFixtures(): string {
  return execFileSync(`${project}fixtures/build.sh`, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}

/**
 * Runs under qemu-arm, or gives the kept result of the same run. `depends` is a host file whose content the result depends on
 * (the program, when not of the root).
 */
export async function qemu(invocation: Invocation, depends?: string): Promise<Outcome> {
  const { root, argv, cwd, stdin } = invocation;
  const hash = createHash('sha256').update(
    JSON.stringify([basename(root), argv, cwd, ENVIRONMENT, statSync(QEMU).size]),
  );
  hash.update(stdin);
  if (depends !== undefined) hash.update(readFileSync(depends));
  const kept = `${project}.cache/qemu/${hash.digest('hex').slice(0, 32)}.json`;
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8'));

  const inside = '/usr/bin/qemu-arm-static';
  if (!existsSync(root + inside)) {
    copyFileSync(QEMU, `${root}${inside}.${process.pid}`);
    renameSync(`${root}${inside}.${process.pid}`, root + inside);
  }
  // qemu-arm's own "not found" is no outcome to compare with. (The link itself: its target may be absolute.)
  lstatSync(root + argv[0]!);
  freshDirectory(invocation);
  // The mounts are seen by this command alone.
  const script =
    'mount --rbind /dev "$1/dev" && mount --rbind /proc "$1/proc" && root=$1 cwd=$2 && shift 2 && exec env -i "$(command -v unshare)" --root "$root" --wd "$cwd" "$@"';
  const outcome = await run(
    'unshare',
    [
      '--mount',
      ...(process.getuid!() === 0 ? [] : ['--map-current-user', '--keep-caps']),
      ...['sh', '-c', script, 'sh', root, cwd],
      ...[
        inside,
        ...Object.entries(ENVIRONMENT).flatMap(([name, value]) => ['-E', `${name}=${value}`]),
        ...argv,
      ],
    ],
    // unshare and sh are the host's.
    { PATH: process.env.PATH },
    stdin,
  );
  outcome.stderr = outcome.stderr.replace(/^qemu: uncaught target signal .*\n/m, '');
  mkdirSync(`${project}.cache/qemu`, { recursive: true });
  writeFileSync(`${kept}.${process.pid}`, JSON.stringify(outcome));
  renameSync(`${kept}.${process.pid}`, kept);
  return outcome;
}

/** Runs under armrun, by its command line. What armrun and qemu-arm say of a death by a fault is left out of both outcomes. */
export async function armrun(
  invocation: Invocation,
  cpu: CpuName,
  options: readonly string[] = [],
): Promise<Outcome> {
  freshDirectory(invocation);
  const { root, argv, cwd, stdin } = invocation;
  const args = [
    ...flags,
    `${project}src/bin.cjs`,
    '--strict',
    '--cpu',
    cpu,
    '--root',
    root,
    '--cwd',
    cwd,
    ...options,
    '--',
    ...argv,
  ];
  const env =
    cpu === 'unicorn.js'
      ? { ...ENVIRONMENT, ARMRUN_UNICORN_JS: `${project}test/unicorn/stand-in.ts` }
      : ENVIRONMENT;
  const outcome = await run(process.execPath, args, env, stdin);
  outcome.stderr = outcome.stderr.replace(/^armrun: .* at address .*\n/m, '');
  return outcome;
}

/** Says what differs, for a failed comparison; undefined when nothing does. */
export function difference(
  actual: Outcome,
  expected: Outcome,
  { stderr = true, unordered = false }: { stderr?: boolean; unordered?: boolean } = {},
): string | undefined {
  const ends = (o: Outcome) => (o.signal === null ? `exit status ${o.status}` : `death by ${o.signal}`);
  if (ends(actual) !== ends(expected)) {
    return `${ends(actual)} instead of ${ends(expected)}; stderr: ${actual.stderr.slice(0, 2000)}`;
  }
  for (const stream of stderr ? (['stdout', 'stderr'] as const) : (['stdout'] as const)) {
    const order = (text: string) => (unordered ? text.split('\n').sort().join('\n') : text);
    const [a, e] = [order(actual[stream]), order(expected[stream])];
    if (a === e) continue;
    let at = 0;
    while (a[at] === e[at]) at++;
    const from = Math.max(0, at - 60);
    const shown = (text: string) => `${JSON.stringify(text.slice(from, at + 100))} (${text.length} bytes)`;
    return `${stream} differs at byte ${at}:\n  ${shown(a)}\ninstead of\n  ${shown(e)}`;
  }
  return undefined;
}

function freshDirectory({ root, cwd }: Invocation): void {
  rmSync(root + cwd, { recursive: true, force: true });
  mkdirSync(root + cwd, { recursive: true });
}

function run(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  stdin: string | Buffer,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    const chunks: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
    child.stdout.on('data', (data) => chunks.stdout.push(data));
    child.stderr.on('data', (data) => chunks.stderr.push(data));
    child.on('error', reject);
    child.on('close', (status, signal) => {
      const [stdout, stderr] = [chunks.stdout, chunks.stderr].map((list) =>
        Buffer.concat(list).toString('latin1'),
      );
      resolve({ status, signal, stdout: stdout!, stderr: stderr! });
    });
    // A program need not read what it is given.
    child.stdin.on('error', () => {});
    child.stdin.end(stdin);
  });
}
