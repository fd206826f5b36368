/** Output that is still on its way though the guest has closed the file: nobody but the end of the run waits for it. */

const lingering = new Set<Promise<void>>();

/** @param sent resolves when the output is out, or can never be */
export function linger(sent: Promise<void>): void {
  const entry = sent.finally(() => lingering.delete(entry));
  lingering.add(entry);
}

/** Resolves when everything is out. To be awaited before the process ends. */
export async function flushed(): Promise<void> {
  await Promise.all(lingering);
}
