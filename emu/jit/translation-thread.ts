/**
 * The two ends of work on another thread: what is asked and answered, and both sides of it. How messages go is not known here
 * (src/translator.ts). Jobs are translations, which somebody waits for; and optimizations, in between: V8's best code of modules,
 * for later runs, and for this one from when it is there.
 *
 * The thread reads code and records from the guest's own memory, which is shared, and only from pages that it is told of. What
 * it has read of them comes with the answer: whoever uses that compares it with what is there by then (thread-requests.ts). What
 * an image has besides is told with each job, as far as it is new.
 */
import { decodeA32, decodeThumb, isThumb32 } from '../decode/decoder.ts';
import type { Insn } from '../decode/row.ts';
import { PAGE_MASK, PAGE_SHIFT, RECORD_PAGES_ARM, RECORD_PAGES_THUMB } from '../memory/layout.ts';
import { RECORD, RECORD_SCALE } from '../tier0/record.ts';
import { CodeImage, holds, type News } from './code-image.ts';
import { type CompileModule, type MadeModule, makeModule } from './module.ts';
import {
  type Batch,
  type CodeView,
  type Start,
  Translator,
  type TranslatorOptions,
  type Views,
  wordAt,
} from './translator.ts';
import type { FuncBody } from './wasm.ts';

/** A batch that is asked for. */
export interface Job {
  readonly start: Start;
  readonly also: readonly Start[];
  /** Arrivals from which on a function that a region calls is compiled with it. */
  readonly wanted: number;
  /** It is for later runs alone, which have V8 make the module. */
  readonly isForLater: boolean;
  /**
   * Pages (address >>> 12) of the image's code that has been run; and constant pool pages, of which words may be taken for
   * constants.
   */
  readonly code: Int32Array;
  readonly constantPages: Int32Array;
}

export interface Answer {
  readonly batch: Batch;
  /** Null when it is for later runs. */
  readonly made: MadeModule | null;
  /** What it was made from, READ_WORDS words each: an address, how many bytes from there, and their value. */
  readonly read: Int32Array;
  /** Constant pool pages: of which words have been taken for constants. */
  readonly constantPages: readonly number[];
}

export const READ_WORDS = 3;

/**
 * What an image has got since it was last told: translations without their code, in the order in which they came; and all that is
 * known of its jumps.
 */
interface ImageNews {
  readonly translations: readonly News[];
  readonly kept: { readonly entries: Uint32Array; readonly loops: Uint32Array } | null;
  readonly jumps: ReadonlyMap<number, readonly number[]>;
  readonly unaligned: ReadonlySet<number>;
}

export type TranslationMessage =
  /**
   * The bytes and not the Memory: for each Memory that comes to a thread V8 counts 4 GiB there, and collects all of its garbage.
   */
  | { readonly kind: 'memory'; readonly id: number; readonly bytes: SharedArrayBuffer }
  | { readonly kind: 'forget'; readonly id: number }
  | {
      readonly kind: 'job';
      readonly id: number;
      readonly memory: number;
      readonly image: number;
      readonly news: ImageNews;
      readonly job: Job;
    };

export type Message =
  | TranslationMessage
  | { readonly kind: 'optimize'; readonly id: number; readonly module: Unoptimized };

/** A module of which V8 has optimized so many functions, from the first on. */
export interface Unoptimized {
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly functions: number;
}

export interface Answered {
  readonly id: number;
  readonly answer: Answer | null;
  /** Milliseconds it took. */
  readonly ms: number;
}

export type Reply = Answered | { readonly id: number; readonly optimized: number };

/** What is called with an answer (null: nothing can be translated there), and the milliseconds that the thread took. */
export type Done = (answer: Answer | null, ms: number) => void;

/** What is called with how many functions of a module V8 has optimized by now. */
export type Optimized = (functions: number) => void;

/** How messages go to the thread and replies come back. `receive` does not wait. */
export interface Channel {
  send(message: Message): void;
  receive(): Reply | undefined;
  /** The thread is no more. */
  readonly failed: boolean;
  close(): void;
}

/** The end that asks. */
export class TranslationThread {
  readonly #open: (options: TranslatorOptions) => Channel;
  /** Those of the run; to be set before anything is asked for. */
  options: TranslatorOptions = { count: false, exactFuel: false };
  #channel: Channel | null = null;
  #next = 1;
  readonly #memories = new Map<WebAssembly.Memory, number>();
  readonly #images = new WeakMap<CodeImage, number>();
  readonly #waiting = new Map<number, Done>();
  /** Modules to be optimized, and the one that the thread has. */
  readonly #unoptimized: { readonly module: Unoptimized; readonly done: Optimized }[] = [];
  #optimizing: { id: number; done: Optimized } | null = null;

  /** The thread is begun with the first job. */
  constructor(open: (options: TranslatorOptions) => Channel) {
    this.#open = open;
  }

  /** Has V8 optimize some functions of a module when nobody waits for a translation. */
  optimize(module: Unoptimized, done: Optimized): void {
    this.#unoptimized.push({ module, done });
  }

