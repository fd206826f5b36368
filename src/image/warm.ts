/**
 * Translations to go into a pack: what armrun keeps of programs (translation-archive.ts) after some runs of a root's own. They
 * are found by the content of program files, so they serve every image with the same packages. They are the same bytes for the
 * same root: the runs are repeatable, and what programs themselves do by chance is turned off.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import snapshotFlags from '../snapshot/flags.json' with { type: 'json' };
import { letSettle } from '../translation-archive.ts';
import flags from '../v8-flags.json' with { type: 'json' };
import type { PackedFile } from './contents.ts';
import { FILES } from './folder.ts';

/**
 * What builds run again and again, for as long as it takes to be compiled. A shell runs what of its line the root has.
 */
const PROGRAMS: readonly (readonly string[])[] = [
  ['/bin/sh', '-c', 'i=0; while [ "$i" -lt 30000 ]; do case $i in *7) x=${i%7} ;; esac; i=$((i + 1)); done'],
  ['/bin/bash', '-c', 'for ((i = 0; i < 30000; i++)); do x=${i/7/8}; [[ $x == *9 ]] || y+=$i; done'],
  [
    '/bin/sh',
    '-c',
    'head -qc 99999 /bin/[a-f]* | tee /dev/null | sha256sum; head -qc 99999 /bin/[a-f]* | md5sum',
  ],
  ['/bin/sh', '-c', 'head -qc 30000 /bin/[a-f]* | gzip -c | gzip -dc | xz -0c | xz -dc'],
  ['/bin/sh', '-c', 'head -qc 5000 /bin/[a-f]* | od | sed s/0/1/ | grep 7 | sort | uniq | wc'],
  ['/usr/bin/find', '/etc', '/usr', '-name', '*.conf'],
  ['/bin/tar', '-cf', '-', '/etc'],
  ['/usr/bin/dpkg', '-l'],
  ['/usr/bin/apt-cache', 'dump'],
  [
    '/usr/bin/perl',
    '-e',
    'my %h = map { $_ => 1 } 1 .. 50000; print join(",", sort keys %h) =~ s/,/;/gr; print "a" x $_ for 1 .. 20000',
  ],
  [
    '/bin/sh',
    '-c',
    'printf "#include <stdio.h>\\nint main(void) { puts(__FILE__); }\\n" | gcc -O2 -x c -o /tmp/a - && /tmp/a',
  ],
  ['/usr/bin/python3', '-m', 'pip', 'list'],
  ['/usr/bin/python3', '-c', 'print(sum(len(str(i).replace("7", "")) for i in range(200000)))'],
];

/** The order of hash tables is no matter of chance. */
const ENVIRONMENT = ['PATH=/usr/bin:/bin', 'LC_ALL=C', 'PERL_HASH_SEED=0', 'PYTHONHASHSEED=0'];

/** Runs those of the programs that the root has, and gives what was translated. */
export function translationsOf(root: string, dist: string): PackedFile[] {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'armrun-warm-'));
  try {
    const blob = path.join(dist, 'armrun.blob');
    const armrun = [...flags, ...snapshotFlags, '--snapshot-blob', blob, '--'];
    const environment = ENVIRONMENT.flatMap((setting) => ['--env', setting]);
    letSettle();
    for (const command of PROGRAMS) {
      const options = [
        '--root',
        root,
        '--read-only',
        '--tmpfs',
        '/tmp',
        '--repeatable',
        '--cache',
        directory,
        ...environment,
        '--',
      ];
      const { error } = spawnSync(process.execPath, [...armrun, ...options, ...command], {
        env: {},
        stdio: 'ignore',
      });
      if (error) throw error;
    }
    // Not the list of hashes: it goes by what this host says of the files.
    const names = fs
      .readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.includes('/'))
      .sort();
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
