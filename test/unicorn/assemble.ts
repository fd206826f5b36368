/**
 * Assembles a few lines of ARM code with the cross binutils, for tests that need raw code. Results are not cached: the assembler
 * takes some 10 ms.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The machine code of `source` (UAL; ARM state unless it says .thumb), as linked at address 0 of the section. */
export function assemble(source: string): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), 'armrun-as-'));
  try {
    const object = join(directory, 'a.o');
    const binary = join(directory, 'a.bin');
    const head = '.syntax unified\n.cpu cortex-a15\n.fpu neon-vfpv4\n.text\n';
    execFileSync('arm-linux-gnueabihf-as', ['-o', object, '-'], { input: `${head}${source}\n` });
    execFileSync('arm-linux-gnueabihf-objcopy', ['-O', 'binary', '-j', '.text', object, binary]);
    return new Uint8Array(readFileSync(binary));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
