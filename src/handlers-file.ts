/**
 * Where the wasm interpreter's handlers come from: a file that is made with dist/. From the sources, one under .cache/ for just
 * these sources, made when it is missing.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MAX_DEPTH } from '../emu/jit/compile.ts';
import { generate } from '../emu/tier0/generate.ts';
import { provideHandlers } from '../emu/tier0/handler-set.ts';
import { Handlers } from '../emu/tier0/handlers.ts';

/** Beside the bundle. */
export const HANDLERS_FILE = 'handlers.bin';

/** What the handlers are made from. */
const SOURCES = [
  'emu/decode',
  'emu/evaluator',
  'emu/jit',
  'emu/machine',
  'emu/memory',
  'emu/ops',
  'emu/tier0',
];

/** To be called before the first program starts. Reads nothing yet. */
export function useHandlersFile(): void {
  provideHandlers(loadHandlers);
}

export function loadHandlers(): Handlers {
  const own = fileURLToPath(import.meta.url);
  return own.endsWith('.ts') ? ofSources(path.dirname(path.dirname(own))) : ofBundle(path.dirname(own));
}

/** A bundle without the file works, and takes ten seconds more. */
function ofBundle(directory: string): Handlers {
  return read(path.join(directory, HANDLERS_FILE)) ?? generate();
}

function ofSources(project: string): Handlers {
  // How deep calls may be is in their code, and that depends on V8's flags.
  const hash = crypto.createHash('sha256').update(String(MAX_DEPTH));
  for (const folder of SOURCES)
    for (const name of fs
      .readdirSync(path.join(project, folder), { recursive: true, encoding: 'utf8' })
      .sort())
      if (name.endsWith('.ts')) hash.update(name).update(fs.readFileSync(path.join(project, folder, name)));
  const directory = path.join(project, '.cache');
  const file = path.join(directory, `handlers-${hash.digest('hex').slice(0, 16)}.bin`);
  const known = read(file);
  if (known !== null) return known;
  const made = generate();
  try {
    fs.mkdirSync(directory, { recursive: true });
    const half = `${file}.${process.pid}`;
    fs.writeFileSync(half, made.bytes);
    fs.renameSync(half, file);
  } catch {
    // It is made anew the next time.
  }
  return made;
}

function read(file: string): Handlers | null {
  try {
    // Not from Node's pool of small buffers: it is to be aligned.
    const { buffer, byteOffset, length } = fs.readFileSync(file);
    return new Handlers(
      byteOffset % 8 === 0
        ? new Uint8Array(buffer, byteOffset, length)
        : new Uint8Array(buffer.slice(byteOffset, byteOffset + length)),
    );
  } catch {
    return null;
  }
}
