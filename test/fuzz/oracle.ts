/**
 * Runs cases on qemu-arm through fixtures/fuzz/run-cases.c: the outside oracle of the instruction fuzzer. cortex-a15 is the v7
 * CPU with all that armrun has (VFPv4, division); qemu's default `max` is a v8 CPU.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Case, CODE_WORDS, type Result, SLOTS, STATE_WORDS } from './layout.ts';

const SOURCE = fileURLToPath(new URL('../../fixtures/fuzz/run-cases.c', import.meta.url));
const DIRECTORY = fileURLToPath(new URL('../../.cache/fuzz/', import.meta.url));
const PROGRAM = `${DIRECTORY}run-cases`;
const QEMU = 'qemu-arm-static';
const GCC = 'arm-linux-gnueabihf-gcc';

const CASE_WORDS = 2 + STATE_WORDS + CODE_WORDS;
const RESULT_WORDS = 2 + STATE_WORDS + 1;

function build(): void {
  if (existsSync(PROGRAM) && statSync(PROGRAM).mtimeMs > statSync(SOURCE).mtimeMs) return;
  mkdirSync(DIRECTORY, { recursive: true });
  const made = `${PROGRAM}.${process.pid}`;
  const flags = ['-O2', '-marm', '-march=armv6k', '-mfpu=vfp', '-static', '-nostdlib', '-ffreestanding'];
  const exact = ['-fno-builtin', '-fno-tree-loop-distribute-patterns', '-fno-stack-protector'];
  execFileSync(GCC, [...flags, ...exact, '-o', made, SOURCE]);
  renameSync(made, PROGRAM);
}

/**
 * Results of batches of cases on a CPU of qemu's, each batch with its own slots; `scratch` is the memory each case begins with.
 */
export function runOracle(
  scratch: Uint32Array,
  batches: readonly (readonly Case[])[],
  cpu = 'cortex-a15',
): Result[][] {
  build();
  const cases = batches.reduce((sum, batch) => sum + batch.length, 0);
  const input = new Uint32Array(scratch.length + batches.length + cases * CASE_WORDS);
  input.set(scratch);
  let at = scratch.length;
  for (const batch of batches) {
    if (batch.length > SLOTS) throw new RangeError(`a batch has at most ${SLOTS} cases`);
    input[at++] = batch.length;
    for (const [slot, c] of batch.entries()) {
      if (c.slot !== slot) throw new RangeError('a case is not in its slot');
      input[at] = c.address & 0x1fc;
      input[at + 1] = c.code.length;
      input.set(c.state, at + 2);
      input.set(c.code, at + 2 + STATE_WORDS);
      at += CASE_WORDS;
    }
  }
  const run = spawnSync(QEMU, ['-cpu', cpu, PROGRAM], {
    input: new Uint8Array(input.buffer),
    maxBuffer: 1 << 30,
    timeout: 60_000 + cases,
  });
  if (run.status !== 0) {
    const how = run.error?.message ?? (run.signal === null ? `exit status ${run.status}` : run.signal);
    throw new Error(`the oracle ended with ${how} after ${run.stdout.length} bytes: ${run.stderr}`);
  }
  const bytes = new Uint8Array(run.stdout); // a copy, so that it is aligned
  const output = new Uint32Array(bytes.buffer, 0, bytes.length >>> 2);
  let from = 0;
  return batches.map((batch) =>
    batch.map(() => {
      const count = output[from + RESULT_WORDS - 1]!;
      const changes = new Map<number, number>();
      for (let i = 0; i < count; i++) {
        changes.set(output[from + RESULT_WORDS + 2 * i]!, output[from + RESULT_WORDS + 2 * i + 1]!);
      }
      const result: Result = {
        signal: output[from]!,
        faultAddress: output[from + 1]!,
        state: output.slice(from + 2, from + 2 + STATE_WORDS),
        changes,
      };
      from += RESULT_WORDS + 2 * count;
      return result;
    }),
  );
}
