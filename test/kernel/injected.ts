/**
 * armrun with bugs put into it, to be run instead of src/cli.ts: a system call whose seventh argument is MARK_FIRST fails before
 * its handler runs, one with MARK_AGAIN when it is run again after it slept; so does a page fault at FAULTING, and what gets the
 * first bytes of a connection.
 */
import net from 'node:net';
import { AddressSpace } from '../../emu/memory/address-space.ts';
import { main } from '../../src/cli.ts';
import { allCalls } from '../../syscalls/calls/table.ts';
import type { Task } from '../../syscalls/kernel/task.ts';

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

const { emit } = net.Socket.prototype;
let arrived = 0;
net.Socket.prototype.emit = function (this: net.Socket, event: string, ...rest: unknown[]) {
  if (event === 'data' && this.remoteAddress && arrived++ === 0) throw new TypeError('injected');
  return emit.call(this, event, ...rest);
} as typeof emit;

await main(process.argv.slice(2));
