/** The archive in the engines that people have: Docker with both of its builders, podman and buildah with chroot and runc. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { differences } from '../apt/compare.ts';
import { needs, runs } from '../needs.ts';
import { makeRoot } from '../programs/engines.ts';
import { type Build, Buildah, type BuildOptions, filesOf, refuseBinfmt, removeStorage } from './buildah.ts';
import { Docker, imageArchive } from './docker.ts';
import { LAYOUTS, makeLayout, shellOf } from './layouts.ts';
import { armrun, packInto, project, temporaryDirectory } from './roots.ts';

const MINUTES = 60_000;
/** Everything in every engine: some ten minutes more. */
const ALL = process.env.ARMRUN_TEST_ENGINES === 'all';

/** One way to build. */
interface Engine {
  name: string;
  /** Removes what an earlier build has left, and gives what a directory of files or a name leads to. */
  build(tag: string, dockerfile: string, options?: BuildOptions): Promise<Build>;
  load(archive: string): void;
  /** The engine's own command. */
  command(...args: string[]): Promise<Build>;
  files(tag: string): string;
}

const directory = temporaryDirectory();
// Here, not in a hook: whether there is one decides what is skipped.
const docker = await Docker.start(`${directory}/docker`);
const podman = runs('podman', 'runc') ? new Buildah(`${directory}/podman`, 'podman', 'overlay') : undefined;
const buildah = new Buildah(`${directory}/buildah`, 'buildah', 'overlay');

let unpacked = 0;
const dockerEngine = (name: string, buildKit: boolean): Engine => ({
  name,
  build: (tag, dockerfile, options) => docker!.build(tag, dockerfile, buildKit, options),
  load: (archive) => docker!.command('load', '--input', archive),
  command: async (...args) => docker!.run(...args),
  files: (tag) => docker!.unpack(tag, `${directory}/files${unpacked++}`),
});
const buildahEngine = (name: string, engine: Buildah | undefined, isolation: 'chroot' | 'oci'): Engine => ({
  name,
  build: (tag, dockerfile, options) =>
    engine!.build(tag, dockerfile, { isolation, format: 'docker', ...options }),
  load: (archive) => engine!.load(archive),
  command: (...args) => engine!.command(...args),
  files: (tag) => engine!.mount(tag),
});
const ENGINES = {
  classic: dockerEngine("Docker's classic builder", false),
  buildKit: dockerEngine('BuildKit', true),
  podmanChroot: buildahEngine('podman, chroot', podman, 'chroot'),
  podmanRunc: buildahEngine('podman, runc', podman, 'oci'),
  buildahChroot: buildahEngine('buildah, chroot', buildah, 'chroot'),
  buildahRunc: buildahEngine('buildah, runc', buildah, 'oci'),
};

const withDocker = needs('a Docker daemon', docker !== undefined);
const withPodman = needs('podman and runc', podman !== undefined);
const needOf = (engine: Engine) =>
  engine === ENGINES.classic || engine === ENGINES.buildKit
    ? withDocker
    : engine === ENGINES.buildahChroot
      ? undefined
      : withPodman;

/** `describe` for each engine, skipped where there is none. */
function eachEngine(engines: readonly Engine[], body: (engine: Engine) => void): void {
  for (const engine of engines) {
    const need = needOf(engine);
    (need?.describe ?? describe)(need?.name(engine.name) ?? engine.name, () => body(engine));
  }
}

const archive = `${directory}/armrun.tar`;
const links = { 'armrun.tar': archive, 'folder.tar': `${directory}/folder.tar` };
/** An image of Debian's packages. */
const base = `${directory}/armhf.tar`;
beforeAll(() => {
  refuseBinfmt();
  packInto(archive);
  packInto(links['folder.tar'], '--folder-only');
  imageArchive(makeRoot('image'), base, 'armhf:latest');
}, 10 * MINUTES);
afterAll(async () => {
  await docker?.end();
  podman?.end();
  buildah.end();
  removeStorage(directory);
}, 10 * MINUTES);

/** A build that must succeed. */
async function built(
  engine: Engine,
  tag: string,
  dockerfile: string,
  options?: BuildOptions,
): Promise<string> {
  const { status, output } = await engine.build(tag, dockerfile.replace(/^ +/gm, ''), options);
  if (status !== 0) throw new Error(output);
  return output;
}

