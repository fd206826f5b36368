/**
 * Fixtures of threads, processes and timers: the same program compiled for the host shows what Linux does (qemu-arm does not).
 */
import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { armrun, makeFixtures, makeRoot } from '../programs/engines.ts';

let directory: string;
let root: string;
beforeAll(() => {
  directory = makeFixtures();
  root = makeRoot('full');
  mkdirSync(`${root}/srv/fixtures`, { recursive: true });
});

describe.each(['threads', 'processes', 'timers', 'sysvipc', 'leaders', 'ptrace', 'stress'])('%s', (name) => {
  test.each([
    ['static', 'jit'],
    ['arm', 'jit'],
    ['static', 'interp'],
  ] as const)('%s %s', async (variant, cpu) => {
    const host = spawnSync(`${directory}/${name}.host`, { encoding: 'latin1', timeout: 180_000 });
    const from = `${directory}/${name}.${variant}`;
    const inside = `${root}/srv/fixtures/${name}.${variant}`;
    if (statSync(inside, { throwIfNoEntry: false })?.ino !== statSync(from).ino) {
      rmSync(inside, { force: true });
      linkSync(from, inside);
    }
    const ours = await armrun(
      { root, argv: [`/srv/fixtures/${name}.${variant}`], cwd: `/tmp/native-${name}`, stdin: '' },
      cpu,
    );
    expect(ours.stdout).toBe(host.stdout);
    expect(ours).toMatchObject({ stderr: host.stderr, status: host.status, signal: host.signal });
  });
});
