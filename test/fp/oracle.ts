/** Single VFP instructions run by qemu-arm, through fixtures/fpops.c. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** An ARMv7 CPU with VFPv4; the default is an ARMv8 one. */
const CPU = ['-cpu', 'cortex-a15'];

export interface FpCase {
  /** Index into the oracle's operations. */
  operation: number;
  fpscr: number;
  d0: bigint;
  d1: bigint;
  d2: bigint;
}

export interface FpAnswer {
  d0: bigint;
  fpscr: number;
}

export interface Oracle {
  readonly operations: readonly string[];
  run(cases: readonly FpCase[]): FpAnswer[];
}

export function openOracle(): Oracle {
  if (!process.env.NOBUILD)
    execFileSync('bash', [join(ROOT, 'fixtures/build.sh')], { stdio: ['ignore', 'ignore', 'inherit'] });
  const program = join(ROOT, '.cache/fixtures/fpops.arm');
  const operations = execFileSync('qemu-arm-static', [...CPU, program, 'list'], { encoding: 'utf8' })
    .trim()
    .split('\n');
  return {
    operations,
    run(cases) {
      const input = new DataView(new ArrayBuffer(32 * cases.length));
      cases.forEach((c, i) => {
        input.setUint32(32 * i, c.operation, true);
        input.setUint32(32 * i + 4, c.fpscr, true);
        input.setBigUint64(32 * i + 8, c.d0, true);
        input.setBigUint64(32 * i + 16, c.d1, true);
        input.setBigUint64(32 * i + 24, c.d2, true);
      });
      const output = execFileSync('qemu-arm-static', [...CPU, program], {
        input: new Uint8Array(input.buffer),
        maxBuffer: 2 ** 30,
      });
      const answers = new DataView(output.buffer, output.byteOffset, output.byteLength);
      return cases.map((_, i) => ({
        d0: answers.getBigUint64(16 * i, true),
        fpscr: answers.getUint32(16 * i + 8, true),
      }));
    },
  };
}