describe('the archive of one line', () => {
  const archives = new Map<string, [file: string, before: ReturnType<typeof shellOf>, names: string[]]>();
  beforeAll(() => {
    LAYOUTS.forEach(([name, make], i) => {
      const root = `${directory}/layout${i}`;
      makeLayout(make, root);
      const file = `${directory}/layout${i}.tar`;
      imageArchive(root, file, `layout${i}:latest`);
      archives.set(name, [file, shellOf(root), Object.keys(filesOf(root))]);
    });
  }, 10 * MINUTES);

  const { classic, buildKit, podmanRunc, buildahChroot } = ENGINES;
  eachEngine(ALL ? Object.values(ENGINES) : [classic, buildKit, podmanRunc, buildahChroot], (engine) => {
    // podman builds as buildah does, with a layer for each line.
    const some =
      !ALL && (engine === podmanRunc || engine === buildKit)
        ? ['merged /usr, a link to dash', 'busybox by absolute links']
        : undefined;
    const isBuildah = engine !== classic && engine !== buildKit;
    const layouts = LAYOUTS.map(([name], i) => [name, i] as const);
    test.each(layouts.filter(([name]) => some?.includes(name) ?? true))(
      '%s',
      async (name, i) => {
        const [file, before, names] = archives.get(name)!;
        engine.load(file);
        const output = await built(
          engine,
          `after${i}`,
          `FROM layout${i}
          ADD armrun.tar /
          RUN uname -m; ls -d /armrun 2>&1 || echo $0 runs
          RUN /armrun/armrun clean`,
          { links },
        );
        expect(output).toMatch(/armv7l\n.*No such file[\s\S]*\/bin\/sh runs/);
        const root = engine.files(`after${i}`);
        const after = shellOf(root);
        // buildah has left nothing to tell the time by, in an image without a list of packages.
        const left = isBuildah ? ['time'] : [];
        // overlayfs makes a file of its own of each name that changes.
        if (name.endsWith('hard links')) left.push('nlink');
        const facts = (shell: typeof after) =>
          JSON.parse(JSON.stringify(shell, (key, value) => (left.includes(key) ? undefined : value)));
        // Nor the mode of a file.
        if (isBuildah && name.endsWith('odd mode'))
          expect(after).toMatchObject({ mode: '100755', link: undefined });
        else expect(facts(after)).toEqual(facts(before));
        const own = (name: string) => !/^\/(dev|proc|sys|etc|run|\.dockerenv)\b/.test(name);
        expect(readdirSync(root)).not.toContain('armrun');
        expect(Object.keys(filesOf(root)).filter(own).sort()).toEqual(names.filter(own).sort());
      },
      10 * MINUTES,
    );

    test(
      'is refused by an image without a /bin/sh, and why is said',
      async () => {
        const { status, output } = await engine.build('none', 'FROM scratch\nADD armrun.tar /\n', { links });
        expect(status).not.toBe(0);
        expect(output).toMatch(/link \/bin\/sh \/armrun\/sh: no such file or directory\s*$/);
      },
      10 * MINUTES,
    );
  });
});

const DATE = /^\w{3} \w{3} +\d+ \d\d:\d\d:\d\d UTC \d{4}\n$/;

/** The commands of RUN lines, and what they print. */
const LINES: readonly [line: string, printed: string | RegExp][] = [
  ["sh -c 'echo Hello World !'", 'Hello World !\n'],
  ['echo Hello World !', 'Hello World !\n'],
  ['date', DATE],
  ['/bin/date', DATE],
  ['/bin/bash -c /bin/date', DATE],
  ['bash -c /bin/date', DATE],
  ['/bin/sh -c /bin/date', DATE],
  ['sh -c /bin/date', DATE],
  ['uname -m', 'armv7l\n'],
];
const MOUNT = '--mount=type=bind,from=armrun,source=/armrun,target=/armrun ';
const SHELL = 'SHELL ["/armrun/armrun", "/bin/sh", "-c"]';
const INSTALL = 'RUN ["/armrun/armrun", "install"]';

/** Ways to have armrun in a build: what comes before the lines, what each begins with, and what comes after. */
const WAYS: readonly [name: string, before: string, mount: string, after: string][] = [
  ['the archive of one line', 'FROM armhf\nADD armrun.tar /', '', 'RUN /armrun/armrun clean'],
  ['install', `FROM armhf\nADD folder.tar /\n${INSTALL}`, '', 'RUN /armrun/armrun clean'],
  ['SHELL', `FROM armhf\nADD folder.tar /\n${SHELL}`, '', 'RUN /armrun/armrun clean'],
  ['RUN --mount', `FROM armhf AS armrun\nADD armrun.tar /\nFROM armhf\n${SHELL}`, MOUNT, ''],
];

