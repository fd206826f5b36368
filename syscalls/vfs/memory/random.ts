/**
 * Random bytes, as the host's kernel gives them. Not from node:crypto: loading that and seeding its generator would cost
 * every start of a program a millisecond and a half (docs/STARTUP.md).
 */
import fs from 'node:fs';

let urandom: number | undefined;

/** Fills any bytes, guest memory too. */
export function randomFill(into: Uint8Array): void {
  try {
    urandom ??= fs.openSync('/dev/urandom', 'r');
    for (let at = 0; at < into.length; ) at += fs.readSync(urandom, into, at, into.length - at, null);
  } catch {
    // No /dev in a bare chroot.
    process.getBuiltinModule('node:crypto').randomFillSync(into);
  }
}

const STOCK = 1024;
let stock = new Uint8Array(0);

/** A few bytes. They are read for many who ask. */
export function randomBytes(length: number): Uint8Array {
  if (stock.length < length) {
    stock = new Uint8Array(Math.max(STOCK, length));
    randomFill(stock);
  }
  const bytes = stock.slice(0, length);
  stock = stock.subarray(length);
  return bytes;
}

/** A random UUID (RFC 9562, version 4) as text. */
export function randomUuid(): string {
  const bytes = randomBytes(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
