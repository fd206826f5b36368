/**
 * Programs of the host that this process may start. In an image of ARM programs the PATH leads to those, which the host's kernel
 * cannot run.
 */
import fs from 'node:fs';

/** Class, byte order and machine of an ELF file (elf(5)). */
const HEADER = 20;

/** The path of a program of the host's own architecture; undefined when there is none. */
export function hostProgram(name: string): string | undefined {
  const own = architecture(process.execPath);
  const directories = (process.env.PATH ?? '/usr/bin:/bin').split(':').filter((path) => path.startsWith('/'));
  return directories.map((directory) => `${directory}/${name}`).find((path) => architecture(path) === own);
}

function architecture(path: string): string | undefined {
  let fd: number;
  try {
    fd = fs.openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const header = Buffer.alloc(HEADER);
    if (fs.readSync(fd, header, 0, HEADER, 0) < HEADER) return '';
    return `${header.toString('latin1', 0, 6)} ${header.readUInt16LE(18)}`;
  } finally {
    fs.closeSync(fd);
  }
}
