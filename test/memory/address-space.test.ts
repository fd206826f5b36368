import { afterEach, describe, expect, it } from 'vitest';
import { AddressSpace, type Vma } from '../../emu/memory/address-space.ts';
import {
  CODE,
  EXEC,
  HELPERS_PAGE,
  MACHINE_END,
  MACHINE_START,
  PAGE_BYTES,
  PAGE_BYTES_END,
  READ,
  WRITE,
} from '../../emu/memory/layout.ts';
import { BytesSource } from './sources.ts';

const open: AddressSpace[] = [];
function space(): AddressSpace {
  const made = AddressSpace.create();
  open.push(made);
  return made;
}
afterEach(() => {
  for (const made of open.splice(0)) made.close();
});

function area(start: number, end: number, prot: number, more: Partial<Vma> = {}): Vma {
  return { start, end, prot, shared: false, source: null, offset: 0, growsDown: false, name: '', ...more };
}

/** Bytes 1, 2, 3 ... so that no page of a file is like another. */
function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i % 251) + 1 + ((i >>> 12) % 4));
}

describe('mapping', () => {
  it('gives zeros, and exactly the accesses of the protection', () => {
    const s = space();
    s.map(area(0x10000, 0x12000, READ));
    expect(s.fault(0x10000, READ)).toBe('ok');
    expect(s.u8[0x10000]).toBe(0);
    expect(s.fault(0x10000, WRITE)).toBe('protected');
    expect(s.fault(0x10000, EXEC)).toBe('protected');
    expect(s.fault(0x12000, READ)).toBe('unmapped');
    expect(s.fault(0xffff, READ)).toBe('unmapped');
  });

  it("keeps the machine's own addresses free of areas", () => {
    const s = space();
    expect(s.isFree(MACHINE_START - 0x1000, MACHINE_START)).toBe(true);
    expect(s.isFree(MACHINE_START - 0x1000, MACHINE_START + 0x1000)).toBe(false);
    expect(s.isFree(MACHINE_END - 0x1000, MACHINE_END)).toBe(false);
    expect(s.isFree(MACHINE_END, MACHINE_END + 0x1000)).toBe(true);
    expect(() => s.map(area(MACHINE_START, MACHINE_START + 0x1000, READ))).toThrow(RangeError);
    // All of user space can be had, in pieces: above, below, and what is left above the mmap base.
    const pieces: [number, number][] = [];
    for (const size of [0x1000_0000, 0x80_0000, 0x1000])
      for (let at = s.findFree(size); at !== 0; at = s.findFree(size)) {
        if (pieces.push([at, at + size]) > 10_000) break;
        s.map(area(at, at + size, READ));
      }
    pieces.sort(([a], [b]) => a - b);
    for (const [start, end] of pieces) expect(start >= MACHINE_END || end <= MACHINE_START).toBe(true);
    expect(pieces.some(([, end]) => end === MACHINE_START)).toBe(true);
    expect(pieces.some(([start]) => start === MACHINE_END)).toBe(true);
    expect(s.fault(MACHINE_START, READ)).toBe('unmapped');
    expect(s.fault(MACHINE_END - 1, WRITE)).toBe('unmapped');
  });

  it("does not let a stack grow into the machine's own addresses", () => {
    const s = space();
    s.map(area(MACHINE_END + 0x1000, MACHINE_END + 0x3000, READ | WRITE, { growsDown: true }));
    expect(s.fault(MACHINE_END + 4, WRITE)).toBe('ok');
    expect(s.fault(MACHINE_END - 4, WRITE)).toBe('unmapped');
  });

  it('lets pages that can be written or executed be read, as ARM does', () => {
    const s = space();
    s.map(area(0x10000, 0x11000, WRITE));
    s.map(area(0x11000, 0x12000, EXEC));
    expect(s.fault(0x10000, READ)).toBe('ok');
    expect(s.fault(0x11000, READ)).toBe('ok');
    s.map(area(0x12000, 0x13000, 0));
    expect(s.fault(0x12000, READ)).toBe('protected');
  });

  it('works above 2 GiB', () => {
    const s = space();
    s.map(area(0xb000_0000, 0xb001_0000, READ | WRITE));
    expect(s.check(0xb000_0ffe, 4, WRITE)).toBe(true);
    s.view.setUint32(0xb000_0ffe, 0x12345678, true);
    expect(s.u8[0xb000_1001]).toBe(0x12);
    expect(s.find(0xb000_1234)?.start).toBe(0xb000_0000);
    // Addresses as compiled code has them: signed.
    expect(s.fault(0xb000_5000 | 0, WRITE)).toBe('ok');
    expect(s.check(0xb000_0ffe | 0, 4, WRITE)).toBe(true);
    expect([...s.bytes(0xb000_0ffe | 0, 2)]).toEqual([0x78, 0x56]);
  });

  it('replaces what was there, and shows no bytes of it', () => {
    const s = space();
    s.map(area(0x10000, 0x20000, READ | WRITE));
    s.check(0x10000, 0x10000, WRITE);
    s.u8.fill(0xaa, 0x10000, 0x20000);
    s.map(area(0x14000, 0x15000, READ));
    expect(s.check(0x14000, 0x1000, READ)).toBe(true);
    expect(s.bytes(0x14000, 0x1000).every((b) => b === 0)).toBe(true);
    expect(s.u8[0x13fff]).toBe(0xaa);
    expect(s.u8[0x15000]).toBe(0xaa);
    expect(s.vmas().map((v) => [v.start, v.end, v.prot])).toEqual([
      [0x10000, 0x14000, 3],
      [0x14000, 0x15000, 1],
      [0x15000, 0x20000, 3],
    ]);
  });

  it('merges neighbours only when nothing tells them apart', () => {
    const s = space();
    const file = new BytesSource(pattern(0x4000));
    s.map(area(0x10000, 0x11000, 3));
    s.map(area(0x12000, 0x13000, 3));
    s.map(area(0x11000, 0x12000, 3));
    expect(s.vmas().length).toBe(1);
    s.map(area(0x20000, 0x21000, 1, { source: file, offset: 0 }));
    s.map(area(0x21000, 0x22000, 1, { source: file, offset: 0x1000 }));
    s.map(area(0x22000, 0x23000, 1, { source: file, offset: 0x3000 }));
    s.map(area(0x13000, 0x14000, 3, { name: '[heap]' }));
    expect(s.vmas().map((v) => [v.start, v.end])).toEqual([
      [0x10000, 0x13000],
      [0x13000, 0x14000],
      [0x20000, 0x22000],
      [0x22000, 0x23000],
    ]);
    expect(file.users).toBe(2);
    s.unmap(0x20000, 0x30000);
    expect(file.users).toBe(0);
  });

  it('refuses ranges that are not pages of user space', () => {
    const s = space();
    expect(() => s.map(area(0x10001, 0x12000, 3))).toThrow(RangeError);
    expect(() => s.unmap(0x12000, 0x11000)).toThrow(RangeError);
    expect(() => s.map(area(0x4000, 0x12000, 3))).toThrow(RangeError);
    expect(() => s.map(area(0xbfff_f000, 0xc000_1000, 3))).toThrow(RangeError);
  });
});

