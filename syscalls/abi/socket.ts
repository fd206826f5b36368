/**
 * Sockets as 32-bit ARM Linux numbers them (linux/socket.h, asm-generic/socket.h, linux/in.h, linux/un.h) and the layouts of
 * addresses and messages.
 */
import { fail } from './errno.ts';
import { padding, s32, struct, u16, u32 } from './struct.ts';

export const AF_UNSPEC = 0;
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_SEQPACKET = 5;
export const SOCK_TYPE_MASK = 15;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_RAW = 255;
/** The level of a raw socket's own options. */
export const SOL_RAW = 255;

export const SOL_SOCKET = 1;
export const SO_DEBUG = 1;
export const SO_REUSEADDR = 2;
export const SO_TYPE = 3;
export const SO_ERROR = 4;
export const SO_DONTROUTE = 5;
export const SO_BROADCAST = 6;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_KEEPALIVE = 9;
export const SO_OOBINLINE = 10;
export const SO_NO_CHECK = 11;
export const SO_PRIORITY = 12;
export const SO_LINGER = 13;
export const SO_REUSEPORT = 15;
export const SO_PASSCRED = 16;
export const SO_PEERCRED = 17;
export const SO_RCVLOWAT = 18;
export const SO_SNDLOWAT = 19;
export const SO_RCVTIMEO = 20;
export const SO_SNDTIMEO = 21;
export const SO_BINDTODEVICE = 25;
export const SO_ATTACH_FILTER = 26;
/** getsockopt(2)'s name of the same. */
export const SO_GET_FILTER = 26;
export const SO_DETACH_FILTER = 27;
export const SO_TIMESTAMP = 29;
export const SO_ACCEPTCONN = 30;
export const SO_PEERSEC = 31;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const SO_TIMESTAMPNS = 35;
export const SO_MARK = 36;
export const SO_PROTOCOL = 38;
export const SO_DOMAIN = 39;
export const SO_RXQ_OVFL = 40;
export const SO_LOCK_FILTER = 44;
export const SO_ATTACH_BPF = 50;
export const SO_RCVTIMEO_NEW = 66;
export const SO_SNDTIMEO_NEW = 67;

export const TCP_NODELAY = 1;
export const IPV6_V6ONLY = 26;

export const MSG_OOB = 1;
export const MSG_PEEK = 2;
export const MSG_CTRUNC = 8;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_EOR = 0x80;
export const MSG_WAITALL = 0x100;
export const MSG_ERRQUEUE = 0x2000;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_MORE = 0x8000;
export const MSG_WAITFORONE = 0x10000;
export const MSG_FASTOPEN = 0x2000_0000;
export const MSG_CMSG_CLOEXEC = 0x4000_0000;

export const SHUT_RD = 0;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;

export const SCM_RIGHTS = 1;
export const SCM_CREDENTIALS = 2;

export const SOMAXCONN = 4096;

export type InetFamily = typeof AF_INET | typeof AF_INET6;

/** Path of an AF_UNIX address: '' is unnamed, one that begins with NUL is abstract. */
export interface UnixAddress {
  readonly family: typeof AF_UNIX;
  readonly path: string;
}
/** The address itself is in text form. */
export interface InetAddress {
  readonly family: InetFamily;
  readonly host: string;
  readonly port: number;
  readonly scope?: number;
}
export interface NetlinkAddress {
  readonly family: typeof AF_NETLINK;
  readonly pid: number;
  readonly groups: number;
}
export type SocketAddress = UnixAddress | InetAddress | NetlinkAddress;

export const SOCKADDR_STORAGE = 128;

/** The family that a sockaddr says it is of. EINVAL when it is too short to say so. */
export function familyOf(bytes: Uint8Array): number {
  return bytes.length < 2 ? fail('EINVAL') : bytes[0]! | (bytes[1]! << 8);
}

