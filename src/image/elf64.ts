/** What is read of the host's own ELF files (64 bits, little-endian; elf(5)), and what is left out of them. */
import fs from 'node:fs';

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const PT_NOTE = 4;
const PT_PHDR = 6;
/** Headers that nobody misses: of notes, and of where the headers are, which the file's own says as well. */
const SPARE = [PT_NOTE, PT_PHDR];
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;

interface Segment {
  type: number;
  offset: number;
  address: bigint;
  size: number;
}

function segmentsOf(file: Buffer): Segment[] {
  const isElf64 = file.length > 64 && file.readUInt32BE(0) === 0x7f454c46 && file[4] === 2 && file[5] === 1;
  if (!isElf64) throw new Error('not an ELF file of 64 bits');
  const [start, size] = [Number(file.readBigUInt64LE(32)), file.readUInt16LE(54)];
  return Array.from({ length: file.readUInt16LE(56) }, (_, i) => {
    const at = start + i * size;
    return {
      type: file.readUInt32LE(at),
      offset: Number(file.readBigUInt64LE(at + 8)),
      address: file.readBigUInt64LE(at + 16),
      size: Number(file.readBigUInt64LE(at + 32)),
    };
  });
}

const text = (file: Buffer, at: number) => file.toString('latin1', at, file.indexOf(0, at));

/** The dynamic linker of a program, and the libraries that a program or library names. */
export function dynamicOf(path: string): { interpreter: string | undefined; needed: string[] } {
  const file = fs.readFileSync(path);
  const segments = segmentsOf(file);
  const interpreter = segments.find(({ type }) => type === PT_INTERP);
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  const entries: [tag: bigint, value: bigint][] = [];
  for (let at = 0; dynamic !== undefined && at < dynamic.size; at += 16) {
    const entry = dynamic.offset + at;
    entries.push([file.readBigUInt64LE(entry), file.readBigUInt64LE(entry + 8)]);
  }
  const table = entries.find(([tag]) => tag === DT_STRTAB)?.[1] ?? 0n;
  const segment = segments.find(
    ({ type, address, size }) => type === PT_LOAD && table >= address && table < address + BigInt(size),
  );
  const strings = segment === undefined ? 0 : segment.offset + Number(table - segment.address);
  return {
    interpreter: interpreter && text(file, interpreter.offset),
    needed: entries
      .filter(([tag]) => tag === DT_NEEDED)
      .map(([, value]) => text(file, strings + Number(value))),
  };
}

/**
 * A file without symbols, debugging information and section headers, which all come after what is loaded: only debuggers and
 * linkers read them.
 */
export function withoutSymbols(file: Buffer): Buffer {
  const loaded = segmentsOf(file).filter(({ type }) => type === PT_LOAD);
  const end = Math.max(0, ...loaded.map(({ offset, size }) => offset + size));
  if (end === 0 || end > file.length) throw new Error('an ELF file without segments');
  const stripped = Buffer.from(file.subarray(0, end));
  stripped.writeBigUInt64LE(0n, 40); // e_shoff
  stripped.fill(0, 58, 64); // e_shentsize, e_shnum, e_shstrndx
  return stripped;
}

/**
 * A file without a range of bytes of one read-only segment, which then has no memory either, or zeros: the segment becomes two.
 * The second one's header takes the place of one that is to spare. The range is made smaller to whole pages.
 */
export function withoutRange(file: Buffer, from: number, to: number, isZeros = false): Buffer {
  const [start, size] = [Number(file.readBigUInt64LE(32)), file.readUInt16LE(54)];
  const headers = Array.from({ length: file.readUInt16LE(56) }, (_, i) =>
    Buffer.from(file.subarray(start + i * size, start + (i + 1) * size)),
  );
  const offsetOf = (header: Buffer) => Number(header.readBigUInt64LE(8));
  const index = headers.findIndex(
    (header) =>
      header.readUInt32LE(0) === PT_LOAD &&
      offsetOf(header) <= from &&
      to <= offsetOf(header) + Number(header.readBigUInt64LE(32)),
  );
  const [spare = -1] = SPARE.map((type) =>
    headers.findIndex((header) => header.readUInt32LE(0) === type),
  ).filter((at) => at >= 0);
  if (index < 0 || spare < 0) throw new Error('an ELF file of an unknown kind');
  const first = headers[index]!;
  const page = Number(first.readBigUInt64LE(48));
  const [begin, end] = [Math.ceil(from / page) * page, Math.floor(to / page) * page];
  if (begin >= end) return file;

  const second = Buffer.from(first);
  const skipped = BigInt(end - offsetOf(first));
  second.writeBigUInt64LE(BigInt(end), 8);
  // Virtual address and physical address, sizes in the file and in memory.
  for (const at of [16, 24]) second.writeBigUInt64LE(first.readBigUInt64LE(at) + skipped, at);
  for (const at of [32, 40]) second.writeBigUInt64LE(first.readBigUInt64LE(at) - skipped, at);
  first.writeBigUInt64LE(BigInt(begin - offsetOf(first)), 32);
  first.writeBigUInt64LE(BigInt((isZeros ? end : begin) - offsetOf(first)), 40);
  headers.splice(index + 1, 0, second);
  headers.splice(spare > index ? spare + 1 : spare, 1);
  for (const header of headers) {
    if (offsetOf(header) >= end) header.writeBigUInt64LE(BigInt(offsetOf(header) - (end - begin)), 8);
  }
  const result = Buffer.concat([file.subarray(0, begin), file.subarray(end)]);
  result.set(Buffer.concat(headers), start);
  return result;
}
