/** Options of sockets: setsockopt and getsockopt (net/core/sock.c; socket(7), tcp(7), ip(7), ipv6(7)). */
import { ERRNO, fail } from '../../abi/errno.ts';
import { SOL_NETLINK } from '../../abi/netlink.ts';
import * as s from '../../abi/socket.ts';
import { s32, struct, u8, u16, u32 } from '../../abi/struct.ts';
import { HZ, timeval32, timeval64 } from '../../abi/time.ts';
import { type Timeval, toTimeval } from '../../kernel/clock.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { DatagramSocket } from '../../vfs/net/datagram-socket.ts';
import {
  IP_ADD_MEMBERSHIP,
  IP_DROP_MEMBERSHIP,
  IP_IPSEC_POLICY,
  IP_MTU,
  IP_MULTICAST_IF,
  IP_MULTICAST_TTL,
  IP_PKTOPTIONS,
  IP_XFRM_POLICY,
  IPV6_ADD_MEMBERSHIP,
  IPV6_DROP_MEMBERSHIP,
  IPV6_MULTICAST_HOPS,
  IPV6_MULTICAST_IF,
  TCP_INFO,
} from '../../vfs/net/inet-options.ts';
import { NetlinkSocket } from '../../vfs/net/netlink-socket.ts';
import type { Network } from '../../vfs/net/network.ts';
import { RawSocket } from '../../vfs/net/raw-socket.ts';
import type { Socket } from '../../vfs/net/socket.ts';
import { BPF_MAXINSNS, SOCK_FILTER_SIZE, SocketFilter } from '../../vfs/net/socket-filter.ts';
import { StreamSocket } from '../../vfs/net/stream-socket.ts';
import { fd, hex, int, ptr } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { shownCreds, socketOf } from './socket.ts';

/** Bytes of an interface's name, with its zero (linux/if.h). */
const IFNAMSIZ = 16;

/** Which timeout of a socket these options are, and how they tell it. */
const TIMEOUTS: Readonly<
  Record<number, readonly ['readTimeout' | 'writeTimeout', typeof timeval32 | typeof timeval64]>
> = {
  [s.SO_RCVTIMEO]: ['readTimeout', timeval32],
  [s.SO_SNDTIMEO]: ['writeTimeout', timeval32],
  [s.SO_RCVTIMEO_NEW]: ['readTimeout', timeval64],
  [s.SO_SNDTIMEO_NEW]: ['writeTimeout', timeval64],
};

/** Seconds from which on a time is none: MAX_SCHEDULE_TIMEOUT is 2^31 - 1 jiffies. */
const MAX_SECONDS = Math.floor(0x7fff_ffff / HZ);

/** Milliseconds, as many jiffies as hold it; none at all is no timeout, one that is past does not wait (sock_set_timeout). */
function fromTimeout({ tv_sec, tv_usec }: Timeval): number {
  if (tv_usec < 0 || tv_usec > 999_999) fail('EDOM');
  if (tv_sec < 0) return 0;
  if ((tv_sec === 0 && tv_usec === 0) || tv_sec >= MAX_SECONDS - 1) return Infinity;
  return (1000 / HZ) * (tv_sec * HZ + Math.ceil(tv_usec / (1e6 / HZ)));
}

/** Who may set this so: EACCES, EPERM (sk_setsockopt). */
function checkPrivilege(t: Task, name: number, value: number): void {
  const has = (capability: number) => capable(t.creds, capability, t.network.owner);
  const either = () => has(CAP.NET_RAW) || has(CAP.NET_ADMIN);
  if (name === s.SO_DEBUG && value !== 0 && !capable(t.creds, CAP.NET_ADMIN)) fail('EACCES');
  if ((name === s.SO_SNDBUFFORCE || name === s.SO_RCVBUFFORCE) && !has(CAP.NET_ADMIN)) fail('EPERM');
  if (name === s.SO_PRIORITY && (value < 0 || value > 6) && !either()) fail('EPERM');
  if (name === s.SO_MARK && !either()) fail('EPERM');
}

