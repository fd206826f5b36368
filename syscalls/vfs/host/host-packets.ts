/**
 * Raw sockets and those of ICMP of the host's kernel, which Node has none of, through node:ffi. Node's event loop watches no such
 * descriptor, so while somebody waits it is looked at again and again: at first each millisecond, later less often. When a packet
 * came is the kernel's to tell (SO_TIMESTAMP).
 */
import fs from 'node:fs';
import { fail } from '../../abi/errno.ts';
import { POLLERR, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import { type InetAddress, SO_TIMESTAMP, SO_TIMESTAMPNS, SOL_SOCKET } from '../../abi/socket.ts';
import { callback } from '../core/callback.ts';
import type { Vfs } from '../core/vfs.ts';
import type { WatchedQueue } from '../core/wait-queue.ts';
import { inetAddress } from '../net/inet-address.ts';
import type { PacketKind, PacketPort } from '../net/raw-socket.ts';
import { type ControlMessage, type Received, WOULD_BLOCK } from '../net/socket.ts';
import type { SocketFilter } from '../net/socket-filter.ts';
import { type HostCalls, hostCalls } from './ffi/call.ts';
import {
  attachFilter,
  bindTo,
  connectTo,
  detachFilter,
  newSocket,
  pollNow,
  receiveMessage,
  sendMessage,
  setSocketOption,
  shutdown,
  socketAddress,
  waitingBytes,
} from './ffi/sockets.ts';

const EVENTS = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
/** Milliseconds until a socket is looked at again: the first and the longest time, and how they grow. */
const [FIRST_WAIT, LONGEST_WAIT, GROWTH] = [1, 20, 1.05];

export class HostPackets implements PacketPort {
  readonly vfs: Vfs;
  readonly #calls: HostCalls;
  readonly #fd: number;
  readonly #queue: WatchedQueue;
  #timer: NodeJS.Timeout | undefined;
  #wait = FIRST_WAIT;
  /** The last packet found no room. */
  #full = false;

  /** EPERM, EACCES as the host's kernel has it; EPERM where it cannot be asked. */
  constructor(vfs: Vfs, { family, type, protocol }: PacketKind, queue: WatchedQueue) {
    this.vfs = vfs;
    this.#calls = hostCalls() ?? fail('EPERM');
    this.#fd = newSocket(this.#calls, family, type, protocol);
    this.#queue = queue;
    queue.onWaiting = () => this.#watch();
  }

  #watch(): void {
    this.#timer ??= setTimeout(
      callback(this, () => this.#look()),
      this.#wait,
    );
  }
  #look(): void {
    this.#timer = undefined;
    this.#wait = Math.min(this.#wait * GROWTH, LONGEST_WAIT);
    const wanted = this.#full ? EVENTS : EVENTS & ~(POLLOUT | POLLWRNORM);
    const found = pollNow(this.#calls, this.#fd, wanted);
    if (found !== 0) this.#queue.wakeAll();
    else if (!this.#queue.empty) this.#watch();
  }
  /** Who waits looks for themselves, and is told what is wrong. */
  hostFailed(): void {
    this.#queue.wakeAll();
  }

  bind(address: InetAddress): void {
    bindTo(this.#calls, this.#fd, address);
  }
  connect(peer: InetAddress | undefined): void {
    connectTo(this.#calls, this.#fd, peer);
  }
  send(packet: Uint8Array, flags: number, to: InetAddress | undefined): number {
    this.#wait = FIRST_WAIT;
    const count = sendMessage(this.#calls, this.#fd, packet, to, flags);
    this.#full = count < 0;
    return count < 0 ? WOULD_BLOCK : count;
  }
  receive(into: Uint8Array, flags: number): Received | typeof WOULD_BLOCK {
    const message = receiveMessage(this.#calls, this.#fd, into, flags);
    if (typeof message === 'number') {
      // An epoll waits all the time.
      if (!this.#queue.empty) this.#watch();
      return WOULD_BLOCK;
    }
    return { ...message, control: message.control.map(asGuest) };
  }
  localAddress(): InetAddress {
    return inetAddress(socketAddress(this.#calls, this.#fd, 'getsockname'));
  }
  peerAddress(): InetAddress {
    return inetAddress(socketAddress(this.#calls, this.#fd, 'getpeername'));
  }
  setOption(level: number, name: number, value: Uint8Array): void {
    setSocketOption(this.#calls, this.#fd, level, name, value);
  }
  setFilter(filter: SocketFilter | undefined): void {
    if (filter === undefined) detachFilter(this.#calls, this.#fd);
    else attachFilter(this.#calls, this.#fd, filter.bytes);
  }
  shutdown(how: number): void {
    shutdown(this.#calls, this.#fd, how);
  }
  readableBytes(): number {
    return waitingBytes(this.#calls, this.#fd);
  }
  poll(): number {
    const events = pollNow(this.#calls, this.#fd, EVENTS);
    if (!(events & (POLLIN | POLLERR)) && !this.#queue.empty) this.#watch();
    return events;
  }
  close(): void {
    clearTimeout(this.#timer);
    fs.closeSync(this.#fd);
  }
}

/** Times are two words of 32 bits in the guest. All else that comes along is laid out alike. */
function asGuest(message: ControlMessage): ControlMessage {
  const { level, type, data } = message;
  if (level !== SOL_SOCKET || (type !== SO_TIMESTAMP && type !== SO_TIMESTAMPNS)) return message;
  const words = new Int32Array(data.slice().buffer);
  return { level, type, data: new Uint8Array(Int32Array.of(words[0]!, words[2]!).buffer) };
}

/** net.ipv4.ping_group_range of the host; no group where it does not tell. */
export function hostPingGroups(): [number, number] {
  try {
    const text = fs.readFileSync('/proc/sys/net/ipv4/ping_group_range', 'latin1');
    const [first = 1, last = 0] = text.trim().split(/\s+/).map(Number);
    return [first, last];
  } catch {
    return [1, 0];
  }
}
