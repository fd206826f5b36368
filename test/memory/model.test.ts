/**
 * Random sequences of map, unmap, protect, move, discard, fork, writes and reads, held against a model that keeps one
 * record for each page and knows nothing of areas, presence or page bytes.
 */
import { describe, expect, it } from 'vitest';
import { AddressSpace, type Vma } from '../../emu/memory/address-space.ts';
import { CODE, EXEC, PAGE_SIZE, READ, WRITE } from '../../emu/memory/layout.ts';
import { accessOf } from '../../emu/memory/page-table.ts';
import { Random } from './random.ts';
import { BytesSource } from './sources.ts';

/** Where the test works: one arena below 2 GiB and one above. */
const ARENAS = [0x10000, 0xa000_0000];
const ARENA_PAGES = 48;
const FILE_PAGES = 24;

interface ModelPage {
  prot: number;
  source: BytesSource | null;
  offset: number;
  name: string;
  /** Value of the first byte and of the last one. */
  head: number;
  tail: number;
}

class Model {
  readonly pages = new Map<number, ModelPage>();

  clone(): Model {
    const copy = new Model();
    for (const [number, page] of this.pages) copy.pages.set(number, { ...page });
    return copy;
  }

  /** The areas a list of pages makes, merged as much as can be. */
  areas(): Omit<Vma, 'shared' | 'growsDown'>[] {
    const out: Omit<Vma, 'shared' | 'growsDown'>[] = [];
    for (const number of [...this.pages.keys()].sort((a, b) => a - b)) {
      const page = this.pages.get(number)!;
      const start = number * PAGE_SIZE;
      const last = out.at(-1);
      if (
        last !== undefined &&
        last.end === start &&
        last.prot === page.prot &&
        last.source === page.source &&
        last.name === page.name &&
        (page.source === null || last.offset + (start - last.start) === page.offset)
      ) {
        last.end += PAGE_SIZE;
      } else {
        const { prot, source, offset, name } = page;
        out.push({ start, end: start + PAGE_SIZE, prot, source, offset: source ? offset : 0, name });
      }
    }
    return out;
  }
}

function contentOf(source: BytesSource | null, offset: number): { head: number; tail: number } {
  if (source === null) return { head: 0, tail: 0 };
  return { head: source.bytes[offset] ?? 0, tail: source.bytes[offset + PAGE_SIZE - 1] ?? 0 };
}

function expectSame(space: AddressSpace, model: Model): void {
  const areas = space.vmas().map(({ start, end, prot, source, offset, name }) => ({
    start,
    end,
    prot,
    source,
    offset: source ? offset : 0,
    name,
  }));
  expect(areas).toEqual(model.areas());
  for (const arena of ARENAS) {
    for (let page = arena / PAGE_SIZE; page < arena / PAGE_SIZE + ARENA_PAGES; page++) {
      const known = model.pages.get(page);
      const byte = space.pages.bytes[page]!;
      // A page byte never grants more than the protection.
      expect(byte & 7 & ~(known ? accessOf(known.prot) : 0)).toBe(0);
      if (byte & READ) {
        expect(space.u8[page * PAGE_SIZE]).toBe(known!.head);
        expect(space.u8[page * PAGE_SIZE + 4095]).toBe(known!.tail);
      }
    }
  }
}

/** Whole pages of an arena. */
interface Range {
  readonly arena: number;
  readonly start: number;
  readonly end: number;
  /** The numbers of its pages. */
  readonly numbers: readonly number[];
}

