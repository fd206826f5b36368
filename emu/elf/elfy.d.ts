/** The part of the npm package elfy this project uses; the package has no types of its own. */
declare module 'elfy' {
  export interface Header {
    class: '32' | '64';
    endian: 'lsb' | 'msb';
    /** Names, or undefined for values elfy does not know. */
    type: string | undefined;
    machine: string | undefined;
    osabi: string | undefined;
    entry: number;
    phoff: number;
    shoff: number;
    flags: number;
    ehsize: number;
    phentsize: number;
    phnum: number;
  }
  export interface Program {
    /** Name of the type, or undefined for types elfy does not know. */
    type: string | undefined;
    offset: number;
    vaddr: number;
    filesz: number;
    memsz: number;
    /** Keys x, w, r and the numbers of other bits. */
    flags: Record<string, true>;
    align: number;
  }
  /** `execute` of the package reads a whole file with its sections; these two read what a loader wants. */
  class Parser {
    parseHeader(buf: Buffer): Header;
    parsePrograms(buf: Buffer, header: Header): Program[];
  }
  /** The package is CommonJS of a form whose names Node cannot see: only the default import works. */
  const elfy: { readonly Parser: typeof Parser };
  export default elfy;
}