describe('files', () => {
  it('come in at first access, with zeros behind the end of the file and SIGBUS beyond its last page', () => {
    const s = space();
    const file = new BytesSource(pattern(0x2345));
    s.map(area(0x10000, 0x18000, READ | EXEC, { source: file }));
    expect(file.reads).toBe(0);
    expect(s.fault(0x11234, READ)).toBe('ok');
    expect(s.u8[0x11234]).toBe(file.bytes[0x1234]);
    expect(s.check(0x12000, 0x1000, READ)).toBe(true);
    expect(s.u8[0x12344]).toBe(file.bytes[0x2344]);
    expect(s.bytes(0x12345, 0xcbb).every((b) => b === 0)).toBe(true);
    expect(file.reads).toBe(1);
    expect(s.fault(0x13000, READ)).toBe('beyond-file');
    expect(s.check(0x12000, 0x1001, READ)).toBe(false);
    // The file may have grown when the page is touched again.
    file.bytes = pattern(0x4000);
    expect(s.fault(0x13000, READ)).toBe('ok');
  });

  it('keep the offset through splits', () => {
    const s = space();
    const file = new BytesSource(pattern(0x10000));
    s.map(area(0x10000, 0x18000, READ, { source: file, offset: 0x3000 }));
    s.protect(0x12000, 0x13000, READ | WRITE);
    s.unmap(0x14000, 0x15000);
    expect(s.vmas().map((v) => [v.start, v.offset])).toEqual([
      [0x10000, 0x3000],
      [0x12000, 0x5000],
      [0x13000, 0x6000],
      [0x15000, 0x8000],
    ]);
    for (const at of [0x10000, 0x12000, 0x13000, 0x15000, 0x17fff]) {
      expect(s.check(at, 1, READ)).toBe(true);
      expect(s.u8[at]).toBe(file.bytes[at - 0x10000 + 0x3000]);
    }
  });

  it('that are private never see the writes', () => {
    const s = space();
    const file = new BytesSource(pattern(0x2000));
    s.map(area(0x10000, 0x12000, READ | WRITE, { source: file }));
    s.check(0x10000, 4, WRITE);
    s.u8[0x10000] = 0xee;
    s.sync(0x10000, 0x12000);
    s.unmap(0x10000, 0x12000);
    expect(file.bytes[0]).toBe(1);
  });

  it('that are shared get what was written, and only that, at msync, unmap and close', () => {
    const s = space();
    const file = new BytesSource(pattern(0x2800));
    s.map(area(0x10000, 0x13000, READ | WRITE, { source: file, shared: true }));
    s.check(0x10000, 0x2800, READ);
    expect(s.pages.bytes[0x10]! & WRITE).toBe(0);
    expect(s.check(0x12000, 0x1000, WRITE)).toBe(true);
    s.u8[0x127ff] = 0xee;
    s.u8[0x12800] = 0xdd;
    file.bytes[0] = 0x99; // by somebody else: must not be written over
    expect(s.sync(0x10000, 0x13000)).toBe(true);
    expect(file.bytes[0x27ff]).toBe(0xee);
    expect(file.bytes.length).toBe(0x2800);
    expect(file.bytes[0]).toBe(0x99);
    // Written again after msync: noticed again.
    expect(s.pages.bytes[0x12]! & WRITE).toBe(0);
    expect(s.fault(0x12000, WRITE)).toBe('ok');
    s.u8[0x12000] = 0x77;
    s.unmap(0x12000, 0x13000);
    expect(file.bytes[0x2000]).toBe(0x77);
    s.fault(0x11000, WRITE);
    s.u8[0x11000] = 0x66;
    s.close();
    expect(file.bytes[0x1000]).toBe(0x66);
  });
});

