'use strict';
/** Which files dist/ is made from, and whether it still is: what was built from other sources than are here must never run. */
const { existsSync, readdirSync, statSync } = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..', '..');

/**
 * Paths, relative to the package, of all files and directories that go into dist/; a directory is as new as the last change of
 * which names are in it. In a published package, which has no sources, the bundle itself: the snapshot is made from it.
 */
function sources() {
  if (!existsSync(path.join(root, 'src/cli.ts'))) return ['dist/armrun.cjs'];
  const found = ['package.json', 'src/v8-flags.json'];
  for (const part of ['src', 'emu', 'syscalls']) walk(part, found);
  return found;
}

function walk(directory, found) {
  found.push(directory);
  for (const entry of readdirSync(path.join(root, directory), { withFileTypes: true })) {
    const name = `${directory}/${entry.name}`;
    if (entry.isDirectory()) walk(name, found);
    else if (/\.c?[jt]s$/.test(name)) found.push(name);
  }
}

/** dist/armrun.cjs, unless there is none, a source is newer, or ARMRUN_SOURCE asks for the sources. */
function built() {
  const bundle = path.join(root, 'dist/armrun.cjs');
  const made = process.env.ARMRUN_SOURCE ? undefined : statSync(bundle, { throwIfNoEntry: false });
  if (made === undefined) return undefined;
  const isNewer = (name) => statSync(path.join(root, name)).mtimeMs > made.mtimeMs;
  return sources().some(isNewer) ? undefined : bundle;
}

module.exports = { root, sources, built };
