import type { NodeInode } from './node-inode.ts';

/** V8 makes a key of every name that is looked for in a map, which takes as long as half a look at the file. */
const FEW = 8;

/**
 * The inodes that a directory remembers by their names: directories, and files that are open. Mostly there are few, which are
 * compared one by one.
 */
export class Children {
  readonly #names: string[] = [];
  readonly #few: NodeInode[] = [];
  #more: Map<string, NodeInode> | undefined;

  get(name: string): NodeInode | undefined {
    if (this.#more !== undefined) return this.#more.get(name);
    const at = this.#names.indexOf(name);
    return at < 0 ? undefined : this.#few[at];
  }

  set(name: string, child: NodeInode): void {
    if (this.#more !== undefined) {
      this.#more.set(name, child);
      return;
    }
    const at = this.#names.indexOf(name);
    if (at >= 0) this.#few[at] = child;
    else if (this.#names.push(name) > FEW) {
      this.#more = new Map(this.#names.map((each, i) => [each, this.#few[i] ?? child]));
      this.#names.length = this.#few.length = 0;
    } else this.#few.push(child);
  }

  delete(name: string): void {
    if (this.#more !== undefined) {
      this.#more.delete(name);
      if (this.#more.size === 0) this.#more = undefined;
      return;
    }
    const at = this.#names.indexOf(name);
    if (at < 0) return;
    this.#names.splice(at, 1);
    this.#few.splice(at, 1);
  }

  /** As they are now. */
  values(): NodeInode[] {
    return this.#more === undefined ? [...this.#few] : [...this.#more.values()];
  }
}
