/** Records that are kept from one run to the next are those that would be made, and what is damaged is made anew. */
import { expect, test } from 'vitest';
import { cpuModelNamed } from '../../emu/cpu-model.ts';
import { withModel } from '../../emu/decode/features.ts';
import type { Archive, NewFile } from '../../emu/jit/archive.ts';
import { RecordDecoder } from '../../emu/tier0/decoder.ts';
import { generate } from '../../emu/tier0/generate.ts';
import { loadHandlers } from '../../src/handlers-file.ts';

/** One file in memory, of which pieces can be damaged. */
class Memory implements Archive {
  pieces: (Uint8Array | null)[] = [];
  index: Int32Array | null = null;
  reads = 0;
  nameOf(): null {
    return null;
  }
  open() {
    if (this.index === null) return null;
    return { ...this.#file(this.pieces), index: this.index };
  }
  create(): NewFile {
    const pieces: Uint8Array[] = [];
    return {
      ...this.#file(pieces),
      add: (bytes) => pieces.push(bytes) - 1,
      copy: () => -1,
      publish: async (index) => {
        this.pieces = pieces;
        this.index = index;
        return true;
      },
      abandon: () => {},
    };
  }
  #file(pieces: (Uint8Array | null)[]) {
    return {
      length: (i: number) => pieces[i]?.length ?? 0,
      read: (i: number) => {
        this.reads++;
        const piece = pieces[i];
        return piece ? new Uint8Array(piece) : null;
      },
      fetch: async () => null,
      close: () => {},
    };
  }
}

const handlers = loadHandlers();
/** Many encodings: additions of constants to registers. */
const ENCODINGS = Array.from({ length: 3000 }, (_, i) => 0xe280_0000 | ((i % 15) << 12) | (i % 4096) | 0);

function decodeAll(archive: Archive | null): { records: Int32Array; decoder: RecordDecoder } {
  const decoder = new RecordDecoder(handlers, false);
  decoder.keepIn(archive);
  const records = new Int32Array(4 * ENCODINGS.length);
  ENCODINGS.forEach((bits, i) => {
    decoder.arm(bits, records, 4 * i);
  });
  return { records, decoder };
}

test('what is kept is what would be made', async () => {
  const archive = new Memory();
  const first = decodeAll(archive);
  await first.decoder.save();
  expect(archive.index).not.toBeNull();
  const before = archive.reads;
  const second = decodeAll(archive);
  expect(archive.reads).toBeGreaterThan(before);
  expect(second.records).toEqual(decodeAll(null).records);
  // Nothing new: nothing is written.
  const { index } = archive;
  await second.decoder.save();
  expect(archive.index).toBe(index);
});

test('damaged pieces, or none, are made anew', async () => {
  const archive = new Memory();
  await decodeAll(archive).decoder.save();
  archive.pieces = archive.pieces.map((piece, i) =>
    i % 3 === 0 ? null : i % 3 === 1 ? piece!.subarray(0, 100) : piece,
  );
  expect(decodeAll(archive).records).toEqual(decodeAll(null).records);
  archive.index = Int32Array.of(1, 2, 3);
  expect(decodeAll(archive).records).toEqual(decodeAll(null).records);
});

test('handlers are the same whenever they are made, for whatever model', () => {
  const bytes = () => Buffer.from(generate().bytes);
  expect(bytes().equals(handlers.bytes)).toBe(true);
  withModel(cpuModelNamed('arm1176')!, () => {
    expect(bytes().equals(handlers.bytes)).toBe(true);
  });
});
