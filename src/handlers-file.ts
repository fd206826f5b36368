/**
 * Where the wasm interpreter's handlers come from: a file that is made with dist/. From the sources, one under .cache/ for just
 * these sources, made when it is missing.
 *
 * Beside that of dist/ there is V8's code of the handlers that most programs need, in a file of its own: a program that starts
 * would have them compiled, first by V8's baseline compiler and then again. Without that file it is so.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { MAX_DEPTH } from '../emu/jit/compile.ts';
import { generate } from '../emu/tier0/generate.ts';
import { handlerSet, provideHandlers } from '../emu/tier0/handler-set.ts';
import { HANDLERS_HEADER, Handlers, restOfHandlersAt } from '../emu/tier0/handlers.ts';
import { visitEncodings, visitHandlers } from '../emu/tier0/visit.ts';
import { codeOf, moduleWithCode } from './wasm-code.ts';

/** Beside the bundle. */
export const HANDLERS_FILE = 'handlers.bin';
export const CODE_FILE = 'handlers.code';

/** What the handlers are made from: nearly all that is there. */
const SOURCES = 'emu';

/** To be called before the first program starts. Reads nothing yet. */
export function useHandlersFile(): void {
  provideHandlers(loadHandlers, (handlers) => withCode(handlers) ?? new WebAssembly.Module(handlers.wasm));
}

/** Whether V8 takes the code beside the handlers. */
export function isCodeUsed(): boolean {
  return withCode(loadHandlers()) !== null;
}

/** The handlers' module with the code that was compiled when dist/ was made; null without. */
function withCode({ wasm }: Handlers): WebAssembly.Module | null {
  const own = fileURLToPath(import.meta.url);
  if (own.endsWith('.ts')) return null;
  try {
    const { buffer, byteOffset, length } = fs.readFileSync(path.join(path.dirname(own), CODE_FILE));
    return moduleWithCode(wasm, new Uint8Array(buffer, byteOffset, length));
  } catch {
    return null;
  }
}

/**
 * Has V8 optimize the handlers that most programs need, and writes down its code. Writes nothing where that cannot be had. Part
 * of the build: V8's flags are to be those of every start.
 */
export async function writeCode(file: string): Promise<void> {
  const handlers = loadHandlers();
  const code = await codeOf(handlers.wasm);
  if (code === null) return;
  provideHandlers(() => handlers);
  // Each function is optimized when it is first called, at once. The code tells by which flags it was compiled: the usual ones.
  setFlagsFromString('--no-liftoff');
  visitHandlers(handlerSet(), handlers.usual);
  setFlagsFromString('--liftoff');
  fs.writeFileSync(file, code());
}

/** Decodes what is usual, in a process that has run a program. */
export function decodeUsual(): void {
  visitEncodings(handlerSet().decoder);
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
  const sources = path.join(project, SOURCES);
  for (const name of fs.readdirSync(sources, { recursive: true, encoding: 'utf8' }).sort())
    if (name.endsWith('.ts')) hash.update(name).update(fs.readFileSync(path.join(sources, name)));
  const directory = path.join(project, '.cache');
  const file = path.join(directory, `handlers-${hash.digest('hex').slice(0, 16)}.bin`);
  const known = read(file);
  if (known !== null) return known;
  const made = generate();
  try {
    fs.mkdirSync(directory, { recursive: true });
    const half = `${file}.${process.pid}`;
    fs.writeFileSync(half, made.file);
    fs.renameSync(half, file);
    forgetOld(directory);
  } catch {
    // It is made anew the next time.
  }
  return made;
}

/** Files of handlers that stay: those of some sets of V8's flags, and of the sources that were before. */
const KEPT_FILES = 6;

function forgetOld(directory: string): void {
  const files = fs
    .readdirSync(directory)
    .filter((name) => /^handlers-[0-9a-f]+\.bin$/.test(name))
    .map((name) => path.join(directory, name))
    .sort((a, b) => fs.statSync(b).mtimeMs - fs.statSync(a).mtimeMs);
  for (const file of files.slice(KEPT_FILES)) fs.rmSync(file);
}

/**
 * Reads what a start needs of a file of handlers, and keeps the file open for the rest: who builds armrun anew meanwhile puts
 * another one there. Null when it cannot be read.
 */
function read(file: string): Handlers | null {
  let fd = -1;
  try {
    fd = fs.openSync(file, 'r');
    const restAt = restOfHandlersAt(bytesOf(fd, 0, HANDLERS_HEADER));
    return new Handlers(bytesOf(fd, 0, restAt), (from, to = fs.fstatSync(fd).size) => bytesOf(fd, from, to));
  } catch {
    if (fd >= 0) fs.closeSync(fd);
    return null;
  }
}

/** Throws when the file does not have them. */
function bytesOf(fd: number, from: number, to: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(to - from);
  if (fs.readSync(fd, bytes, 0, bytes.length, from) !== bytes.length) throw new Error('the file is cut');
  return bytes;
}
