/** kcmp(2) (kernel/kcmp.c). */
import { fail } from '../../abi/errno.ts';
import { mayInspect } from '../../kernel/inspect.ts';
import type { Task } from '../../kernel/task.ts';
import { int, oneOf, pid } from '../args.ts';
import { type Call, call } from '../declare.ts';

const KCMP = {
  KCMP_FILE: 0,
  KCMP_VM: 1,
  KCMP_FILES: 2,
  KCMP_FS: 3,
  KCMP_SIGHAND: 4,
  KCMP_IO: 5,
  KCMP_SYSVSEM: 6,
} as const;

/** Order of objects: by when each was first compared. */
let named = 0;
const names = new WeakMap<object, number>();
function nameOf(object: object): number {
  let name = names.get(object);
  if (name === undefined) names.set(object, (name = ++named));
  return name;
}

function kcmp(t: Task, a: number, b: number, type: number, first: number, second: number): number {
  const find = (id: number) => t.kernel.tasks.get(id) ?? fail('ESRCH');
  const [one, two] = [find(a), find(b)];
  if (!mayInspect(t, one) || !mayInspect(t, two)) fail('EPERM');
  const pick = (of: Task, descriptor: number): object => {
    switch (type) {
      case KCMP.KCMP_FILE:
        return of.files.raw(descriptor);
      case KCMP.KCMP_VM:
        return of.mm;
      case KCMP.KCMP_FILES:
        return of.files;
      case KCMP.KCMP_FS:
        return of.fs;
      case KCMP.KCMP_SIGHAND:
        return of.sighand;
      case KCMP.KCMP_SYSVSEM:
      case KCMP.KCMP_IO:
        return of.process;
      default:
        return fail('EINVAL');
    }
  };
  const [x, y] = [pick(one, first), pick(two, second)];
  return x === y ? 0 : nameOf(x) < nameOf(y) ? 1 : 2;
}

export const kcmpCalls: readonly Call[] = [call(378, 'kcmp', [pid, pid, oneOf(KCMP), int, int], kcmp)];