describe('protect', () => {
  it('takes effect on present pages at once, and gives back what was withheld only through fault', () => {
    const s = space();
    s.map(area(0x10000, 0x14000, READ | WRITE));
    s.check(0x10000, 0x4000, WRITE);
    s.u8[0x11000] = 5;
    expect(s.protect(0x11000, 0x12000, 0)).toBe(true);
    expect(s.pages.bytes[0x11]).toBe(0);
    expect(s.fault(0x11000, READ)).toBe('protected');
    expect(s.protect(0x10000, 0x14000, READ)).toBe(true);
    expect(s.vmas().length).toBe(1);
    expect(s.pages.bytes[0x11]).toBe(READ);
    expect(s.u8[0x11000]).toBe(5);
  });

  it('says false at a hole, having changed what lies before it', () => {
    const s = space();
    s.map(area(0x10000, 0x11000, 3));
    s.map(area(0x12000, 0x13000, 3));
    expect(s.protect(0x10000, 0x13000, 1)).toBe(false);
    expect(s.find(0x10000)?.prot).toBe(1);
    expect(s.find(0x12000)?.prot).toBe(3);
  });
});

describe('code', () => {
  it('is noticed when it is written to, and only then gets WRITE back', () => {
    const s = space();
    const heard: [number, number][] = [];
    s.onInvalidate.push((start, length) => heard.push([start, length]));
    s.map(area(0x10000, 0x14000, READ | WRITE | EXEC));
    s.check(0x10000, 0x4000, WRITE);
    s.markCode(0x11);
    expect(s.pages.bytes[0x11]).toBe(READ | EXEC | CODE);
    expect(s.fault(0x11000, READ)).toBe('ok');
    expect(heard).toEqual([]);
    expect(s.fault(0x11800, WRITE)).toBe('ok');
    expect(heard).toEqual([[0x11000, 0x1000]]);
    expect(s.pages.bytes[0x11]).toBe(READ | WRITE | EXEC);
  });

  it('is noticed when its pages go, are replaced, discarded, moved or lose EXEC; not when they lose WRITE', () => {
    const s = space();
    const heard: number[] = [];
    s.onInvalidate.push((start) => heard.push(start));
    s.map(area(0x10000, 0x16000, READ | WRITE | EXEC));
    s.check(0x10000, 0x6000, WRITE);
    for (let page = 0x10; page < 0x16; page++) s.markCode(page);
    s.protect(0x10000, 0x16000, READ | EXEC);
    expect(heard).toEqual([]);
    expect(s.pages.bytes[0x10]! & CODE).toBe(CODE);
    s.unmap(0x10000, 0x11000);
    s.map(area(0x11000, 0x12000, 3));
    s.discard(0x12000, 0x13000);
    s.move(0x13000, 0x1000, 0x20000, 0x1000);
    s.protect(0x14000, 0x15000, READ);
    expect(heard).toEqual([0x10000, 0x11000, 0x12000, 0x13000, 0x14000]);
    expect(s.pages.bytes[0x20]! & CODE).toBe(0);
  });
});

