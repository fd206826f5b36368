import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { ElfError } from '../../emu/elf/elf-error.ts';
import { biasAt, loadElf, PIE_BASE, programBias } from '../../emu/elf/load.ts';
import { EHDR_SIZE, type ElfImage, PHDR_SIZE, readElf } from '../../emu/elf/read.ts';
import { AddressSpace } from '../../emu/memory/address-space.ts';
import { Random } from '../memory/random.ts';
import { BytesSource } from '../memory/sources.ts';
import { bytesOf, fixture } from './files.ts';

/** What GNU readelf says about a file. */
function readelf(path: string) {
  const text = execFileSync('arm-linux-gnueabihf-readelf', ['-hlW', path], { encoding: 'utf8' });
  const segments = [...text.matchAll(/^ {2}LOAD +(\S+) (\S+) \S+ (\S+) (\S+) (.{3}) /gm)].map((m) => ({
    offset: Number(m[1]),
    vaddr: Number(m[2]),
    filesz: Number(m[3]),
    memsz: Number(m[4]),
    prot: (m[5]!.includes('R') ? 1 : 0) | (m[5]!.includes('W') ? 2 : 0) | (m[5]!.includes('E') ? 4 : 0),
  }));
  return {
    entry: Number(/Entry point address: +(\S+)/.exec(text)![1]),
    phnum: Number(/Number of program headers: +(\d+)/.exec(text)![1]),
    interp: /Requesting program interpreter: (.*)\]/.exec(text)?.[1] ?? null,
    segments,
  };
}

function read(bytes: Uint8Array, role?: 'program' | 'interpreter'): ElfImage {
  return readElf(new BytesSource(bytes), 'file', role);
}

function errorOf(body: () => unknown): ElfError {
  try {
    body();
  } catch (error) {
    expect(error).toBeInstanceOf(ElfError);
    expect((error as ElfError).message).toMatch(/^[^\n]+$/);
    return error as ElfError;
  }
  throw new Error('no error');
}

