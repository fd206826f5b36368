/**
 * Installs packages of the Debian archive under armrun and uses each once. To be run as root.
 *
 *   node test/packages/main.ts [--root] [--user] [--alone] [--keep] [PACKAGE ...]      those of packages.ts, else all
 *
 * One after the other they are installed in one base system by root (--root), in an equal one by an ordinary user (--user, who
 * has --fakeroot), in both where neither is said, and in a third under qemu-arm with binfmt. Then the trees are held against that
 * of qemu-arm, the user's as `armrun export` gives it, and each program is used under armrun. With --alone nothing is held
 * against anything. Prints rows of the table in docs/SYSTEMS.md; the systems stay with --keep, or where something is wrong.
 */
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { differences } from '../apt/compare.ts';
import { makeSystems, type System, unpackExported } from '../apt/system.ts';
import { PACKAGES } from './packages.ts';

const FLAG = { type: 'boolean', default: false } as const;
const { values: option, positionals } = parseArgs({
  options: { root: FLAG, user: FLAG, alone: FLAG, keep: FLAG },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !Object.hasOwn(PACKAGES, name));
if (unknown.length > 0) {
  console.error(`test/packages: unknown: ${unknown.join(' ')}`);
  process.exit(2);
}
const packages = positionals.length > 0 ? positionals : Object.keys(PACKAGES);
const uids = [0, 1234].filter(
  (uid) => option.root === option.user || (uid === 0 ? option.root : option.user),
);

const { directory, systems, oracle, since } = makeSystems(uids);
const ways: readonly [string, System][] = [
  ...systems.map((system): [string, System] => [`armrun of user ${system.uid}`, system]),
  ...(option.alone ? [] : [['qemu-arm', oracle] as [string, System]]),
];
let failed = false;

/** Does something, and gives how long it took. What goes wrong is said, and the next is done. */
async function attempt(what: string, action: () => Promise<unknown>): Promise<string> {
  const start = performance.now();
  const took = () => `${((performance.now() - start) / 1000).toFixed(0)}`;
  try {
    await action();
    return took();
  } catch (error) {
    failed = true;
    console.log(`${what}: ${(error as Error).message}`);
    return `failed, ${took()}`;
  }
}

/** Runs a script in all systems, and gives how long each took, as cells of a table. */
async function inAll(what: string, script: string): Promise<string> {
  const times: string[] = [];
  for (const [way, system] of ways) times.push(await attempt(`${what}, ${way}`, () => system.run(script)));
  const row = `| ${what} | ${times.join(' | ')} |`;
  console.log(row);
  return row;
}

console.log(`| package | ${ways.map(([way]) => way).join(' | ')} | used |`);
const rows = new Map<string, string>();
await inAll('second stage', 'exec /bin/sh /second-stage.sh');
// What of the archive cannot be had now may not be needed.
await inAll('update', 'apt-get update || true');
for (const name of packages) {
  const install = PACKAGES[name]!.names.map((each) => `apt-get install -y --no-install-recommends ${each}`);
  rows.set(name, await inAll(name, install.join('\n')));
}

for (const { root, uid } of option.alone ? [] : systems) {
  const exported = `${directory}/exported`;
  if (uid !== 0) unpackExported(root, uid, exported);
  const found = differences(uid === 0 ? root : exported, oracle.root, since);
  for (const line of found) console.log(line);
  console.log(`${found.length} differences, user ${uid}`);
  failed ||= found.length > 0;
}

for (const name of packages) {
  const { holds } = PACKAGES[name]!;
  if (holds === undefined || option.alone) continue;
  // One after the other: they would have the same ports.
  const held: string[] = [];
  for (const system of [...systems, oracle]) held.push(await system.run(holds));
  const differ = systems.filter((_, i) => held[i] !== held.at(-1)).map(({ uid }) => uid);
  console.log(
    `${name} holds ${held.at(-1)!.length} characters, differently for users: ${differ.join(' ') || 'none'}`,
  );
  for (const [i, text] of held.entries())
    if (differ.length > 0) fs.writeFileSync(`${directory}/${name}-${i}`, text);
  failed ||= differ.length > 0;
}

for (const name of packages) {
  const { use, says, needsNetwork } = PACKAGES[name]!;
  for (const [way, system] of ways.slice(0, systems.length)) {
    const used = await attempt(`${name} used, ${way}`, async () => {
      const output = await system.run(use, needsNetwork ? [] : ['--net', 'loopback']);
      if (!says.test(output)) throw new Error(`says\n${output}`);
    });
    rows.set(name, `${rows.get(name)} ${used} |`);
  }
  console.log(rows.get(name));
}
if (failed || option.keep) console.log(`see ${directory}`);
else fs.rmSync(directory, { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;
