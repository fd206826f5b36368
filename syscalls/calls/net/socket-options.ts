/** Options of sockets: setsockopt and getsockopt (net/core/sock.c; socket(7), tcp(7), ip(7), ipv6(7)). */
import { ERRNO, fail } from '../../abi/errno.ts';
import { SOL_NETLINK } from '../../abi/netlink.ts';
import * as s from '../../abi/socket.ts';
import { s32 } from '../../abi/struct.ts';
import { timespec64, timeval32 } from '../../abi/time.ts';
import type { Task } from '../../kernel/task.ts';
import { StreamSocket } from '../../vfs/net/inet-socket.ts';
import { NetlinkSocket } from '../../vfs/net/netlink-socket.ts';
import { fd, hex, int, ptr } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { socketOf } from './socket.ts';

function timeout(t: Task, name: number, value: number, length: number): number {
  if (name === s.SO_RCVTIMEO_NEW || name === s.SO_SNDTIMEO_NEW) {
    if (length < 16) fail('EINVAL');
    const { tv_sec, tv_nsec } = t.mm.get(timespec64, value);
    return tv_sec * 1000 + tv_nsec / 1000;
  }
  if (length < timeval32.size) fail('EINVAL');
  const { tv_sec, tv_usec } = t.mm.get(timeval32, value);
  if (tv_usec < 0 || tv_usec > 999_999) fail('EDOM');
  return tv_sec * 1000 + tv_usec / 1000;
}

function setsockopt(t: Task, fd: number, level: number, name: number, value: number, length: number): number {
  const socket = socketOf(t, fd);
  if (level === s.SOL_SOCKET) {
    switch (name) {
      case s.SO_RCVTIMEO:
      case s.SO_RCVTIMEO_NEW:
        socket.readTimeout = timeout(t, name, value, length) || Infinity;
        return 0;
      case s.SO_SNDTIMEO:
      case s.SO_SNDTIMEO_NEW:
        socket.writeTimeout = timeout(t, name, value, length) || Infinity;
        return 0;
      case s.SO_LINGER: {
        if (length < s.linger.size) fail('EINVAL');
        const { l_onoff, l_linger } = t.mm.get(s.linger, value);
        socket.linger = l_onoff ? l_linger : -1;
        return 0;
      }
    }
    if (length < 4) fail('EINVAL');
    return socket.setOption(name, t.mm.get(s32, value)) ? 0 : -ERRNO.ENOPROTOOPT;
  }
  if (socket instanceof NetlinkSocket) {
    if (level !== SOL_NETLINK) return -ERRNO.ENOPROTOOPT;
    if (length < 4) fail('EINVAL');
    return socket.setNetlinkOption(name, t.mm.get(s32, value)) ? 0 : -ERRNO.ENOPROTOOPT;
  }
  if (socket.family === s.AF_UNIX) return -ERRNO.EOPNOTSUPP;
  if (length < 4) {
    // Some options of IP are single bytes.
    t.mm.readable(value, length);
    return 0;
  }
  const number = t.mm.get(s32, value);
  if (level === s.IPPROTO_TCP) {
    if (!(socket instanceof StreamSocket)) return -ERRNO.ENOPROTOOPT;
    if (name === s.TCP_NODELAY) socket.noDelay = number !== 0;
    return 0;
  }
  if (level === s.IPPROTO_IPV6 && name === s.IPV6_V6ONLY && socket instanceof StreamSocket) {
    socket.v6only = number !== 0;
  }
  // The other options of IP tune packets, which Node does not let anybody do.
  return level === s.IPPROTO_IP || level === s.IPPROTO_IPV6 || level === s.IPPROTO_UDP
    ? 0
    : -ERRNO.ENOPROTOOPT;
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
  const room = t.mm.get(s32, lengthAt);
  if (room < 0) fail('EINVAL');
  const give = (bytes: Uint8Array) => {
    const part = bytes.subarray(0, room);
    t.mm.writable(value, part.length).set(part);
    t.mm.put(s32, lengthAt, part.length);
    return 0;
  };
  const number = (x: number) => give(new Uint8Array(Int32Array.of(x).buffer));
  const time = (ms: number) => {
    const seconds = ms === Infinity ? 0 : Math.floor(ms / 1000);
    return give(new Uint8Array(Int32Array.of(seconds, ms === Infinity ? 0 : (ms % 1000) * 1000).buffer));
  };
  if (level === SOL_NETLINK && socket instanceof NetlinkSocket) {
    const option = socket.getNetlinkOption(name);
    return option === undefined ? -ERRNO.ENOPROTOOPT : number(option);
  }
  if (level === s.IPPROTO_TCP && socket instanceof StreamSocket) {
    return number(name === s.TCP_NODELAY ? +socket.noDelay : 0);
  }
  if (level === s.IPPROTO_IPV6 && socket instanceof StreamSocket) {
    return number(name === s.IPV6_V6ONLY ? +socket.v6only : 0);
  }
  if (level !== s.SOL_SOCKET) return socket.family === s.AF_UNIX ? -ERRNO.EOPNOTSUPP : -ERRNO.ENOPROTOOPT;
  switch (name) {
    case s.SO_ERROR: {
      const error = socket.error?.errno ?? 0;
      socket.error = undefined;
      return number(error);
    }
    case s.SO_TYPE:
      return number(socket.type);
    case s.SO_DOMAIN:
      return number(socket.family);
    case s.SO_PROTOCOL:
      return number(socket.protocol);
    case s.SO_ACCEPTCONN:
      return number(+socket.listening);
    case s.SO_RCVTIMEO:
      return time(socket.readTimeout);
    case s.SO_SNDTIMEO:
      return time(socket.writeTimeout);
    case s.SO_LINGER:
      return give(new Uint8Array(Int32Array.of(+(socket.linger >= 0), Math.max(0, socket.linger)).buffer));
    case s.SO_PEERCRED: {
      const { pid, uid, gid } = socket.peerCreds ?? { pid: 0, uid: 0xffff_ffff, gid: 0xffff_ffff };
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
