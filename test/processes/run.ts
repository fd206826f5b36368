/** Runs cases and shows what differs from the recording: `node test/processes/run.ts GROUP [CASE ...]`. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Group, groupFiles } from './suite.ts';

const [name, ...only] = process.argv.slice(2);
const root = execFileSync(fileURLToPath(new URL('../../fixtures/root.sh', import.meta.url)), ['full'], {
  encoding: 'utf8',
}).trim();
const file = groupFiles().find((f) => f.replace(/\.\w+$/, '') === name);
if (file === undefined) throw new Error(`no such group: ${name}`);
const group = new Group(file);
const started = performance.now();
const result = await group.run(root, only.length > 0 ? only : undefined);
let same = 0;
for (const one of only.length > 0 ? only : group.cases) {
  const [expected, actual] = [group.recording.cases[one], result.cases[one]];
  if (JSON.stringify(expected) === JSON.stringify(actual)) same++;
  else {
    const lines = (text = '(nothing)') => text.replace(/^/gm, '    ');
    console.log(`${one}: status ${actual?.status}, recorded ${expected?.status}`);
    for (const stream of ['stdout', 'stderr'] as const) {
      if (expected?.[stream] === actual?.[stream]) continue;
      console.log(`  ${stream} was\n${lines(actual?.[stream])}\n  instead of\n${lines(expected?.[stream])}`);
    }
  }
}
console.log(`${same} same, ${Math.round(performance.now() - started)} ms`);
if (result.left !== group.recording.left) console.log(`processes left:\n${result.left}`);
if (result.problem !== '') console.log(result.problem);
