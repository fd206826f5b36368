/** What the host tells of a process. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Fields of /proc/PID/stat from the third, the state, on. */
export function statOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
}

/** Whether it comes to use no CPU time: in two seconds one after the other no more than the clock's grain of a hundredth. */
export async function becomesIdle(pid: number): Promise<boolean> {
  const ticks = () => Number(statOf(pid)[11]) + Number(statOf(pid)[12]);
  let idle = 0;
  // What comes before takes its time, as the compiler's own threads do.
  for (let round = 0; round < 100 && idle < 2; round++) {
    const before = ticks();
    await sleep(1000);
    idle = ticks() - before <= 1 ? idle + 1 : 0;
  }
  return idle === 2;
}
