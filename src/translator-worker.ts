/** The thread of translator.ts. */
import { readlinkSync } from 'node:fs';
import os from 'node:os';
import { workerData } from 'node:worker_threads';
import { cpuModelNamed, DEFAULT_MODEL } from '../emu/cpu-model.ts';
import { selectModel } from '../emu/decode/features.ts';
import { type Message, type Reply, TranslationServer } from '../emu/jit/translation-thread.ts';
import { optimizedModule, optimizeMore } from './optimized-code.ts';
import type { TranslatorData } from './translator.ts';

const { port, model, ...options } = workerData as TranslatorData;
selectModel(cpuModelNamed(model) ?? DEFAULT_MODEL);
const server = new TranslationServer(options, optimizedModule);
// Where there is too much to do, what runs the guest goes first: without this thread's work it is slower, and no more.
try {
  os.setPriority(
    Number(readlinkSync('/proc/thread-self').split('/').at(-1)),
    os.constants.priority.PRIORITY_BELOW_NORMAL,
  );
} catch {
  // It has no /proc, or is as nice already.
}
port.on('message', async (message: Message) => {
  if (message.kind === 'optimize') {
    const { id, module } = message;
    send({ id, optimized: await optimizeMore(module) }, []);
    return;
  }
  const reply = server.receive(message);
  if (reply !== null) send(reply, reply.answer?.batch.translations.map((t) => t.body.code) ?? []);
});

/** Gives a reply, and with it the memory of these parts. */
function send(reply: Reply, parts: readonly Uint8Array[]): void {
  port.postMessage(
    reply,
    parts.map((part) => part.buffer as ArrayBuffer),
  );
}