describe('ordinary RUN lines', () => {
  const install = ALL ? ['apt-get update -q && apt-get install -qy cowsay && /usr/games/cowsay hi'] : [];
  eachEngine(Object.values(ENGINES), (engine) => {
    // Docker's classic builder has no --mount. What podman and buildah do the other ways, build.test.ts shows.
    const isDocker = engine === ENGINES.classic || engine === ENGINES.buildKit;
    const ways = WAYS.filter(([name, , mount]) =>
      engine === ENGINES.classic ? mount === '' : ALL || isDocker || /one line|mount/.test(name),
    );
    test.each(ways)(
      '%s',
      async (_, before, mount, after) => {
        engine.load(base);
        const lines = [...LINES.map(([line]) => line), ...install].map((line) => `RUN ${mount}${line}`);
        const output = await built(engine, 'lines', `${before}\n${lines.join('\n')}\n${after}\n`, { links });
        const printed = printedBy(output);
        LINES.forEach(([line, expected], i) => {
          expect(printed.get(lines[i]!), line).toMatch(expected);
        });
        if (install.length > 0) expect(output).toContain('< hi >');
        const root = engine.files('lines');
        if (mount !== '' && isDocker) {
          expect((await engine.command('history', '--no-trunc', 'lines')).output).not.toMatch(/ADD|COPY/);
          const { Size: before } = await inspected(engine, 'armhf');
          if (install.length === 0)
            expect((await inspected(engine, 'lines')).Size).toBeLessThan(before + 1e6);
        }
        // A mount leaves what it was mounted on.
        expect(readdirSync(root).includes('armrun') ? readdirSync(`${root}/armrun`) : []).toEqual([]);
      },
      10 * MINUTES,
    );
  });
});

describe("a Dockerfile's other lines", () => {
  const { classic, buildKit, podmanRunc } = ENGINES;
  eachEngine([classic, buildKit, podmanRunc], (engine) => {
    test(
      'do what they do',
      async () => {
        engine.load(base);
        const output = await built(
          engine,
          'other',
          `FROM armhf
          ARG VERSION=1
          ADD armrun.tar /
          COPY --chown=65534:0 mine /copied
          VOLUME /volume
          HEALTHCHECK CMD ["/bin/true"]
          WORKDIR /work
          ENV GREETING="hello there"
          RUN echo "$VERSION $GREETING" $(pwd) $(stat -c %u:%g /copied) >/made; cat /made
          USER nobody
          RUN id -un; touch /refused 2>/dev/null || echo refused
          USER root
          ONBUILD RUN echo on build >/onbuild
          ONBUILD RUN /armrun/armrun clean`,
          { links, files: { mine: 'mine' }, args: ['--build-arg', 'VERSION=2'] },
        );
        expect(output).toContain('2 hello there /work 65534:0');
        expect(output).toMatch(/nobody\n(.* )?refused/);
        // Where podman tells of it is beside the rest.
        const { Config, Healthcheck = Config.Healthcheck } = await inspected(engine, 'other');
        expect(Config).toMatchObject({ WorkingDir: '/work', User: 'root', Volumes: { '/volume': {} } });
        expect(Healthcheck).toMatchObject({ Test: ['CMD', '/bin/true'] });
        expect(Config.Env).toContain('GREETING=hello there');
        await built(engine, 'child', 'FROM other');
        const root = engine.files('child');
        expect(readFileSync(`${root}/onbuild`, 'utf8')).toBe('on build\n');
        expect(readdirSync(root)).not.toContain('armrun');
        for (const [line, told] of [
          ['RUN exit 3', /\b3\b/],
          ['RUN kill -9 $$', /137|killed|-1/],
        ] as const) {
          const again = await engine.build('fails', `FROM armhf\nADD armrun.tar /\n${line}\n`, { links });
          expect(again.status).not.toBe(0);
          expect(again.output).toMatch(told);
        }
      },
      10 * MINUTES,
    );
  });
});

