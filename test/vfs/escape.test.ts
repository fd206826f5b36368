/** A program that tries everything to get out of its root: what lies outside stays as it was, and nothing of it is seen. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { compile } from './compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));
const textOf = (name: string) => fs.readFileSync(new URL(`./${name}`, import.meta.url), 'utf8');
const source = textOf('escape.c');

/** All that could be changed, of a directory and what is below it. */
function picture(directory: string): string[] {
  const rows: string[] = [];
  const look = (path: string) => {
    const s = fs.lstatSync(path, { bigint: true });
    const content = s.isFile() ? fs.readFileSync(path, 'latin1') : '';
    rows.push(
      `${path} ${s.mode.toString(8)} ${s.uid}:${s.gid} ${s.nlink} ${s.mtimeNs} ${s.ctimeNs} ${content}`,
    );
    if (s.isDirectory()) for (const name of fs.readdirSync(path).sort()) look(`${path}/${name}`);
  };
  look(directory);
  return rows;
}

/** Options by which the root is shown otherwise; `upper` is a directory beside it. */
const VIEWS: [string, (upper: string) => string[]][] = [
  ['as it is', () => []],
  ['under an overlay', () => ['--overlay']],
  ['under an overlay of the host', (upper) => [`--overlay=${upper}`]],
];

test.each(VIEWS)(
  'nothing outside the root, %s, is read or changed',
  { timeout: 300_000 },
  async (_, view) => {
    const top = fs.realpathSync(fs.mkdtempSync(`${tmpdir()}/armrun-escape-`));
    const [root, outside, upper] = [`${top}/root`, `${top}/outside`, `${top}/upper`];
    const options = view(upper);
    fs.mkdirSync(`${outside}/empty`, { recursive: true });
    fs.mkdirSync(root);
    fs.mkdirSync(upper);
    fs.writeFileSync(`${outside}/secret`, 'SECRET', { mode: 0o600 });
    fs.writeFileSync(`${outside}/input`, 'INPUT', { mode: 0o600 });
    fs.copyFileSync(compile('escape', source, 'arm'), `${root}/escape`);
    // What an image may bring.
    fs.symlinkSync(outside, `${root}/planted`);
    fs.symlinkSync('../outside', `${root}/planted-relative`);
    const server = net.createServer((socket) => socket.end()).listen(`${root}/socket`);
    if (process.getuid!() === 0) {
      const device = fs.statSync('/').dev;
      execFileSync('mknod', [`${root}/disk`, 'b', String(device >> 8), String(device & 0xff)]);
      execFileSync('mknod', [`${root}/memory`, 'c', '1', '1']);
    }
    const input = fs.openSync(`${outside}/input`, 'r');
    try {
      const before = picture(outside);
      const rootBefore = picture(root);
      const { stdout, stderr } = spawnSync(
        process.execPath,
        [bin, '--root', root, ...options, '/escape', outside],
        {
          encoding: 'latin1',
          timeout: 180_000,
          stdio: [input, 'pipe', 'pipe'],
          cwd: root,
        },
      );
      expect(stdout + stderr).toBe('done\n');
      expect(picture(outside)).toEqual(before);
      expect(fs.readdirSync(top).sort()).toEqual(['outside', 'root', 'upper']);
      if (options.length > 0) expect(picture(root)).toEqual(rootBefore);
    } finally {
      fs.closeSync(input);
      server.close();
      fs.rmSync(top, { recursive: true, force: true });
    }
  },
);

/** How long directories are exchanged. */
const SECONDS = 6;

test.each(VIEWS)(
  'nor through directories that others exchange for links meanwhile, %s',
  { timeout: 300_000 },
  (_, view) => {
    const top = fs.realpathSync(fs.mkdtempSync(`${tmpdir()}/armrun-swap-`));
    const [root, bound, upper, outside] = [`${top}/root`, `${top}/bound`, `${top}/upper`, `${top}/over/d`];
    fs.mkdirSync(`${outside}/empty`, { recursive: true });
    fs.writeFileSync(`${outside}/secret`, 'SECRET'.padEnd(4242, '.'), { mode: 0o600 });
    const tool = '#include <stdio.h>\nint main(int n, char **a) { printf("%s: executed\\n", a[n - 1]); }\n';
    fs.copyFileSync(compile('escape-tool', tool, 'arm'), `${outside}/tool`);
    const pairs: string[] = [];
    for (const place of [root, bound, upper]) {
      fs.mkdirSync(`${place}/swap`, { recursive: true });
      fs.mkdirSync(`${place}/deep/swap/d`, { recursive: true });
      fs.symlinkSync(outside, `${place}/swap.link`);
      fs.symlinkSync(`${top}/over`, `${place}/deep/swap.link`);
      for (const name of ['swap', 'deep/swap']) pairs.push(`${place}/${name}`, `${place}/${name}.link`);
    }
    fs.mkdirSync(`${root}/bound`);
    fs.copyFileSync(compile('escape-swap', textOf('escape-swap.c'), 'arm'), `${root}/escape`);
    const server = net.createServer((socket) => socket.end()).listen(`${outside}/listener`);
    const swapper = spawn(compile('swapper', textOf('swapper.c'), 'host'), pairs);
    try {
      const before = picture(`${top}/over`);
      const { stdout, stderr } = spawnSync(
        process.execPath,
        [
          bin,
          '--root',
          root,
          ...view(upper),
          '--bind',
          `${bound}:/bound`,
          '/escape',
          String(SECONDS),
          '/',
          '/bound',
        ],
        { encoding: 'latin1', timeout: 180_000 },
      );
      expect([...new Set((stdout + stderr).split('\n'))]).toEqual(['done: 44 attempts', '']);
      expect(picture(`${top}/over`)).toEqual(before);
      expect(fs.readdirSync(top).sort()).toEqual(['bound', 'over', 'root', 'upper']);
    } finally {
      swapper.kill('SIGKILL');
      server.close();
      fs.rmSync(top, { recursive: true, force: true });
    }
  },
);
