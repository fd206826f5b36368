/** process_vm_readv(2), process_vm_writev(2) (mm/process_vm_access.c). */
import { READ, WRITE } from '../../../emu/memory/layout.ts';
import { fail } from '../../abi/errno.ts';
import { IOV_MAX, iovec } from '../../abi/uio.ts';
import { mayInspect } from '../../kernel/inspect.ts';
import type { Task } from '../../kernel/task.ts';
import { arrayIn, hex, pid, ptr, uint } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { iovecs } from '../files/read-write.ts';

function vectors(t: Task, at: number, count: number): { iov_base: number; iov_len: number }[] {
  if (count > IOV_MAX) fail('EINVAL');
  const list = Array.from({ length: count }, (_, i) => t.mm.get(iovec, at + i * iovec.size));
  if (list.some(({ iov_len }) => iov_len > 0x7fff_ffff)) fail('EINVAL');
  return list;
}

/** Copies until one side has no more or a page of the other process is not there; EFAULT when that is at once. */
function transfer(writes: boolean) {
  return (
    t: Task,
    id: number,
    localAt: number,
    localCount: number,
    remoteAt: number,
    remoteCount: number,
    how: number,
  ) => {
    if (how !== 0) fail('EINVAL');
    const local = iovecs(t, localAt, localCount);
    if (local.length === 0) return 0;
    const remote = vectors(t, remoteAt, remoteCount);
    if (remote.every(({ iov_len }) => iov_len === 0)) return 0;
    const other = t.kernel.tasks.get(id);
    if (other === undefined || other.state === 'dead') return fail('ESRCH');
    if (!mayInspect(t, other)) fail('EPERM');
    const { space } = other.mm;
    let done = 0;
    let [i, inLocal] = [0, 0];
    for (const { iov_base, iov_len } of remote) {
      for (let at = 0; at < iov_len; ) {
        while (i < local.length && inLocal === local[i]!.length) [i, inLocal] = [i + 1, 0];
        if (i === local.length) return done;
        const theirs = iov_base + at;
        const mine = local[i]!.base + inLocal;
        const count = Math.min(iov_len - at, local[i]!.length - inLocal, 4096 - (theirs & 4095));
        if (!space.check(theirs, count, writes ? WRITE : READ)) return done > 0 ? done : fail('EFAULT');
        if (writes) space.bytes(theirs, count).set(t.mm.readable(mine, count));
        else t.mm.writable(mine, count).set(space.bytes(theirs, count));
        done += count;
        at += count;
        inLocal += count;
      }
    }
    return done;
  };
}

export const processVmCalls: readonly Call[] = [
  call(376, 'process_vm_readv', [pid, arrayIn(iovec, 2), uint, ptr, uint, hex], transfer(false)),
  call(377, 'process_vm_writev', [pid, arrayIn(iovec, 2), uint, ptr, uint, hex], transfer(true)),
];