withDocker.describe(withDocker.name('a here-document'), () => {
  // Which Docker's own frontend knows from 23 on. It gives the text to the shell, as an argument; and a text that begins with #!
  // as a file of a mount, whose name it gives to the shell.
  test(
    'is run as newer BuildKit gives it',
    async () => {
      ENGINES.buildKit.load(base);
      const script = '#!/bin/bash\n[[ $0 == /dev/pipes/EOF ]] && echo "a script of $BASH, $(uname -m)"\n';
      const several = 'cat <<EOF | tr a-z A-Z\none $((1 + 1))\nEOF\necho after\n';
      const output = await built(
        ENGINES.buildKit,
        'heredoc',
        `FROM scratch AS pipes
        COPY --chmod=755 script /EOF
        FROM armhf
        ADD armrun.tar /
        RUN ["/bin/sh", "-c", ${JSON.stringify(several)}]
        RUN --mount=type=bind,from=pipes,target=/dev/pipes/,ro /dev/pipes/EOF
        RUN /armrun/armrun clean`,
        { links, files: { script } },
      );
      expect(output).toMatch(/ONE 2\n.*after\n/);
      expect(output).toContain('a script of /bin/bash, armv7l');
    },
    10 * MINUTES,
  );
});

withDocker.describe(withDocker.name('a container'), () => {
  beforeAll(async () => {
    ENGINES.classic.load(base);
    await built(ENGINES.classic, 'installed', 'FROM armhf\nADD armrun.tar /', { links });
  }, 10 * MINUTES);
  const start = (...args: string[]) => ENGINES.classic.command('run', '--rm', '--network', 'host', ...args);

  test(
    'has what the engine gives it: capabilities, a root that is read only, processors',
    async () => {
      const limits = [
        '--read-only',
        '--cap-drop',
        'ALL',
        '--security-opt',
        'no-new-privileges',
        '--pids-limit',
        '30',
      ];
      const look =
        'grep -E "CapEff|NoNewPrivs" /proc/self/status; nproc; touch /x; date >/dev/null; chown 1 /tmp; ls /armrun';
      const { output } = await start(...limits, 'installed', 'sh', '-c', `exec 2>&1; ${look}; true`);
      expect(output).toMatch(
        new RegExp(
          `CapEff:\t0{16}\nNoNewPrivs:\t1\n${availableParallelism()}\ntouch: .*Read-only file system\nchown: .*\nls: .*No such file`,
        ),
      );
      expect((await start('installed', 'sh', '-c', 'grep CapEff /proc/self/status')).output).toBe(
        'CapEff:\t00000000a80425fb\n',
      );
    },
    10 * MINUTES,
  );

  test(
    'may have fewer processes than its programs have: they are none of the host',
    async () => {
      const many =
        'i=0; while [ $i -lt 60 ]; do i=$((i + 1)); sleep 3 & done; ls -d /proc/[0-9]* | wc -l; wait';
      const limit = ['--pids-limit', '20', 'installed', 'sh', '-c'];
      const { status, output } = await start(
        ...limit,
        `cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null; ${many}`,
      );
      expect(status).toBe(0);
      const [max, processes] = output.split('\n').slice(-3);
      expect(max).toBe('20');
      expect(Number(processes)).toBeGreaterThan(60);
    },
    10 * MINUTES,
  );

  test(
    'of another image runs programs with armrun from a volume',
    async () => {
      await built(ENGINES.classic, 'folder', 'FROM scratch\nADD folder.tar /', { links });
      const { status, output } = await start('-v', 'armrun:/armrun', 'folder', '/armrun/armrun', '--version');
      expect({ status, output }).toMatchObject({ status: 0, output: expect.stringMatching(/^armrun \d/) });
      const entry = ['-v', 'armrun:/armrun:ro', '--entrypoint', '/armrun/armrun', 'armhf'];
      expect(await start(...entry, '/bin/uname', '-m')).toEqual({ status: 0, output: 'armv7l\n' });
    },
    10 * MINUTES,
  );

  test(
    'cannot start an ARM program by itself',
    async () => {
      const { status, output } = await start('installed', 'date');
      expect(status).not.toBe(0);
      expect(output).toMatch(/exec format error/);
    },
    10 * MINUTES,
  );

  test(
    'after clean cannot be given another line',
    async () => {
      const after = await ENGINES.classic.build(
        'late',
        'FROM armhf\nADD armrun.tar /\nRUN /armrun/armrun clean\nRUN date\n',
        { links },
      );
      expect(after.output).toMatch(/exec format error/);
    },
    10 * MINUTES,
  );

  test(
    'of a user who is not root is told that install is for root',
    async () => {
      const { output } = await ENGINES.classic.build(
        'user',
        'FROM armhf\nADD folder.tar /\nUSER nobody\nRUN ["/armrun/armrun", "install"]\n',
        { links },
      );
      expect(output).toContain(
        'armrun: only root can put the wrapper at /bin/sh: let the line USER root come before this one',
      );
    },
    10 * MINUTES,
  );
});

