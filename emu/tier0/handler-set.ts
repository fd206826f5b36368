/**
 * The interpreter's modules, compiled once for all address spaces of this process, and the master table they share.
 */
import type { Stencils } from '../stencils/stencil.ts';
import { RecordDecoder } from './decoder.ts';
import { generate } from './generate.ts';
import type { Handlers } from './handlers.ts';

export interface HandlerSet {
  /** The handlers that most programs need. */
  readonly module: WebAssembly.Module;
  /** The others; compiled when it is first asked for. */
  rest(): WebAssembly.Module;
  /** What most handlers do, to be put together. */
  stencils(): Stencils;
  readonly decoder: RecordDecoder;
}

type Compile = (handlers: Handlers) => WebAssembly.Module;

let load: () => Handlers = generate;
let compile: Compile = ({ wasm }) => new WebAssembly.Module(wasm);
let handlers: Handlers | undefined;
let module: WebAssembly.Module | undefined;
let restModule: WebAssembly.Module | undefined;
const decoders: { [how: string]: RecordDecoder } = {};

/**
 * Says how to get ready-made handlers, and their first module compiled. Without, they are generated when they are first needed,
 * in ten seconds or more.
 */
export function provideHandlers(from: () => Handlers, compileBy: Compile = compile): void {
  load = from;
  compile = compileBy;
}

function rest(): WebAssembly.Module {
  restModule ??= new WebAssembly.Module(handlers!.rest);
  return restModule;
}

const stencils = (): Stencils => handlers!.stencils;

/** `floatMode`: what goes by a mode of FPSCR is to be stepped. */
export function handlerSet(counting = false, floatMode = false): HandlerSet {
  handlers ??= load();
  module ??= compile(handlers);
  const decoder = (decoders[`${counting} ${floatMode}`] ??= new RecordDecoder(handlers, counting, floatMode));
  return { module, rest, stencils, decoder };
}
