/**
 * What builds are made of, in two groups: processes (exec) and files. Each is a shell script that begins in an empty directory,
 * WORK, of a Debian root; `prepare` makes what it works on, and is not measured.
 */
import { configureInput, configureScript } from './generate.ts';

/** Guest paths: of the directory in which scripts begin, and of what is there for all. */
export const WORK = '/srv/bench/work';
export const SOURCES = '/srv/bench';

export type Group = 'exec' | 'files';
export const isGroup = (name: string): name is Group => name === 'exec' || name === 'files';

export interface WorkProgram {
  readonly name: string;
  readonly about: string;
  readonly group: Group;
  readonly script: string;
  readonly prepare?: string;
  /** The root; `full` unless said otherwise. Of others there is no native one. */
  readonly root?: 'full' | 'languages' | 'image';
}

/** Files in SOURCES. */
export const sources: Readonly<Record<string, string>> = {
  configure: configureScript(),
  ...configureInput(),
  'true.sh': '#!/bin/sh\n',
  Makefile: `all: $(shell seq -f t%g 1 300)\nt%:\n\t@echo $@ > $@\n`,
  'stat.py': `import os, sys\nprint(sum(os.stat(f'few/{i % 200}').st_size for i in range(int(sys.argv[1]))))\n`,
};

const loop = (times: number, what: string) =>
  `i=0; while [ $i -lt ${times} ]; do ${what}; i=$((i+1)); done; echo $i`;

const exec = (name: string, about: string, script: string, more: Partial<WorkProgram> = {}): WorkProgram => ({
  name,
  about,
  group: 'exec',
  script,
  ...more,
});
const files = (
  name: string,
  about: string,
  script: string,
  more: Partial<WorkProgram> = {},
): WorkProgram => ({
  name,
  about,
  group: 'files',
  script,
  ...more,
});

/** 50,000 small files in 500 directories. */
const TREE = `mkdir tree && cd tree && perl -e 'for my $d (1..500) { mkdir "d$d"; for my $f (1..100) {
  open my $h, ">", "d$d/file$f" or die; print $h "$d $f\\n"; close $h } }'`;
const SMALL_TREE = TREE.replace('1..500', '1..50');

export const workPrograms: readonly WorkProgram[] = [
  exec('fork', '1000 children that end at once', `${SOURCES}/spawn fork 1000`),
  exec(
    'fork static',
    '500 times fork and exec of a static program',
    `${SOURCES}/spawn fork 500 ${SOURCES}/spawn`,
  ),
  exec('vfork static', 'the same with vfork', `${SOURCES}/spawn vfork 500 ${SOURCES}/spawn`),
  exec('spawn static', 'the same with posix_spawn', `${SOURCES}/spawn posix_spawn 500 ${SOURCES}/spawn`),
  exec('spawn dynamic', '500 times posix_spawn of /bin/true', `${SOURCES}/spawn posix_spawn 500 /bin/true`),
  exec('true', '1000 times /bin/true in dash', loop(1000, '/bin/true')),
  exec('script', '200 times a script with #!', loop(200, `${SOURCES}/true.sh`)),
  exec(
    '$()',
    '100 times a substitution with a pipe in bash',
    `bash -c 'for ((i=0;i<100;i++)); do x=$(echo $i | sed s/1/one/); done; echo $x'`,
  ),
  exec(
    'pipeline',
    '50 pipelines of five programs',
    loop(50, 'seq 100 | grep 1 | sort -rn | head -3 | cat > out'),
  ),
  exec('loop', 'a loop of builtins in dash', loop(200_000, ':')),
  exec('make -j1', '300 targets of an echo each', `make -s -j1 -f ${SOURCES}/Makefile && ls | wc -l`),
  exec('make -j4', '300 targets, four at once', `make -s -j4 -f ${SOURCES}/Makefile && ls | wc -l`),
  exec('configure', './configure with 17 runs of the compiler', '../configure > /dev/null && ls', {
    root: 'languages',
  }),
  exec(
    'dpkg',
    'dpkg -i of ten small packages',
    `dpkg --root=$PWD/r --force-all -i p*.deb > /dev/null && ls r/usr/share | wc -l`,
    {
      root: 'image',
      prepare: `mkdir -p r/var/lib/dpkg/info r/var/lib/dpkg/updates &&
        : > r/var/lib/dpkg/status && for i in 0 1 2 3 4 5 6 7 8 9; do
        mkdir -p p$i/DEBIAN p$i/usr/share/p$i && echo $i > p$i/usr/share/p$i/file &&
        printf '%s\\n' "Package: p$i" 'Version: 1' 'Architecture: all' 'Maintainer: nobody <a@b.c>' \\
          'Description: small' > p$i/DEBIAN/control &&
        dpkg-deb -b p$i p$i.deb > /dev/null; done`,
    },
  ),
  files('find', 'find over 50,000 files', 'find tree | wc -l', { prepare: TREE }),
  files('find -size', 'find that looks at each of them', 'find tree -size +1 | wc -l', { prepare: TREE }),
  files('ls -lR', 'ls -lR of them', 'ls -lR tree | wc -l', { prepare: TREE }),
  files('tar c', 'tar cf of 5,000 files', 'tar cf t.tar tree && echo', { prepare: SMALL_TREE }),
  files('tar x', 'tar xf of them', 'tar xf t.tar && ls tree | wc -l', {
    prepare: `${SMALL_TREE}; cd .. && tar cf t.tar tree && rm -r tree`,
  }),
  files('cp -a', 'cp -a of them', 'cp -a tree copy && ls copy | wc -l', { prepare: SMALL_TREE }),
  files('rm -rf', 'rm -rf of them', 'rm -rf tree && ls | wc -l', { prepare: SMALL_TREE }),
  files('git status', 'of a repository of 5,000 files', 'git -C tree status --short | wc -l', {
    root: 'languages',
    prepare: `${SMALL_TREE} && git init -q . &&
      git -c user.name=a -c user.email=b add . && git -c user.name=a -c user.email=b commit -qm x`,
  }),
  files(
    'dd bs=1',
    '200,000 reads and writes of a byte',
    'dd if=/dev/zero of=f bs=1 count=200000 2> /dev/null && wc -c < f',
  ),
  files('dd bs=1M', '512 of a megabyte', 'dd if=/dev/zero of=f bs=1M count=512 2> /dev/null && wc -c < f'),
  files(
    'sqlite',
    '300 inserts with fsync',
    `(echo 'create table t (a);'; seq -f 'insert into t values (%g);' 300) | sqlite3 d && echo`,
  ),
  files(
    'sqlite off',
    '20,000 inserts without fsync',
    `(echo 'pragma synchronous=off; create table t (a); begin;'
      seq -f 'insert into t values (%g);' 20000; echo 'commit;') | sqlite3 d && echo`,
  ),
  files('grep -r', 'grep -r in 5,000 files', 'grep -r "7 7" tree | wc -l', { prepare: SMALL_TREE }),
  files('stat', 'a python script that looks at 20,000 files', `python3 ${SOURCES}/stat.py 20000`, {
    prepare: 'mkdir few && for i in $(seq 0 199); do echo $i > few/$i; done',
  }),
  files(
    'open',
    '10,000 files of one directory, by perl',
    `perl -e 'opendir my $d, "big"; my $n = 0; for (readdir $d) { next if /^\\./;
    open my $f, "<", "big/$_" or die; $n += length <$f>; close $f } print "$n\\n"'`,
    {
      prepare: `mkdir big && perl -e 'for (1..10000) { open my $f, ">", "big/file$_" or die; print $f "$_\\n"; close $f }'`,
    },
  ),
];
