import { afterEach, describe, expect, it } from 'vitest';
import { AddressSpace, type Vma } from '../../emu/memory/address-space.ts';
import { EXEC, PAGE_SIZE, READ, WRITE } from '../../emu/memory/layout.ts';
import { DIRTY, PRESENT } from '../../emu/memory/page-table.ts';
import { flushShared, forgetShared, SharedMemory, sharers } from '../../emu/memory/shared.ts';
import { Random } from './random.ts';
import { BytesSource } from './sources.ts';

const open: AddressSpace[] = [];
function keep(space: AddressSpace): AddressSpace {
  open.push(space);
  return space;
}
afterEach(() => {
  for (const space of open.splice(0)) space.close();
});

function shared(start: number, end: number, more: Partial<Vma> = {}): Vma {
  const base = { prot: READ | WRITE, shared: true, source: null, offset: 0, growsDown: false, name: '' };
  return { start, end, ...base, ...more };
}

function read(space: AddressSpace, at: number): number {
  expect(space.check(at, 1, READ)).toBe(true);
  return space.u8[at]!;
}
function write(space: AddressSpace, at: number, value: number): void {
  expect(space.check(at, 1, WRITE)).toBe(true);
  space.u8[at] = value;
}

describe('anonymous shared memory', () => {
  it('is one memory for parent, child and grandchild, whoever writes and whoever ends', () => {
    const parent = AddressSpace.create();
    parent.map(shared(0x10000, 0x14000));
    write(parent, 0x10000, 1);
    const child = keep(parent.fork());
    expect(read(child, 0x10000)).toBe(1);
    write(child, 0x10000, 2);
    write(child, 0x13fff, 3);
    expect(read(parent, 0x10000)).toBe(2);
    const grandchild = keep(child.fork());
    write(grandchild, 0x11000, 4);
    write(parent, 0x10001, 5);
    parent.close();
    expect(read(child, 0x11000)).toBe(4);
    expect(read(child, 0x10001)).toBe(5);
    expect(read(grandchild, 0x13fff)).toBe(3);
  });

  it('keeps its content when it is discarded or moved, and knows its end', () => {
    const space = keep(AddressSpace.create());
    space.map(shared(0x10000, 0x12000));
    write(space, 0x11000, 9);
    space.discard(0x10000, 0x12000);
    expect(read(space, 0x11000)).toBe(9);
    space.move(0x10000, 0x2000, 0x80000, 0x3000);
    expect(read(space, 0x81000)).toBe(9);
    // A shared mapping that grows has no more memory behind it: SIGBUS, as in Linux.
    expect(space.fault(0x82000, READ)).toBe('beyond-file');
  });

  it('has a source that tells it from other memory, and a name', () => {
    const space = keep(AddressSpace.create());
    space.map(shared(0x10000, 0x11000));
    space.map(shared(0x11000, 0x12000));
    expect(space.vmas().length).toBe(2);
    expect(space.find(0x10000)?.name).toBe('/dev/zero (deleted)');
    expect(space.find(0x10000)?.source).toBeInstanceOf(SharedMemory);
  });
});

describe('files mapped by several processes', () => {
  it('read the newest bytes by every way', () => {
    const file = new BytesSource(new Uint8Array(0x4000));
    const a = keep(AddressSpace.create());
    const b = keep(AddressSpace.create());
    a.map(shared(0x10000, 0x14000, { source: file }));
    b.map(shared(0x90000, 0x93000, { source: file, offset: 0x1000 }));
    write(a, 0x11000, 7);
    expect(read(b, 0x90000)).toBe(7);
    write(b, 0x90001, 8);
    expect(file.bytes[0x1001]).toBe(0);
    // msync of one process writes what the other one wrote.
    expect(a.sync(0x10000, 0x14000)).toBe(true);
    expect([...file.bytes.subarray(0x1000, 0x1002)]).toEqual([7, 8]);
    write(b, 0x91000, 9);
    const c = keep(AddressSpace.create());
    c.map(shared(0x20000, 0x24000, { source: file, shared: false }));
    expect(read(c, 0x22000)).toBe(9);
    expect(file.bytes[0x2000]).toBe(9);
  });

  it('may be mapped twice in one process', () => {
    const file = new BytesSource(new Uint8Array(0x2000));
    const space = keep(AddressSpace.create());
    space.map(shared(0x10000, 0x12000, { source: file }));
    space.map(shared(0x20000, 0x22000, { source: file, prot: READ | EXEC }));
    expect(read(space, 0x21000)).toBe(0);
    const heard: number[] = [];
    space.onInvalidate.push((start) => heard.push(start));
    space.markCode(0x21);
    const epoch = space.pages.revocationEpoch;
    write(space, 0x11000, 0x70);
    expect(space.pages.revocationEpoch).toBeGreaterThan(epoch);
    // Code written through one mapping and run through the other: the usual way of a JIT with W^X.
    expect(heard).toEqual([0x21000]);
    expect(space.pages.bytes[0x21]).toBe(0);
    expect(read(space, 0x21000)).toBe(0x70);
  });

  it('see what changed the file otherwise', () => {
    const file = new BytesSource(new Uint8Array(0x3000));
    const space = keep(AddressSpace.create());
    space.map(shared(0x10000, 0x13000, { source: file }));
    write(space, 0x10000, 1);
    write(space, 0x11000, 2);
    flushShared(file, 0x1000, 0x1001);
    expect([file.bytes[0], file.bytes[0x1000]]).toEqual([0, 2]);
    file.bytes[0x1000] = 3;
    forgetShared(file, 0x1000, 0x1001);
    expect(read(space, 0x11000)).toBe(3);
    expect(read(space, 0x10000)).toBe(1);
  });

  it('are forgotten with their last mapping', () => {
    const file = new BytesSource(new Uint8Array(0x3000));
    const space = AddressSpace.create();
    space.map(shared(0x10000, 0x13000, { source: file }));
    space.unmap(0x11000, 0x12000);
    expect(sharers(file)?.areas.size).toBe(2);
    space.close();
    expect(sharers(file)).toBeUndefined();
  });
});

