/**
 * What the guest takes for done and this process has yet to do: output on its way though the file is closed, which nobody but the
 * end of the run waits for.
 */
export class Lingering {
  readonly #sending = new Set<Promise<void>>();
  /** Called when there is such a thing for the first time. */
  onFirst: (() => void) | undefined;
  #owes = false;

  /** Whether there ever was such a thing: then the process must not end but by its own doing. */
  get owes(): boolean {
    return this.#owes;
  }
  /** There may be from now on: bytes that Node writes later, pages of files that are shared. */
  owe(): void {
    if (this.#owes) return;
    this.#owes = true;
    this.onFirst?.();
  }

  /** @param sent resolves when the output is out, or can never be */
  add(sent: Promise<void>): void {
    this.owe();
    const entry = sent.finally(() => this.#sending.delete(entry));
    this.#sending.add(entry);
  }

  /** Resolves when everything is out. To be awaited before the process ends. */
  async flushed(): Promise<void> {
    await Promise.all(this.#sending);
  }
}
