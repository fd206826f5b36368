/**
 * The machine's parts on their own, and what system calls and faults cost a guest: `node bench/micro.ts`. The machine should be
 * idle.
 *
 * First the fixture `costs` under armrun, without a root and in one, qemu-arm and the host's kernel, then decoder, CPUs and
 * compiler in operations a second (benchmark.js).
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Benchmark from 'benchmark';

import { CpuState, OFF } from '../emu/cpu-state.ts';
import { decodeA32, decodeThumb } from '../emu/decode/decoder.ts';
import { ReferenceBackend } from '../emu/evaluator/reference-backend.ts';
import { JitBackend } from '../emu/jit/backend.ts';
import { AddressSpace } from '../emu/memory/address-space.ts';
import { EXEC, READ, WRITE } from '../emu/memory/layout.ts';
import flags from '../src/v8-flags.json' with { type: 'json' };
import { makeFixtures } from '../test/programs/engines.ts';

const fixtures = makeFixtures();

function costs(command: string, args: string[]): Map<string, string> {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 120_000 });
  if (status !== 0) throw new Error(`${command}: status ${status}\n${stderr}`);
  return new Map(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => [line.slice(0, -line.split(' ').at(-1)!.length).trim(), line.split(' ').at(-1)!]),
  );
}

const bin = fileURLToPath(new URL('../src/bin.cjs', import.meta.url));
const columns = [
  costs(process.execPath, [...flags, bin, `${fixtures}/costs.static`]),
  // In a root names are the host's by directories that are open.
  costs(process.execPath, [...flags, bin, '--root', '/', `${fixtures}/costs.static`]),
  costs('qemu-arm-static', [`${fixtures}/costs.static`]),
  costs(`${fixtures}/costs.host`, []),
];
const row = (name: string, cells: string[]) =>
  console.log(name.padEnd(26) + cells.map((cell) => cell.padStart(10)).join(''));
row('nanoseconds', ['armrun', '--root', 'qemu-arm', 'host']);
for (const name of columns[0]!.keys())
  row(
    name,
    columns.map((column) => column.get(name) ?? ''),
  );

/** Words of a real program's code. */
function words(variant: string): Uint32Array {
  const file = readFileSync(`${fixtures}/sha256.${variant}`);
  return new Uint32Array(file.buffer.slice(file.byteOffset + 0x4000, file.byteOffset + 0x8000));
}

const CODE = 0x1_0000;
const DATA = 0x2_0000;

/** A thread with r0 = count at the start of the code, which ends with SVC. */
function machine(
  code: readonly number[],
  make: (
    space: AddressSpace,
    hooks: ConstructorParameters<typeof JitBackend>[1],
  ) => JitBackend | ReferenceBackend,
) {
  const space = AddressSpace.create();
  const area = { shared: false, source: null, offset: 0, growsDown: false, name: '' };
  space.map({ ...area, start: CODE, end: CODE + 0x1000, prot: READ | WRITE | EXEC });
  space.map({ ...area, start: DATA, end: DATA + 0x1000, prot: READ | WRITE });
  space.check(CODE, code.length * 4, WRITE);
  code.forEach((word, i) => {
    space.u32[(CODE >> 2) + i] = word;
  });
  space.check(DATA, 0x1000, WRITE);
  const cpu = new CpuState(space.buffer, space.allocateState());
  cpu.clear();
  const stop = (what: string) => () => {
    throw new Error(`the code ended with ${what}`);
  };
  const backend = make(space, {
    hooks: {
      syscall: () => false,
      fault: stop('a fault'),
      trap: stop('a trap'),
      preempt: (state) => {
        state.fuel = 1 << 30;
        return true;
      },
    },
  });
  return (count: number) => {
    cpu.i32[OFF.fuel >> 2] = 1 << 30;
    cpu.ru[0] = count;
    cpu.ru[1] = DATA;
    cpu.location = CODE;
    backend.run(cpu);
  };
}

/** Eight instructions a turn: arithmetic, a load, a store, a branch. */
const LOOP = [
  0xe5912000, // ldr r2, [r1]
  0xe0822000, // add r2, r2, r0
  0xe1a034a2, // lsr r3, r2, #9
  0xe0233182, // eor r3, r3, r2, lsl #3
  0xe5813004, // str r3, [r1, #4]
  0xe0844003, // add r4, r4, r3
  0xe2500001, // subs r0, r0, #1
  0x1afffff7, // bne to the start
  0xef000000, // svc #0
];
const TURNS = 10_000;

const suite = new Benchmark.Suite();
/** `operations` is how many of them one call of `body` does. */
function add(name: string, unit: string, operations: number, body: () => void): void {
  suite.add(name, body, {
    onComplete: (event: Benchmark.Event) => {
      const bench = event.target as Benchmark.Target & { error?: Error; hz: number; stats: { rme: number } };
      if (bench.error) throw bench.error;
      const millions = ((bench.hz * operations) / 1e6).toFixed(2).padStart(10);
      console.log(`${name.padEnd(26)}${millions} million ${unit}/s, ±${bench.stats.rme.toFixed(1)} %`);
    },
  });
}

const arm = words('arm');
add('decode A32', 'instructions', arm.length, () => {
  for (let i = 0; i < arm.length; i++) decodeA32(arm[i]!);
});
const thumb = words('static');
add('decode Thumb', 'instructions', thumb.length, () => {
  for (let i = 0; i < thumb.length; i++) decodeThumb(thumb[i]! & 0xffff, thumb[i]! >>> 16, 0);
});
const interpreted = machine(LOOP, (space, options) => new ReferenceBackend(space, options));
add('interpreter', 'instructions', TURNS * 8, () => interpreted(TURNS));
const compiled = machine(LOOP, (space, options) => new JitBackend(space, options));
add('JIT, warm', 'instructions', TURNS * 80, () => compiled(TURNS * 10));
suite.run();
