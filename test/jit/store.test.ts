/** Translations that processes share, and that one run keeps for the next: whoever gets them runs as the evaluator does. */
import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import type { Archive, KeptFile, NewFile, PieceFile } from '../../emu/jit/archive.ts';
import { JitBackend } from '../../emu/jit/backend.ts';
import { TranslationStore } from '../../emu/jit/store.ts';
import { EXEC, READ, WRITE } from '../../emu/memory/layout.ts';
import { BytesSource } from '../memory/sources.ts';
import {
  CODE,
  closeMachines,
  type Factory,
  fileWith,
  interp,
  jitWith,
  machine,
  outcome,
  run,
} from './machine.ts';
import { calling, programs } from './programs.ts';

afterEach(closeMachines);

/** A file of an archive in memory. */
class MemoryFile implements KeptFile, NewFile {
  pieces: (Uint8Array | null)[] = [];
  index = new Int32Array(0);
  readonly #publish: (file: MemoryFile) => void;
  constructor(publish: (file: MemoryFile) => void) {
    this.#publish = publish;
  }
  length(piece: number): number {
    return this.pieces[piece]?.length ?? 0;
  }
  read(piece: number): Uint8Array<ArrayBuffer> | null {
    const bytes = this.pieces[piece];
    return bytes ? new Uint8Array(bytes) : null;
  }
  async fetch(piece: number): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.read(piece);
  }
  add(bytes: Uint8Array): number {
    return this.pieces.push(bytes) - 1;
  }
  copy(from: PieceFile, piece: number): number {
    return this.pieces.push(from.read(piece)) - 1;
  }
  async publish(index: Int32Array): Promise<boolean> {
    this.index = Int32Array.from(index);
    this.#publish(this);
    return true;
  }
  abandon(): void {}
  close(): void {}
}

/** An archive in memory. */
class Memory implements Archive {
  readonly files = new Map<string, MemoryFile>();
  nameOf(source: BytesSource, bias: number): string | null {
    return source.key === null ? null : `${source.key} ${bias}`;
  }
  open(name: string): KeptFile | null {
    return this.files.get(name) ?? null;
  }
  codeOf(): null {
    return null;
  }
  keepCode(): void {}
  moduleWithCode(): null {
    return null;
  }
  create(name: string): NewFile {
    return new MemoryFile((file) => this.files.set(name, file));
  }
}

/** A file with the program in its first page. */
function fileOf(source: string): BytesSource {
  return fileWith(source, `program ${createHash('sha256').update(source).digest('hex')}`);
}

const isThumb = (source: string) => /^\s*\.thumb/.test(source);

/** Runs a program from a file. */
function start(store: TranslationStore, file: BytesSource, source: string, fuel?: number) {
  const m = machine(jitWith(store), file, isThumb(source), fuel);
  m.backend.run(m.cpu);
  return m;
}

/** A store whose numbers are others than those of any before it. */
function laterRun(archive: Archive): TranslationStore {
  const store = new TranslationStore(archive);
  for (let i = 1; i < 400; i++) {
    store.slotOf(0x1000 * i);
    store.siteOf(0x1000 * i, 0, 0);
  }
  return store;
}

describe('a second process and a later run go on with what was translated', () => {
  for (const [name, source] of Object.entries(programs)) {
    test(name, async () => {
      const expected = outcome(run(interp, source));
      const file = fileOf(source);
      const archive = new Memory();
      const store = new TranslationStore(archive);
      const first = start(store, file, source);
      expect(first.backend.stats().regions).toBeGreaterThan(0);
      expect(outcome(first)).toEqual(expected);

      const second = start(store, file, source);
      expect(outcome(second)).toEqual(expected);
      expect(second.backend.stats().regions).toBeLessThan(first.backend.stats().regions);

      await store.keep();
      expect(archive.files.size).toBe(1);
      const third = start(laterRun(archive), file, source);
      expect(outcome(third)).toEqual(expected);
      expect(third.backend.stats().regions).toBeLessThan(first.backend.stats().regions);
      expect(outcome(start(laterRun(archive), file, source, 3))).toEqual(expected);
    });
  }
});