describe('readElf', () => {
  it.each(['hello.static', 'hello.arm', 'hello.dyn', 'hello.pie', 'bare.bare'])(
    '%s as readelf sees it',
    (name) => {
      const image = read(bytesOf(name));
      const expected = readelf(fixture(name));
      expect(image).toMatchObject({ ...expected, type: name.endsWith('pie') ? 'DYN' : 'EXEC' });
      expect(image.low % 4096).toBe(0);
      expect(image.high).toBe(Math.max(...expected.segments.map((s) => s.vaddr + s.memsz)));
    },
  );

  it('knows a hard-float program with a stack that is not executable', () => {
    expect(read(bytesOf('hello.pie'))).toMatchObject({ float: 'hard', stack: 'not-executable' });
  });

  const wrong: [string, (b: Buffer) => unknown, string, RegExp][] = [
    ['an empty file', (b) => b.subarray(0, 0), 'ENOEXEC', /too short/],
    ['a script', () => Buffer.from(`#!/bin/sh\n${' '.repeat(100)}`), 'ENOEXEC', /not an ELF file/],
    ['64 bits', (b) => b.writeUInt8(2, 4), 'ENOEXEC', /64-bit/],
    ['no class', (b) => b.writeUInt8(0, 4), 'ENOEXEC', /class 0/],
    ['big endian', (b) => b.writeUInt8(2, 5), 'ENOEXEC', /big-endian/],
    ['FDPIC', (b) => b.writeUInt8(65, 7), 'ENOEXEC', /operating system/],
    ['FreeBSD', (b) => b.writeUInt8(9, 7), 'ENOEXEC', /operating system/],
    ['an object file', (b) => b.writeUInt16LE(1, 16), 'ENOEXEC', /not a program .*rel/],
    ['a core file', (b) => b.writeUInt16LE(4, 16), 'ENOEXEC', /not a program .*core/],
    ['x86-64', (b) => b.writeUInt16LE(62, 18), 'ENOEXEC', /not for 32-bit ARM .*62/],
    ['AArch64', (b) => b.writeUInt16LE(183, 18), 'ENOEXEC', /not for 32-bit ARM/],
    ['the old ABI', (b) => b.writeUInt32LE(0x2, 36), 'ENOEXEC', /EABI version 0/],
    ['an odd ARM entry', (b) => b.writeUInt32LE(0x10002, 24), 'ENOEXEC', /not aligned/],
    ['headers of another size', (b) => b.writeUInt16LE(56, 42), 'ENOEXEC', /56 bytes/],
    ['no program headers', (b) => b.writeUInt16LE(0, 44), 'ENOEXEC', /0 program headers/],
    ['too many program headers', (b) => b.writeUInt16LE(129, 44), 'ENOEXEC', /129 program headers/],
    ['headers beyond the file', (b) => b.writeUInt32LE(0xffff_fff0, 28), 'ENOEXEC', /too short/],
    ['nothing to load', (b) => b.fill(0, EHDR_SIZE, EHDR_SIZE + 20 * PHDR_SIZE), 'EINVAL', /nothing to load/],
  ];
  it.each(wrong)('refuses %s', (_, spoil, errno, message) => {
    const copy = Buffer.from(bytesOf('hello.static'));
    const result = spoil(copy);
    const error = errorOf(() => read(result instanceof Uint8Array ? result : copy));
    expect(error.errno).toBe(errno);
    expect(error.message).toMatch(message);
  });

  it('says ELIBBAD of an interpreter', () => {
    expect(errorOf(() => read(Buffer.alloc(200), 'interpreter')).errno).toBe('ELIBBAD');
  });

  /** Program headers of a file by type. */
  function phdrs(b: Buffer, type: number): number[] {
    const at: number[] = [];
    for (let i = 0; i < b.readUInt16LE(44); i++) {
      const p = b.readUInt32LE(28) + i * PHDR_SIZE;
      if (b.readUInt32LE(p) === type) at.push(p);
    }
    return at;
  }
  const PT_LOAD = 1;
  const PT_INTERP = 3;
  const segmentCases: [string, number, (b: Buffer, at: number) => unknown, string, RegExp][] = [
    [
      'more in the file than in memory',
      PT_LOAD,
      (b, p) => b.writeUInt32LE(1, p + 20),
      'EINVAL',
      /more bytes in the file/,
    ],
    [
      'a size over the end',
      PT_LOAD,
      (b, p) => b.writeUInt32LE(0xffff_ffff, p + 20),
      'EINVAL',
      /does not fit/,
    ],
    [
      'an address over the end',
      PT_LOAD,
      (b, p) => b.writeUInt32LE(0xffff_f000, p + 8),
      'EINVAL',
      /does not fit/,
    ],
    ['an offset within another page', PT_LOAD, (b, p) => b.writeUInt32LE(1, p + 4), 'EINVAL', /disagree/],
    ['bytes beyond the file', PT_LOAD, (b, p) => b.writeUInt32LE(0x7000_0000, p + 4), 'EIO', /cut short/],
    ['an interpreter without zero', PT_INTERP, (b, p) => b.writeUInt32LE(5, p + 16), 'ENOEXEC', /zero byte/],
    [
      'an interpreter of one byte',
      PT_INTERP,
      (b, p) => b.writeUInt32LE(1, p + 16),
      'ENOEXEC',
      /path of 1 bytes/,
    ],
    ['an endless interpreter', PT_INTERP, (b, p) => b.writeUInt32LE(4097, p + 16), 'ENOEXEC', /path of 4097/],
    [
      'an interpreter beyond the file',
      PT_INTERP,
      (b, p) => b.writeUInt32LE(0xffff_0000, p + 4),
      'EIO',
      /too short/,
    ],
    [
      'an empty interpreter',
      PT_INTERP,
      (b, p) => b.fill(0, b.readUInt32LE(p + 4), b.readUInt32LE(p + 4) + 8),
      'ENOEXEC',
      /empty/,
    ],
  ];
  it.each(segmentCases)('refuses %s', (_, type, spoil, errno, message) => {
    const b = Buffer.from(bytesOf('hello.pie'));
    spoil(b, phdrs(b, type)[0]!);
    const error = errorOf(() => read(b));
    expect(error.errno).toBe(errno);
    expect(error.message).toMatch(message);
  });

  it('refuses segments that overlap', () => {
    const b = Buffer.from(bytesOf('hello.static'));
    const [first, second] = phdrs(b, PT_LOAD);
    b.writeUInt32LE(b.readUInt32LE(second! + 8) - b.readUInt32LE(first! + 8) + 1, first! + 20);
    expect(errorOf(() => read(b))).toMatchObject({
      errno: 'EINVAL',
      message: expect.stringMatching(/overlap/),
    });
  });
});

/** Reads and, where that succeeds, loads; gives the errno or 'ok'. Anything but an ElfError is a failure of the test. */
function attempt(bytes: Uint8Array): string {
  const source = new BytesSource(bytes);
  const space = AddressSpace.create();
  try {
    const image = readElf(source, 'file');
    const bias = programBias(image, (length) => space.findFree(length));
    const loaded = loadElf(space, image, source, 'file', bias);
    expect(loaded.end).toBeLessThanOrEqual(0xc000_0000);
    return 'ok';
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    expect(error.message).toMatch(/^[^\n]{5,200}$/);
    return error.errno;
  } finally {
    space.close();
    expect(source.users).toBe(0);
  }
}

