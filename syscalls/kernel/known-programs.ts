/**
 * What exec has found in program files: their first bytes, and what an ELF header says. It is known by PageSource.key, which
 * stands for a file's content; of files without one nothing is kept.
 */
import { type ElfImage, readElf } from '../../emu/elf/read.ts';
import type { PageSource } from '../../emu/memory/address-space.ts';

/** Bytes of a file that decide what it is (BINPRM_BUF_SIZE). */
export const HEAD = 256;
const MOST = 256;

interface ProgramFile {
  /** The first bytes, HEAD at the most. */
  readonly head: Uint8Array;
  image?: ElfImage;
}

export class KnownPrograms {
  /** In the order of their use. */
  readonly #files = new Map<string, ProgramFile>();

  head(source: PageSource): Uint8Array {
    return this.#of(source).head;
  }

  /** As readElf. */
  image(source: PageSource, name: string, role?: 'program' | 'interpreter'): ElfImage {
    if (source.key === null) return readElf(source, name, role);
    const file = this.#of(source);
    return (file.image ??= readElf(source, name, role));
  }

  #of(source: PageSource): ProgramFile {
    const { key } = source;
    const known = key === null ? undefined : this.#files.get(key);
    const file = known ?? { head: headOf(source) };
    if (key === null) return file;
    this.#files.delete(key);
    this.#files.set(key, file);
    if (this.#files.size > MOST) this.#files.delete(this.#files.keys().next().value!);
    return file;
  }
}

function headOf(source: PageSource): Uint8Array {
  const head = new Uint8Array(HEAD);
  return head.subarray(0, source.read(0, head));
}
