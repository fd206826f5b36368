/** Sockets of the host that this process has: socket(7). Each throws Errno. */
import { ERRNO, fail } from '../../../abi/errno.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  familyOf,
  readSockaddr,
  SOCKADDR_STORAGE,
  type SocketAddress,
  writeSockaddr,
} from '../../../abi/socket.ts';
import { type HostCalls, Room } from './call.ts';

const SOL_SOCKET = 1;
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