function setsockopt(t: Task, fd: number, level: number, name: number, value: number, length: number): number {
  if (length < 0) fail('EINVAL');
  const socket = socketOf(t, fd);
  checkLevel(socket, level, true);
  if (level === s.SOL_SOCKET) {
    if (name === s.SO_BINDTODEVICE && socket instanceof RawSocket) {
      const bytes = t.mm.readable(value, Math.min(length, IFNAMSIZ - 1));
      socket.bindToDevice(Buffer.from(bytes).toString('latin1').replace(/\0.*$/s, ''));
      return 0;
    }
    if (length < 4) fail('EINVAL');
    const number = t.mm.get(s32, value);
    const timeout = TIMEOUTS[name];
    if (timeout !== undefined) {
      const [which, type] = timeout;
      if (length < type.size) fail('EINVAL');
      socket[which] = fromTimeout(t.mm.get(type, value));
      return 0;
    }
    if (name === s.SO_LINGER) {
      if (length < s.linger.size) fail('EINVAL');
      const { l_onoff, l_linger } = t.mm.get(s.linger, value);
      socket.lingers = l_onoff !== 0;
      if (socket.lingers) socket.lingerSeconds = Math.min(l_linger >>> 0, MAX_SECONDS);
      return 0;
    }
    if (setFilter(t, socket, name, value, length)) return 0;
    checkPrivilege(t, name, number);
    return socket.setOption(name, number) ? 0 : -ERRNO.ENOPROTOOPT;
  }
  if (socket instanceof NetlinkSocket) {
    if (level !== SOL_NETLINK) return -ERRNO.ENOPROTOOPT;
    if (length < 4) fail('EINVAL');
    return socket.setNetlinkOption(name, t.mm.get(s32, value)) ? 0 : -ERRNO.ENOPROTOOPT;
  }
  return isInet(socket) ? setInetOption(t, socket, level, name, value, length) : -ERRNO.EOPNOTSUPP;
}

function setInetOption(
  t: Task,
  socket: StreamSocket | DatagramSocket | RawSocket,
  level: number,
  name: number,
  value: number,
  length: number,
): number {
  const isStream = socket.type === s.SOCK_STREAM;
  // It reads a number before it looks which option it is.
  if (level === s.IPPROTO_IPV6 && length >= 4) t.mm.get(s32, value);
  if (socket instanceof DatagramSocket && setGroup(t, socket, level, name, value, length)) return 0;
  if (level === s.IPPROTO_IP) checkIpOption(t, socket, name);
  if (level === s.IPPROTO_IPV6 && name === IPV6_MULTICAST_HOPS && isStream) fail('ENOPROTOOPT');
  if (socket instanceof RawSocket) {
    const bytes = t.mm.readable(value, Math.min(length, 64));
    if (socket.setFilter6(level, name, bytes)) return 0;
  }
  if (length < socket.inetOptions.leastBytes(level, name)) fail('EINVAL');
  let number = 0;
  if (length >= 4) number = t.mm.get(s32, value);
  else if (length > 0 && level === s.IPPROTO_IP) number = t.mm.get(u8, value);
  // Streams are not sent to many (do_ip_setsockopt).
  if (level === s.IPPROTO_IP && name === IP_MULTICAST_TTL && isStream) fail('EINVAL');
  socket.inetOptions.set(level, name, number);
  return 0;
}

/** What some options of IP have to say before anything is read (do_ip_setsockopt). EPERM, EPROTO. */
function checkIpOption(t: Task, socket: Socket, name: number): void {
  const isPolicy = name === IP_IPSEC_POLICY || name === IP_XFRM_POLICY;
  if (isPolicy && !capable(t.creds, CAP.NET_ADMIN, t.network.owner)) fail('EPERM');
  if (name === IP_MULTICAST_IF && socket.type === s.SOCK_STREAM) fail('EINVAL');
  const isGroup = name === IP_ADD_MEMBERSHIP || name === IP_DROP_MEMBERSHIP;
  if (isGroup && socket.type === s.SOCK_STREAM) fail('EPROTO');
}

