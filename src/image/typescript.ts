/**
 * Node without its TypeScript: to run such files as they are Node has a compiler among its own modules (amaro), which is
 * WebAssembly as text. armrun in an image is JavaScript.
 */
import { withoutRange } from './elf64.ts';

/** How WebAssembly begins (its magic and version), in Base64. */
const WASM = 'AGFzbQEAAAA';
/** Others among Node's modules are smaller, and armrun's may need them. */
const LEAST = 1 << 20;

/** An ELF file of 64 bits, where zeros are read in place of large WebAssembly that is in it as text. */
export function withoutTypeScript(file: Buffer): Buffer {
  for (let at = file.indexOf(WASM); at >= 0; at = file.indexOf(WASM, at + 1)) {
    const end = file.indexOf('"', at);
    if (end - at >= LEAST && /^[A-Za-z0-9+/=]+$/.test(file.toString('latin1', at, end)))
      return withoutRange(file, at, end, true);
  }
  return file;
}
