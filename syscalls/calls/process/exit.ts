/** exit(2), exit_group(2) (kernel/exit.c). */
import { exitGroup, exitThread } from '../../kernel/exit.ts';
import { exitTraced } from '../../kernel/signal-delivery.ts';
import { int } from '../args.ts';
import { type Call, call } from '../declare.ts';

export const exitCalls: readonly Call[] = [
  call(1, 'exit', [int], (t, code) => {
    exitTraced(t, (code & 0xff) << 8, () => exitThread(t, code));
    return 0;
  }),
  call(248, 'exit_group', [int], (t, code) => {
    const status = (code & 0xff) << 8;
    exitTraced(t, status, () => exitGroup(t, status));
    return 0;
  }),
];