// ---- filters ----

/** struct sock_fprog: how many instructions, and where they are. */
const sockFprog = struct('sock_fprog', { len: u16, filter: u32 });

/** Options about the filter of a socket; false when it is another. */
function setFilter(t: Task, socket: Socket, name: number, value: number, length: number): boolean {
  switch (name) {
    case s.SO_ATTACH_FILTER: {
      if (length !== sockFprog.size) fail('EINVAL');
      const { len, filter } = t.mm.get(sockFprog, value);
      if (socket.filterIsLocked) fail('EPERM');
      if (filter === 0 || len === 0 || len > BPF_MAXINSNS) fail('EINVAL');
      socket.setFilter(new SocketFilter(t.mm.readable(filter, len * SOCK_FILTER_SIZE)));
      return true;
    }
    case s.SO_DETACH_FILTER:
      socket.setFilter(undefined);
      return true;
    case s.SO_LOCK_FILTER: {
      const locks = t.mm.get(s32, value) !== 0;
      if (socket.filterIsLocked && !locks) fail('EPERM');
      socket.filterIsLocked = locks;
      return true;
    }
    case s.SO_ATTACH_BPF:
      if (length !== 4) fail('EINVAL');
      if (socket.filterIsLocked) fail('EPERM');
      // There are no programs of that kind: no CONFIG_BPF_SYSCALL.
      return fail('EOPNOTSUPP');
    default:
      return false;
  }
}

// ---- groups ----

const inAddr = struct('in_addr', { a: u8, b: u8, c: u8, d: u8 });
const dotted = ({ a, b, c, d }: { a: number; b: number; c: number; d: number }) => `${a}.${b}.${c}.${d}`;
/** struct ip_mreqn; the older ip_mreq ends before the index. */
const mreq = struct('ip_mreq', { group: inAddr, address: inAddr });
const MREQN_SIZE = 12;

/** An address of the interface of an index; undefined for 0, the host's choice. ENODEV. */
function interfaceAddress(network: Network, index: number): string | undefined {
  if (index === 0) return undefined;
  const found = network.interfaces().find((i) => i.index === index) ?? fail('ENODEV');
  const address = found.addresses.find(({ family }) => family === s.AF_INET) ?? fail('ENODEV');
  return address.address.join('.');
}
/** The address of the interface that an index means, or an address of its own, or (0.0.0.0) none. EADDRNOTAVAIL. */
function multicastInterface(network: Network, index: number, address: string): string {
  const known = network.interfaces();
  const isOwn = (i: (typeof known)[number]) => i.addresses.some((a) => a.address.join('.') === address);
  if (index === 0) return address === '0.0.0.0' || known.some(isOwn) ? address : fail('EADDRNOTAVAIL');
  if (!known.some((i) => i.index === index)) fail('EADDRNOTAVAIL');
  return interfaceAddress(network, index)!;
}
/** The scope of IPv6 that means the interface of an index. */
function interfaceScope(network: Network, index: number): string | undefined {
  if (index === 0) return undefined;
  return `::%${(network.interfaces().find((i) => i.index === index) ?? fail('ENODEV')).name}`;
}

