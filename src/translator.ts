/**
 * A thread beside the main one, which translates hot code while that one runs it in the interpreter. On a machine with one
 * processor there is none.
 */
import { fileURLToPath } from 'node:url';
import type { Channel, Message, Reply } from '../emu/jit/translation-thread.ts';
import type { TranslatorOptions } from '../emu/jit/translator.ts';
import { hasRoom, THREAD_ROOM } from '../emu/memory/room.ts';

/** What the thread is given. */
export interface TranslatorData extends TranslatorOptions {
  readonly port: import('node:worker_threads').MessagePort;
  /** Name of the CPU model. */
  readonly model: string;
}

/** How to reach a thread that translates for a CPU model; null where it would only take the other's time. */
export function translatorFor(
  model: string,
  parallelism: number,
): ((options: TranslatorOptions) => Channel) | null {
  return parallelism > 1 ? (options) => openTranslator(model, options) : null;
}

const NO_THREAD: Channel = { send: () => {}, receive: () => undefined, failed: true, close: () => {} };

/** Starts the thread, where the host has addresses for it. */
export function openTranslator(model: string, options: TranslatorOptions): Channel {
  if (!hasRoom(THREAD_ROOM)) return NO_THREAD;
  // Loaded when it is needed: most runs are over before.
  const { Worker, MessageChannel, receiveMessageOnPort } = process.getBuiltinModule('node:worker_threads');
  const { port1, port2 } = new MessageChannel();
  const isSource = import.meta.url.endsWith('.ts');
  const file = fileURLToPath(new URL(isSource ? 'translator-worker.ts' : 'translator.cjs', import.meta.url));
  const data: TranslatorData = { port: port2, model, ...options };
  const worker = new Worker(file, { workerData: data, transferList: [port2] });
  worker.unref();
  port1.unref();
  let failed = false;
  worker.on('error', () => {
    failed = true;
  });
  return {
    send: (message: Message) => port1.postMessage(message),
    receive: () => receiveMessageOnPort(port1)?.message as Reply | undefined,
    get failed() {
      return failed;
    },
    close() {
      port1.close();
      void worker.terminate();
    },
  };
}
