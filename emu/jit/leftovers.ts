/**
 * What the code of a process leaves in its memory for the next one: the interpreter's records, and the functions of modules
 * whose instances were made for it. Both belong to images (code-image.ts), and are used again only where the process has the
 * image's pages: who takes them asks for each page. Functions stay in the table meanwhile (ModuleTable).
 */
import type { AddressSpace } from '../memory/address-space.ts';
import { type PageRecords, RecordArea } from '../tier0/record-area.ts';
import type { CodeImage, CompiledModule } from './code-image.ts';
import type { Machinery } from './machinery.ts';
import { ToStitch } from './tiering.ts';

/** Functions for the slots of a module; null for those that a later one has filled. */
export type LeftFunctions = readonly (WebAssembly.ExportValue | null)[];
/** Of an image, in the order in which they came. */
export type LeftModules = ReadonlyMap<CompiledModule, LeftFunctions>;

export class Leftovers {
  /** The process's own among them. */
  readonly pages = new Map<number, PageRecords>();
  readonly modules = new Map<CodeImage, LeftModules>();
  /** Places that wait for others to be put together from stencils. */
  readonly toStitch = new ToStitch();
  readonly machinery: Machinery;
  readonly id = Symbol();

  constructor(machinery: Machinery) {
    this.machinery = machinery;
  }
}

/** What the processes of one run leave, by memory: with the run it is forgotten. */
export class LeftoversOfRun {
  readonly #of = new WeakMap<WebAssembly.Memory, Leftovers>();

  /** What is in the memory of an address space, whose process is about to begin. */
  take(space: AddressSpace, machinery: Machinery): Leftovers {
    const { memory } = space;
    const area = RecordArea.of(space);
    const known = this.#of.get(memory);
    if (known !== undefined && known.id === area.owner && known.machinery === machinery) return known;
    // Records and functions of another run, or of another way to decode.
    area.clear();
    machinery.left.forEach((of, slot) => {
      if (of !== undefined) machinery.empty(slot);
    });
    const none = new Leftovers(machinery);
    area.owner = none.id;
    this.#of.set(memory, none);
    return none;
  }
}
