/** The CPUs the instruction fuzzer knows. */
import { InterpBackend } from '../../emu/machine/interp-backend.ts';
import type { BackendFactory } from './runner.ts';

export const BACKENDS: ReadonlyMap<string, BackendFactory> = new Map<string, BackendFactory>([
  ['interp', (space, options) => new InterpBackend(space, options)],
]);
