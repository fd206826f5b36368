/** File pages that a memory keeps for its next process: read once, and never taken for what they are not. */
import { beforeEach, describe, expect, test } from 'vitest';
import { AddressSpace, type Vma } from '../../emu/memory/address-space.ts';
import { EXEC, PAGE_SIZE, READ, WRITE } from '../../emu/memory/layout.ts';
import { BytesSource } from './sources.ts';

let program = 0;
beforeEach(() => {
  program++;
});

const START = 0x1000_0000;
const LENGTH = 16 * PAGE_SIZE;

/** A file of pages that begin with its number and theirs. */
function fileOf(number: number, key: string | null = `file ${number} of ${program}`): BytesSource {
  const bytes = new Uint8Array(LENGTH);
  for (let i = 0; i < LENGTH; i += PAGE_SIZE) bytes.set([number, i / PAGE_SIZE], i);
  return new BytesSource(bytes, key);
}

/** A process of the same program as the last, in its memory. */
function process<T>(what: (space: AddressSpace) => T): T {
  const space = AddressSpace.create(`kept pages ${program}`);
  try {
    return what(space);
  } finally {
    space.close();
  }
}

const map = (space: AddressSpace, source: BytesSource | null, more: Partial<Vma> = {}) =>
  space.map({
    start: START,
    end: START + LENGTH,
    prot: READ | EXEC,
    shared: false,
    source,
    offset: 0,
    growsDown: false,
    name: '',
    ...more,
  });

/** The first two bytes of every page. */
function contents(space: AddressSpace): string {
  let text = '';
  for (let at = START; at < START + LENGTH; at += PAGE_SIZE) {
    if (space.find(at) === undefined || !space.check(at, 2, READ)) text += '- ';
    else text += `${space.u8[at]}.${space.u8[at + 1]} `;
  }
  return text;
}
const pagesOf = (number: number, first = 0) =>
  Array.from({ length: LENGTH / PAGE_SIZE }, (_, i) =>
    i + first < LENGTH / PAGE_SIZE ? `${number}.${i + first} ` : '- ',
  ).join('');

/** Maps a file in a new process; gives what it sees, and how often the file was read. */
function seen(file: BytesSource, more: Partial<Vma> = {}): { pages: string; reads: number } {
  const { reads } = file;
  return process((space) => {
    map(space, file, more);
    return { pages: contents(space), reads: file.reads - reads };
  });
}

test('data of a file that has changed since it was mapped is read', () => {
  const file = fileOf(1);
  seen(file, { prot: READ });
  file.bytes = fileOf(9).bytes;
  Object.assign(file, { unchanged: () => false });
  expect(seen(file, { prot: READ }).pages).toBe(pagesOf(9));
});

test('code is what the file had when it was mapped, and asks nothing more', () => {
  const file = fileOf(1);
  const prot = READ | EXEC;
  seen(file, { prot });
  let asked = 0;
  Object.assign(file, { unchanged: () => asked++ < 0 });
  expect(seen(file, { prot })).toEqual({ pages: pagesOf(1), reads: 0 });
  expect(asked).toBe(0);
});

