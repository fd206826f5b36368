/** Real Dockerfile builds of ARM images on a machine whose kernel cannot run ARM programs. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { differences } from '../apt/compare.ts';
import { makeRoot } from '../programs/engines.ts';
import { Buildah, filesOf, refuseBinfmt, removeStorage } from './buildah.ts';
import { packInto, project, temporaryDirectory } from './roots.ts';

const MINUTES = 60_000;
let directory: string;
let buildah: Buildah;

beforeAll(async () => {
  refuseBinfmt();
  directory = temporaryDirectory();
  buildah = new Buildah(directory);
  tar(makeRoot('image'), `${buildah.context}/image.tar`);
  packInto(`${buildah.context}/armrun.tar`, '--folder-only');
  await build(
    'armhf',
    `FROM scratch
    ADD image.tar /
    ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C
    ENTRYPOINT ["/usr/bin/env"]
    CMD ["true"]`,
  );
  await build('installed', 'FROM localhost/armhf\nADD armrun.tar /\nRUN ["/armrun/armrun", "install"]');
}, 30 * MINUTES);
afterAll(() => removeStorage(directory), 30 * MINUTES);

function tar(from: string, to: string): void {
  execFileSync('tar', ['--numeric-owner', '-C', from, '-cf', to, '.']);
}

/** A build that must succeed; what it printed, by its steps' instructions. */
async function build(tag: string, dockerfile: string, options?: Parameters<Buildah['build']>[2]) {
  const { status, output } = await buildah.build(tag, dockerfile.replace(/^ {4}/gm, ''), options);
  if (status !== 0) throw new Error(output);
  const steps: Record<string, string> = {};
  for (const [, instruction, text] of output.matchAll(
    /^STEP \d+\/\d+: (.*)\n((?:(?!STEP|COMMIT)[^\n]*\n)*)/gm,
  )) {
    steps[instruction!] = text!;
  }
  return steps;
}

const DATE = /^\w{3} \w{3} +\d+ \d\d:\d\d:\d\d UTC \d{4}\n$/;

/** Lines of a Dockerfile and what they print. */
const LINES: [line: string, printed: string | RegExp][] = [
  ["RUN sh -c 'echo Hello World !'", 'Hello World !\n'],
  ['RUN echo Hello World !', 'Hello World !\n'],
  ['RUN date', DATE],
  ['RUN /bin/date', DATE],
  ['RUN /bin/bash -c /bin/date', DATE],
  ['RUN bash -c /bin/date', DATE],
  ['RUN /bin/sh -c /bin/date', DATE],
  ['RUN sh -c /bin/date', DATE],
  ['RUN uname -m', 'armv7l\n'],
  ['RUN ["/armrun/armrun", "/bin/echo", "exec form"]', 'exec form\n'],
  ['RUN ["/armrun/armrun", "/bin/sh", "-c", "cat <<END\\nhere: $((6*7))\\nEND\\n"]', 'here: 42\n'],
  [`RUN printf '%s|' "a  b" 'c"d' e\\ f '$HOME' "$HOME"; echo`, 'a  b|c"d|e f|$HOME|/root|\n'],
  ['RUN echo one two three | tr " " "\\n" | sort -r | head -1 && false || echo failed', 'two\nfailed\n'],
  ['RUN echo early; (sleep 0.2; echo late) & wait; echo done', 'early\nlate\ndone\n'],
  [
    'RUN ls /armrun 2>/dev/null || ls -a / | grep armrun || readlink /bin/sh /proc/$$/exe',
    'dash\n/usr/bin/dash\n',
  ],
];
const SETTINGS = `
    ARG VERSION=1
    ENV GREETING="hello there"
    WORKDIR /work/deep
    RUN echo $VERSION $GREETING; pwd; touch here
    USER nobody
    RUN id -un; touch here 2>/dev/null || echo refused; echo x >/tmp/mine; stat -c %U /tmp/mine
    USER root`;
const SETTINGS_PRINT = {
  'RUN echo $VERSION $GREETING; pwd; touch here': '2 hello there\n/work/deep\n',
  'RUN id -un; touch here 2>/dev/null || echo refused; echo x >/tmp/mine; stat -c %U /tmp/mine':
    'nobody\nrefused\nnobody\n',
};

