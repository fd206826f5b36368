/** Extended attributes of a file that are kept in memory (xattr(7)). */
import { fail } from '../../abi/errno.ts';

const XATTR_CREATE = 1;
const XATTR_REPLACE = 2;

/** What the flags of setxattr(2) say of an attribute that is there, or not: EEXIST, ENODATA. */
export function checkXattrFlags(isThere: boolean, flags: number): void {
  if (flags & XATTR_CREATE && isThere) fail('EEXIST');
  if (flags & XATTR_REPLACE && !isThere) fail('ENODATA');
}

export class Xattrs {
  readonly #values = new Map<string, Uint8Array>();

  get names(): string[] {
    return [...this.#values.keys()];
  }
  get(name: string): Uint8Array | undefined {
    return this.#values.get(name);
  }
  /** EEXIST, ENODATA. */
  set(name: string, value: Uint8Array, flags: number): void {
    checkXattrFlags(this.#values.has(name), flags);
    this.#values.set(name, Uint8Array.from(value));
  }
  /** ENODATA. */
  remove(name: string): void {
    if (!this.#values.delete(name)) fail('ENODATA');
  }
}