describe('flatten', () => {
  const { classic, buildKit, podmanRunc } = ENGINES;
  eachEngine([classic, buildKit, podmanRunc], (engine) => {
    test(
      'leaves no layer of armrun, and all else as it was',
      async () => {
        engine.load(base);
        await built(
          engine,
          'thick',
          `FROM armhf
          LABEL a=b
          ADD armrun.tar /
          ENV X=y
          RUN echo hi >/hi; ln /hi /hi2; rm /etc/issue; rm -r /etc/alternatives; mkdir /etc/alternatives; touch /etc/alternatives/z
          USER nobody
          RUN id >/tmp/id
          USER root
          RUN rm /hi; mkdir /etc/alternatives/deep; mv /etc/alternatives/z /etc/alternatives/deep
          RUN /armrun/armrun clean
          CMD ["/hi"]`,
          { links },
        );
        const whole = filesOf(engine.files('thick'));
        await engine.command('save', '--output', `${directory}/thick.tar`, 'thick');
        const { status, stderr } = armrun([
          'flatten',
          `${directory}/thick.tar`,
          '-o',
          `${directory}/thin.tar`,
        ]);
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        const config = (name: string) => inspected(engine, name);
        const thick = await config('thick');
        await engine.command('load', '--input', `${directory}/thin.tar`);
        const thin = await config('thick');
        // What else there is, podman makes up when it saves and loads.
        const { Env, Cmd, User } = thick.Config;
        expect(thin.Config).toMatchObject({ Env, Cmd, User, Labels: { a: 'b' } });
        if (engine !== podmanRunc) expect(thin.Config).toEqual(thick.Config);
        const { Size: before } = await config('armhf');
        expect(thin.Size).toBeLessThan(before + 1e6);
        const [, layer] = /keep the layer they came in, of (\d+) MB/.exec(readme)!;
        expect(Math.abs(thick.Size - before - Number(layer) * 1e6)).toBeLessThan(2e6);
        // What podman mounts counts names that a layer above has taken away.
        // Its containers leave files to mount its own on, in what it mounts alone.
        const counted = (files: typeof whole) =>
          engine !== podmanRunc
            ? files
            : Object.entries(files)
                .filter(([name]) => !/^\/etc\/(hosts|resolv\.conf)$/.test(name))
                .map(([name, facts]) => [name, facts.replace(/ \d+(?= [0-9a-f]{32}$)/, '')]);
        expect(counted(filesOf(engine.files('thick')))).toEqual(counted(whole));
        const { output } = await engine.command('history', '--no-trunc', 'thick');
        expect(output).toContain('LABEL a=b');
        expect(output).not.toMatch(/ADD|armrun/);
      },
      10 * MINUTES,
    );
  });

  test('says what it cannot flatten', () => {
    for (const [file, message] of [
      [`${directory}/armrun.tar`, /flatten: manifest.json is not in the archive: is it one of docker save/],
      [base, /flatten: no layer has \/armrun: there is nothing to be left out/],
      [import.meta.filename, /flatten: not a tar archive/],
    ] as const)
      expect(armrun(['flatten', file, '-o', `${directory}/none.tar`])).toMatchObject({
        status: 125,
        stderr: expect.stringMatching(message),
      });
    expect(existsSync(`${directory}/none.tar`)).toBe(false);
  });
});

const readme = readFileSync(`${project}README.md`, 'utf8');