describe('the classic way, with the wrapper at /bin/sh', () => {
  test(
    'runs ordinary RUN lines, and leaves what they did and no more',
    async () => {
      const steps = await build(
        'classic',
        `FROM localhost/armhf
    ADD armrun.tar /
    RUN ["/armrun/armrun", "install"]
    ${LINES.map(([line]) => line).join('\n    ')}
    ${SETTINGS}
    RUN /armrun/armrun clean && ls -d /armrun || readlink /bin/sh`,
        { args: ['--build-arg', 'VERSION=2'] },
      );
      for (const [line, printed] of LINES) expect(steps[line], line).toMatch(printed);
      expect(steps).toMatchObject(SETTINGS_PRINT);
      const [image, before] = [buildah.mount('classic'), buildah.mount('armhf')];
      const [files, unchanged] = [filesOf(image), filesOf(before)];
      // The builder's own.
      for (const name of ['/etc/hosts', '/etc/resolv.conf']) delete files[name];
      expect(files['/tmp/mine']).toMatch(/^100644 65534 65534 /);
      for (const made of ['/work', '/work/deep', '/work/deep/here', '/tmp/mine']) {
        expect(files[made], made).toBeDefined();
        delete files[made];
      }
      expect(files).toEqual(unchanged);
      expect(readlinkSync(`${image}/usr/bin/sh`)).toBe('dash');
      // The programs are ARM's, and run elsewhere.
      const output = execFileSync('qemu-arm-static', ['-L', image, `${image}/bin/dash`, '-c', 'echo runs'], {
        encoding: 'utf8',
      });
      expect(output).toBe('runs\n');
      expect(buildah.config('classic')).toMatchObject({
        Entrypoint: ['/usr/bin/env'],
        Cmd: ['true'],
        User: 'root',
      });
    },
    30 * MINUTES,
  );

  test.each([
    ['RUN set -e; (exit 3); echo go on', /exit status 3$/m],
    ['RUN false', /exit status 1$/m],
    ['RUN kill -9 $$', /exited on killed$/m],
    ['RUN /none', /exit status 127$/m],
    ['RUN /etc/passwd', /exit status 126$/m],
  ])(
    '%s stops the build with its own status',
    async (line, message) => {
      const { status, output } = await buildah.build(
        'fails',
        `FROM localhost/installed\n${line}\nRUN echo go on\n`,
      );
      expect(status).not.toBe(0);
      expect(output).toMatch(message);
      expect(output).not.toMatch(/^go on$/m);
    },
    30 * MINUTES,
  );

  test(
    'debugging is asked for by variables',
    async () => {
      const steps = await build(
        'debug',
        `FROM localhost/installed
    ENV ARMRUN_DEBUG=1 ARMRUN_STATS=1
    RUN echo 'a b' \${#ARMRUN_DEBUG}
    ENV ARMRUN_DEBUG=0 ARMRUN_STATS= ARMRUN_STRACE=1
    RUN :`,
      );
      const debug = steps[`RUN echo 'a b' \${#ARMRUN_DEBUG}`];
      expect(debug).toMatch(
        /^armrun: \/usr\/bin\/dash runs as: \/bin\/sh -c 'echo '\\''a b'\\'' \$\{#ARMRUN_DEBUG\}' /m,
      );
      expect(debug).toMatch(/^a b 1$/m);
      expect(debug).toMatch(/^armrun: instructions +[\d,]+$/m);
      expect(steps['RUN :']).toMatch(/exit_group\(0\)/);
      expect(steps['RUN :']).not.toMatch(/runs as|instructions/);
    },
    30 * MINUTES,
  );
});

describe('with SHELL', () => {
  test(
    '/bin/sh is not touched, and ONBUILD lines run in the next build',
    async () => {
      const shell = 'SHELL ["/armrun/armrun", "/bin/sh", "-c"]';
      const steps = await build(
        'shell',
        `FROM localhost/armhf
    ADD armrun.tar /
    ${shell}
    ${LINES.map(([line]) => line).join('\n    ')}
    ${SETTINGS}
    SHELL ["/armrun/armrun", "/bin/bash", "-o", "pipefail", "-c"]
    RUN false | true || echo $BASH_VERSINFO pipefail`,
        { args: ['--build-arg', 'VERSION=2'], format: 'docker' },
      );
      for (const [line, printed] of LINES) expect(steps[line], line).toMatch(printed);
      expect(steps).toMatchObject(SETTINGS_PRINT);
      expect(steps['RUN false | true || echo $BASH_VERSINFO pipefail']).toBe('5 pipefail\n');
      expect(readlinkSync(`${buildah.mount('shell')}/bin/sh`)).toBe('dash');

      const onbuild =
        'FROM localhost/shell\nONBUILD RUN echo $0 on build\nONBUILD RUN /armrun/armrun clean\n';
      await build('onbuild', onbuild, { format: 'docker' });
      const { output } = await buildah.build('child', 'FROM localhost/onbuild\n', { format: 'docker' });
      expect(output).toMatch(/^\/bin\/bash on build$/m);
      expect(existsSync(`${buildah.mount('child')}/armrun`)).toBe(false);
    },
    30 * MINUTES,
  );

  test(
    'armrun may be mounted from another stage and never be in the image',
    async () => {
      const mount = 'RUN --mount=type=bind,from=armrun,source=/armrun,target=/armrun';
      const line = `${mount} ["/armrun/armrun", "/bin/sh", "-c", "uname -m >/machine"]`;
      await build(
        'mounted',
        `FROM scratch AS armrun
    ADD armrun.tar /
    FROM localhost/armhf
    ${line}`,
      );
      const image = buildah.mount('mounted');
      expect(execFileSync('cat', [`${image}/machine`], { encoding: 'utf8' })).toBe('armv7l\n');
      expect(existsSync(`${image}/armrun/armrun`)).toBe(false);
    },
    30 * MINUTES,
  );
});

