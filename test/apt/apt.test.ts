/**
 * A Debian system that configures itself and installs a package from the archive under armrun: its files are those it has when
 * qemu-arm with binfmt does it.
 */

import fs from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { needs } from '../needs.ts';
import { differences } from './compare.ts';
import { makeSystems, type System } from './system.ts';

/** Sources that fail (a third party's) are no matter as long as the package comes. */
const INSTALL = 'apt-get update || true; apt-get install -y cowsay; echo; /usr/games/cowsay hi';

// Files with owners of their own can only be made by root.
const root = needs('root');
root.describe(root.name('a Debian system'), () => {
  let directory: string;
  let system: System;
  let oracle: System;
  let since: number;
  beforeAll(() => {
    const made = makeSystems();
    ({ directory, oracle, since } = made);
    system = made.systems[0]!;
  }, 300_000);
  afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

  const both = (script: string) => Promise.all([system, oracle].map((each) => each.run(script)));

  /** What a run says, but for the times. */
  const said = (output: string) => output.replace(/^(Local|Universal) [Tt]ime.*$/gm, '');

  test('configures itself', { timeout: 900_000 }, async () => {
    const [actual, expected] = await both('exec /bin/sh /second-stage.sh');
    expect(said(actual!)).toBe(said(expected!));
    expect(differences(system.root, oracle.root, since)).toEqual([]);
  });

  test('installs a package', { timeout: 900_000 }, async () => {
    const [actual, expected] = await both(INSTALL);
    const cow = (output: string) => output.slice(output.lastIndexOf('\n\n'));
    expect(cow(expected!)).toContain('< hi >');
    expect(cow(actual!)).toBe(cow(expected!));
    expect(differences(system.root, oracle.root, since)).toEqual([]);
  });
});
