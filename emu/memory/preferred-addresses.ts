/**
 * Preferred addresses of files: the same file gets the same address in every process of a run, and nearly always in every run, so
 * that code translated for one process is right for the others.
 *
 * The address is a hash of the file's name and length within a part of the mmap area; when two files want the same place the
 * later one moves up to the next free one, and the choice is kept for the run. A proposal only: the caller passes it to
 * AddressSpace.findFree as hint, and where it is taken the file goes elsewhere.
 *
 * Instances have no connection: one serves a run.
 */

/** 512 MiB that findFree, which works down from below the stack, reaches last. */
export const PREFERRED_START = 0x6000_0000;
export const PREFERRED_END = 0x8000_0000;
/** 64 KiB: the greatest alignment ARM linkers give to segments. */
const GRAIN = 0x1_0000;

export class PreferredAddresses {
  /** Ranges given away, by start; they never overlap. */
  readonly #taken: { start: number; end: number }[] = [];
  readonly #known = new Map<string, number>();

  /** An address, multiple of 64 KiB, for `length` bytes of a file of that name; 0 when there is no room. */
  propose(name: string, length: number): number {
    const id = `${length} ${name}`;
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const size = Math.ceil(length / GRAIN) * GRAIN;
    const room = PREFERRED_END - PREFERRED_START - size;
    if (room < 0) return 0;
    const wanted = PREFERRED_START + (hash(id) % (room / GRAIN + 1)) * GRAIN;
    const start =
      this.#firstFit(wanted, PREFERRED_END, size) || this.#firstFit(PREFERRED_START, wanted + size, size);
    if (start !== 0) {
      this.#taken.push({ start, end: start + size });
      this.#taken.sort((a, b) => a.start - b.start);
    }
    this.#known.set(id, start);
    return start;
  }

  #firstFit(from: number, to: number, size: number): number {
    let at = from;
    for (const range of this.#taken) {
      if (range.end <= at) continue;
      if (range.start >= at + size) break;
      at = range.end;
    }
    return at + size <= to ? at : 0;
  }
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}
