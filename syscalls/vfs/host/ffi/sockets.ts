/** Sockets of the host that this process has: socket(7). Each throws Errno. */
import { ERRNO, fail } from '../../../abi/errno.ts';
import { FIONREAD } from '../../../abi/ioctl.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  familyOf,
  readSockaddr,
  SO_ATTACH_FILTER,
  SO_DETACH_FILTER,
  SOCKADDR_STORAGE,
  type SocketAddress,
  writeSockaddr,
} from '../../../abi/socket.ts';
import { SOCK_FILTER_SIZE } from '../../net/socket-filter.ts';
import { type HostCalls, Room, Words } from './call.ts';

const SOL_SOCKET = 1;
const MSG_TRUNC = 32;
const MSG_PEEK = 2;
const MSG_DONTWAIT = 64;
const MOST_PEEKED = 65536;

const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SO_PEERCRED = 17;
/** Bytes of the path in a sockaddr_un, its zero not counted. */
export const SUN_PATH_MAX = 107;

const intIn = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
const int = (value: number) => new Uint8Array(Int32Array.of(value).buffer);

/** The socket's own name, or that of the other end. */
export function socketAddress(
  calls: HostCalls,
  fd: number,
  of: 'getsockname' | 'getpeername',
): SocketAddress {
  const address = new Room(SOCKADDR_STORAGE);
  const length = new Room(int(SOCKADDR_STORAGE));
  calls.call(of, fd, address, length);
  const bytes = address.bytes.slice(0, Math.min(intIn(length.bytes), SOCKADDR_STORAGE));
  const family = familyOf(bytes);
  if (family !== AF_UNIX && family !== AF_INET && family !== AF_INET6) fail('EAFNOSUPPORT');
  return readSockaddr(family, bytes);
}

/** An integer option of SOL_SOCKET. */
export function socketOption(calls: HostCalls, fd: number, option: number): number {
  const value = new Room(int(0));
  calls.call('getsockopt', fd, SOL_SOCKET, option, value, new Room(int(4)));
  return intIn(value.bytes);
}

/** Who is at the other end of a Unix socket (struct ucred). */
export function peerCredentials(calls: HostCalls, fd: number): { pid: number; uid: number; gid: number } {
  const value = new Room(new Uint8Array(12));
  calls.call('getsockopt', fd, SOL_SOCKET, SO_PEERCRED, value, new Room(int(12)));
  const view = new DataView(value.bytes.buffer, value.bytes.byteOffset);
  return { pid: view.getInt32(0, true), uid: view.getUint32(4, true), gid: view.getUint32(8, true) };
}

