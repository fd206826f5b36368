/**
 * Makes the CPU that the user chose. Engines that few runs need are loaded only when asked for.
 */
import type { CpuBackend, CpuName, CpuOptions } from './cpu.ts';
import { JitBackend } from './jit/backend.ts';
import { InterpBackend } from './machine/interp-backend.ts';
import type { AddressSpace } from './memory/address-space.ts';

export type BackendFactory = (space: AddressSpace, options: CpuOptions) => CpuBackend;

/** Gives the factory of an engine; rejects with one clear line when it is not available on this machine. With `verify`, a second engine runs beside it. */
export async function backendFactory(name: CpuName, verify?: CpuName | null): Promise<BackendFactory> {
  const factory = await engineFactory(name);
  if (!verify) return factory;
  const { VerifyBackend } = await import('./verify/backend.ts');
  const second = await engineFactory(verify);
  return (space, options) => new VerifyBackend(space, options, factory, second);
}

async function engineFactory(name: CpuName): Promise<BackendFactory> {
  switch (name) {
    case 'jit':
      return (space, options) => new JitBackend(space, options);
    case 'interp':
      return (space, options) => new InterpBackend(space, options);
    case 'unicorn': {
      const { UnicornBackend } = await import('./unicorn/backend.ts');
      const { version } = await import('./unicorn/engine.ts');
      version(); // throws when the library is not there
      return (space, options) => new UnicornBackend(space, options);
    }
  }
}
