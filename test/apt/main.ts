/**
 * Installs packages of the Debian archive in two equal systems, under armrun and under qemu-arm with binfmt, and tells what is
 * different then. To be run as root.
 *
 *   node test/apt/main.ts PACKAGE ...
 *
 * The systems stay where it says, to be looked at, when they differ.
 */
import fs from 'node:fs';
import { differences } from './compare.ts';
import { makeSystems, type System } from './system.ts';

const packages = process.argv.slice(2);
if (packages.length === 0 || packages.some((name) => name.startsWith('-'))) {
  console.error('usage: node test/apt/main.ts PACKAGE ...');
  process.exit(2);
}

const { directory, systems, oracle, since } = makeSystems();
const [actual] = systems as [System];
let failed = false;
const step = async (name: string, script: string) => {
  const timed = async (way: string, system: System) => {
    const start = performance.now();
    const outcome = await system.run(script).then(
      () => 'done',
      (error: Error) => {
        failed = true;
        return `failed: ${error.message}`;
      },
    );
    console.log(`${name}, ${way}: ${((performance.now() - start) / 1000).toFixed(1)} s, ${outcome}`);
  };
  // One after the other, so that the times can be compared.
  await timed('armrun', actual);
  await timed('qemu', oracle);
};
await step('second stage', 'exec /bin/sh /second-stage.sh');
await step('update', 'apt-get update || true');
for (const name of packages) await step(name, `apt-get install -y --no-install-recommends ${name}`);
const found = differences(actual.root, oracle.root, since);
for (const line of found) console.log(line);
console.log(`${found.length} differences`);
if (found.length === 0 && !failed) fs.rmSync(directory, { recursive: true, force: true });
else console.log(`see ${directory}`);
process.exitCode = found.length === 0 && !failed ? 0 : 1;
