import type { PassedNames } from '../core/passed-names.ts';
import type { HostStats } from './attributes.ts';
import type { NodeDirectory } from './node-directory.ts';

/** What a look at a name has found, for who asks the host by that name in any case: good as long as PassedNames are. */
export class LastLook {
  readonly #passed: PassedNames;
  #directory: NodeDirectory | undefined;
  #name = '';
  #stats: HostStats | undefined;
  #turn = -1;
  #changes = -1;
  constructor(passed: PassedNames) {
    this.#passed = passed;
  }
  at(directory: NodeDirectory, name: string, stats: HostStats): void {
    this.#directory = directory;
    this.#name = name;
    this.#stats = stats;
    this.#turn = this.#passed.turn;
    this.#changes = this.#passed.changes;
  }
  of(directory: NodeDirectory, name: string): HostStats | undefined {
    const { turn, changes } = this.#passed;
    if (this.#turn !== turn || this.#changes !== changes) return undefined;
    return this.#directory === directory && this.#name === name ? this.#stats : undefined;
  }
}
