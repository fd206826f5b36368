/** CPU models as a program sees them, against qemu-arm's of the same names. */
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { CPU_MODELS, cpuModelNamed, featureWords, HWCAP } from '../emu/cpu-model.ts';
import { makeFixtures, makeRoot } from './programs/engines.ts';

const bin = fileURLToPath(new URL('../src/bin.cjs', import.meta.url));
let program: string;
let root: string;
beforeAll(() => {
  program = `${makeFixtures()}/model.v6`;
  root = makeRoot('date');
});

function armrun(args: string[], env: NodeJS.ProcessEnv = {}) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { status, signal, stdout, stderr };
}
function qemu(cpu: string, args: string[]) {
  const { signal, stdout } = spawnSync('qemu-arm-static', ['-cpu', cpu, program, ...args], {
    encoding: 'utf8',
  });
  return { signal, lines: stdout.split('\n') };
}

/** Bits in which qemu, which has ThumbEE and no SWP check, and LPAE only by the CPU's ID registers, differs from the model. */
const OTHERWISE = HWCAP.THUMBEE | HWCAP.SWP | HWCAP.LPAE;

// qemu 7.2 has no 32-bit Cortex-A53.
describe.each(CPU_MODELS.filter(({ name }) => name !== 'cortex-a53'))('$name', (model) => {
  test('names itself as under qemu-arm', () => {
    const run = armrun(['--cpu-model', model.name, program]);
    const lines = run.stdout.split('\n');
    const theirs = qemu(model.name, []).lines;
    expect(lines.slice(0, 2)).toEqual(theirs.slice(0, 2));
    const differing = Number.parseInt(lines[2]!, 16) ^ Number.parseInt(theirs[2]!, 16);
    expect(differing & ~OTHERWISE).toBe(0);
    // And what the kernel's helpers do, which are code of this CPU.
    expect(run.signal).toBe(null);
    expect(lines.slice(3)).toEqual(theirs.slice(3));
    expect(lines).toHaveLength(8);
  });

  test('an instruction of ARMv6T2 is SIGILL where there is none', () => {
    const run = armrun([program, 'movw'], { QEMU_CPU: model.name });
    expect(run.signal).toBe(qemu(model.name, ['movw']).signal);
    expect(run.signal).toBe(model.features.has('v6t2') ? null : 'SIGILL');
  });
});

test('/proc/cpuinfo is the model', () => {
  const { stdout } = armrun(['--cpu-model', 'cortex-a9', '--root', root, '/bin/cat', '/proc/cpuinfo']);
  expect(stdout).toContain('ARMv7 Processor rev 1 (v7l)');
  expect(stdout).toContain('CPU part\t: 0xc09');
  expect(stdout).toContain(`Features\t: ${featureWords(cpuModelNamed('cortex-a9')!)}\n`);
  expect(featureWords(cpuModelNamed('cortex-a9')!)).toMatch(/ neon .* vfpd32$/);
});

test('help lists the models, and an unknown one is an error that names them', () => {
  const names = CPU_MODELS.map(({ name }) => name);
  expect(armrun(['--cpu-model', 'help'])).toMatchObject({ status: 0, stdout: `${names.join('\n')}\n` });
  expect(armrun([program], { QEMU_CPU: 'help' }).stdout).toBe(`${names.join('\n')}\n`);
  const unknown = armrun([program], { QEMU_CPU: 'cortex-a99' });
  expect(unknown.status).toBe(125);
  for (const name of names) expect(unknown.stderr).toContain(name);
});

test('the preloaded NEON memory routines of a Raspberry Pi image', () => {
  const directory = `${root}/srv`;
  const source = `
    #include <arm_neon.h>
    #include <stddef.h>
    __attribute__((optimize("no-tree-loop-distribute-patterns"))) void *memcpy(void *p, const void *q, size_t n) {
      unsigned char *d = p; const unsigned char *s = q;
      for (; n >= 16; n -= 16, d += 16, s += 16) vst1q_u8(d, vld1q_u8(s));
      while (n--) *d++ = *s++;
      return p;
    }`;
  const library = `${directory}/libpreload.so`;
  execFileSync('mkdir', ['-p', directory]);
  const flags = ['-O2', '-mfpu=neon', '-shared', '-fPIC', '-x', 'c', '-', '-o', library];
  execFileSync('arm-linux-gnueabihf-gcc', flags, { input: source });
  const run = armrun([
    '--root',
    root,
    '-E',
    'LD_PRELOAD=/srv/libpreload.so',
    '/bin/date',
    '-u',
    '-d',
    '@0',
    '+%F',
  ]);
  expect(run).toMatchObject({ status: 0, stdout: '1970-01-01\n' });
});
