import type { NodeInode } from './node-inode.ts';

/**
 * The inodes that a directory remembers by their names. Mostly there is none or one (a file that is open, and closed again), for
 * which no table is made: V8 makes a key of every name that is looked for in one, which takes as long as half a look at the file.
 */
export class Children {
  #name = '';
  #only: NodeInode | undefined;
  #more: Map<string, NodeInode> | undefined;

  get(name: string): NodeInode | undefined {
    if (this.#only !== undefined) return this.#name === name ? this.#only : undefined;
    return this.#more === undefined || this.#more.size === 0 ? undefined : this.#more.get(name);
  }

  set(name: string, child: NodeInode): void {
    if (this.#more === undefined) {
      if (this.#only === undefined || this.#name === name) {
        this.#name = name;
        this.#only = child;
        return;
      }
      this.#more = new Map([[this.#name, this.#only]]);
      this.#only = undefined;
    }
    this.#more.set(name, child);
  }

  delete(name: string): void {
    if (this.#more !== undefined) this.#more.delete(name);
    else if (this.#name === name) this.#only = undefined;
  }

  values(): Iterable<NodeInode> {
    if (this.#more !== undefined) return this.#more.values();
    return this.#only === undefined ? [] : [this.#only];
  }
}