describe('stack', () => {
  const top = 0xbf00_0000;
  function withStack(): AddressSpace {
    const s = space();
    s.stackLimit = 0x10_0000;
    s.map(area(top - 0x4000, top, READ | WRITE, { growsDown: true, name: '[stack]' }));
    return s;
  }

  it('grows down to where it is touched, not further than the limit', () => {
    const s = withStack();
    expect(s.fault(top - 0x9004, WRITE)).toBe('ok');
    expect(s.find(top - 1)?.start).toBe(top - 0xa000);
    expect(s.fault(top - 0xa001, READ)).toBe('ok');
    expect(s.find(top - 1)?.start).toBe(top - 0xb000);
    expect(s.fault(top - 0x10_0000, WRITE)).toBe('ok');
    expect(s.fault(top - 0x10_0001, WRITE)).toBe('unmapped');
  });

  it('keeps the guard gap above an accessible neighbour', () => {
    const s = withStack();
    s.map(area(top - 0x18_0000, top - 0x17_f000, READ));
    s.stackLimit = 0x100_0000;
    expect(s.fault(top - 0x17_f000 + 0x10_0000, WRITE)).toBe('ok');
    expect(s.fault(top - 0x17_f000 + 0xf_ffff, WRITE)).toBe('unmapped');
  });

  it('keeps room below it in findFree', () => {
    const s = withStack();
    s.mmapBase = top;
    expect(s.findFree(0x1000)).toBe(top - 0x4000 - 0x10_0000 - 0x1000);
    expect(s.findFree(0x1000, top - 0x6000)).toBe(top - 0x4000 - 0x10_0000 - 0x1000);
  });
});

describe('findFree', () => {
  it('works down from the mmap base, takes hints that are free, and looks below when there is no room', () => {
    const s = space();
    const base = s.mmapBase;
    expect(s.findFree(0x1001)).toBe(base - 0x2000);
    s.map(area(base - 0x2000, base, 3));
    s.map(area(base - 0x8000, base - 0x3000, 3));
    expect(s.findFree(0x1000)).toBe(base - 0x3000);
    expect(s.findFree(0x2000)).toBe(base - 0xa000);
    expect(s.findFree(0x2000, 0x500000)).toBe(0x500000);
    expect(s.findFree(0x2000, base - 0x8000)).toBe(base - 0xa000);
    s.map(area(0x10000, MACHINE_START, 0));
    s.map(area(MACHINE_END, base - 0x8000, 0));
    expect(s.findFree(0x2000)).toBe(base);
    expect(s.findFree(0xbfff_0000)).toBe(0);
    expect(s.findFree(0xffff_f000)).toBe(0);
  });
});

describe('move', () => {
  it('keeps contents, protection and file offsets, and leaves nothing behind', () => {
    const s = space();
    const file = new BytesSource(pattern(0x8000));
    s.map(area(0x10000, 0x14000, READ | WRITE, { source: file, offset: 0x1000 }));
    s.check(0x11000, 4, WRITE);
    s.u8[0x11000] = 0xcc;
    s.move(0x11000, 0x2000, 0x9000_0000, 0x4000);
    expect(s.vmas().map((v) => [v.start, v.end, v.offset])).toEqual([
      [0x10000, 0x11000, 0x1000],
      [0x13000, 0x14000, 0x4000],
      [0x9000_0000, 0x9000_4000, 0x2000],
    ]);
    expect(s.check(0x9000_0000, 0x4000, READ)).toBe(true);
    expect(s.u8[0x9000_0000]).toBe(0xcc);
    expect(s.u8[0x9000_3001]).toBe(file.bytes[0x5001]);
    expect(s.fault(0x11000, READ)).toBe('unmapped');
    expect(file.users).toBe(3);
  });

  it('grows and shrinks in place', () => {
    const s = space();
    s.map(area(0x10000, 0x12000, READ | WRITE));
    s.move(0x10000, 0x2000, 0x10000, 0x5000);
    expect(s.vmas().map((v) => [v.start, v.end])).toEqual([[0x10000, 0x15000]]);
    s.move(0x10000, 0x5000, 0x10000, 0x1000);
    expect(s.vmas().map((v) => [v.start, v.end])).toEqual([[0x10000, 0x11000]]);
  });
});