/** Adds up words until it comes to the end of the memory. */
const adding = `
  .thumb
  movs  r6, #0
again:
  ldr   r5, [r0]
  adds  r6, r5
  str   r6, [r0, #4]
  adds  r0, #4
  b     again`;

test('faults are exact in translations of an earlier run', async () => {
  const file = fileOf(adding);
  const archive = new Memory();
  const store = new TranslationStore(archive);
  start(store, file, adding);
  await store.keep();
  const kept = start(laterRun(archive), file, adding);
  expect(kept.backend.stats().regions).toBe(0);
  expect(kept.events).toHaveLength(1);
  expect({ ...outcome(kept), flags: '' }).toEqual({ ...outcome(run(interp, adding)), flags: '' });
});

test('what a run adds is kept together with what was kept', async () => {
  const source = `
    .thumb
    movw  r5, #1000
  one:
    subs  r5, #1
    bne   one
    cbz   r7, out
    movw  r5, #1000
  two:
    adds  r6, #1
    subs  r5, #1
    bne   two
  out:
    svc   #0`;
  const file = fileOf(source);
  const archive = new Memory();
  const begin = async (r7: number) => {
    const store = laterRun(archive);
    const m = machine(jitWith(store), file, true);
    m.cpu.r[7] = r7;
    m.backend.run(m.cpu);
    await store.keep();
    return m;
  };
  await begin(0);
  expect((await begin(1)).backend.stats().regions).toBeGreaterThan(0);
  const last = await begin(1);
  expect(last.backend.stats().regions).toBe(0);
  expect(last.cpu.r[6]).toBe(1000);
});

/** The process makes its code another one, by a write into its own copy of the page. */
function patch(m: ReturnType<typeof start>): void {
  const [start, end] = [CODE, CODE + 0x1000];
  m.space.protect(start, end, READ | WRITE | EXEC);
  m.space.check(start, 0x100, WRITE);
  const at = m.space.bytes(start, 0x100).findIndex((byte, i, all) => byte === 1 && all[i + 1] === 0x21);
  m.space.u8[start + at] = 5;
  m.space.protect(start, end, READ | EXEC);
}

test('a process that changes its code is alone with it, now and in later runs', async () => {
  const file = fileOf(calling);
  const archive = new Memory();
  const store = new TranslationStore(archive);
  expect(start(store, file, calling).cpu.r[0]).toBe(1000);

  const changed = start(store, file, calling);
  patch(changed);
  changed.cpu.location = CODE | 1;
  changed.backend.run(changed.cpu);
  expect(changed.cpu.r[0]).toBe(5000);

  expect(start(store, file, calling).cpu.r[0]).toBe(1000);
  await store.keep();
  expect(start(laterRun(archive), file, calling).cpu.r[0]).toBe(1000);
});

test('a child has the changed code of its parent', () => {
  const store = new TranslationStore();
  const parent = start(store, fileOf(calling), calling);
  patch(parent);
  const child = parent.space.fork();
  expect(store.fileImageAt(parent.space, CODE)).toBeNull();
  expect(store.fileImageAt(child, CODE)).toBeNull();
  child.close();
});

test('code that comes to a page of another file is not what was there before', () => {
  const store = new TranslationStore();
  const m = start(store, fileOf(calling), calling);
  const other = fileOf(calling.replace('movs  r1, #1', 'movs  r1, #7'));
  m.space.map({
    ...m.space.find(CODE)!,
    source: new BytesSource(other.bytes, 'another program'),
  });
  m.cpu.location = CODE | 1;
  m.backend.run(m.cpu);
  expect(m.cpu.r[0]).toBe(7000);
});

test('a mapping that comes back has its translations again', () => {
  const store = new TranslationStore();
  const file = fileOf(calling);
  const m = start(store, file, calling);
  const vma = { ...m.space.find(CODE)! };
  m.space.unmap(CODE, CODE + 0x1000);
  m.space.map(vma);
  const { regions } = m.backend.stats();
  m.cpu.location = CODE | 1;
  m.backend.run(m.cpu);
  expect(m.cpu.r[0]).toBe(1000);
  expect(m.backend.stats().regions).toBe(regions);
});

