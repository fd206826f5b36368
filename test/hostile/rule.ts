/** A difference from the host's kernel, and what says that it is meant. */
import type { Made } from './generate.ts';

export interface Difference {
  readonly made: Made;
  /** The calls of its batch before it. */
  readonly before: readonly Made[];
  /** 'result', 'memory', 'end', or what of the process is different after the batch. */
  readonly what: string;
  readonly ours: string;
  readonly theirs: string;
  /** What the call gave here. */
  readonly result: string;
  /** What the descriptors of the call were here (CallResult); what the descriptor is that differs after the batch. */
  readonly names: readonly string[];
}

export interface Rule {
  readonly calls: RegExp;
  readonly reason: string;
  readonly when?: (difference: Difference) => boolean;
}
