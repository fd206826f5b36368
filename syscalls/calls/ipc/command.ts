/** The command of semctl(2), shmctl(2) and msgctl(2). */
import { IPC_64 } from '../../abi/ipc.ts';
import { address, type FlagNames, valuesOf } from '../args.ts';
import type { Arg } from '../declare.ts';

/** A command, with or without IPC_64. */
export function command(names: FlagNames): Arg<number> {
  const byValue = new Map(Object.entries(names).map(([name, value]) => [value, name]));
  return {
    domain: valuesOf('value', names),
    words: 1,
    decode: (_t, x) => x & ~IPC_64,
    print: (_p, x) => byValue.get(x & ~IPC_64) ?? address(x),
  };
}
