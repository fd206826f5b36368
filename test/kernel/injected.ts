/**
 * armrun with bugs put into it, to be run instead of src/cli.ts: a system call whose seventh argument is MARK_FIRST fails
 * before its handler runs, one with MARK_AGAIN when it is run again after it slept; so does a page fault at FAULTING, and what
 * gets bytes of a connection or of standard input.
 */
import { AddressSpace } from '../../emu/memory/address-space.ts';
import { main } from '../../src/cli.ts';
import { allCalls } from '../../syscalls/calls/table.ts';
import type { Task } from '../../syscalls/kernel/task.ts';
import { WaitQueue } from '../../syscalls/vfs/core/wait-queue.ts';
import { MessageQueue } from '../../syscalls/vfs/net/socket.ts';

const MARK_FIRST = 0x5eed_0001;
const MARK_AGAIN = 0x5eed_0002;
const FAULTING = 0x5eed_0000;

for (const call of allCalls) {
  const { invoke } = call;
  const faulty = (t: Task, r: Int32Array) => {
    if (r[6] === MARK_FIRST || (r[6] === MARK_AGAIN && t.sleepingCall >= 0)) throw new TypeError('injected');
    return invoke(t, r);
  };
  (call as { invoke: typeof invoke }).invoke = faulty;
}

const { fault } = AddressSpace.prototype;
AddressSpace.prototype.fault = function (address, access) {
  if (address === FAULTING) throw new TypeError('injected');
  return fault.call(this, address, access);
};

/** The first bytes of a connection that are these fail. */
const { push } = MessageQueue.prototype;
MessageQueue.prototype.push = function (message) {
  if (Buffer.from(message.bytes).toString('latin1') === 'fail') throw new TypeError('injected');
  push.call(this, message);
};

/** What standard input has when somebody waits for it fails once. */
const { wakeAll } = WaitQueue.prototype;
let arrived = 0;
WaitQueue.prototype.wakeAll = function (events) {
  if (arrived === 0 && /stream\.ts.*\n.*callback\.ts/.test(new Error().stack!)) {
    arrived++;
    throw new TypeError('injected');
  }
  wakeAll.call(this, events);
};

await main(process.argv.slice(2));
