/** C programs of the vfs tests, compiled for ARM and for this machine; kept under .cache as long as the source is the same. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const cache = fileURLToPath(new URL('../../.cache/vfs', import.meta.url));
export const programs = fileURLToPath(new URL('./programs', import.meta.url));

const COMPILERS = { arm: 'arm-linux-gnueabihf-gcc', host: 'gcc' } as const;
const FLAGS = ['-std=gnu11', '-O1', '-D_FILE_OFFSET_BITS=64', '-static', '-Wall', '-Wextra', '-Werror'];
/** The programs hand the kernel what it must refuse. */
const ALLOW = ['unused-result', 'nonnull', 'stringop-overflow', 'stringop-overread'].map((w) => `-Wno-${w}`);

/** Gives the path of the program made from C source. */
export function compile(name: string, source: string, target: keyof typeof COMPILERS): string {
  const header = readFileSync(`${programs}/try.h`);
  const hash = createHash('sha256')
    .update(header)
    .update(source)
    .update(FLAGS.join())
    .digest('hex')
    .slice(0, 12);
  const path = `${cache}/${name}-${hash}.${target}`;
  if (existsSync(path)) return path;
  mkdirSync(cache, { recursive: true });
  const file = `${path}.${process.pid}.c`;
  writeFileSync(file, source);
  execFileSync(COMPILERS[target], [
    ...FLAGS,
    ...ALLOW,
    `-I${programs}`,
    file,
    '-o',
    `${path}.${process.pid}`,
  ]);
  renameSync(`${path}.${process.pid}`, path);
  return path;
}
