/** capget(2), capset(2) (kernel/capability.c). */
import { fail } from '../../abi/errno.ts';
import { s32, struct, u32 } from '../../abi/struct.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, CAP_FULL, capable } from '../../vfs/core/creds.ts';
import { ptr } from '../args.ts';
import { type Call, call } from '../declare.ts';

const CAP_V1 = 0x1998_0330;
const CAP_V2 = 0x2007_1026;
const CAP_V3 = 0x2008_0522;
const capHeader = struct('__user_cap_header_struct', { version: u32, pid: s32 });

/** Words of 32 capabilities in a version; 0 after the preferred version has been written back. */
function capWords(t: Task, headerAt: number): number {
  // The version comes first in the header, and is judged before there is the rest of it.
  const version = t.mm.get(u32, headerAt);
  if (version === CAP_V1) return 1;
  if (version === CAP_V2 || version === CAP_V3) return 2;
  t.mm.put(u32, headerAt, CAP_V3);
  return 0;
}

function capget(t: Task, headerAt: number, dataAt: number): number {
  const words = capWords(t, headerAt);
  if (words === 0) return dataAt === 0 ? 0 : fail('EINVAL');
  const { pid } = t.mm.get(capHeader, headerAt);
  if (pid < 0) fail('EINVAL');
  const of = pid === 0 ? t : (t.kernel.tasks.get(t.process.pids.pidOf(pid)) ?? fail('ESRCH'));
  if (dataAt === 0) return 0;
  const { effective, permitted, inheritable } = of.creds;
  for (let i = 0; i < words; i++) {
    [effective, permitted, inheritable].forEach((set, field) => {
      t.mm.put(u32, dataAt + 12 * i + 4 * field, Number((set >> BigInt(32 * i)) & 0xffff_ffffn));
    });
  }
  return 0;
}

function capset(t: Task, headerAt: number, dataAt: number): number {
  const words = capWords(t, headerAt);
  if (words === 0) return fail('EINVAL');
  const { pid } = t.mm.get(capHeader, headerAt);
  if (pid !== 0 && pid !== t.number) fail('EPERM');
  const read = (field: number) => {
    let set = 0n;
    for (let i = 0; i < words; i++)
      set |= BigInt(t.mm.get(u32, dataAt + 12 * i + 4 * field)) << BigInt(32 * i);
    return set & CAP_FULL;
  };
  const [effective, permitted, inheritable] = [read(0), read(1), read(2)];
  const old = t.creds;
  if ((permitted & ~old.permitted) !== 0n || (effective & ~permitted) !== 0n) fail('EPERM');
  if ((inheritable & ~(old.inheritable | old.permitted)) !== 0n && !capable(old, CAP.SETPCAP, old.user))
    fail('EPERM');
  if ((inheritable & ~(old.inheritable | old.bounding)) !== 0n) fail('EPERM');
  t.creds = { ...old, effective, permitted, inheritable, ambient: old.ambient & permitted & inheritable };
  return 0;
}

export const capabilityCalls: readonly Call[] = [
  call(184, 'capget', [ptr, ptr], capget),
  call(185, 'capset', [ptr, ptr], capset),
];
