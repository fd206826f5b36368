/** The thread of translator.ts. */
import { workerData } from 'node:worker_threads';
import { cpuModelNamed, DEFAULT_MODEL } from '../emu/cpu-model.ts';
import { selectModel } from '../emu/decode/features.ts';
import { type Message, TranslationServer } from '../emu/jit/translation-thread.ts';
import type { TranslatorData } from './translator.ts';

const { port, model, ...options } = workerData as TranslatorData;
selectModel(cpuModelNamed(model) ?? DEFAULT_MODEL);
const server = new TranslationServer(options);
port.on('message', (message: Message) => {
  const reply = server.receive(message);
  if (reply === null) return;
  const codes = reply.answer?.batch.translations.map((t) => t.body.code.buffer as ArrayBuffer) ?? [];
  port.postMessage(reply, codes);
});
