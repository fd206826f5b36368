/** Machines for tests of CPUs: a program, a scratch area and a stack. */
import type { CpuBackend, CpuHooks } from '../../emu/cpu.ts';
import { CpuState } from '../../emu/cpu-state.ts';
import { ReferenceBackend } from '../../emu/evaluator/reference-backend.ts';
import { JitBackend } from '../../emu/jit/backend.ts';
import type { CompileModule } from '../../emu/jit/module.ts';
import { TranslationStore } from '../../emu/jit/store.ts';
import { LOCAL_INSTRUCTIONS } from '../../emu/jit/tiering.ts';
import { type Message, TranslationServer, TranslationThread } from '../../emu/jit/translation-thread.ts';
import { AddressSpace, type PageSource } from '../../emu/memory/address-space.ts';
import {
  PAGE_MASK,
  PAGE_SHIFT,
  PAGE_SIZE,
  READ,
  RECORD_PAGES_ARM,
  RECORD_PAGES_THUMB,
  WRITE,
} from '../../emu/memory/layout.ts';
import { RECORD_SCALE } from '../../emu/tier0/record.ts';
import { BytesSource } from '../memory/sources.ts';
import { assemble } from '../unicorn/assemble.ts';

export const CODE = 0xb600_0000;
export const DATA = 0xb700_0000;
export const DATA_LENGTH = 0x2000;
const STACK = 0xbe00_0000;
const STACK_LENGTH = 0x20_0000;

const machines: Machine[] = [];
/** To be called after each test. */
export function closeMachines(): void {
  for (const { backend, space } of machines.splice(0)) {
    backend.close();
    space.close();
  }
}

export interface Machine {
  cpu: CpuState;
  space: AddressSpace;
  backend: CpuBackend;
  events: string[];
}

/** Programs here are short. */
const HOT = 64;

export type Factory = (space: AddressSpace, hooks: CpuHooks) => CpuBackend;
export const jit: Factory = (space, hooks) => new JitBackend(space, { hooks, hot: HOT });
/** What is run more than once is put together from stencils; nothing is compiled. */
export const stencils: Factory = (space, hooks) =>
  new JitBackend(space, { hooks, hot: 2 ** 30, stitched: 1 });
/** The JIT with translations that it shares with others. */
export const jitWith =
  (store: TranslationStore): Factory =>
  (space, hooks) =>
    new JitBackend(space, { hooks, hot: HOT }, store);
/**
 * A thread that translates, but in this one: it begins with an answer when it is asked whether it has one. What it is told and
 * answers is copied, as between threads.
 */
export function threadHere(beforeAnswer: () => void = () => {}, compile?: CompileModule): TranslationThread {
  return new TranslationThread((options) => {
    const server = new TranslationServer(options, compile);
    const messages: Message[] = [];
    return {
      send: (message) => {
        messages.push(message.kind === 'memory' ? message : structuredClone(message));
      },
      receive: () => {
        for (let message = messages.shift(); message !== undefined; message = messages.shift()) {
          const reply =
            message.kind === 'optimize' ? { id: message.id, optimized: 0 } : server.receive(message);
          if (reply === null) continue;
          beforeAnswer();
          return structuredClone(reply);
        }
        return undefined;
      },
      failed: false,
      close: () => {},
    };
  });
}
/** The JIT with all translations made by a thread. */
export const threaded =
  (thread: () => TranslationThread = threadHere): Factory =>
  (space, hooks) => {
    const store = new TranslationStore(null, undefined, thread());
    store.translatedHere = LOCAL_INSTRUCTIONS;
    return new JitBackend(space, { hooks, hot: HOT }, store);
  };
export const reference: Factory = (space, hooks) => new ReferenceBackend(space, { hooks });
export const interp: Factory = (space, hooks) => new JitBackend(space, { hooks, interpret: true });

/** Maps memory, or what a file begins with. */
export function mapAt(
  space: AddressSpace,
  start: number,
  length: number,
  prot: number,
  source: PageSource | null = null,
): void {
  space.map({
    start,
    end: start + length,
    prot,
    shared: false,
    source,
    offset: 0,
    growsDown: false,
    name: '',
  });
}

/**
 * A machine with the program at CODE, a scratch area and a stack. SVC and faults end run(); slices are `fuel` long. The program
 * lies in memory that can be written to, or in pages of a file that cannot.
 */
export function machine(
  factory: Factory,
  code: Uint8Array | PageSource,
  thumb: boolean,
  fuel = 1 << 30,
): Machine {
  const space = AddressSpace.create();
  if (code instanceof Uint8Array) {
    mapAt(space, CODE, Math.ceil(code.length / 0x1000) * 0x1000, 7);
    space.check(CODE, code.length, WRITE);
    space.bytes(CODE, code.length).set(code);
  } else mapAt(space, CODE, 0x1000, 5, code);
  mapAt(space, DATA, DATA_LENGTH, 3);
  mapAt(space, STACK, STACK_LENGTH, 3);
  const cpu = new CpuState(space.buffer, space.allocateState());
  cpu.clear();
  cpu.location = CODE | (thumb ? 1 : 0);
  cpu.r[0] = DATA;
  cpu.r[13] = STACK + STACK_LENGTH;
  cpu.fuel = fuel;
  const events: string[] = [];
  const backend = factory(space, {
    syscall: () => false,
    fault: (c, address, access, why) => {
      events.push(`fault ${address.toString(16)} ${access} ${why} at ${c.location.toString(16)}`);
      return false;
    },
    trap: (c, kind) => {
      events.push(`${kind} at ${c.location.toString(16)}`);
      return false;
    },
    preempt: (c) => {
      c.fuel = fuel;
      return true;
    },
  });
  const m = { cpu, space, backend, events };
  machines.push(m);
  return m;
}

/** The handler in the record of a location. */
export function handlerAt({ u16, u32 }: AddressSpace, location: number): number {
  const pages = location & 1 ? RECORD_PAGES_THUMB : RECORD_PAGES_ARM;
  const records = u32[(pages >>> 2) + (location >>> PAGE_SHIFT)]!;
  return u16[(records + (location & PAGE_MASK & ~1) * RECORD_SCALE) >>> 1]!;
}

/** All that a program can see of the machine. */
export function outcome({ cpu, space, events }: Machine) {
  space.check(DATA, DATA_LENGTH, READ);
  return {
    registers: [...cpu.ru].map((r) => r.toString(16)),
    flags: (cpu.cpsr >>> 27).toString(2),
    doubles: [...cpu.d],
    data: Buffer.from(space.bytes(DATA, DATA_LENGTH)).toString('base64'),
    events,
  };
}

/** A file with the program in its first page. Files of one key are the same. */
export function fileWith(source: string, key: string): BytesSource {
  const bytes = new Uint8Array(PAGE_SIZE);
  bytes.set(assemble(source));
  return new BytesSource(bytes, key);
}

export function run(factory: Factory, source: string, fuel?: number): Machine {
  const m = machine(factory, assemble(source), /^\s*\.thumb/.test(source), fuel);
  m.backend.run(m.cpu);
  return m;
}
