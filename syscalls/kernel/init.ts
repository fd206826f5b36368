/**
 * Process 1: whom orphans belong to, and who reaps them (kernel/exit.c). Programs expect that it is there: it is seen in /proc,
 * has no program and no memory, waits for ever, and no signal does anything to it (SIGNAL_UNKILLABLE).
 */
import type { CpuBackend, CpuStats } from '../../emu/cpu.ts';
import { CpuState } from '../../emu/cpu-state.ts';
import { AddressSpace } from '../../emu/memory/address-space.ts';
import { credsFor } from '../vfs/core/creds.ts';
import { FdTable } from '../vfs/core/fd-table.ts';
import type { Inode } from '../vfs/core/inode.ts';
import { FsContext } from './fs-context.ts';
import type { Kernel } from './kernel.ts';
import { Mm } from './mm.ts';
import { INIT_PID, Process, type Rlimit } from './process.ts';
import { SignalHandlers } from './signal-handlers.ts';
import { Task } from './task.ts';

/** The engine of a process without a program. */
class NoCpu implements CpuBackend {
  readonly name = 'interp';
  readonly space: AddressSpace;
  constructor(space: AddressSpace) {
    this.space = space;
  }
  run(): never {
    throw new Error('process 1 has no program');
  }
  stop(): void {}
  invalidate(): void {}
  close(): void {}
  stats(): CpuStats {
    return { instructions: 0, regions: 0, modules: 0, compileMs: 0, wasmBytes: 0 };
  }
}

/** Nothing makes it run. */
class InitTask extends Task {
  override wake(): void {}
}

export function startInit(kernel: Kernel, root: Inode, limits: readonly Rlimit[]): void {
  const space = AddressSpace.create();
  const process = new Process(
    kernel,
    INIT_PID,
    kernel.pids,
    undefined,
    INIT_PID,
    { sid: INIT_PID, tty: undefined, foreground: 0 },
    limits,
  );
  process.unkillable = true;
  const task = new InitTask({
    kernel,
    tid: INIT_PID,
    process,
    mm: new Mm(space, new NoCpu(space)),
    cpu: new CpuState(space.buffer, space.allocateState()),
    fs: new FsContext(root, root, 0o022),
    ns: kernel.namespaces,
    files: new FdTable(),
    creds: credsFor(0, 0),
    sighand: new SignalHandlers(),
    comm: 'init',
  });
  task.state = 'sleeping';
  process.leader = task;
  process.threads.add(task);
  kernel.processes.set(INIT_PID, process);
  kernel.tasks.set(INIT_PID, task);
}