describe('shared pages against one array of bytes', () => {
  const PAGES = 20;
  for (let seed = 1; seed <= 8; seed++) {
    it(`seed ${seed}`, () => {
      const random = new Random(seed * 104729);
      const file = new BytesSource(new Uint8Array(PAGES * PAGE_SIZE));
      const truth = new Uint8Array(PAGES * PAGE_SIZE);
      const spaces = [AddressSpace.create()];
      for (let step = 0; step < 400; step++) {
        const space = random.pick(spaces);
        const first = random.below(PAGES);
        const count = 1 + random.below(PAGES - first);
        const base = random.pick([0x10_0000, 0xa000_0000]);
        switch (random.below(10)) {
          case 0: {
            const at = base + random.below(8) * PAGE_SIZE;
            const offset = first * PAGE_SIZE;
            space.map(shared(at, at + count * PAGE_SIZE, { source: file, offset }));
            break;
          }
          case 1:
            space.unmap(base + first * PAGE_SIZE, base + (first + count) * PAGE_SIZE);
            break;
          case 2:
            if (spaces.length < 5) spaces.push(space.fork());
            break;
          case 3:
            if (spaces.length > 1) spaces.splice(spaces.indexOf(space), 1)[0]!.close();
            break;
          case 4: {
            const vma = random.pick(space.vmas());
            if (vma === undefined) break;
            const to = vma.start + 0x100_0000;
            const length = vma.end - vma.start;
            if (to + length < 0xa100_0000) space.move(vma.start, length, to, length);
            break;
          }
          case 5:
            space.discard(base, base + 0x10000);
            break;
          case 6:
            space.protect(base, base + 0x8000, random.pick([READ, READ | WRITE]));
            break;
          case 7:
            flushShared(file);
            expect(Buffer.compare(file.bytes, truth)).toBe(0);
            break;
          default: {
            const vma = random.pick(space.vmas());
            if (vma === undefined) break;
            const at = vma.start + random.below(vma.end - vma.start);
            const offset = vma.offset + (at - vma.start);
            if (random.chance(50) && vma.prot & WRITE) write(space, at, (truth[offset] = random.below(256)));
            else expect(read(space, at)).toBe(truth[offset]);
          }
        }
        // The protocol's invariants.
        const present = new Map<number, { writable: number; dirty: number; copies: number }>();
        for (const s of spaces) {
          for (const vma of s.vmas()) {
            for (let at = vma.start; at < vma.end; at += PAGE_SIZE) {
              const flags = s.pages.flags[at / PAGE_SIZE]!;
              if (!(flags & PRESENT)) continue;
              const key = vma.offset + (at - vma.start);
              const seen = present.get(key) ?? { writable: 0, dirty: 0, copies: 0 };
              seen.copies++;
              if (s.pages.bytes[at / PAGE_SIZE]! & WRITE) seen.writable++;
              if (flags & DIRTY) seen.dirty++;
              present.set(key, seen);
              expect(s.u8[at], `offset ${key}`).toBe(truth[key]);
            }
          }
        }
        for (const { writable, dirty, copies } of present.values()) {
          expect(dirty).toBeLessThanOrEqual(1);
          if (writable > 0) expect(copies).toBe(1);
        }
      }
      for (const s of spaces) s.close();
      expect(Buffer.compare(file.bytes, truth)).toBe(0);
      expect(file.users).toBe(0);
    });
  }
});