describe('an image of busybox alone', () => {
  test.each(['hard links', 'links to /bin/busybox'])(
    'by %s',
    async (kind) => {
      const full = makeRoot('full');
      const root = `${directory}/${kind}`;
      mkdirSync(`${root}/bin`, { recursive: true });
      mkdirSync(`${root}/lib`);
      cpSync(`${full}/usr/bin/busybox`, `${root}/bin/busybox`);
      const triplet = 'arm-linux-gnueabihf';
      for (const name of readdirSync(`${full}/usr/lib/${triplet}`)) {
        if (!/^(libc|libresolv|libm|libpthread)\.so\.\d$|^ld-linux-armhf/.test(name)) continue;
        cpSync(`${full}/usr/lib/${triplet}/${name}`, `${root}/lib/${name}`, { dereference: true });
      }
      for (const name of ['sh', 'echo', 'ls', 'cat', 'readlink', 'stat']) {
        if (kind === 'hard links') execFileSync('ln', [`${root}/bin/busybox`, `${root}/bin/${name}`]);
        else symlinkSync('/bin/busybox', `${root}/bin/${name}`);
      }
      tar(root, `${buildah.context}/busybox.tar`);
      const steps = await build(
        'busybox',
        `FROM scratch
    ADD busybox.tar /
    ADD armrun.tar /
    RUN ["/armrun/armrun", "install"]
    RUN echo $0; cat /proc/self/comm; ls / /bin; stat -c %h /bin/sh
    RUN /armrun/armrun clean`,
      );
      const [printed] = Object.entries(steps)
        .filter(([line]) => line.startsWith('RUN echo'))
        .map(([, text]) => text);
      expect(printed).toMatch(/^\/bin\/sh\ncat\n/);
      expect(printed).not.toContain('armrun');
      const image = buildah.mount('busybox');
      const shell = lstatSync(`${image}/bin/sh`);
      if (kind === 'hard links') {
        expect(shell.ino).toBe(lstatSync(`${image}/bin/busybox`).ino);
        expect(shell.nlink).toBe(7);
      } else expect(readlinkSync(`${image}/bin/sh`)).toBe('/bin/busybox');
      // What the run and the builder make of themselves: directories to mount on.
      expect(
        Object.keys(filesOf(image))
          .filter((name) => !/^\/(dev|proc|sys|etc|run)\b/.test(name))
          .sort(),
      ).toEqual(Object.keys(filesOf(root)).sort());
    },
    30 * MINUTES,
  );
});

describe('an image made with packages', () => {
  /** Users, packages, an upgrade of the shell itself; scripts in perl and in shell. */
  const body = `
    RUN useradd --create-home --shell /bin/bash builder && echo builder:x | chpasswd -e
    COPY dash.deb /tmp/
    RUN dpkg --install /tmp/dash.deb && rm /tmp/dash.deb && readlink /bin/sh && dpkg --verify dash
    RUN apt-get update && apt-get install -y cowsay && /usr/games/cowsay hi
    USER builder
    RUN cd && mkdir -m 700 private && perl -e 'print "x" x 100' >private/file && ln -s private/file link`;
  test(
    'is the same as one built by qemu-arm with binfmt_misc',
    async () => {
      const apt = `${project}.cache/apt/archives`;
      const deb = readdirSync(apt).find((name) => /^dash_.*_armhf\.deb$/.test(name));
      cpSync(`${apt}/${deb}`, `${buildah.context}/dash.deb`);
      const seconds: Record<string, number> = {};
      const timed = async (name: string, work: () => Promise<Record<string, string>>) => {
        const start = performance.now();
        const steps = await work();
        seconds[name] = Math.round((performance.now() - start) / 1000);
        expect(Object.values(steps).join('')).toContain('< hi >');
      };
      await timed('armrun', () =>
        build(
          'packages',
          `FROM localhost/armhf
    ADD armrun.tar /
    RUN ["/armrun/armrun", "install"]
    ${body}
    USER root
    RUN /armrun/armrun clean`,
        ),
      );
      await timed('qemu-arm', () =>
        build('oracle', `FROM localhost/armhf\n${body}\n    USER root`, { binfmt: true }),
      );
      console.log(`builds of the image with cowsay, in seconds: ${JSON.stringify(seconds)}`);
      expect(differences(buildah.mount('packages'), buildah.mount('oracle'))).toEqual([]);
    },
    30 * MINUTES,
  );
});
