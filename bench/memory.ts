/**
 * The figures of docs/MEMORY.md: run with `node bench/memory.ts`. Prints medians; the machine should be idle.
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { AddressSpace, type PageSource } from '../emu/memory/address-space.ts';
import { PAGE_SIZE, READ, WRITE } from '../emu/memory/layout.ts';

const MB = 1 << 20;

/** Median time of one call, in microseconds. */
function time(name: string, runs: number, body: () => void): void {
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const start = process.hrtime.bigint();
    body();
    times.push(Number(process.hrtime.bigint() - start) / 1000);
  }
  times.sort((a, b) => a - b);
  console.log(name.padEnd(64), times[runs >> 1]!.toFixed(2).padStart(10), 'us');
}

function anonymous(space: AddressSpace, start: number, end: number): void {
  const vma = { start, end, prot: 3, shared: false, source: null, offset: 0, growsDown: false, name: '' };
  space.map(vma);
}

function loads(u8: Uint8Array, at: number, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += u8[(at + i * 5) >>> 0]!;
  return sum;
}
function words(i32: Int32Array, at: number, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum = (sum + i32[(at + i * 4) >>> 2]!) | 0;
  return sum;
}

function access(): void {
  const space = AddressSpace.create();
  const n = 1e6;
  for (const at of [0x1000_0000, 0xb000_0000, 0x1000_0000, 0xb000_0000]) {
    anonymous(space, at, at + 8 * MB);
    space.check(at, 8 * MB, WRITE);
    space.bytes(at, 8 * MB).fill(1);
    time(`1e6 byte loads at ${at.toString(16)}`, 9, () => loads(space.u8, at, n));
    time(`1e6 word loads at ${at.toString(16)}`, 9, () => words(space.i32, at, n));
  }
  time('1e6 check(4 bytes)', 9, () => {
    for (let i = 0; i < n; i++) space.check(0x1000_0000 + (i & 0xffff), 4, READ);
  });
  time('1e6 bytes(16 bytes)', 9, () => {
    for (let i = 0; i < n; i++) space.bytes(0x1000_0000 + (i & 0xffff), 16);
  });
  space.close();
}

function moving(): void {
  const space = AddressSpace.create();
  const f64 = new Float64Array(space.buffer);
  const a = 0x5000_0000;
  const b = 0x9000_0000;
  time('fill 1 MiB never touched', 1, () => space.u8.fill(0, a, a + MB));
  time('fill 1 MiB touched before, as bytes', 30, () => space.u8.fill(0, a, a + MB));
  time('fill 1 MiB touched before, as doubles', 30, () => f64.fill(0, a / 8, (a + MB) / 8));
  time('set 1 MiB into memory never touched', 1, () => space.u8.set(space.u8.subarray(a, a + MB), b));
  time('set 1 MiB into memory touched before', 30, () => space.u8.set(space.u8.subarray(a, a + MB), b));
  time('copyWithin 1 MiB, touched before', 30, () => space.u8.copyWithin(b, a, a + MB));
}

function lives(): void {
  time('create and close, pool empty at first', 1, () => AddressSpace.create().close());
  time('create and close', 30, () => AddressSpace.create().close());
  time('create, touch 1 MiB, close', 30, () => {
    const space = AddressSpace.create();
    anonymous(space, 0x1000_0000, 0x1010_0000);
    space.check(0x1000_0000, MB, WRITE);
    space.close();
  });
  const parent = AddressSpace.create();
  for (const mb of [1, 4, 16]) {
    anonymous(parent, 0x1000_0000, 0x1000_0000 + mb * MB);
    parent.check(0x1000_0000, mb * MB, WRITE);
    parent.bytes(0x1000_0000, mb * MB).fill(1);
    const kept: AddressSpace[] = [];
    time(`fork with ${mb} MiB written, into fresh memories`, 3, () => kept.push(parent.fork()));
    for (const child of kept) child.close();
    time(`fork with ${mb} MiB written, into memories used before`, 20, () => parent.fork().close());
  }
  parent.close();
}

/** Reading a file in windows of some pages: all of it, and one page in eight. */
function reading(path: string): void {
  const fd = openSync(path, 'r');
  const size = statSync(path).size;
  const source: PageSource = {
    key: path,
    size: () => size,
    read: (offset, into) => readSync(fd, into, 0, into.length, offset),
  };
  const space = AddressSpace.create();
  const start = 0x1000_0000;
  const end = start + Math.ceil(size / PAGE_SIZE) * PAGE_SIZE;
  const fresh = () => {
    space.map({ start, end, prot: 5, shared: false, source, offset: 0, growsDown: false, name: path });
  };
  console.log(`${path}: ${(size / MB).toFixed(1)} MiB`);
  for (let round = 0; round < 2; round++) {
    const which = round === 0 ? 'first time' : 'again';
    fresh();
    time(`  every page through fault, ${which}`, 1, () => {
      for (let at = start; at < end; at += PAGE_SIZE) space.check(at, 1, READ);
    });
  }
  for (const pages of [1, 4, 16, 64, 256]) {
    const bytes = pages * PAGE_SIZE;
    time(`  one read of ${pages} pages, touched before`, 50, () => {
      readSync(fd, space.bytes(start, Math.min(bytes, size)), 0, Math.min(bytes, size), 0);
    });
  }
  space.close();
  closeSync(fd);
}

access();
moving();
lives();
reading(process.argv[2] ?? '/usr/arm-linux-gnueabihf/lib/libc.so.6');
