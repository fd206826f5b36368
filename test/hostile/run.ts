/**
 * Has executor.c make the same calls under armrun and under the host's kernel, and compares. Each runs as an ordinary user with a
 * small root of its own, in namespaces of its own: what a hostile call does to files, processes or the network it does there.
 * Needs root (or a user namespace) for those.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import flags from '../../src/v8-flags.json' with { type: 'json' };
import { type BatchResult, decode } from './encode.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const cache = `${project}.cache/hostile`;
const C_FLAGS = [
  ...[
    '-std=gnu11',
    '-O2',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-static',
    '-nostdlib',
    '-ffreestanding',
    '-fno-builtin',
  ],
  ...['-fno-stack-protector', '-fno-pie', '-no-pie', '-Wl,-Ttext-segment=0x50000000'],
];
const HEADERS = '/usr/include/x86_64-linux-gnu';
const COMPILERS = {
  arm: ['arm-linux-gnueabihf-gcc', '-marm'],
  host: ['gcc', '-m32', '-idirafter', HEADERS],
} as const;
export type Where = keyof typeof COMPILERS;

/** Numbers of 32-bit x86's system calls by name. */
export function hostNumbers(): Map<string, number> {
  const text = readFileSync(`${HEADERS}/asm/unistd_32.h`, 'utf8');
  return new Map(
    Array.from(text.matchAll(/^#define __NR_(\w+) (\d+)$/gm), ([, name, n]) => [name!, Number(n)]),
  );
}

/** The path of the compiled executor, which is compiled when it is another one now. */
function executor(where: Where): string {
  const source = fileURLToPath(new URL('./executor.c', import.meta.url));
  const [compiler, ...options] = COMPILERS[where];
  const command = [compiler, ...options, ...C_FLAGS, source];
  const hash = createHash('sha256').update(readFileSync(source)).update(command.join(' ')).digest('hex');
  const target = `${cache}/executor.${where}.${hash.slice(0, 16)}`;
  if (!existsSync(target)) {
    mkdirSync(cache, { recursive: true });
    execFileSync(command[0]!, [...command.slice(1), '-o', `${target}.${process.pid}`]);
    renameSync(`${target}.${process.pid}`, target);
  }
  return target;
}

/** $1 is a directory, $2 what is to be run in it: a root with devices, a directory to work in, the executor and its input. */
const SCRIPT = `
set -e
mount -t tmpfs -o size=64m,mode=0755 none "$1"
mkdir "$1/dev" "$1/proc" "$1/work" "$1/io"
mount -t tmpfs -o size=1m,mode=0755 none "$1/dev"
for device in null zero; do : > "$1/dev/$device"; mount --bind "/dev/$device" "$1/dev/$device"; done
mount -t proc proc "$1/proc"
mount --bind "$2" "$1/io"
chown 1000:1000 "$1/work"
ip link set lo up 2>/dev/null || true
ulimit -n 1024
ulimit -s 8192
ulimit -c 0
renice -n 0 -p $$ >/dev/null 2>&1 || true
root=$1
shift 2
exec "$@"
`;

/** Nobody in particular, as chroot makes him. */
const USER = ['--reuid=1000', '--regid=1000', '--clear-groups', '--inh-caps=-all'];

const isRoot = process.getuid?.() === 0;

export interface Run {
  readonly batches: BatchResult[];
  readonly stderr: string;
  /** How it ended, when not as it should have. */
  readonly failure: string | undefined;
}

const armrun = [process.execPath, ...flags, `${project}src/bin.cjs`, '--cache', 'none'];
let warm = false;
/** Code of the emulator that is made once for all runs, and kept where only the owner of its sources may write. */
function warmUp(): void {
  if (!warm) spawnSync(armrun[0]!, [...armrun.slice(1), executor('arm'), '/dev/null', '/dev/null']);
  warm = true;
}

/** Runs encoded batches. With `privileged` the guest is root of its own root directory, which is nobody to the host. */
export async function run(where: Where, input: Uint8Array, privileged = false): Promise<Run> {
  if (where === 'arm') warmUp();
  const directory = mkdtempSync(`${tmpdir()}/armrun-hostile-`);
  try {
    const [root, io] = [`${directory}/root`, `${directory}/io`];
    mkdirSync(root);
    mkdirSync(io);
    writeFileSync(`${io}/input`, input);
    writeFileSync(`${io}/output`, '', { mode: 0o666 });
    // Beside the root is what belongs to whom in it (--fakeroot).
    execFileSync('chmod', [privileged ? '777' : '755', directory]);
    execFileSync('chmod', ['777', io, `${io}/output`]);
    copyFileSync(executor(where), `${io}/executor`);
    const inside = ['/io/executor', '/io/input', '/io/output'];
    const node = [...armrun, ...(privileged ? ['--fakeroot'] : [])];
    const command =
      where === 'host'
        ? [
            'setarch',
            '--addr-no-randomize',
            'chroot',
            ...(isRoot ? ['--userspec=1000:1000', '--groups='] : []),
            root,
            ...inside,
          ]
        : [...(isRoot ? ['setpriv', ...USER] : []), ...node, '--root', root, ...inside];
    const { ARMRUN_STRICT: _, ...env } = process.env;
    // An ordinary user is user 1000 in a namespace of his own; of his capabilities there a guest has none.
    const user = isRoot ? [] : ['--user', '--map-user=1000', '--map-group=1000', '--keep-caps'];
    const namespaces = [...user, '--mount', '--pid', '--fork', '--kill-child', '--net', '--ipc', '--uts'];
    const child = spawn('unshare', [...namespaces, 'sh', '-c', SCRIPT, 'sh', root, io, ...command], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 600_000,
    });
    let stderr = '';
    child.stderr.setEncoding('latin1').on('data', (text) => {
      stderr += text;
    });
    const [status, signal] = await once(child, 'close');
    const batches = decode(new Uint8Array(readFileSync(`${io}/output`)));
    return {
      batches,
      stderr,
      failure: status === 0 ? undefined : `${where}: status ${status} ${signal ?? ''}`,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
