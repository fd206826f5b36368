/**
 * A Java program without a compiler for it (The Java Virtual Machine Specification, chapter 4): a class Sum whose main adds the
 * numbers below a million as `int`s and prints the sum. Its version is older than verification by types.
 */
const u1 = (...bytes: number[]) => Uint8Array.from(bytes);
const u2 = (...values: number[]) => u1(...values.flatMap((value) => [value >> 8, value & 0xff]));
const u4 = (value: number) => u2(value >>> 16, value & 0xffff);
const bytesOf = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

/** The constant pool: each entry's index is given when it is added. */
class Pool {
  readonly #entries: Uint8Array[] = [];
  #add(tag: number, ...parts: Uint8Array[]): number {
    this.#entries.push(bytesOf(u1(tag), ...parts));
    return this.#entries.length;
  }
  utf8(text: string): number {
    return this.#add(1, u2(text.length), Buffer.from(text, 'latin1'));
  }
  integer(value: number): number {
    return this.#add(3, u4(value));
  }
  class(name: string): number {
    return this.#add(7, u2(this.utf8(name)));
  }
  /** A field (tag 9) or a method (tag 10). */
  member(tag: 9 | 10, owner: string, name: string, type: string): number {
    const nameAndType = this.#add(12, u2(this.utf8(name), this.utf8(type)));
    return this.#add(tag, u2(this.class(owner), nameAndType));
  }
  get bytes(): Uint8Array {
    return bytesOf(u2(this.#entries.length + 1), ...this.#entries);
  }
}

export function sumClass(): Uint8Array {
  const pool = new Pool();
  const [self, parent] = [pool.class('Sum'), pool.class('java/lang/Object')];
  const [main, type, code] = ['main', '([Ljava/lang/String;)V', 'Code'].map((text) => pool.utf8(text));
  const out = pool.member(9, 'java/lang/System', 'out', 'Ljava/io/PrintStream;');
  const println = pool.member(10, 'java/io/PrintStream', 'println', '(I)V');
  const million = pool.integer(1_000_000);
  const instructions = bytesOf(
    u1(0x03, 0x3c, 0x03, 0x3d), // iconst_0, istore_1, iconst_0, istore_2
    u1(0x1c, 0x12, million), // 4: iload_2, ldc
    bytesOf(u1(0xa2), u2(13)), // 7: if_icmpge 20
    u1(0x1b, 0x1c, 0x60, 0x3c), // iload_1, iload_2, iadd, istore_1
    u1(0x84, 2, 1), // iinc 2 by 1
    bytesOf(u1(0xa7), u2(0x10000 - 13)), // 17: goto 4
    bytesOf(u1(0xb2), u2(out)), // 20: getstatic
    u1(0x1b), // iload_1
    bytesOf(u1(0xb6), u2(println)), // invokevirtual
    u1(0xb1), // return
  );
  // max_stack, max_locals, the code, no exceptions, no attributes
  const body = bytesOf(u2(2, 3), u4(instructions.length), instructions, u2(0, 0));
  const method = bytesOf(u2(0x0009, main!, type!, 1, code!), u4(body.length), body);
  return bytesOf(
    u4(0xcafe_babe),
    u2(3, 45), // minor, major version
    pool.bytes,
    u2(0x0021, self, parent, 0, 0, 1), // public; no interfaces, no fields, one method
    method,
    u2(0),
  );
}
