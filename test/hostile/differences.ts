/** Differences from the host's kernel that are meant, each with its reason: docs/SYSCALLS.md lists them. */
import type { Made } from './generate.ts';

export interface Difference {
  readonly made: Made;
  /** 'result', 'memory', 'end', or what of the process is different after the batch. */
  readonly what: string;
  readonly ours: string;
  readonly theirs: string;
}

interface Rule {
  readonly calls: RegExp;
  readonly reason: string;
  readonly when?: (difference: Difference) => boolean;
}

export const RULES: readonly Rule[] = [];

export function explained(difference: Difference): boolean {
  return RULES.some(
    ({ calls, when }) => calls.test(difference.made.call.name) && (when?.(difference) ?? true),
  );
}