describe('damaged files', () => {
  const originals = ['hello.static', 'hello.pie'];
  const SPECIAL = [
    0, 1, 2, 3, 0x1f, 0xfff, 0x1001, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xbfff_ffff, 0xffff_f000,
    0xffff_ffff,
  ];

  it('every field of the headers with each of the values that hurt', () => {
    const seen = new Map<string, number>();
    for (const name of originals) {
      const original = bytesOf(name);
      const end = EHDR_SIZE + original.readUInt16LE(44) * PHDR_SIZE;
      for (let at = 0; at < end; at += at >= 40 && at < EHDR_SIZE ? 2 : 4) {
        for (const value of SPECIAL) {
          const copy = Buffer.from(original);
          if (at >= 40 && at < EHDR_SIZE) copy.writeUInt16LE(value & 0xffff, at);
          else copy.writeUInt32LE(value, at);
          const result = attempt(copy);
          seen.set(result, (seen.get(result) ?? 0) + 1);
        }
      }
    }
    // Many fields do not matter, and the others fail in several ways.
    for (const result of ['ok', 'ENOEXEC', 'EINVAL', 'EIO']) expect(seen.get(result)).toBeGreaterThan(5);
  });

  it('400 random damages of the headers', () => {
    const random = new Random(4711);
    for (let i = 0; i < 400; i++) {
      const copy = Buffer.from(bytesOf(random.pick(originals)));
      const end = EHDR_SIZE + copy.readUInt16LE(44) * PHDR_SIZE;
      for (let n = 1 + random.below(8); n > 0; n--) copy[random.below(end)] = random.below(256);
      attempt(copy);
    }
  });

  it('files cut at any length', () => {
    for (const name of originals) {
      const original = bytesOf(name);
      for (let length = 0; length < 420; length++)
        expect(attempt(original.subarray(0, length))).toMatch(/^E/);
      const random = new Random(99);
      for (let i = 0; i < 50; i++) attempt(original.subarray(0, random.below(original.length)));
      expect(attempt(original)).toBe('ok');
    }
  });

  it('a source that reads less than it promised', () => {
    const bytes = bytesOf('hello.pie');
    const source = new BytesSource(bytes);
    source.read = () => 0;
    expect(errorOf(() => readElf(source, 'file')).errno).toBe('ENOEXEC');
  });
});

describe('loadElf', () => {
  it.each(['hello.static', 'hello.pie', 'bare.bare'])(
    '%s: bytes of the file, zeros behind them, and the right protection',
    (name) => {
      const bytes = bytesOf(name);
      const source = new BytesSource(bytes);
      const image = readElf(source, name);
      const space = AddressSpace.create();
      const bias = programBias(image, (length) => space.findFree(length));
      const loaded = loadElf(space, image, source, name, bias);
      expect(bias).toBe(name === 'hello.pie' ? PIE_BASE : 0);
      for (const s of image.segments) {
        const at = s.vaddr + bias;
        expect(space.find(at)?.prot).toBe(s.prot);
        expect(space.check(at, s.memsz, 1)).toBe(true);
        expect(
          Buffer.compare(space.bytes(at, s.filesz), source.bytes.subarray(s.offset, s.offset + s.filesz)),
        ).toBe(0);
        const bss = space.bytes(at + s.filesz, s.memsz - s.filesz);
        expect(bss.every((b) => b === 0)).toBe(true);
      }
      expect(space.u32[loaded.phdr >>> 2]).toBe(bytes.readUInt32LE(EHDR_SIZE));
      expect(loaded.entry).toBe(image.entry + bias);
      expect(loaded.brk).toBe(Math.ceil((image.high + bias) / 4096) * 4096);
      space.close();
      expect(source.users).toBe(0);
    },
  );

  it('puts an interpreter where it is told, by its alignment, and a static PIE heap at PIE_BASE', () => {
    const source = new BytesSource(bytesOf('hello.pie'));
    const image = { ...readElf(source, 'ld.so'), align: 0x10000 };
    expect((biasAt(image, 0x7654_3000) + image.low) % 0x10000).toBe(0);
    const space = AddressSpace.create();
    const alone = { ...image, interp: null };
    const bias = programBias(alone, (length) => space.findFree(length));
    const loaded = loadElf(space, alone, source, 'ld.so', bias);
    expect(loaded.start).toBeGreaterThan(0x4000_0000);
    expect(loaded.start % 0x10000).toBe(0);
    expect(loaded.brk).toBe(PIE_BASE);
    // Its place is taken now.
    expect(errorOf(() => loadElf(space, alone, source, 'ld.so', bias)).errno).toBe('ENOMEM');
    expect(errorOf(() => loadElf(space, alone, source, 'ld.so', 0)).errno).toBe('EPERM');
    space.close();
  });
});