/** An address space and its model, to both of which the same is done. */
class Pair {
  readonly #random: Random;
  readonly #files: readonly BytesSource[];
  #space = AddressSpace.create();
  #model = new Model();
  /** Pages whose code somebody holds. */
  readonly #coded = new Set<number>();
  readonly #watch = (start: number, length: number) => {
    for (let a = start; a < start + length; a += PAGE_SIZE) this.#coded.delete(a / PAGE_SIZE);
  };
  readonly #operations: readonly ((range: Range) => void)[] = [
    (range) => this.#map(range),
    (range) => this.#map(range),
    (range) => this.#unmap(range),
    (range) => this.#protect(range),
    (range) => this.#move(range),
    (range) => this.#discard(range),
    () => this.#fork(),
    (range) => this.#touch(range),
    (range) => this.#touch(range),
  ];

  constructor(random: Random) {
    this.#random = random;
    this.#files = [0, 1].map(
      (n) =>
        new BytesSource(
          Uint8Array.from(
            { length: FILE_PAGES * PAGE_SIZE - 100 },
            (_, i) => ((i >>> 12) * 7 + n * 100 + 1) & 255,
          ),
        ),
    );
    this.#space.onInvalidate.push(this.#watch);
  }

  step(): void {
    const random = this.#random;
    const arena = random.pick(ARENAS);
    const first = random.below(ARENA_PAGES - 1);
    const count = 1 + random.below(Math.min(20, ARENA_PAGES - first));
    const start = arena + first * PAGE_SIZE;
    const numbers = Array.from({ length: count }, (_, i) => start / PAGE_SIZE + i);
    random.pick(this.#operations)({ arena, start, end: start + count * PAGE_SIZE, numbers });
    expectSame(this.#space, this.#model);
    // Every page whose code somebody holds still says CODE and forbids writing.
    for (const number of this.#coded) {
      expect(this.#space.pages.bytes[number]! & (CODE | WRITE)).toBe(CODE);
    }
  }

  close(): void {
    this.#space.close();
    expect(this.#files.map((file) => file.users)).toEqual([0, 0]);
  }

  #map({ start, end, numbers }: Range): void {
    const random = this.#random;
    const prot = random.below(8);
    const source = random.chance(40) ? random.pick(this.#files) : null;
    const offset = source ? random.below(FILE_PAGES) * PAGE_SIZE : 0;
    const name = source ? 'file' : random.pick(['', '[heap]']);
    this.#space.map({ start, end, prot, shared: false, source, offset, growsDown: false, name });
    numbers.forEach((number, i) => {
      const at = offset + i * PAGE_SIZE;
      this.#model.pages.set(number, { prot, source, offset: at, name, ...contentOf(source, at) });
    });
  }

  #unmap({ start, end, numbers }: Range): void {
    this.#space.unmap(start, end);
    for (const number of numbers) this.#model.pages.delete(number);
  }

  #protect({ start, end, numbers }: Range): void {
    const { pages } = this.#model;
    const prot = this.#random.below(8);
    const hole = numbers.findIndex((number) => !pages.has(number));
    expect(this.#space.protect(start, end, prot)).toBe(hole < 0);
    for (const number of hole < 0 ? numbers : numbers.slice(0, hole)) pages.get(number)!.prot = prot;
  }

  /** mremap works within one area, and its places must not overlap. */
  #move({ arena, start, end, numbers }: Range): void {
    const { pages } = this.#model;
    const vma = this.#space.find(start);
    const other = ARENAS[1 - ARENAS.indexOf(arena)]! + (start - arena);
    if (vma === undefined || vma.end < end) return;
    const count = numbers.length;
    const grown = Math.min(count + this.#random.below(4), ARENA_PAGES - (start - arena) / PAGE_SIZE);
    const moved = numbers.map((number) => pages.get(number)!);
    this.#space.move(start, count * PAGE_SIZE, other, grown * PAGE_SIZE);
    for (const number of numbers) pages.delete(number);
    for (let i = 0; i < grown; i++) {
      const last = moved.at(-1)!;
      const offset = last.offset + (i - count + 1) * PAGE_SIZE;
      pages.set(other / PAGE_SIZE + i, moved[i] ?? { ...last, offset, ...contentOf(last.source, offset) });
    }
  }

  #discard({ start, end, numbers }: Range): void {
    this.#space.discard(start, end);
    for (const number of numbers) {
      const page = this.#model.pages.get(number);
      if (page) Object.assign(page, contentOf(page.source, page.offset));
    }
  }

  /** Goes on with the child; what the parent does afterwards must not show. */
  #fork(): void {
    if (!this.#random.chance(20)) return;
    const parent = this.#space;
    const child = parent.fork();
    expectSame(child, this.#model);
    for (const vma of parent.vmas()) {
      for (let at = vma.start; at < vma.end; at += PAGE_SIZE) {
        if (parent.check(at, PAGE_SIZE, WRITE)) parent.bytes(at, PAGE_SIZE).fill(0xff);
      }
    }
    parent.close();
    this.#space = child;
    child.onInvalidate.push(this.#watch);
    this.#coded.clear();
    this.#model = this.#model.clone();
  }

  /** Reads, writes and execution. */
  #touch({ numbers }: Range): void {
    const random = this.#random;
    const space = this.#space;
    for (const number of numbers) {
      const page = this.#model.pages.get(number);
      const access = random.pick([READ, WRITE, EXEC] as const);
      const at = number * PAGE_SIZE + random.below(PAGE_SIZE);
      const expected = outcome(page, access);
      expect(space.fault(at, access)).toBe(expected);
      if (expected !== 'ok') continue;
      expect(space.pages.bytes[number]! & access).toBe(access);
      if (access === WRITE) {
        expect(this.#coded.has(number)).toBe(false);
        page!.head = space.u8[number * PAGE_SIZE] = random.below(256);
        page!.tail = space.u8[number * PAGE_SIZE + 4095] = random.below(256);
      }
      if (access === EXEC && random.chance(30)) {
        space.markCode(number);
        this.#coded.add(number);
      }
    }
  }
}

/** What an access to a page is answered with. */
function outcome(page: ModelPage | undefined, access: number): string {
  if (page === undefined) return 'unmapped';
  if (!(accessOf(page.prot) & access)) return 'protected';
  return page.source && page.offset >= page.source.size() ? 'beyond-file' : 'ok';
}

function run(seed: number, steps: number): void {
  const pair = new Pair(new Random(seed));
  for (let step = 0; step < steps; step++) pair.step();
  pair.close();
}

describe('address space against a model of pages', () => {
  for (let seed = 1; seed <= 12; seed++) {
    it(`seed ${seed}`, () => run(seed * 7919, 150));
  }
});