/** Options about groups, whose values are structs; false when it is another. */
function setGroup(
  t: Task,
  socket: DatagramSocket,
  level: number,
  name: number,
  value: number,
  length: number,
): boolean {
  if (level === s.IPPROTO_IP && socket.family === s.AF_INET) {
    const index = () => (length >= MREQN_SIZE ? t.mm.get(s32, value + mreq.size) : 0);
    switch (name) {
      case IP_ADD_MEMBERSHIP:
      case IP_DROP_MEMBERSHIP: {
        if (length < mreq.size) fail('EINVAL');
        const { group, address } = t.mm.get(mreq, value);
        if (group.a >> 4 !== 14) fail(name === IP_ADD_MEMBERSHIP ? 'EINVAL' : 'EADDRNOTAVAIL');
        const given = dotted(address);
        const through =
          index() !== 0 ? interfaceAddress(socket.network, index()) : given === '0.0.0.0' ? undefined : given;
        socket.changeMembership(name === IP_ADD_MEMBERSHIP, dotted(group), through);
        return true;
      }
      case IP_MULTICAST_IF: {
        if (length < inAddr.size) fail('EINVAL');
        const address = dotted(t.mm.get(inAddr, length >= mreq.size ? value + inAddr.size : value));
        socket.multicastInterface = multicastInterface(socket.network, index(), address);
        return true;
      }
    }
  }
  if (level === s.IPPROTO_IPV6 && socket.family === s.AF_INET6) {
    switch (name) {
      case IPV6_ADD_MEMBERSHIP:
      case IPV6_DROP_MEMBERSHIP: {
        if (length < 20) fail('EINVAL');
        const bytes = t.mm.readable(value, 20);
        if (bytes[0] !== 0xff) fail('EINVAL');
        const words = Array.from({ length: 8 }, (_, i) =>
          ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16),
        );
        const index = t.mm.get(s32, value + 16);
        const isKnown = index === 0 || socket.network.interfaces().some((i) => i.index === index);
        if (name === IPV6_DROP_MEMBERSHIP && !isKnown) fail('EADDRNOTAVAIL');
        const scope = interfaceScope(socket.network, index);
        socket.changeMembership(name === IPV6_ADD_MEMBERSHIP, words.join(':'), scope);
        return true;
      }
      case IPV6_MULTICAST_IF:
        if (length < 4) fail('EINVAL');
        socket.multicastInterface = interfaceScope(socket.network, t.mm.get(s32, value));
        return true;
    }
  }
  return false;
}

const isInet = (socket: Socket): socket is StreamSocket | DatagramSocket | RawSocket =>
  socket instanceof StreamSocket || socket instanceof DatagramSocket || socket instanceof RawSocket;

/** States of TCP as TCP_INFO tells them (net/tcp_states.h). */
const TCP_STATES = { connected: 1, connecting: 2, closed: 7, listening: 10 } as const;
/** Bytes of struct tcp_info in Linux 6.1. */
const TCP_INFO_SIZE = 232;

/** A level that the socket knows nothing of is refused before anything is read (ip_setsockopt, ip_getsockopt). */
function checkLevel(socket: Socket, level: number, sets: boolean): void {
  if (level === s.SOL_SOCKET) return;
  if (socket instanceof StreamSocket || socket instanceof DatagramSocket) {
    const { family, protocol } = socket;
    const isOwn = level === s.IPPROTO_IP || level === protocol;
    if (isOwn || (level === s.IPPROTO_IPV6 && family === s.AF_INET6)) return;
    fail(sets || family === s.AF_INET6 ? 'ENOPROTOOPT' : 'EOPNOTSUPP');
  }
  if (socket.family === s.AF_UNIX) fail('EOPNOTSUPP');
  if (socket instanceof NetlinkSocket && level !== SOL_NETLINK) fail('ENOPROTOOPT');
}

