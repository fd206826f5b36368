/** The calls of ARM Linux alone (arm_syscall of arch/arm/kernel/traps.c). */
import { fail } from '../../abi/errno.ts';
import { SIG } from '../../abi/signal.ts';
import { ARM_NR_BASE } from '../../abi/unistd.ts';
import { forceSignal } from '../../kernel/signals.ts';
import type { Task } from '../../kernel/task.ts';
import { hex, ptr } from '../args.ts';
import { type Call, call } from '../declare.ts';

/** What arm_syscall does for a call it does not know: SIGILL, ILL_ILLTRP. */
function illegal(t: Task): number {
  const size = t.cpu.location & 1 ? 2 : 4;
  forceSignal(t, { signo: SIG.SIGILL, code: 4, addr: (t.cpu.ru[15]! - size) >>> 0 });
  return t.cpu.r[0]!;
}

/** do_cache_op of arch/arm/kernel/traps.c: translated code of these bytes is no longer true. */
function cacheflush(t: Task, start: number, end: number, how: number): number {
  if (end < start || how !== 0) fail('EINVAL');
  t.mm.backend.invalidate(start, end - start);
  return 0;
}

export const armCalls: readonly Call[] = [
  // arm_syscall of arch/arm/kernel/traps.c
  call(ARM_NR_BASE + 1, 'breakpoint', [], (t) => {
    forceSignal(t, { signo: SIG.SIGTRAP, code: 1, addr: (t.cpu.ru[15]! - 4) >>> 0 });
    return t.cpu.r[0]!;
  }),
  // There is no 26-bit mode to change to.
  call(ARM_NR_BASE + 3, 'usr26', [], illegal),
  call(ARM_NR_BASE + 4, 'usr32', [], illegal),
  call(ARM_NR_BASE + 5, 'set_tls', [hex], (t, tls) => {
    t.cpu.tls = tls;
    return 0;
  }),
  call(ARM_NR_BASE + 6, 'get_tls', [], (t) => t.cpu.tls | 0, { result: 'hex' }),
  call(ARM_NR_BASE + 2, 'cacheflush', [ptr, ptr, hex], cacheflush),
];
