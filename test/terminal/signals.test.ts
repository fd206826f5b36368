/** Signals from the host, exits, and output that nobody takes, without a terminal. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { makeRoot } from '../programs/engines.ts';
import { becomesIdle, statOf } from './host-process.ts';

const armrun = fileURLToPath(new URL('../../src/armrun', import.meta.url));
/** Nothing is known to take nearly as long, even on a busy machine. */
const PATIENCE_MS = 120_000;

/** A shell of the guest that runs a script, in a session of its own on the host. */
class Guest implements Disposable {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';

  constructor(script: string, stdin: 'pipe' | 'ignore' = 'ignore') {
    const args = ['--root', makeRoot('full'), '/bin/sh', '-c', script];
    this.child = spawn(armrun, args, { stdio: [stdin, 'pipe', 'pipe'], detached: true });
    this.child.stdout!.on('data', (data) => {
      this.stdout += data;
    });
    this.child.stderr!.on('data', (data) => {
      this.stderr += data;
    });
  }

  [Symbol.dispose](): void {
    this.child.kill('SIGKILL');
  }

  get pid(): number {
    return this.child.pid!;
  }
  kill(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }
  async prints(text: string | RegExp): Promise<void> {
    await expect.poll(() => this.stdout, { timeout: PATIENCE_MS, interval: 20 }).toMatch(text);
  }
  async end(): Promise<[code: number | null, signal: NodeJS.Signals | null]> {
    if (this.child.exitCode !== null || this.child.signalCode !== null)
      return [this.child.exitCode, this.child.signalCode];
    return (await once(this.child, 'close')) as [number | null, NodeJS.Signals | null];
  }
  get stat(): string[] {
    return statOf(this.pid);
  }
}

const TRAPS = ['HUP', 'INT', 'QUIT', 'USR1', 'USR2', 'ALRM', 'TERM', 'URG', 'WINCH', 'CONT', 'IO'] as const;
const ENDS = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGALRM', 'SIGTERM'] as const;

describe('signals of the host', { timeout: 3 * PATIENCE_MS }, () => {
  test.each(['ignore', 'pipe'] as const)('reach handlers (standard input: %s)', async (stdin) => {
    const traps = TRAPS.map((name) => `trap 'echo got ${name}' ${name}`).join('; ');
    using guest = new Guest(`${traps}; echo ready; while :; do sleep 600 & wait; kill $!; done`, stdin);
    await guest.prints('ready');
    for (const name of TRAPS) {
      guest.kill(`SIG${name}` as NodeJS.Signals);
      await guest.prints(`got ${name}\n`);
    }
  });

  test.each(ENDS)('%s ends armrun as it ends the guest', async (signal) => {
    using guest = new Guest('echo ready; exec sleep 600');
    await guest.prints('ready');
    guest.kill(signal);
    expect(await guest.end()).toEqual([null, signal]);
    expect(guest.stderr).toBe('');
  });

  test('Ctrl-C is for all of the foreground, SIGTERM for the first process', async () => {
    const script = `sh -c 'trap "echo child; exit 5" INT TERM; echo ready; while :; do sleep 600 & wait; done'`;
    using interrupted = new Guest(`trap 'echo parent' INT; ${script}; echo status $?; exit 3`);
    await interrupted.prints('ready');
    interrupted.kill('SIGINT');
    expect(await interrupted.end()).toEqual([3, null]);
    expect(interrupted.stdout).toBe('ready\nchild\nparent\nstatus 5\n');

    using terminated = new Guest(`${script}; echo status $?`);
    await terminated.prints('ready');
    terminated.kill('SIGTERM');
    expect(await terminated.end()).toEqual([null, 'SIGTERM']);
    expect(terminated.stdout).toBe('ready\n');
  });

  test('a guest that stops itself stops armrun, and SIGCONT continues it', async () => {
    using guest = new Guest("trap 'echo continued' CONT; echo stops; kill -STOP $$; echo on; exit 4");
    await guest.prints('stops');
    await expect.poll(() => guest.stat[0], { timeout: PATIENCE_MS, interval: 20 }).toBe('T');
    guest.kill('SIGCONT');
    expect(await guest.end()).toEqual([4, null]);
    expect(guest.stdout).toMatch(/^stops\n(continued\non|on\ncontinued)\n$/);
  });

  test('signals that are ignored stay so', () => {
    const script =
      'trap "echo handled" USR1; for s in HUP INT USR1; do kill -$s $$; done; grep SigIgn /proc/self/status';
    expect(host(`trap '' INT USR1; nohup $A /bin/sh -c '${script}'`).stdout).toBe(
      'SigIgn:\t0000000000000203\n',
    );
    const other = `$A /bin/sh -c 'kill -INT $$'; echo $?`;
    expect(host(other).stdout).toBe('130\n');
  });

  test('a signal during a loop without system calls', async () => {
    using guest = new Guest("trap 'echo got it; exit 6' USR1; echo ready; while :; do :; done");
    await guest.prints('ready');
    guest.kill('SIGUSR1');
    expect(await guest.end()).toEqual([6, null]);
  });
});

