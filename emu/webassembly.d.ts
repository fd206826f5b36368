/**
 * The part of the WebAssembly JavaScript API that armrun uses. TypeScript declares it only together with the whole of the DOM,
 * which Node has not.
 */
declare namespace WebAssembly {
  type Callable = (...args: never) => unknown;
  type ExportValue = Callable | Memory | Table;
  type ImportValue = ExportValue | number;
  type ModuleImports = Record<string, ImportValue>;
  type Imports = Record<string, ModuleImports>;

  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: SharedArrayBuffer;
    /** Adds pages of 64 KiB; gives the number there were. */
    grow(pages: number): number;
  }
  class Table {
    constructor(descriptor: { element: 'anyfunc'; initial: number; maximum?: number });
    readonly length: number;
    grow(delta: number, value?: ExportValue | null): number;
    get(index: number): Callable | null;
    set(index: number, value: ExportValue | null): void;
  }
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
  }
  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Record<string, ExportValue>;
  }
  class RuntimeError extends Error {}
  class CompileError extends Error {}
  function validate(bytes: Uint8Array<ArrayBuffer>): boolean;
}