function getsockopt(
  t: Task,
  fd: number,
  level: number,
  name: number,
  value: number,
  lengthAt: number,
): number {
  const socket = socketOf(t, fd);
  checkLevel(socket, level, false);
  const room = t.mm.get(s32, lengthAt);
  // To do_ipv6_getsockopt a length below 0 is a large one.
  if (room < 0 && level !== s.IPPROTO_IPV6) fail('EINVAL');
  const give = (bytes: Uint8Array) => {
    const part = bytes.subarray(0, room >>> 0);
    t.mm.writable(value, part.length).set(part);
    t.mm.put(s32, lengthAt, part.length);
    return 0;
  };
  const number = (x: number) => give(new Uint8Array(Int32Array.of(x).buffer));
  if (level === SOL_NETLINK && socket instanceof NetlinkSocket) {
    const option = socket.getNetlinkOption(name);
    return option === undefined ? -ERRNO.ENOPROTOOPT : number(option);
  }
  if (level !== s.SOL_SOCKET) {
    if (!isInet(socket)) return socket.family === s.AF_UNIX ? -ERRNO.EOPNOTSUPP : -ERRNO.ENOPROTOOPT;
    if (level === s.IPPROTO_TCP && name === TCP_INFO && socket instanceof StreamSocket) {
      // Of a connection node:net knows its state only.
      const info = new Uint8Array(TCP_INFO_SIZE);
      info[0] = TCP_STATES[socket.state];
      return give(info);
    }
    if (level === s.IPPROTO_IP && name === IP_MTU) fail('ENOTCONN');
    // What came along with what a stream received: none is kept.
    if (level === s.IPPROTO_IP && name === IP_PKTOPTIONS && socket instanceof StreamSocket)
      return give(new Uint8Array(0));
    const option = socket.inetOptions.get(level, name);
    const byte = level === s.IPPROTO_IP && room > 0 && room < 4 && option >= 0 && option <= 255;
    return byte ? give(Uint8Array.of(option)) : number(option);
  }
  const timeout = TIMEOUTS[name];
  if (timeout !== undefined) {
    const [which, type] = timeout;
    const bytes = new Uint8Array(type.size);
    type.set(new DataView(bytes.buffer), 0, toTimeval(socket[which] === Infinity ? 0 : socket[which]));
    return give(bytes);
  }
  switch (name) {
    case s.SO_ERROR: {
      const error = socket.error?.errno ?? 0;
      socket.error = undefined;
      return number(error);
    }
    case s.SO_SNDLOWAT:
      return number(1);
    case s.SO_TYPE:
      return number(socket.type);
    case s.SO_DOMAIN:
      return number(socket.family);
    case s.SO_PROTOCOL:
      return number(socket.protocol);
    case s.SO_ACCEPTCONN:
      return number(+socket.listening);
    case s.SO_LINGER:
      return give(new Uint8Array(Int32Array.of(+socket.lingers, socket.lingerSeconds).buffer));
    case s.SO_BINDTODEVICE: {
      if (!(socket instanceof RawSocket)) return -ERRNO.ENOPROTOOPT;
      if (socket.device === '') return give(new Uint8Array(0));
      return room < IFNAMSIZ ? fail('EINVAL') : give(Buffer.from(`${socket.device}\0`, 'latin1'));
    }
    case s.SO_LOCK_FILTER:
      return number(+socket.filterIsLocked);
    case s.SO_GET_FILTER: {
      // Lengths are instructions (sk_get_filter).
      const { bytes = new Uint8Array(0), length = 0 } = socket.filter ?? {};
      if (room > 0 && room < length) fail('EINVAL');
      if (room > 0) t.mm.writable(value, bytes.length).set(bytes);
      t.mm.put(s32, lengthAt, length);
      return 0;
    }
    case s.SO_PEERCRED: {
      const peer = socket.peerCreds;
      const { pid, uid, gid } = peer ? shownCreds(t, peer) : { pid: 0, uid: 0xffff_ffff, gid: 0xffff_ffff };
      return give(new Uint8Array(Int32Array.of(pid, uid, gid).buffer));
    }
    default: {
      const option = socket.getOption(name);
      return option === undefined ? -ERRNO.ENOPROTOOPT : number(option);
    }
  }
}

export const socketOptionCalls: readonly Call[] = [
  call(294, 'setsockopt', [fd, int, int, hex, int], setsockopt),
  call(295, 'getsockopt', [fd, int, int, hex, ptr], getsockopt),
];
