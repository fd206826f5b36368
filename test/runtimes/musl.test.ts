/** Programs built against Debian's musl for armhf, static and dynamic, do as the same ones built against musl for the host. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { armrun, makeRoot } from '../programs/engines.ts';

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const built = path('.cache/musl');
const FLAGS = ['-std=gnu11', '-O2', '-Wall', '-Wno-unused-result'];
let root: string;

beforeAll(() => {
  root = makeRoot('full');
  mkdirSync(built, { recursive: true });
  writeFileSync(`${built}/specs`, specs());
  rmSync(`${root}/srv/musl`, { recursive: true, force: true });
  mkdirSync(`${root}/srv/musl`, { recursive: true });
});

/** As musl-gcc's own for the host: headers, start files and libc are musl's, the compiler's libraries gcc's. */
function specs(): string {
  const [include, lib] = ['include', 'lib'].map((d) => `${root}/usr/${d}/arm-linux-musleabihf`);
  const parts = {
    cc1: `%(cc1_cpu) -nostdinc -isystem ${include} -isystem include%s`,
    link_libgcc: `-L${lib} -L .%s`,
    libgcc: 'libgcc.a%s libgcc_eh.a%s',
    startfile: `${lib}/Scrt1.o ${lib}/crti.o crtbeginS.o%s`,
    endfile: `crtendS.o%s ${lib}/crtn.o`,
    link: '-dynamic-linker /lib/ld-musl-armhf.so.1 -nostdlib %{static:-static} %{rdynamic:-export-dynamic} -m armelf_linux_eabi',
    esp_link: '',
  };
  return Object.entries(parts)
    .map(([name, text]) => `*${name}:\n${text}\n\n`)
    .join('');
}

describe.each([
  'fixtures/threads.c',
  'fixtures/processes.c',
  'fixtures/timers.c',
  'fixtures/leaders.c',
  'test/runtimes/musl.c',
])('%s', (source) => {
  test.each(['static', 'dynamic'])('%s', async (linking) => {
    const name = source.replace(/.*\/|\.c$/g, '');
    const link = [path(source), ...(linking === 'static' ? ['-static'] : []), '-lm'];
    const native = `${built}/${name}.${linking}`;
    execFileSync('musl-gcc', [...FLAGS, ...link, '-o', native]);
    const inside = `/srv/musl/${name}.${linking}`;
    execFileSync('arm-linux-gnueabihf-gcc', [
      `-specs=${built}/specs`,
      ...FLAGS,
      ...link,
      '-o',
      root + inside,
    ]);
    const host = spawnSync(native, { encoding: 'latin1', input: '', timeout: 180_000 });
    const ours = await armrun({ root, argv: [inside], cwd: `/tmp/musl-${name}`, stdin: '' }, 'jit');
    expect(ours.stdout).toBe(host.stdout);
    expect(ours).toMatchObject({ stderr: host.stderr, status: host.status, signal: host.signal });
  });
});
