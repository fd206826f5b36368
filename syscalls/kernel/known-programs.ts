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
  /** In the order in which they were found. */
  readonly #files = new Map<string, ProgramFile>();

  head(source: PageSource): Uint8Array {
    return this.#of(source).head;
  }

  /** Whether it begins as ELF files do. */
  isElf(source: PageSource): boolean {
    const head = this.head(source);
    return head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46;
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
    if (known !== undefined) return known;
    const file = { head: headOf(source) };
    if (key === null) return file;
    this.#files.set(key, file);
    if (this.#files.size > MOST) this.#files.delete(this.#files.keys().next().value!);
    return file;
  }
}

function headOf(source: PageSource): Uint8Array {
  const head = new Uint8Array(HEAD);
  return head.subarray(0, source.read(0, head));
}
