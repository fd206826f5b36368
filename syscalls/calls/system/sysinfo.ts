/** The machine: sysinfo(2), getcpu(2), personality(2), reboot(2) (kernel/sys.c). */
import os from 'node:os';
import { fail } from '../../abi/errno.ts';
import { SIG } from '../../abi/signal.ts';
import { chars, s32, struct, u16, u32 } from '../../abi/struct.ts';
import { memoryUse } from '../../kernel/commit.ts';
import { exitGroup } from '../../kernel/exit.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { hex, ptr, structOut } from '../args.ts';
import { type Call, call } from '../declare.ts';

const sysinfoT = struct('sysinfo', {
  uptime: s32,
  load1: u32,
  load5: u32,
  load15: u32,
  totalram: u32,
  freeram: u32,
  sharedram: u32,
  bufferram: u32,
  totalswap: u32,
  freeswap: u32,
  procs: u16,
  pad: u16,
  totalhigh: u32,
  freehigh: u32,
  mem_unit: u32,
  tail: chars(8),
});

function sysinfo(t: Task, at: number): number {
  const [load1, load5, load15] = os.loadavg().map((x) => Math.round(x * 65536)) as [number, number, number];
  const { total, free } = memoryUse(t.kernel);
  // In pages, so that the host's memory fits in 32 bits (do_sysinfo scales likewise).
  const unit = 4096;
  t.mm.put(sysinfoT, at, {
    uptime: Math.floor(os.uptime() + t.ns.time.boottime / 1000),
    load1,
    load5,
    load15,
    totalram: Math.floor(total / unit),
    freeram: Math.floor(free / unit),
    sharedram: 0,
    bufferram: 0,
    totalswap: 0,
    freeswap: 0,
    procs: t.kernel.tasks.size,
    pad: 0,
    totalhigh: 0,
    freehigh: 0,
    mem_unit: unit,
    tail: '',
  });
  return 0;
}

const MAGIC1 = 0xfee1_dead;
const MAGIC2: readonly number[] = [672_274_793, 85_072_278, 369_367_448, 537_993_216];
/** As what process 1 of a namespace seems to have been killed (reboot_pid_ns). */
const REBOOT: Readonly<Record<number, number>> = {
  19088743: SIG.SIGHUP, // LINUX_REBOOT_CMD_RESTART
  2712847316: SIG.SIGHUP, // LINUX_REBOOT_CMD_RESTART2
  1126301404: SIG.SIGINT, // LINUX_REBOOT_CMD_POWER_OFF
  3454992675: SIG.SIGINT, // LINUX_REBOOT_CMD_HALT
};

/** Of a PID namespace it is the end; there is no machine that could be started again. */
function reboot(t: Task, magic1: number, magic2: number, command: number): number {
  const { pids } = t.process;
  if (!capable(t.creds, CAP.SYS_BOOT, pids.owner)) fail('EPERM');
  if (magic1 !== MAGIC1 || !MAGIC2.includes(magic2)) fail('EINVAL');
  if (pids.init === undefined) {
    t.kernel.warn('there is nothing to reboot');
    return fail('EPERM');
  }
  exitGroup(pids.init.leader, REBOOT[command] ?? fail('EINVAL'));
  return 0;
}

export const sysinfoCalls: readonly Call[] = [
  call(116, 'sysinfo', [structOut(sysinfoT)], sysinfo),
  call(345, 'getcpu', [structOut(u32), structOut(u32), ptr], (t, cpuAt, nodeAt) => {
    // Nothing tells the CPUs apart: it is on the first that it may use.
    if (cpuAt !== 0) t.mm.put(u32, cpuAt, 31 - Math.clz32(t.affinity & -t.affinity));
    if (nodeAt !== 0) t.mm.put(u32, nodeAt, 0);
    return 0;
  }),
  call(136, 'personality', [hex], (t, value) => {
    const old = t.personality;
    if (value !== 0xffff_ffff) t.personality = value;
    return old;
  }),
  call(88, 'reboot', [hex, hex, hex, ptr], reboot),
];