  #optimizeNext(): void {
    if (this.#optimizing !== null || this.#waiting.size > 0) return;
    const next = this.#unoptimized.shift();
    if (next === undefined) return;
    this.#channel ??= this.#open(this.options);
    const id = this.#next++;
    this.#optimizing = { id, done: next.done };
    this.#channel.send({ kind: 'optimize', id, module: next.module });
  }

  request(memory: WebAssembly.Memory, image: CodeImage, job: Job, done: Done): void {
    this.#channel ??= this.#open(this.options);
    let memoryId = this.#memories.get(memory);
    if (memoryId === undefined) {
      memoryId = this.#next++;
      this.#memories.set(memory, memoryId);
      const bytes = memory.buffer as unknown as SharedArrayBuffer;
      this.#channel.send({ kind: 'memory', id: memoryId, bytes });
    }
    const id = this.#next++;
    this.#waiting.set(id, done);
    this.#channel.send({ kind: 'job', id, memory: memoryId, ...this.#news(image), job });
  }

  #news(image: CodeImage): { image: number; news: ImageNews } {
    let id = this.#images.get(image);
    const kept = id === undefined ? (image.kept?.locations() ?? null) : null;
    if (id === undefined) {
      id = this.#next++;
      this.#images.set(image, id);
    }
    const translations = (image.news ?? [...image.translations.values()]).map(withoutCode);
    image.news = [];
    const { jumps, unaligned } = image;
    return { image: id, news: { translations, kept, jumps, unaligned } };
  }

  /** The thread could not be started, or is no more: nothing is to be asked. */
  get failed(): boolean {
    return this.#channel?.failed === true;
  }

  /**
   * Has what has been answered done. True when there was something. Gives the thread something to optimize when it has nothing
   * else to do; `mayBegin`: also when there is none yet.
   */
  poll(mayBegin = true): boolean {
    let any = false;
    while (this.#waiting.size > 0 || this.#optimizing !== null) {
      const reply = this.#channel?.receive();
      if (reply === undefined) break;
      any = true;
      if ('optimized' in reply) {
        const done = this.#optimizing?.done;
        this.#optimizing = null;
        done?.(reply.optimized);
      } else {
        const done = this.#waiting.get(reply.id);
        this.#waiting.delete(reply.id);
        done?.(reply.answer, reply.ms);
      }
    }
    if (this.#channel !== null || mayBegin) this.#optimizeNext();
    return any;
  }

  /** A memory has no process any more. */
  forget(memory: WebAssembly.Memory): void {
    const id = this.#memories.get(memory);
    if (id === undefined) return;
    this.#memories.delete(memory);
    this.#channel?.send({ kind: 'forget', id });
  }

  close(): void {
    this.#channel?.close();
    this.#channel = null;
    this.#waiting.clear();
    this.#unoptimized.length = 0;
  }
}

/** A translation as the thread is told of it. What is kept is a view of a file's bytes, which need not be sent. */
function withoutCode(news: News): News {
  if ('removed' in news) return news;
  const { location, isLoop, isOptimized, isWarm, instructions, blocks, inlined } = news;
  const nothing = { body: NO_BODY, numbers: [], pages: [] };
  return {
    location,
    isLoop,
    isOptimized,
    isWarm,
    instructions,
    blocks: blocks.slice(),
    inlined: inlined.slice(),
    ...nothing,
  };
}
const NO_BODY: FuncBody = { type: 0, locals: [], code: new Uint8Array(0) };

/** The end that translates: gives the reply to a message, if it has one. */
export class TranslationServer {
  readonly #translator: Translator;
  readonly #compile: CompileModule | undefined;
  readonly #memories = new Map<number, SharedArrayBuffer>();
  readonly #images = new Map<number, Mirror>();

  /** `compile` has V8 make the modules. */
  constructor(options: TranslatorOptions, compile?: CompileModule) {
    this.#translator = new Translator(options);
    this.#compile = compile;
  }

  receive(message: TranslationMessage): Answered | null {
    switch (message.kind) {
      case 'memory':
        this.#memories.set(message.id, message.bytes);
        return null;
      case 'forget':
        this.#memories.delete(message.id);
        return null;
      case 'job':
        return this.#job(message);
    }
  }

  #job({ id, memory, image, news, job }: TranslationMessage & { kind: 'job' }): Answered {
    const began = performance.now();
    let mirror = this.#images.get(image);
    if (mirror === undefined) {
      mirror = new Mirror();
      this.#images.set(image, mirror);
    }
    mirror.learn(news);
    const buffer = this.#memories.get(memory);
    let answer: Answer | null = null;
    if (buffer !== undefined) {
      const view = new SharedView(buffer, mirror, job);
      const batch = this.#translator.translate(job.start, job.also, view);
      const made = batch === null || job.isForLater ? null : this.#make(batch);
      if (batch !== null && (made !== null || job.isForLater))
        answer = { batch: owned(batch), made, read: view.read(), constantPages: [...view.used] };
    }
    return { id, answer, ms: performance.now() - began };
  }

  /** Null when V8 has no memory for it. */
  #make(batch: Batch): MadeModule | null {
    try {
      return makeModule(batch, this.#compile);
    } catch (error) {
      if (error instanceof RangeError) return null;
      throw error;
    }
  }
}