/** Runs a line of bash in which $A runs armrun. */
function host(line: string) {
  const { status, stdout, stderr } = spawnSync('/bin/bash', ['-c', line], {
    encoding: 'latin1',
    env: { ...process.env, A: `${armrun} --root ${makeRoot('full')}` },
    timeout: PATIENCE_MS,
  });
  return { status, stdout, stderr };
}

describe('the end of a run', { timeout: 3 * PATIENCE_MS }, () => {
  test.each([
    ['exit 0', 0],
    ['exit 255', 255],
    ['kill -KILL $$', 137],
    ['kill -SEGV $$', 139],
    ['kill -PIPE $$', 141],
    ['kill -40 $$', 168],
  ])('%s', (script, status) => {
    for (const stdin of ['</dev/null', '<&-', '< <(sleep 0.1)']) {
      expect(host(`ulimit -c 0; $A /bin/sh -c '${script}' ${stdin} 2>/dev/null; exit $?`).status).toBe(
        status,
      );
    }
  });

  test('nothing is lost on a slow pipe', () => {
    expect(host('$A /bin/seq 200000 | (sleep 1; cksum); seq 200000 | cksum').stdout).toMatch(/^(.*\n)\1$/);
  });

  test('a pipe whose reader has gone, a full disk', () => {
    expect(host('$A /bin/seq 1000000 | head -1; echo ${PIPESTATUS[0]}').stdout).toBe('1\n141\n');
    expect(host('$A /bin/sh -c \'trap "" PIPE; seq 1000000; echo $? >&2\' | head -1').stderr).toMatch(
      /Broken pipe\n1\n$/,
    );
    expect(host('$A /bin/echo text > /dev/full')).toEqual({
      status: 1,
      stdout: '',
      stderr: '/bin/echo: write error: No space left on device\n',
    });
  });

  test('a reader that takes nothing holds up neither other tasks nor signals', () => {
    const script = '(sleep 0.1; echo alive >&2) & exec seq 10000000';
    const line = `cd $(mktemp -d); mkfifo p; exec 3<>p
      $A /bin/sh -c '${script}' > p 2> errors & until grep alive errors; do sleep 0.05; done
      kill $!; wait $!; echo $?`;
    expect(host(line).stdout).toBe('alive\n143\n');
  });
});

describe('a guest that waits uses no CPU', () => {
  test.concurrent.each([
    ['sleep', 'echo ready; exec sleep 600'],
    ['a pipe nobody writes', 'echo ready; exec cat 3<>p <&3'],
    ['standard input', 'echo ready; exec cat'],
    ['pause', 'echo ready; exec perl -e sleep'],
    ['a full pipe', 'echo ready; yes | sleep 600'],
    ['select', 'echo ready; exec perl -e "select undef, undef, undef, 600"'],
    ['a child', 'echo ready; sleep 600; :'],
    ['flock', 'echo ready; exec 3>l; flock 3; flock l true'],
    ['200 processes', `exec perl -e '$| = 1; for (1 .. 200) { fork or exit sleep } print "ready\\n"; wait'`],
  ])('%s', { timeout: 3 * PATIENCE_MS }, async (_what, script) => {
    using guest = new Guest(`cd /dev/shm; mkfifo p; ${script}`, 'pipe');
    await guest.prints('ready');
    expect(await becomesIdle(guest.pid)).toBe(true);
  });
});