describe.each([
  ['code', READ | EXEC],
  ['data', READ],
])('%s', (_name, prot) => {
  test('is read once', () => {
    const file = fileOf(1);
    expect(seen(file, { prot })).toEqual({ pages: pagesOf(1), reads: 2 });
    expect(seen(file, { prot })).toEqual({ pages: pagesOf(1), reads: 0 });
    expect(seen(file, { prot })).toEqual({ pages: pagesOf(1), reads: 0 });
  });

  test('of another file is read', () => {
    seen(fileOf(1), { prot });
    expect(seen(fileOf(2), { prot }).pages).toBe(pagesOf(2));
    expect(seen(fileOf(3, `file 1 of ${program}, later`), { prot }).pages).toBe(pagesOf(3));
  });

  test('at another offset is read', () => {
    const file = fileOf(1);
    seen(file, { prot });
    expect(seen(file, { prot, offset: PAGE_SIZE }).pages).toBe(pagesOf(1, 1));
    expect(seen(file, { prot }).pages).toBe(pagesOf(1));
  });

  test('of a file without identity is read', () => {
    seen(fileOf(1, null), { prot });
    expect(seen(fileOf(2, null), { prot }).pages).toBe(pagesOf(2));
  });

  test('that could be written to is read', () => {
    const file = fileOf(1);
    seen(file, { prot: READ | WRITE });
    expect(seen(file, { prot }).reads).toBe(2);
    process((space) => {
      map(space, file, { prot });
      contents(space);
      space.protect(START, START + LENGTH, READ | WRITE);
      space.check(START, 1, WRITE);
      space.u8[START] = 99;
      space.protect(START, START + LENGTH, prot);
    });
    expect(seen(file, { prot }).pages).toBe(pagesOf(1));
  });

  test('in a shared mapping is read', () => {
    const file = fileOf(1);
    seen(file, { prot, shared: true });
    expect(seen(file, { prot }).reads).toBe(2);
  });

  test('that something else has come to is read', () => {
    const file = fileOf(1);
    seen(file, { prot });
    process((space) => {
      map(space, null, { end: START + 2 * PAGE_SIZE, prot: READ | WRITE });
      expect(space.check(START, 1, WRITE)).toBe(true);
      expect(space.u8[START]).toBe(0);
    });
    expect(seen(file, { prot }).pages).toBe(pagesOf(1));
    process((space) => {
      map(space, null, { start: START - LENGTH, end: START, prot: READ | WRITE });
      space.check(START - LENGTH, LENGTH, WRITE);
      space.u8[START - LENGTH] = 77;
      space.move(START - LENGTH, LENGTH, START, LENGTH);
    });
    expect(seen(file, { prot }).pages).toBe(pagesOf(1));
  });

  test('is as it is in the file for a child, too', () => {
    const file = fileOf(1);
    seen(file, { prot });
    process((space) => {
      map(space, file, { prot });
      const child = space.fork();
      expect(contents(child)).toBe(pagesOf(1));
      expect(contents(space)).toBe(pagesOf(1));
      child.close();
    });
  });

  test('what its parent has is there for the next child, and nothing else', () => {
    const file = fileOf(1);
    process((space) => {
      map(space, file, { prot });
      const half = START + 8 * PAGE_SIZE;
      space.check(START, 1, READ);
      for (const children of [1, 2]) {
        const child = space.fork();
        expect(child.pages.present(START / PAGE_SIZE)).toBe(children === 2);
        expect(child.pages.present(half / PAGE_SIZE)).toBe(false);
        expect(contents(child)).toBe(pagesOf(1));
        child.close();
      }
      // What the child's memory keeps is another file's.
      const other = space.fork();
      map(other, fileOf(2), { prot });
      expect(contents(other)).toBe(pagesOf(2));
      other.close();
      const child = space.fork();
      expect(child.pages.present(START / PAGE_SIZE)).toBe(false);
      expect(contents(child)).toBe(pagesOf(1));
      child.close();
      // The parent has written to its copy.
      space.protect(START, half, READ | WRITE);
      space.check(START, 1, WRITE);
      space.u8[START] = 99;
      const last = space.fork();
      expect(last.u8[START]).toBe(99);
      last.close();
    });
  });

  test('a mapping that comes back in a process is not read again', () => {
    const file = fileOf(1);
    process((space) => {
      map(space, file, { prot });
      contents(space);
      space.unmap(START, START + LENGTH);
      map(space, file, { prot });
      expect(contents(space)).toBe(pagesOf(1));
    });
    expect(file.reads).toBe(2);
  });
});

test('more files than there are labels', () => {
  for (let i = 0; i < 300; i++) {
    seen(fileOf(1));
    // Each but the first comes to a page that the first has left.
    const files = [2, 3, 4, 5, 6].slice(i % 4).map((n) => fileOf(n, `${n} in round ${i}`));
    for (const file of files) seen(file, { end: START + PAGE_SIZE });
    for (const [n, file] of files.entries()) {
      const at = START + (n + 1) * PAGE_SIZE;
      const { pages } = seen(file, { start: at, end: at + PAGE_SIZE, offset: at - START });
      expect(pages).toContain(` ${file.bytes[0]}.${n + 1} `);
    }
  }
});

test('memories go to the program that they were given back by', () => {
  const memoryOf = (name: string) => {
    const space = AddressSpace.create(name);
    space.close();
    return space.memory;
  };
  const [a, b] = [memoryOf(`a ${program}`), memoryOf(`b ${program}`)];
  expect(memoryOf(`a ${program}`)).toBe(a);
  expect(memoryOf(`b ${program}`)).toBe(b);
  expect(memoryOf(`a ${program}`)).toBe(a);
});
