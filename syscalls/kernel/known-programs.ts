/**
 * What exec has found in program files: their first bytes, and what an ELF header says. It is known by PageSource.key, which
 * stands for a file's content; of files without one nothing is kept.
 */
import { type ElfImage, readElf } from '../../emu/elf/read.ts';
import type { PageSource } from '../../emu/memory/address-space.ts';

/** Bytes of a file that decide what it is (BINPRM_BUF_SIZE). */
export const HEAD = 256;
/** Read at once: most ELF files say within these all that there is to be known of them. */
const FIRST = 512;
const MOST = 256;

interface ProgramFile {
  /** The first bytes, FIRST at the most. */
  readonly first: Uint8Array;
  image?: ElfImage;
}

export class KnownPrograms {
  /** In the order in which they were found. */
  readonly #files = new Map<string, ProgramFile>();

  /** The first bytes, HEAD at the most. */
  head(source: PageSource): Uint8Array {
    return this.#of(source).first.subarray(0, HEAD);
  }

  /** As readElf. */
  image(source: PageSource, name: string, role?: 'program' | 'interpreter'): ElfImage {
    const file = this.#of(source);
    return (file.image ??= readElf(source, name, role, file.first));
  }

  #of(source: PageSource): ProgramFile {
    const { key } = source;
    const known = key === null ? undefined : this.#files.get(key);
    if (known !== undefined) return known;
    const file = { first: firstOf(source) };
    if (key === null) return file;
    this.#files.set(key, file);
    if (this.#files.size > MOST) this.#files.delete(this.#files.keys().next().value!);
    return file;
  }
}

function firstOf(source: PageSource): Uint8Array {
  const first = new Uint8Array(FIRST);
  return first.subarray(0, source.read(0, first));
}
