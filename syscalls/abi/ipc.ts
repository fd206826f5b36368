/**
 * System V IPC on ARM (asm-generic/ipcbuf.h, sembuf.h, shmbuf.h, msgbuf.h; linux/ipc.h, sem.h, shm.h, msg.h). Times are 64 bits
 * in two words.
 */
import { padding, s16, s32, struct, u16, u32 } from './struct.ts';

export const IPC_PRIVATE = 0;
export const IPC_CREAT = 0o1000;
export const IPC_EXCL = 0o2000;
export const IPC_NOWAIT = 0o4000;
/** Flag in a command: the 64-bit structures, which are the only ones here. */
export const IPC_64 = 0x100;
export const IPC = { IPC_RMID: 0, IPC_SET: 1, IPC_STAT: 2, IPC_INFO: 3 } as const;
export const SEMCTL = {
  ...IPC,
  GETPID: 11,
  GETVAL: 12,
  GETALL: 13,
  GETNCNT: 14,
  GETZCNT: 15,
  SETVAL: 16,
  SETALL: 17,
  SEM_STAT: 18,
  SEM_INFO: 19,
  SEM_STAT_ANY: 20,
} as const;
/** Most objects of a kind. An id is slot plus sequence number times this, so that old ids are noticed. */
export const IPCMNI = 32768;
export const SEM_UNDO = 0x1000;
export const SEMVMX = 32767;
export const SEMMSL = 32000;
export const SEMOPM = 500;
export const SHM = { SHM_RDONLY: 0o10000, SHM_RND: 0o20000, SHM_REMAP: 0o40000, SHM_EXEC: 0o100000 } as const;
export const SHM_DEST = 0o1000;
export const SHM_LOCKED = 0o2000;
export const SHMCTL = {
  ...IPC,
  SHM_LOCK: 11,
  SHM_UNLOCK: 12,
  SHM_STAT: 13,
  SHM_INFO: 14,
  SHM_STAT_ANY: 15,
} as const;
/** Segments are attached at multiples of this: four pages, for the caches of old ARMs. */
export const SHMLBA = 0x4000;
export const MSGCTL = { ...IPC, MSG_STAT: 11, MSG_INFO: 12, MSG_STAT_ANY: 13 } as const;
export const MSG = { MSG_NOERROR: 0o10000, MSG_EXCEPT: 0o20000, MSG_COPY: 0o40000 } as const;
export const MSGMAX = 8192;
export const MSGMNB = 16384;

export const ipcPerm = struct('ipc64_perm', {
  key: s32,
  uid: u32,
  gid: u32,
  cuid: u32,
  cgid: u32,
  mode: u16,
  pad1: padding(2),
  seq: u16,
  pad2: padding(2),
  unused1: u32,
  unused2: u32,
});

export const semidDs = struct('semid64_ds', {
  sem_perm: ipcPerm,
  sem_otime: u32,
  otime_high: u32,
  sem_ctime: u32,
  ctime_high: u32,
  sem_nsems: u32,
  unused3: u32,
  unused4: u32,
});

export const shmidDs = struct('shmid64_ds', {
  shm_perm: ipcPerm,
  shm_segsz: u32,
  shm_atime: u32,
  atime_high: u32,
  shm_dtime: u32,
  dtime_high: u32,
  shm_ctime: u32,
  ctime_high: u32,
  shm_cpid: s32,
  shm_lpid: s32,
  shm_nattch: u32,
  unused4: u32,
  unused5: u32,
});

export const msqidDs = struct('msqid64_ds', {
  msg_perm: ipcPerm,
  msg_stime: u32,
  stime_high: u32,
  msg_rtime: u32,
  rtime_high: u32,
  msg_ctime: u32,
  ctime_high: u32,
  msg_cbytes: u32,
  msg_qnum: u32,
  msg_qbytes: u32,
  msg_lspid: s32,
  msg_lrpid: s32,
  unused4: u32,
  unused5: u32,
});

export const sembuf = struct('sembuf', { sem_num: u16, sem_op: s16, sem_flg: s16 });

export const msginfo = struct('msginfo', {
  msgpool: s32,
  msgmap: s32,
  msgmax: s32,
  msgmnb: s32,
  msgmni: s32,
  msgssz: s32,
  msgtql: s32,
  msgseg: u16,
});

export const seminfo = struct('seminfo', {
  semmap: s32,
  semmni: s32,
  semmns: s32,
  semmnu: s32,
  semmsl: s32,
  semopm: s32,
  semume: s32,
  semusz: s32,
  semvmx: s32,
  semaem: s32,
});

export const shminfo = struct('shminfo64', {
  shmmax: u32,
  shmmin: u32,
  shmmni: u32,
  shmseg: u32,
  shmall: u32,
  unused: padding(16),
});

export const shmInfo = struct('shm_info', {
  used_ids: s32,
  shm_tot: u32,
  shm_rss: u32,
  shm_swp: u32,
  swap_attempts: u32,
  swap_successes: u32,
});
