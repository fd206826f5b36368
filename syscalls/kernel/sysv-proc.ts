/**
 * What System V IPC shows and lets be set in /proc/sysvipc and /proc/sys/kernel (ipc/msg.c, sem.c, shm.c: sysvipc_*_proc_show).
 */
import { FIRST_USER_NAMESPACE } from '../vfs/core/user-namespace.ts';
import type { SysvSource } from '../vfs/proc/source.ts';
import type { IpcObject, IpcTable, SysvIpc } from './sysv-ipc.ts';

/** Numbers right-aligned in columns, between blanks. */
const columns = (...cells: readonly (readonly [value: number | string, width: number])[]) =>
  cells.map(([value, width]) => String(value).padStart(width)).join(' ');

const owners = ({ uid, gid, cuid, cgid }: IpcObject) => columns([uid, 5], [gid, 5], [cuid, 5], [cgid, 5]);
const times = (...seconds: number[]) => columns(...seconds.map((s) => [s, 10] as const));
const start = ({ key, id }: IpcObject, mode: number) =>
  columns([key, 10], [id, 10], [` ${mode.toString(8).padStart(4)}`, 5]);

export function sysvSource(ipc: SysvIpc): SysvSource {
  const show = <T extends IpcObject>(table: IpcTable<T>, header: string, line: (object: T) => string) => {
    return () => `${header}\n${[...table.objects.values()].map((object) => `${line(object)}\n`).join('')}`;
  };
  const { messages, semaphores, segments } = ipc;
  return {
    settings: ipc,
    messages: show(
      messages,
      '       key      msqid perms      cbytes       qnum lspid lrpid' +
        '   uid   gid  cuid  cgid      stime      rtime      ctime',
      (q) => {
        const use = columns([q.bytes, 10], [q.messages.length, 10], [q.lastSender, 5], [q.lastReceiver, 5]);
        return `${start(q, q.mode)}  ${use} ${owners(q)} ${times(q.sentTime, q.receivedTime, q.changed)}`;
      },
    ),
    semaphores: show(
      semaphores,
      '       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime',
      (s) =>
        `${start(s, s.mode)} ${columns([s.values.length, 10])} ${owners(s)} ${times(s.operated, s.changed)}`,
    ),
    segments: show(
      segments,
      '       key      shmid perms       size  cpid  lpid nattch' +
        '   uid   gid  cuid  cgid      atime      dtime      ctime        rss       swap',
      (s) => {
        const { pages, attachTime, detachTime, changed } = s;
        const use = `${columns([s.size, 10], [s.creator, 5], [s.lastPid, 5])}  ${columns([pages.attached, 5])}`;
        const memory = columns([4096 * s.residentPages, 10], [0, 10]);
        const { mode } = s.permissions(FIRST_USER_NAMESPACE);
        return `${start(s, mode)} ${use} ${owners(s)} ${times(attachTime, detachTime, changed)} ${memory}`;
      },
    ),
  };
}
