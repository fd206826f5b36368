/** Reading what tar.ts writes, and what builders write: ustar, pax and GNU's long names (tar(5)). Names are byte strings. */
import type { TarEntry } from './tar.ts';

const BLOCK = 512;
const TYPES = '0123456';

export interface ReadEntry extends TarEntry {
  /** The bytes of a file. */
  readonly content: Uint8Array;
}

/** All entries of an archive. Throws an Error when it is none. */
export function* readTar(archive: Uint8Array): Generator<ReadEntry> {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  let records = new Map<string, Buffer>();
  for (let at = 0; at + BLOCK <= bytes.length; ) {
    const header = bytes.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) return;
    checkSum(header);
    const size = Number(text(records.get('size')) ?? number(header, 124, 12));
    const content = bytes.subarray(at + BLOCK, at + BLOCK + size);
    if (content.length < size) throw new Error('the archive ends in the middle of a file');
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    const type = String.fromCharCode(header[156] || 0x30);
    if (type === 'x') for (const [key, value] of paxRecords(content)) records.set(key, value);
    // What follows 7 is a file as any, and what is not known is passed over, as POSIX has it for global headers.
    else if (type === 'L') records.set('path', untilNul(content));
    else if (type === 'K') records.set('linkpath', untilNul(content));
    else if (TYPES.includes(type) || type === '7') {
      yield entry(header, type === '7' ? '0' : (type as TarEntry['type']), records, content);
      records = new Map();
    }
  }
}

function entry(
  header: Buffer,
  type: TarEntry['type'],
  records: ReadonlyMap<string, Buffer>,
  content: Uint8Array,
): ReadEntry {
  const field = (from: number, length: number) =>
    untilNul(header.subarray(from, from + length)).toString('latin1');
  const prefix = field(257, 5) === 'ustar' && header[262] === 0 ? field(345, 155) : '';
  const short = field(0, 100);
  const xattrs = new Map<string, Uint8Array>();
  for (const [key, value] of records)
    if (key.startsWith('SCHILY.xattr.')) xattrs.set(key.slice('SCHILY.xattr.'.length), value);
  return {
    name: text(records.get('path')) ?? (prefix === '' ? short : `${prefix}/${short}`),
    type,
    mode: number(header, 100, 8) & 0o7777,
    uid: Number(text(records.get('uid')) ?? number(header, 108, 8)),
    gid: Number(text(records.get('gid')) ?? number(header, 116, 8)),
    size: type === '0' ? content.length : 0,
    mtime: nanoseconds(text(records.get('mtime')) ?? String(number(header, 136, 12))),
    ...((type === '1' || type === '2') && { linkName: text(records.get('linkpath')) ?? field(157, 100) }),
    ...((type === '3' || type === '4') && {
      device: { major: number(header, 329, 8), minor: number(header, 337, 8) },
    }),
    ...(xattrs.size > 0 && { xattrs }),
    content,
  };
}

const text = (bytes: Buffer | undefined) => bytes?.toString('latin1');

function untilNul(bytes: Uint8Array): Buffer {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Octal digits, or GNU's base 256, which the first bit tells. */
function number(header: Buffer, at: number, length: number): number {
  if (header[at]! & 0x80) return Number(header.readBigInt64BE(at + length - 8));
  return Number.parseInt(
    header
      .toString('latin1', at, at + length)
      .replace(/[\0 ]+$/, '')
      .trim() || '0',
    8,
  );
}

function checkSum(header: Buffer): void {
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  if (sum !== number(header, 148, 8)) throw new Error('not a tar archive');
}

function* paxRecords(content: Buffer | Uint8Array): Generator<[string, Buffer]> {
  const bytes = Buffer.from(content);
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(bytes.toString('latin1', at, space));
    const equals = bytes.indexOf(0x3d, space);
    if (space < 0 || equals < 0 || !(length > 0)) throw new Error('a damaged pax header');
    yield [bytes.toString('latin1', space + 1, equals), bytes.subarray(equals + 1, at + length - 1)];
    at += length;
  }
}

function nanoseconds(seconds: string): bigint {
  const [whole = '0', part = ''] = seconds.replace('-', '').split('.');
  const value = BigInt(whole) * 1_000_000_000n + BigInt(part.padEnd(9, '0').slice(0, 9));
  return seconds.startsWith('-') ? -value : value;
}