describe("README's Dockerfiles, as they are there", () => {
  const blocks = Array.from(readme.matchAll(/^ {4}FROM [\s\S]*?(?=\n(?! {4}|$))/gm), ([block]) =>
    block.replace(/\n {4}docker build .*/, ''),
  );
  /** The image they are from, with what comes with that of Debian's. */
  const load = (engine: { load(archive: string): void }) => {
    const file = `${directory}/debian.tar`;
    const environment = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL=C'];
    if (!existsSync(file))
      imageArchive(makeRoot('image'), file, 'arm32v7/debian:bookworm', { Env: environment });
    engine.load(file);
  };
  const gz = { 'armrun.tar.gz': `${directory}/armrun.tar.gz` };
  beforeAll(() => packInto(gz['armrun.tar.gz']), 10 * MINUTES);

  withDocker.test(
    withDocker.name(
      'the first one by BuildKit: no layer of armrun, and the same as by qemu-arm with binfmt_misc',
    ),
    async () => {
      load(ENGINES.buildKit);
      const output = await built(ENGINES.buildKit, 'readme', blocks[0]!, { links: gz });
      expect(output).toContain('< hi >');
      const { output: history } = await ENGINES.buildKit.command('history', '--no-trunc', 'readme');
      expect(history).not.toMatch(/ADD/);
      const { Size } = await inspected(ENGINES.buildKit, 'readme');
      const plain = blocks[0]!
        .slice(blocks[0]!.lastIndexOf('FROM'))
        .replace(/--mount\S+ /g, '')
        .replace(/^ *SHELL.*$/gm, '');
      const directoryOfOracle = `${directory}/oracle`;
      mkdirSync(directoryOfOracle);
      const oracle = new Buildah(directoryOfOracle);
      load(oracle);
      const { status, output: said } = await oracle.build('oracle', plain.replace(/^ +/gm, ''), {
        binfmt: true,
        format: 'docker',
      });
      expect(status, said).toBe(0);
      const files = oracle.mount('oracle');
      const unpacked = ENGINES.buildKit.files('readme');
      // An engine's own: what it mounts on. BuildKit before 0.11 leaves /armrun for that reason, too, empty.
      const own = /^\/(\.dockerenv|etc\/(hosts|hostname|resolv\.conf|mtab)|run\/\.containerenv)\b/;
      const left = differences(unpacked, files).filter((line) => !own.test(line));
      expect(left.filter((line) => line !== '/armrun: directory 755 0:0, expected nothing')).toEqual([]);
      const bytes = (root: string) =>
        Number(execFileSync('du', ['-sb', root], { encoding: 'utf8' }).split('\t')[0]);
      expect(Math.abs(bytes(unpacked) - bytes(files))).toBeLessThan(1e6);
      const { Size: before } = await inspected(ENGINES.buildKit, 'arm32v7/debian:bookworm');
      console.log(`README's first image: ${Size} bytes, its base ${before}`);
    },
    20 * MINUTES,
  );

  withDocker.test(
    withDocker.name('the second one by the classic builder'),
    async () => {
      load(ENGINES.classic);
      expect(await built(ENGINES.classic, 'readme2', blocks[1]!, { links: gz })).toContain('< hi >');
      expect(readdirSync(ENGINES.classic.files('readme2'))).not.toContain('armrun');
    },
    20 * MINUTES,
  );

  // With --format docker.
  eachEngine(ALL ? [ENGINES.podmanRunc, ENGINES.buildahChroot] : [], (engine) => {
    test.each([0, 1])(
      'as well: number %i',
      async (i) => {
        load(engine);
        expect(await built(engine, `readme${i}`, blocks[i]!, { links: gz })).toContain('< hi >');
        const root = engine.files(`readme${i}`);
        // A mount leaves what it was mounted on.
        expect(readdirSync(root).includes('armrun') ? readdirSync(`${root}/armrun`) : []).toEqual([]);
      },
      20 * MINUTES,
    );
  });
});

async function inspected(
  engine: Engine,
  name: string,
): Promise<{ Size: number; Config: Record<string, unknown>; Healthcheck?: unknown }> {
  const { status, output } = await engine.command('image', 'inspect', name);
  if (status !== 0) throw new Error(output);
  const [image] = JSON.parse(output);
  expect(image.Config).toBeDefined();
  return image;
}

/** What each line of a Dockerfile printed, of any of the engines. */
function printedBy(output: string): Map<string, string> {
  const printed = new Map<string, string>();
  const numbers = new Map<string, string>();
  let current = '';
  for (const line of output.split('\n')) {
    const step = /^(?:\[\d+\/\d+\] )?(?:Step|STEP) \d+\/\d+ ?: (.*)$/.exec(line)?.[1];
    const [, number, text = ''] = /^#(\d+) (.*)$/.exec(line) ?? [];
    const instruction = step ?? /^\[[\w -]*\d+\/\d+\] (.*)$/.exec(text)?.[1];
    if (instruction !== undefined) {
      current = instruction;
      if (number !== undefined) numbers.set(number, instruction);
      printed.set(instruction, '');
    } else if (number !== undefined) {
      const said = /^\d+\.\d+ (.*)$/.exec(text)?.[1];
      const by = numbers.get(number);
      if (said && by !== undefined) printed.set(by, `${printed.get(by)}${said}\n`);
    } else if (
      !/^( --->|-->|Removing intermediate|COMMIT|Successfully|$)/.test(line) &&
      printed.has(current)
    ) {
      printed.set(current, `${printed.get(current)}${line}\n`);
    }
  }
  return printed;
}
