/**
 * What some tests need of the machine. Without it they are skipped, with the need in their names, so that the count at the end
 * (.ci/count.ts) can say for want of what.
 */
import { spawnSync } from 'node:child_process';
import { describe, test } from 'vitest';

export const runs = (...tools: string[]) =>
  tools.every((tool) => spawnSync(tool, ['--version']).status === 0);

const MET = {
  root: () => process.geteuid?.() === 0,
  'root and btrfs-progs': () => process.geteuid?.() === 0 && runs('mkfs.btrfs'),
  /** To compare with; what it runs is compiled. */
  'qemu-arm-static and an ARM compiler': () => runs('qemu-arm-static', 'arm-linux-gnueabihf-gcc'),
  x64: () => process.arch === 'x64',
  'podman and runc': () => process.geteuid?.() === 0 && runs('podman', 'runc'),
  /** Only who starts it knows (image/docker.ts). */
  'a Docker daemon': () => false,
} as const;

/** `describe` and `test` for tests with a need. `name` is for names of tests: it tells of a need that is not met. */
export function needs(need: keyof typeof MET, met: boolean = MET[need]()) {
  return {
    met,
    describe: met ? describe : describe.skip,
    test: met ? test : test.skip,
    name: (name: string) => (met ? name : `${name} (needs ${need})`),
  };
}
