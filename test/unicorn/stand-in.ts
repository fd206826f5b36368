/**
 * A stand-in for unicorn.js, made over libunicorn: the factory, constants, methods and errors of its src/unicorn-wrapper.js,
 * with memory of its own, as far as they are used. The real one is not on the registry.
 */
import * as uc from '../../emu/unicorn/engine.ts';

/** Calls the library; throws what unicorn.js throws. */
function thrown<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof uc.UnicornError)) throw error;
    const [name, text] = error.message.split(': ');
    throw `Unicorn.js: Function ${name} failed with code ${error.code}:\n${text}`;
  }
}

class Unicorn {
  readonly #engine: uc.Unicorn;

  constructor(arch: number, mode: number) {
    this.#engine = thrown(() => new uc.Unicorn(arch, mode));
  }

  close = () => thrown(() => this.#engine.close());
  mem_map = (address: bigint | number, size: number, perms: number) =>
    thrown(() => this.#engine.mem_map(Number(address), size, perms));
  mem_read = (address: bigint | number, size: number) =>
    thrown(() => this.#engine.mem_read(Number(address), size));
  mem_write = (address: bigint | number, bytes: Uint8Array) =>
    thrown(() => this.#engine.mem_write(Number(address), Uint8Array.from(bytes)));

  // The buffer that the value goes to is zeroed first, so no register of a coprocessor can be asked for.
  reg_read = (regid: number, size: number) => thrown(() => this.#engine.reg_read(regid, size));
  reg_write = (regid: number, bytes: Uint8Array) =>
    thrown(() => this.#engine.reg_write(regid, Uint8Array.from(bytes)));
  reg_read_i32 = (regid: number) => thrown(() => this.#engine.reg_read_i32(regid) | 0);
  reg_write_i32 = (regid: number, value: number) => thrown(() => this.#engine.reg_write_i32(regid, value));

  emu_start = (begin: bigint | number, until: bigint | number, timeout: bigint | number, count: number) =>
    thrown(() => this.#engine.emu_start(Number(begin), Number(until), Number(timeout), count));
  emu_stop = () => thrown(() => this.#engine.emu_stop());

  hook_add = (
    type: number,
    callback: (...values: unknown[]) => unknown,
    data: unknown,
    begin = 1,
    end = 0,
  ) => {
    const self = this;
    const { hook_add } = this.#engine;
    const add = (call: (...values: never[]) => unknown) =>
      thrown(() => hook_add.call(this.#engine, type as number, call as uc.MemoryCallback, data, begin, end));
    if (type === uc.HOOK_INTR) return add((_uc: unknown, intno: number) => void callback(self, intno, data));
    if (type === uc.HOOK_CODE || type === uc.HOOK_BLOCK)
      return add(
        (_uc: unknown, address: number, size: number) => void callback(self, BigInt(address), size, data),
      );
    return add((_uc: unknown, kind: number, address: number, size: number, value: bigint) =>
      callback(self, kind, BigInt(address), size, value, data),
    );
  };
  hook_del = (hook: uc.Hook) => thrown(() => this.#engine.hook_del(hook));
}

export default async function MUnicorn() {
  const { strerror, arch_supported } = uc;
  const constants = Object.fromEntries(Object.entries(uc).filter(([, value]) => typeof value === 'number'));
  const version = () => (2 << 24) | (1 << 16) | (4 << 8) | 255;
  return { ...constants, Unicorn, version, strerror, arch_supported };
}
