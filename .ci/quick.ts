/**
 * npm run test:quick: type check, lint, and those tests that are quick (all together under 90 s), that need no root and no
 * network, and for which what they need is there. The last line is 'N passed, N failed, N skipped'.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runs } from '../test/needs.ts';

const project = fileURLToPath(new URL('..', import.meta.url));

/** These need nothing but npm's packages. */
const ALONE = [
  'test/count.test.ts',
  'test/imports.test.ts',
  'test/options.test.ts',
  'test/readme.test.ts',
  'test/style.test.ts',
  'test/bench.test.ts',
  'test/decode/rows.test.ts',
  'test/elf/stack.test.ts',
  'test/fp/exactness.test.ts',
  'test/kernel/declare.test.ts',
  'test/library/document.test.ts',
  'test/machine',
  'test/memory/address-space.test.ts',
  'test/memory/model.test.ts',
  'test/memory/pool.test.ts',
  'test/memory/shared.test.ts',
  'test/memory/preferred-addresses.test.ts',
  'test/ops',
  'test/tier0/operands.test.ts',
  'test/vfs/filesystems.test.ts',
  'test/vfs/inode-numbers.test.ts',
  'test/vfs/walk.test.ts',
];
/** These compile programs for ARM. */
const WITH_COMPILER = [
  'test/elf/read.test.ts',
  'test/jit/jit.test.ts',
  'test/kernel/exec.test.ts',
  'test/kernel/table.test.ts',
  'test/kernel/two-runs.test.ts',
  'test/library/memfs.test.ts',
  'test/library/run.test.ts',
];
/** And these compare with qemu-arm. */
const WITH_ORACLE = ['test/decode/undefined.test.ts', 'test/fp/compiled.test.ts', 'test/vfs/layouts.test.ts'];

/** Runs a command of npm's packages; gives whether it ended well. */
function run(command: string, ...args: string[]): boolean {
  const { status } = spawnSync(`${project}node_modules/.bin/${command}`, args, {
    cwd: project,
    stdio: 'inherit',
  });
  return status === 0;
}

const compiler = runs('arm-linux-gnueabihf-gcc');
const oracle = compiler && runs('qemu-arm-static');
const files = [...ALONE, ...(compiler ? WITH_COMPILER : []), ...(oracle ? WITH_ORACLE : [])];
const report = '.cache/vitest-quick.json';
mkdirSync(`${project}.cache`, { recursive: true });
let good = run('tsc', '--noEmit');
good = run('biome', 'ci', '--error-on-warnings', '.') && good;
good =
  run('vitest', 'run', ...files, '--reporter=dot', '--reporter=json', `--outputFile.json=${report}`) && good;
if (!compiler) console.log(`left out for want of arm-linux-gnueabihf-gcc: ${WITH_COMPILER.length} files`);
if (!oracle)
  console.log(`left out for want of qemu-arm-static and an ARM compiler: ${WITH_ORACLE.length} files`);
const counted = spawnSync(process.execPath, [`${project}.ci/count.ts`, report], {
  cwd: project,
  stdio: 'inherit',
});
process.exitCode = good && counted.status === 0 ? 0 : 1;
