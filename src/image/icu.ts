/**
 * Node without most of ICU's data: a quarter of the program is what numbers, dates and words are like in 800 languages,
 * encodings of the past, collation, transliteration. armrun writes numbers in English and decodes UTF-8 and
 * Latin-1 (test/image/pack.test.ts reads what it uses).
 *
 * The data are one read-only object of Node, an archive with a table of contents (ICU's common data, udata(3): "icudt78l" and a
 * format "CmnD"). A table of what is kept is written in its place; the rest is left out of the file and of memory.
 */
import { withoutRange } from './elf64.ts';

/**
 * What is kept: the formats of numbers and dates that ICU falls back on and English ones, time zones, normalization of Unicode.
 */
const KEPT = [
  /^[^/]+\.nrm$/,
  /^(uemoji|ulayout|pnames|cnvalias)\.icu$/,
  /^(root|en|en_US|pool|res_index)\.res$/,
  // Of no language: their names are words, where those of languages have two or three letters.
  /^(?!windowsZones)[A-Za-z0-9]{4,}\.res$/,
  /^(curr|zone)\/(root|en|en_US|pool|res_index)\.res$/,
];

/** UDataInfo: 20 bytes, little-endian, ASCII, of UTF-16; then the format. The bytes before are the header's size and a magic. */
const INFO = Buffer.from('da271400000000000200436d6e44', 'hex');
/** Items are aligned for the largest of their numbers. */
const ALIGNMENT = 16;

interface Item {
  name: string;
  content: Buffer;
}

/** An ELF file of 64 bits with less of ICU's data; the file itself when it has none. */
export function withoutLanguages(file: Buffer): Buffer {
  const found = file.indexOf(INFO);
  if (found < 2) return file;
  const start = found - 2;
  const contents = start + file.readUInt16LE(start);
  const { items, end } = read(file, contents);
  const kept = items.filter(({ name }) => {
    const path = name.slice(name.indexOf('/') + 1);
    return KEPT.some((pattern) => pattern.test(path));
  });
  const fresh = written(kept);
  const result = Buffer.from(file);
  result.set(fresh, contents);
  return withoutRange(result, contents + fresh.length, end);
}

/**
 * The table: a count, and for each item the offsets of its name and of its content, from the table's start, in the order of
 * names. Where the last one ends nothing tells; it is left out, as the first bytes of what comes after are not to be lost.
 */
function read(file: Buffer, table: number): { items: Item[]; end: number } {
  const count = file.readUInt32LE(table);
  const at = Array.from({ length: count }, (_, i) => ({
    name: table + file.readUInt32LE(table + 4 + 8 * i),
    content: table + file.readUInt32LE(table + 8 + 8 * i),
  }));
  const items = at.slice(0, -1).map(({ name, content }, i) => ({
    name: file.toString('latin1', name, file.indexOf(0, name)),
    content: Buffer.from(file.subarray(content, at[i + 1]!.content)),
  }));
  return { items, end: at.at(-1)!.content };
}

function written(items: readonly Item[]): Uint8Array {
  const table = Buffer.alloc(4 + 8 * items.length);
  table.writeUInt32LE(items.length, 0);
  const names = items.map(({ name }) => Buffer.from(`${name}\0`, 'latin1'));
  let at = table.length;
  names.forEach((name, i) => {
    table.writeUInt32LE(at, 4 + 8 * i);
    at += name.length;
  });
  const parts: Uint8Array[] = [table, ...names];
  const add = (part: Uint8Array) => {
    const gap = -at & (ALIGNMENT - 1);
    parts.push(Buffer.alloc(gap), part);
    at += gap + part.length;
  };
  items.forEach(({ content }, i) => {
    add(content);
    table.writeUInt32LE(at - content.length, 8 + 8 * i);
  });
  // ICU takes the distance to the next item for an item's size, and the last one's size for unknown.
  return Buffer.concat(parts);
}