/** A Unix stream that does not wait. */
export function unixStream(calls: HostCalls): number {
  return calls.call('socket', AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/** @param path of at most SUN_PATH_MAX bytes; a link is not followed by bind, but by connect */
export function atPath(calls: HostCalls, call: 'bind' | 'connect', fd: number, path: string): void {
  const address = writeSockaddr({ family: AF_UNIX, path });
  calls.call(call, fd, address, address.length);
}

/** Bytes that wait to be received, which go on waiting; -EAGAIN when there are none. */
export function peek(calls: HostCalls, fd: number, into: Uint8Array): number {
  const room = new Room(Math.min(into.length, MOST_PEEKED));
  const count = calls.try('recvfrom', fd, room, room.length, MSG_PEEK | MSG_DONTWAIT, 0, 0);
  if (count < 0) return count === -ERRNO.EAGAIN ? count : calls.failed(count);
  into.set(room.bytes.subarray(0, count));
  return count;
}

/** Which of these events (POLL*) hold now, and what of POLLERR and POLLHUP does. */
export function pollNow(calls: HostCalls, fd: number, events: number): number {
  // struct pollfd: fd, events, revents. No time to wait.
  const room = new Room(new Uint8Array(Int32Array.of(fd, events).buffer));
  calls.call('ppoll', room, 1, new Uint8Array(16), 0, 0);
  return new DataView(room.bytes.buffer, room.bytes.byteOffset).getInt16(6, true);
}

export function shutdown(calls: HostCalls, fd: number, how: number): void {
  calls.call('shutdown', fd, how);
}

/** A socket that does not wait. */
export function newSocket(calls: HostCalls, family: number, type: number, protocol: number): number {
  return calls.call('socket', family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

export function bindTo(calls: HostCalls, fd: number, address: SocketAddress): void {
  const bytes = writeSockaddr(address);
  calls.call('bind', fd, bytes, bytes.length);
}

/** @param address undefined for no peer any more */
export function connectTo(calls: HostCalls, fd: number, address: SocketAddress | undefined): void {
  const bytes = address === undefined ? new Uint8Array(16) : writeSockaddr(address);
  calls.call('connect', fd, bytes, bytes.length);
}

export function setSocketOption(
  calls: HostCalls,
  fd: number,
  level: number,
  name: number,
  value: Uint8Array,
): void {
  calls.call('setsockopt', fd, level, name, value, value.length);
}

/** @param program as struct sock_filter has it */
export function attachFilter(calls: HostCalls, fd: number, program: Uint8Array): void {
  // struct sock_fprog: how many instructions, and where they are.
  const fprog = new Words(program.length / SOCK_FILTER_SIZE, program);
  calls.call('setsockopt', fd, SOL_SOCKET, SO_ATTACH_FILTER, fprog, 16);
}
export function detachFilter(calls: HostCalls, fd: number): void {
  calls.call('setsockopt', fd, SOL_SOCKET, SO_DETACH_FILTER, int(0), 4);
}

/** Sends one message; -EAGAIN when there is no room for it. */
export function sendMessage(
  calls: HostCalls,
  fd: number,
  bytes: Uint8Array,
  address: SocketAddress | undefined,
  flags: number,
): number {
  if (bytes.length > MOST_PEEKED) fail('EMSGSIZE');
  const name = address === undefined ? new Uint8Array(0) : writeSockaddr(address);
  const iovec = new Words(bytes, bytes.length);
  // struct msghdr, no control messages
  const message = new Words(name.length && name, name.length, iovec, 1, 0, 0, 0);
  const count = calls.try('sendmsg', fd, message, flags | MSG_DONTWAIT);
  return count >= 0 || count === -ERRNO.EAGAIN ? count : calls.failed(count);
}

export interface HostMessage {
  /** What has been put into the buffer, and how long the message was. */
  readonly count: number;
  readonly length: number;
  readonly flags: number;
  readonly address: SocketAddress | undefined;
  readonly control: readonly { level: number; type: number; data: Uint8Array }[];
}

const CONTROL_ROOM = 1024;
/** struct cmsghdr: length (8 bytes), level, type; messages begin at multiples of 8. */
const CMSGHDR = 16;

/** Receives one message with what comes along; -EAGAIN when there is none. */
export function receiveMessage(
  calls: HostCalls,
  fd: number,
  into: Uint8Array,
  flags: number,
): HostMessage | number {
  const name = new Room(SOCKADDR_STORAGE);
  const room = new Room(Math.min(into.length, MOST_PEEKED));
  const control = new Room(CONTROL_ROOM);
  const message = new Words(name, name.length, new Words(room, room.length), 1, control, control.length, 0);
  const length = calls.try('recvmsg', fd, message, flags | MSG_DONTWAIT | MSG_TRUNC);
  if (length < 0) return length === -ERRNO.EAGAIN ? length : calls.failed(length);
  const count = Math.min(length, room.length);
  into.set(room.bytes.subarray(0, count));
  const address = name.bytes.slice(0, message.uint(1));
  const family = address.length < 2 ? 0 : familyOf(address);
  const found: HostMessage['control'][number][] = [];
  const bytes = control.bytes.slice(0, message.uint(5));
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + CMSGHDR <= bytes.length; ) {
    const size = view.getUint32(at, true);
    if (size < CMSGHDR || at + size > bytes.length) break;
    const [level, type] = [view.getInt32(at + 8, true), view.getInt32(at + 12, true)];
    found.push({ level, type, data: bytes.subarray(at + CMSGHDR, at + size) });
    at += (size + 7) & ~7;
  }
  return {
    count,
    length,
    flags: message.uint(6),
    address: family === AF_INET || family === AF_INET6 ? readSockaddr(family, address) : undefined,
    control: found,
  };
}

/** Bytes of the next message (FIONREAD). */
export function waitingBytes(calls: HostCalls, fd: number): number {
  const value = new Room(int(0));
  calls.call('ioctl', fd, FIONREAD, value);
  return intIn(value.bytes);
}