/** Decodes a sockaddr as one of this family, whatever it says itself. EINVAL when it is too short or too long. */
export function readSockaddr(family: SocketAddress['family'], bytes: Uint8Array): SocketAddress {
  if (bytes.length < 2) fail('EINVAL');
  switch (family) {
    case AF_UNIX: {
      if (bytes.length > 110) fail('EINVAL');
      const path = Buffer.from(bytes.subarray(2)).toString('latin1');
      if (path.length === 0 || path[0] === '\0') return { family, path };
      const end = path.indexOf('\0');
      return { family, path: end < 0 ? path : path.slice(0, end) };
    }
    case AF_INET:
      if (bytes.length < 16) fail('EINVAL');
      return { family, port: (bytes[2]! << 8) | bytes[3]!, host: bytes.subarray(4, 8).join('.') };
    case AF_INET6: {
      if (bytes.length < 24) fail('EINVAL');
      const groups = Array.from({ length: 8 }, (_, i) =>
        ((bytes[8 + 2 * i]! << 8) | bytes[9 + 2 * i]!).toString(16),
      );
      const scope = bytes.length >= 28 ? bytes[24]! | (bytes[25]! << 8) : 0;
      return { family, port: (bytes[2]! << 8) | bytes[3]!, host: groups.join(':'), scope };
    }
    case AF_NETLINK: {
      if (bytes.length < sockaddr_nl.size) fail('EINVAL');
      const { nl_pid, nl_groups } = sockaddr_nl.get(new DataView(bytes.buffer, bytes.byteOffset), 0);
      return { family, pid: nl_pid, groups: nl_groups };
    }
  }
}

/** The bytes of an Internet address given as text. */
export function addressBytes(family: InetFamily, text: string): Uint8Array {
  if (family === AF_INET) return Uint8Array.from(text.split('.'), Number);
  return Uint8Array.from(parse6(text).flatMap((group) => [group >>> 8, group & 0xff]));
}

/** Encodes an address as the kernel gives it. */
export function writeSockaddr(address: SocketAddress): Uint8Array {
  if (address.family === AF_UNIX) {
    const { path } = address;
    const length = path.length === 0 ? 2 : 2 + path.length + (path[0] === '\0' ? 0 : 1);
    const bytes = new Uint8Array(length);
    bytes[0] = AF_UNIX;
    for (let i = 0; i < path.length; i++) bytes[2 + i] = path.charCodeAt(i);
    return bytes;
  }
  if (address.family === AF_NETLINK) {
    const bytes = new Uint8Array(sockaddr_nl.size);
    const value = { nl_family: AF_NETLINK, nl_pid: address.pid, nl_groups: address.groups };
    sockaddr_nl.set(new DataView(bytes.buffer), 0, value);
    return bytes;
  }
  const bytes = new Uint8Array(address.family === AF_INET ? 16 : 28);
  bytes[0] = address.family;
  bytes[2] = address.port >>> 8;
  bytes[3] = address.port;
  bytes.set(addressBytes(address.family, address.host), address.family === AF_INET ? 4 : 8);
  if (address.family === AF_INET6) bytes[24] = address.scope ?? 0;
  return bytes;
}

/** The eight groups of an IPv6 address in text form. */
function parse6(text: string): number[] {
  const plain = text.replace(/%.*$/, '').replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, a, b, c, d) => {
    const high = (Number(a) << 8) | Number(b);
    const low = (Number(c) << 8) | Number(d);
    return `${high.toString(16)}:${low.toString(16)}`;
  });
  const [head, tail] = plain.split('::');
  const groups = (part: string | undefined) =>
    part ? part.split(':').map((g) => Number.parseInt(g, 16)) : [];
  const first = groups(head);
  const last = groups(tail);
  if (tail === undefined) return first;
  return [...first, ...new Array(8 - first.length - last.length).fill(0), ...last];
}

export const sockaddr_nl = struct('sockaddr_nl', {
  nl_family: u16,
  nl_pad: padding(2),
  nl_pid: u32,
  nl_groups: u32,
});
export const msghdr = struct('msghdr', {
  msg_name: u32,
  msg_namelen: u32,
  msg_iov: u32,
  msg_iovlen: u32,
  msg_control: u32,
  msg_controllen: u32,
  msg_flags: u32,
});
export const mmsghdr = struct('mmsghdr', { msg_hdr: msghdr, msg_len: u32 });
export const cmsghdr = struct('cmsghdr', { cmsg_len: u32, cmsg_level: s32, cmsg_type: s32 });
export const ucred = struct('ucred', { pid: s32, uid: u32, gid: u32 });
export const linger = struct('linger', { l_onoff: s32, l_linger: s32 });
