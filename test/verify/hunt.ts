/**
 * Runs the programs of the test suite with two CPUs in lockstep and tells where they differ:
 *
 *   node test/verify/hunt.ts --cpu jit --verify unicorn --programs '^sort' --fixtures none
 *
 * --programs and --fixtures are regular expressions over the command lines of test/programs/commands.ts and the names of the
 * compiled fixtures; `none` takes none. Without --verify the outcome is compared with qemu-arm's, for engines that the test suite
 * does not run (--cpu unicorn). --seconds limits the time of all. Exit status 1 when there are differences.
 */
import { createHash } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { CpuName } from '../../emu/cpu.ts';
import { type Command, commands, words } from '../programs/commands.ts';
import { makeData } from '../programs/data.ts';
import { armrun, difference, type Invocation, makeFixtures, makeRoot, qemu } from '../programs/engines.ts';

/** src/run.ts, MISMATCH_STATUS. */
const MISMATCH = 99;

const { values } = parseArgs({
  options: {
    cpu: { type: 'string', default: 'jit' },
    verify: { type: 'string' },
    programs: { type: 'string', default: '.' },
    fixtures: { type: 'string', default: '.' },
    seconds: { type: 'string', default: '3600' },
  },
});

const root = makeRoot('full');
makeData(root);
const end = performance.now() + Number(values.seconds) * 1000;
let failures = 0;
let runs = 0;

async function hunt(name: string, invocation: Invocation, rules?: Command): Promise<void> {
  if (performance.now() > end) return;
  runs++;
  const start = performance.now();
  const options = values.verify === undefined ? [] : ['--verify', values.verify];
  const outcome = await armrun(invocation, values.cpu as CpuName, options);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  let failure: string | undefined;
  if (values.verify === undefined) failure = difference(outcome, await qemu(invocation), rules);
  else if (outcome.status === MISMATCH || /not compared|internal error/.test(outcome.stderr))
    failure = outcome.stderr;
  else if (outcome.signal === 'SIGKILL' && performance.now() - start > 119_000) failure = 'too slow';
  if (failure !== undefined) failures++;
  console.log(`${failure === undefined ? 'ok  ' : 'FAIL'} ${seconds.padStart(6)} s  ${name}`);
  if (failure !== undefined) console.log(failure.replaceAll(/^/gm, '       '));
}

function selected(pattern: string, name: string): boolean {
  return pattern !== 'none' && new RegExp(pattern).test(name);
}

for (const command of commands) {
  if (!selected(values.programs, command.line)) continue;
  const id = createHash('md5').update(command.line).digest('hex').slice(0, 8);
  const invocation = (line: string, stdin: string | Buffer): Invocation => ({
    root,
    argv: words(line),
    cwd: `/tmp/hunt-${id}`,
    stdin,
  });
  const { stdin } = command;
  const input =
    typeof stdin === 'object'
      ? Buffer.from((await qemu(invocation(stdin.from, ''))).stdout, 'latin1')
      : (stdin ?? '');
  await hunt(command.line, invocation(command.line, input), command);
}

const directory = makeFixtures();
for (const program of readdirSync(directory)) {
  if (/^\.|\.(host|new)$/.test(program) || !selected(values.fixtures, program)) continue;
  mkdirSync(`${root}/srv/hunt`, { recursive: true });
  const inside = `/srv/hunt/${program}`;
  rmSync(root + inside, { force: true });
  linkSync(`${directory}/${program}`, root + inside);
  await hunt(program, { root, argv: [inside], cwd: `/tmp/hunt-${program}`, stdin: '' });
}
console.log(`${runs} runs, ${failures} failures`);
process.exitCode = failures > 0 ? 1 : 0;
