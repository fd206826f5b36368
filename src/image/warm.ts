/**
 * Translations to go into a pack: what armrun keeps of programs (translation-archive.ts) after some runs of a root's own. They
 * are found by the content of program files, so they serve every image with the same packages.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import snapshotFlags from '../snapshot/flags.json' with { type: 'json' };
import flags from '../v8-flags.json' with { type: 'json' };
import type { PackedFile } from './contents.ts';
import { FILES } from './folder.ts';

/** What builds run again and again. None of these changes anything in the root. */
const PROGRAMS: readonly (readonly string[])[] = [
  [
    '/bin/sh',
    '-c',
    'for i in 1 2 3; do test -n "$i" && x=$(echo "$i"); done; echo "$x" | while read -r y; do :; done',
  ],
  ['/bin/bash', '-c', 'for i in 1 2 3; do x=$(echo "$i"); done; [[ $x == 3 ]]'],
  ['/bin/ls', '-l', '/bin/'],
  ['/bin/cat', '/etc/passwd'],
  ['/bin/sed', 's/a/b/', '/etc/passwd'],
  ['/bin/grep', '-c', 'root', '/etc/passwd'],
  ['/usr/bin/sort', '/etc/passwd'],
  ['/usr/bin/find', '/etc', '-name', '*.conf'],
  ['/bin/tar', '-cf', '/dev/null', '/etc'],
  ['/usr/bin/dpkg', '-l'],
  ['/usr/bin/apt-get', '--version'],
  ['/usr/bin/perl', '-e', 'my %h = map { $_ => 1 } 1 .. 100; print join(",", sort keys %h) =~ s/,/;/gr'],
];

/** Runs those of the programs that the root has, and gives what was translated. */
export function translationsOf(root: string, dist: string): PackedFile[] {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'armrun-warm-'));
  try {
    const blob = path.join(dist, 'armrun.blob');
    const armrun = [...flags, ...snapshotFlags, '--snapshot-blob', blob, '--'];
    for (const command of PROGRAMS) {
      const options = ['--root', root, '--cache', directory, '--env', 'LC_ALL=C', '--'];
      const { error } = spawnSync(process.execPath, [...armrun, ...options, ...command], {
        env: {},
        stdio: 'ignore',
      });
      if (error) throw error;
    }
    // Not the list of hashes: it goes by what this host says of the files.
    const names = fs
      .readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.includes('/'));
    if (names.length === 0) throw new Error(`no program of ${root} could be run`);
    return names.map((name) => ({
      name: `${FILES.translations}/${name}`,
      mode: 0o644,
      content: fs.readFileSync(path.join(directory, name)),
    }));
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}