describe('fork', () => {
  it('copies private memory, after which both sides are on their own', () => {
    const s = space();
    const file = new BytesSource(pattern(0x4000));
    s.map(area(0x10000, 0x12000, READ | WRITE));
    s.map(area(0x20000, 0x24000, READ | EXEC, { source: file }));
    s.map(area(0xb000_0000, 0xb000_1000, READ));
    s.check(0x10000, 0x2000, WRITE);
    s.u8[0x10000] = 1;
    s.check(0x20000, 4, READ);
    s.markCode(0x20);
    const child = s.fork();
    open.push(child);
    expect(child.vmas()).toEqual(s.vmas());
    expect(file.users).toBe(2);
    expect(child.check(0x10000, 4, WRITE)).toBe(true);
    expect(child.u8[0x10000]).toBe(1);
    child.u8[0x10000] = 2;
    expect(s.u8[0x10000]).toBe(1);
    expect(child.check(0x21000, 4, EXEC)).toBe(true);
    expect(child.u8[0x21000]).toBe(file.bytes[0x1000]);
    expect(child.pages.bytes[0x20]! & CODE).toBe(0);
    expect(child.check(0xb000_0000, 4, READ)).toBe(true);
    expect(child.check(0xb000_0000, 4, WRITE)).toBe(false);
  });

  it('copies file pages that became writable', () => {
    const s = space();
    const file = new BytesSource(pattern(0x2000));
    s.map(area(0x10000, 0x12000, READ, { source: file }));
    s.check(0x10000, 4, READ);
    s.protect(0x10000, 0x12000, READ | WRITE);
    s.check(0x10000, 4, WRITE);
    s.u8[0x10000] = 0xab;
    s.protect(0x10000, 0x12000, READ);
    const child = s.fork();
    open.push(child);
    expect(child.check(0x10000, 4, READ)).toBe(true);
    expect(child.u8[0x10000]).toBe(0xab);
  });
});

describe('the memory', () => {
  it('comes back from the pool with nothing of its former user to be seen', () => {
    for (let round = 0; round < 3; round++) {
      const s = AddressSpace.create();
      s.map(area(0x10000, 0x40000, READ | WRITE));
      s.check(0x10000, 0x30000, WRITE);
      expect(s.bytes(0x10000, 0x30000).every((b) => b === 0)).toBe(true);
      s.u8.fill(0x5a, 0x10000, 0x40000);
      s.unmap(0x20000, 0x30000);
      s.markCode(0x11);
      const state = s.allocateState();
      expect(s.bytes(state, 0x1000).every((b) => b === 0)).toBe(true);
      s.u8.fill(1, state, state + 0x1000);
      s.close();
    }
    const s = space();
    const bytes = s.u8.subarray(PAGE_BYTES, PAGE_BYTES_END);
    const helpers = HELPERS_PAGE >>> 12;
    expect(bytes[helpers]).toBe(READ | EXEC);
    expect(bytes.subarray(0, helpers).every((b) => b === 0)).toBe(true);
    expect(bytes.subarray(helpers + 1).every((b) => b === 0)).toBe(true);
  });

  it('has state blocks that do not overlap and are used again', () => {
    const s = space();
    const a = s.allocateState();
    const b = s.allocateState();
    expect(Math.abs(a - b)).toBeGreaterThanOrEqual(0x1000);
    s.freeState(a);
    expect(s.allocateState()).toBe(a);
  });

  it('refuses the kernel what the guest may not have', () => {
    const s = space();
    s.map(area(0xbfff_f000, 0xc000_0000, READ | WRITE));
    expect(s.check(0xbfff_fffc, 4, WRITE)).toBe(true);
    expect(s.check(0xbfff_fffd, 4, WRITE)).toBe(false);
    expect(s.check(0xffff_0fe0, 4, READ)).toBe(false);
    expect(s.check(0, 0, READ)).toBe(true);
    expect(s.check(0, 1, READ)).toBe(false);
    expect(s.check(0x10000, -1, READ)).toBe(false);
    expect(s.check(0xffff_fffc, 0xffff_ffff, READ)).toBe(false);
  });
});

describe('discard', () => {
  it('makes anonymous memory zero and private file pages the file again', () => {
    const s = space();
    const file = new BytesSource(pattern(0x1000));
    s.map(area(0x10000, 0x11000, READ | WRITE));
    s.map(area(0x11000, 0x12000, READ | WRITE, { source: file }));
    s.check(0x10000, 0x2000, WRITE);
    s.u8.fill(9, 0x10000, 0x12000);
    s.discard(0x10000, 0x12000);
    expect(s.pages.bytes[0x10]).toBe(0);
    expect(s.check(0x10000, 0x2000, READ)).toBe(true);
    expect(s.u8[0x10000]).toBe(0);
    expect(s.u8[0x11000]).toBe(1);
  });
});
