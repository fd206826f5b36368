/** Output that is still on its way though the guest has closed the file: nobody but the end of the run waits for it. */
export class Lingering {
  readonly #sending = new Set<Promise<void>>();

  /** @param sent resolves when the output is out, or can never be */
  add(sent: Promise<void>): void {
    const entry = sent.finally(() => this.#sending.delete(entry));
    this.#sending.add(entry);
  }

  /** Resolves when everything is out. To be awaited before the process ends. */
  async flushed(): Promise<void> {
    await Promise.all(this.#sending);
  }
}
