/**
 * Installs packages of the Debian archive under armrun and uses each once. To be run as root.
 *
 *   node test/packages/main.ts [--user] [--alone] [PACKAGE ...]      those of packages.ts, else all
 *
 * One after the other they are installed in one base system, and in an equal one under qemu-arm with binfmt; then the trees are
 * held against each other, and each program is used under armrun. With --user an ordinary user does it (--fakeroot), and what
 * `armrun export` gives is held against the other tree. With --alone nothing is held against anything. Prints rows of the table
 * in docs/SYSTEMS.md; where something is wrong the systems stay.
 */
import fs from 'node:fs';
import { differences } from '../apt/compare.ts';
import { makeSystems, type System, unpackExported } from '../apt/system.ts';
import { PACKAGES } from './packages.ts';

const uid = process.argv.includes('--user') ? 1234 : 0;
const isAlone = process.argv.includes('--alone');
const asked = process.argv.slice(2).filter((name) => name !== '--user' && name !== '--alone');
const unknown = asked.filter((name) => !Object.hasOwn(PACKAGES, name));
if (unknown.length > 0) {
  console.error(`test/packages: unknown: ${unknown.join(' ')}`);
  process.exit(2);
}
const packages = asked.length > 0 ? asked : Object.keys(PACKAGES);

const { directory, actual, expected } = makeSystems(uid);
let failed = false;

/** Does something, and gives how long it took. What goes wrong is said, and the next is done. */
async function attempt(what: string, action: () => Promise<unknown>): Promise<string> {
  const start = performance.now();
  const took = () => `${((performance.now() - start) / 1000).toFixed(0)} s`;
  try {
    await action();
    return took();
  } catch (error) {
    failed = true;
    console.log(`${what}: ${(error as Error).message}`);
    return `failed, ${took()}`;
  }
}

async function both(what: string, script: string): Promise<string> {
  const inSystem = (system: System, way: string) => attempt(`${what}, ${way}`, () => system.run(script));
  return `${await inSystem(actual, 'armrun')} | ${isAlone ? '' : await inSystem(expected, 'qemu-arm')}`;
}

const installed = new Map<string, string>();
console.log(`| base system | ${await both('second stage', 'exec /bin/sh /second-stage.sh')} | |`);
// What of the archive cannot be had now may not be needed.
await both('update', 'apt-get update || true');
for (const name of packages) {
  const install = PACKAGES[name]!.names.map((each) => `apt-get install -y --no-install-recommends ${each}`);
  installed.set(name, await both(name, install.join('\n')));
}

if (!isAlone) {
  const exported = `${directory}/exported`;
  if (uid !== 0) unpackExported(actual.root, uid, exported);
  const found = differences(uid === 0 ? actual.root : exported, expected.root);
  for (const line of found) console.log(line);
  console.log(`${found.length} differences`);
  failed ||= found.length > 0;
}

for (const name of packages) {
  const { use, says } = PACKAGES[name]!;
  const used = await attempt(`${name}, used`, async () => {
    const output = await actual.run(use, ['--net', 'loopback']);
    if (!says.test(output)) throw new Error(`says\n${output}`);
  });
  console.log(`| ${name} | ${installed.get(name)} | ${used} |`);
}
if (failed) console.log(`see ${directory}`);
else fs.rmSync(directory, { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;
