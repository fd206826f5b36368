/** An ELF file without what only debuggers and linkers read: symbols, debugging information and the section headers, which come after all that is loaded. */

const PT_LOAD = 1;

/** The file up to the end of its last segment, with no section headers. */
export function withoutSymbols(file: Buffer): Uint8Array {
  const isElf64 = file.length > 64 && file.readUInt32BE(0) === 0x7f454c46 && file[4] === 2 && file[5] === 1;
  if (!isElf64) throw new Error('not an ELF file of 64 bits');
  const headers = Number(file.readBigUInt64LE(32));
  const size = file.readUInt16LE(54);
  let end = 0;
  for (let i = 0; i < file.readUInt16LE(56); i++) {
    const header = headers + i * size;
    if (file.readUInt32LE(header) !== PT_LOAD) continue;
    end = Math.max(end, Number(file.readBigUInt64LE(header + 8) + file.readBigUInt64LE(header + 32)));
  }
  if (end === 0 || end > file.length) throw new Error('an ELF file without segments');
  const stripped = Buffer.from(file.subarray(0, end));
  stripped.writeBigUInt64LE(0n, 40); // e_shoff
  stripped.fill(0, 58, 64); // e_shentsize, e_shnum, e_shstrndx
  return stripped;
}