test('of a file that was changed while it was mapped nothing is kept', async () => {
  const archive = new Memory();
  const store = new TranslationStore(archive);
  const file = fileOf(adding);
  Object.assign(file, { unchanged: () => false });
  start(store, file, adding);
  await store.keep();
  expect(archive.files.size).toBe(0);
});

test('a file without identity has translations of its own', () => {
  const store = new TranslationStore();
  const anonymous = new BytesSource(fileOf(adding).bytes, null);
  expect(start(store, anonymous, adding).backend.stats().regions).toBeGreaterThan(0);
  expect(start(store, anonymous, adding).backend.stats().regions).toBeGreaterThan(0);
});

test('bytes that are no translations are not used, and replaced', async () => {
  const archive = new Memory();
  const file = fileOf(adding);
  const store = new TranslationStore(archive);
  start(store, file, adding);
  await store.keep();
  const [[name, good]] = [...archive.files] as [[string, MemoryFile]];
  const expected = { ...outcome(run(interp, adding)), flags: '' };
  const [piece] = good.pieces as [Uint8Array];
  const bad = (pieces: (Uint8Array | null)[], index = good.index) =>
    Object.assign(new MemoryFile(() => {}), { pieces, index });
  for (const file of [
    bad([]),
    bad([null]),
    bad([new Uint8Array(0)]),
    bad([new Uint8Array(100)]),
    bad([piece.slice(0, piece.length - 4)]),
    bad([piece.slice(4)]),
    bad([piece], good.index.slice(1)),
    bad([piece], good.index.slice(0, -1)),
    bad([piece], new Int32Array(0)),
  ]) {
    archive.files.set(name, file);
    const store = laterRun(archive);
    const m = start(store, fileOf(adding), adding);
    expect({ ...outcome(m), flags: '' }).toEqual(expected);
    expect(m.backend.stats().regions).toBeGreaterThan(0);
    await store.keep();
    expect(start(laterRun(archive), fileOf(adding), adding).backend.stats().regions).toBe(0);
  }
});

test('what was not mapped for long is forgotten, but kept', async () => {
  const archive = new Memory();
  const store = new TranslationStore(archive, 1 << 16);
  const first = start(store, fileOf(adding), adding);
  const other = new BytesSource(fileOf(calling).bytes, 'another program');
  expect(first.backend.stats().regions).toBeGreaterThan(0);
  expect(start(store, other, calling).cpu.r[0]).toBe(1000);
  expect([...archive.files.keys()]).toEqual([`${fileOf(adding).key} ${CODE}`]);
  await Promise.resolve();
  // It comes back from the archive.
  expect(start(store, fileOf(adding), adding).backend.stats().regions).toBe(0);
  first.cpu.location = CODE | 1;
  first.backend.run(first.cpu);
});

test('a run takes what is kept when it has gone on for a while, and of that what it misses', async () => {
  const counting = (times: number) => `
    .thumb
    ldr   r1, =${times}
  again:
    adds  r0, #1
    subs  r1, #1
    bne   again
    svc   #0`;
  const later = async (times: number, hot?: number) => {
    const archive = new Memory();
    let opened = 0;
    const open = archive.open.bind(archive);
    archive.open = (name) => {
      opened++;
      return open(name);
    };
    const source = counting(times);
    const store = new TranslationStore(archive);
    start(store, fileOf(source), source);
    await store.keep();
    expect(archive.files.size).toBe(1);
    opened = 0;
    const usual: Factory = (space, hooks) =>
      new JitBackend(space, { hooks, ...(hot && { hot }) }, laterRun(archive));
    const m = machine(usual, fileOf(source), true);
    m.backend.run(m.cpu);
    return { opened, regions: m.backend.stats().regions };
  };
  expect(await later(20_000)).toEqual({ opened: 0, regions: 0 });
  expect(await later(200_000)).toEqual({ opened: 1, regions: 0 });
  // What is hot by itself does not wait.
  expect(await later(20_000, 64)).toEqual({ opened: 1, regions: 0 });
});
