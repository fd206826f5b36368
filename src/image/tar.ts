/**
 * Headers of a tar archive as POSIX has them (pax(1), "pax Interchange Format"; ustar). An own few lines, because what makes
 * them on npm takes names for text, where those of Linux are bytes, and knows no numbers of devices.
 */
import { aclText, parseAcl } from '../../syscalls/vfs/core/acl.ts';

export interface TarEntry {
  /** Byte string, without a slash at its beginning. */
  readonly name: string;
  /**
   * `0` a file, `1` a further name of one, `2` a link, `3` and `4` devices of characters and blocks, `5` a directory, `6` a
   * FIFO.
   */
  readonly type: '0' | '1' | '2' | '3' | '4' | '5' | '6';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes that follow the header. */
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly mtime: bigint;
  /** Of a link, or the file's other name. */
  readonly linkName?: string;
  readonly device?: { readonly major: number; readonly minor: number };
  readonly xattrs?: ReadonlyMap<string, Uint8Array>;
}

const BLOCK = 512;
const NAME = 100;
const SECOND = 1_000_000_000n;

/** What fills a length up to whole blocks. */
export function padding(length: number): Uint8Array {
  return new Uint8Array((BLOCK - (length % BLOCK)) % BLOCK);
}

/** The end of an archive. */
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK);

/** All that comes before an entry's content. */
export function tarHeader(entry: TarEntry): Uint8Array {
  const records = paxRecords(entry);
  const header = ustar({
    ...entry,
    name: entry.name.slice(0, NAME),
    linkName: entry.linkName?.slice(0, NAME) ?? '',
  });
  if (records.length === 0) return header;
  const pax = {
    name: `./PaxHeaders/${entry.name}`.slice(0, NAME),
    type: 'x',
    mode: 0o644,
    linkName: '',
  } as const;
  const before = ustar({ ...pax, uid: 0, gid: 0, size: records.length, mtime: 0n });
  return Buffer.concat([before, records, padding(records.length), header]);
}

/** What the older header has no room for. */
function paxRecords({ name, linkName = '', uid, gid, size, mtime, xattrs }: TarEntry): Buffer {
  const records: Buffer[] = [];
  const add = (key: string, value: string | Uint8Array) => {
    const text = typeof value === 'string' ? Buffer.from(value, 'latin1') : value;
    const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), text, Buffer.from('\n')]);
    // The length counts its own digits.
    let length = rest.length + String(rest.length).length;
    length = rest.length + String(length).length;
    records.push(Buffer.concat([Buffer.from(String(length)), rest]));
  };
  const ascii = (text: string) => /^[\0-\x7f]*$/.test(text);
  // Names are bytes of no known encoding.
  if (![name, linkName].every(ascii)) add('hdrcharset', 'BINARY');
  if (name.length > NAME || !ascii(name)) add('path', name);
  if (linkName.length > NAME || !ascii(linkName)) add('linkpath', linkName);
  if (uid > 0o7777777) add('uid', String(uid));
  if (gid > 0o7777777) add('gid', String(gid));
  if (size > 0o77777777777) add('size', String(size));
  const part = ((mtime % SECOND) + SECOND) % SECOND;
  if (part !== 0n || mtime < 0n) {
    const seconds = (mtime - part) / SECOND;
    const fraction = String(part).padStart(9, '0').replace(/0+$/, '');
    add('mtime', seconds < 0n ? decimal(mtime) : `${seconds}.${fraction}`);
  }
  for (const [key, value] of [...(xattrs ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)))
    add(`SCHILY.xattr.${key}`, value);
  // What `tar --acls` looks at.
  for (const kind of ['access', 'default']) {
    const acl = parseAcl(xattrs?.get(`system.posix_acl_${kind}`) ?? new Uint8Array(0));
    if (acl !== undefined) add(`SCHILY.acl.${kind}`, aclText(acl));
  }
  return Buffer.concat(records);
}

/** A negative time as seconds. */
function decimal(mtime: bigint): string {
  const whole = -mtime / SECOND;
  const part = String(-mtime % SECOND)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return part === '' ? `-${whole}` : `-${whole}.${part}`;
}

type Plain = Omit<TarEntry, 'type' | 'linkName'> & { readonly type: string; readonly linkName: string };

function ustar({ name, type, mode, uid, gid, size, mtime, linkName, device }: Plain): Buffer {
  const block = Buffer.alloc(BLOCK);
  /** What does not fit is in a record of pax. */
  const octal = (value: number, at: number, length: number) => {
    const most = 8 ** (length - 1) - 1;
    block.write(
      Math.min(value, most)
        .toString(8)
        .padStart(length - 1, '0'),
      at,
      'latin1',
    );
  };
  block.write(name, 0, NAME, 'latin1');
  octal(mode & 0o7777, 100, 8);
  octal(uid, 108, 8);
  octal(gid, 116, 8);
  octal(size, 124, 12);
  octal(mtime > 0n ? Number(mtime / SECOND) : 0, 136, 12);
  block.write(' '.repeat(8), 148, 'latin1');
  block.write(type, 156, 'latin1');
  block.write(linkName, 157, NAME, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(device?.major ?? 0, 329, 8);
  octal(device?.minor ?? 0, 337, 8);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
