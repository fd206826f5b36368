'use strict';
/** Which files dist/ is made from, and whether it still is: what was built from other sources than are here must never run. */
const { readdirSync, statSync } = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..', '..');

/**
 * Paths, relative to the package, of all files and directories that go into dist/. A directory is as new as the last change of what names
 * are in it. A published package has no sources: then it is what makes the snapshot, which is here in either case.
 */
function sources() {
  const found = ['src/snapshot', 'src/v8-flags.json', 'package.json'];
  for (const part of ['src', 'emu', 'syscalls']) walk(part, found);
  return found;
}

function walk(directory, found) {
  const entries = readdirSync(path.join(root, directory), { withFileTypes: true });
  if (!entries.some((entry) => entry.name.endsWith('.ts') || entry.isDirectory())) return;
  found.push(directory);
  for (const entry of entries) {
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