/** Code is a view of the translator's buffer. */
function owned({ translations, sites }: Batch): Batch {
  return {
    translations: translations.map((t) => ({ ...t, body: { ...t.body, code: t.body.code.slice() } })),
    sites,
  };
}

/** An image as the thread knows it. */
class Mirror {
  readonly image = new CodeImage();
  readonly #kept = new Map<number, 'entry' | 'loop'>();

  learn({ translations, kept, jumps, unaligned }: ImageNews): void {
    const { image } = this;
    for (const t of translations) {
      if ('removed' in t) image.remove(t.location);
      else image.addKept(t);
    }
    for (const location of kept?.entries ?? []) this.#kept.set(location, 'entry');
    for (const location of kept?.loops ?? []) this.#kept.set(location, 'loop');
    for (const [pc, targets] of jumps) image.jumps.set(pc, [...targets]);
    for (const location of unaligned) image.unaligned.add(location);
  }

  kindAt(location: number): 'entry' | 'loop' | undefined {
    return this.image.kindAt(location) ?? this.#kept.get(location);
  }
}

/** An image's code in a memory that others write to. */
class SharedView implements CodeView {
  readonly used = new Set<number>();
  readonly #mirror: Mirror;
  readonly #code: ReadonlySet<number>;
  readonly #constantPages: ReadonlySet<number>;
  readonly #wanted: number;
  /** What has been read, by address * 8 + size: once, whatever becomes of it. */
  readonly #read = new Map<number, number>();
  readonly #views: Views;

  constructor(buffer: SharedArrayBuffer, mirror: Mirror, { code, constantPages, wanted }: Job) {
    this.#wanted = wanted;
    this.#mirror = mirror;
    this.#code = new Set(code);
    this.#constantPages = new Set(constantPages);
    this.#views = { u8: new Uint8Array(buffer), u16: new Uint16Array(buffer), i32: new Int32Array(buffer) };
  }

  insn(location: number, itstate: number, entry: number): Insn | null {
    const pc = (location & ~1) >>> 0;
    if (!this.#code.has(pc >>> PAGE_SHIFT)) return null;
    // Of an IT block what has been run shows at its beginning.
    if (itstate === 0 && !this.#hasRun(location)) {
      const earlier = this.#mirror.image.translations.get(entry);
      if (earlier === undefined || !holds(earlier, pc)) return null;
    }
    if ((location & 1) === 0) return pc & 3 ? null : decodeA32(this.#load(pc, 4));
    const hw1 = this.#load(pc, 2);
    if (!isThumb32(hw1)) return decodeThumb(hw1, 0, itstate);
    const next = (pc + 2) >>> 0;
    if (!this.#code.has(next >>> PAGE_SHIFT)) return null;
    return decodeThumb(hw1, this.#load(next, 2), itstate);
  }

  #load(address: number, size: number): number {
    const key = (address >>> 0) * 8 + size;
    let value = this.#read.get(key);
    if (value === undefined) {
      value = wordAt(this.#views, address, size);
      this.#read.set(key, value);
    }
    return value;
  }

  /** As Answer.read. */
  read(): Int32Array {
    const words = new Int32Array(READ_WORDS * this.#read.size);
    let at = 0;
    for (const [key, value] of this.#read) {
      words.set([Math.floor(key / 8), key % 8, value], at);
      at += READ_WORDS;
    }
    return words;
  }

  #record(location: number): number {
    const pc = (location & ~1) >>> 0;
    const pages = location & 1 ? RECORD_PAGES_THUMB : RECORD_PAGES_ARM;
    const records = this.#views.i32[(pages >>> 2) + (pc >>> PAGE_SHIFT)]! >>> 0;
    return records === 0 ? 0 : records + (pc & PAGE_MASK) * RECORD_SCALE;
  }
  #hasRun(location: number): boolean {
    const record = this.#record(location);
    return record !== 0 && this.#views.u16[(record + RECORD.handler) >>> 1] !== 0;
  }

  kindAt(location: number): 'entry' | 'loop' | undefined {
    return this.#mirror.kindAt(location);
  }
  copies(address: number): number {
    return this.#mirror.image.copies(address);
  }
  constantWord(address: number, size: number): number | undefined {
    const page = address >>> PAGE_SHIFT;
    if (address & (size - 1) || !this.#constantPages.has(page)) return undefined;
    this.used.add(page);
    return this.#load(address, size);
  }
  seen(address: number): readonly number[] {
    return this.#mirror.image.jumps.get(address) ?? [];
  }
  isUnaligned(location: number): boolean {
    return this.#mirror.image.unaligned.has(location);
  }
  hasOtherCode(): boolean {
    return false;
  }
  isWanted(location: number): boolean {
    const record = this.#record(location);
    return record !== 0 && this.#views.u16[(record + RECORD.count) >>> 1]! >= this.#wanted;
  }
}
