/**
 * Netlink messages as far as NETLINK_ROUTE needs them (linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h;
 * netlink(7), rtnetlink(7)).
 */
import { padding, type Struct, s32, struct, u8, u16, u32 } from './struct.ts';

export const NETLINK_ROUTE = 0;
export const SOL_NETLINK = 270;

export const NETLINK_ADD_MEMBERSHIP = 1;
export const NETLINK_DROP_MEMBERSHIP = 2;
export const NETLINK_PKTINFO = 3;
export const NETLINK_BROADCAST_ERROR = 4;
export const NETLINK_NO_ENOBUFS = 5;
export const NETLINK_CAP_ACK = 10;
export const NETLINK_EXT_ACK = 11;
export const NETLINK_GET_STRICT_CHK = 12;

export const NLM_F_REQUEST = 1;
export const NLM_F_MULTI = 2;
export const NLM_F_ACK = 4;
/** NLM_F_ROOT | NLM_F_MATCH: everything there is. Either of the two asks for it (NLM_F_DUMP of rtnetlink_rcv_msg). */
export const NLM_F_DUMP = 0x300;
/** In an acknowledgement: the request is told by its header alone. */
export const NLM_F_CAPPED = 0x100;

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
/** Types below are the protocol's own. */
export const NLMSG_MIN_TYPE = 16;

export const RTM_NEWLINK = 16;
export const RTM_GETLINK = 18;
export const RTM_SETLINK = 19;
export const RTM_NEWADDR = 20;
export const RTM_GETADDR = 22;
export const RTM_NEWROUTE = 24;
export const RTM_GETROUTE = 26;
export const RTM_GETNEIGH = 30;
/** The last type of Linux 6.1. */
export const RTM_MAX = 123;

export const nlmsghdr = struct('nlmsghdr', {
  nlmsg_len: u32,
  nlmsg_type: u16,
  nlmsg_flags: u16,
  nlmsg_seq: u32,
  nlmsg_pid: u32,
});
export const ifinfomsg = struct('ifinfomsg', {
  ifi_family: u8,
  __pad: padding(1),
  ifi_type: u16,
  ifi_index: s32,
  ifi_flags: u32,
  ifi_change: u32,
});
export const ifaddrmsg = struct('ifaddrmsg', {
  ifa_family: u8,
  ifa_prefixlen: u8,
  ifa_flags: u8,
  ifa_scope: u8,
  ifa_index: u32,
});
export const rtmsg = struct('rtmsg', {
  rtm_family: u8,
  rtm_dst_len: u8,
  rtm_src_len: u8,
  rtm_tos: u8,
  rtm_table: u8,
  rtm_protocol: u8,
  rtm_scope: u8,
  rtm_type: u8,
  rtm_flags: u32,
});

export const IFLA = {
  ADDRESS: 1,
  BROADCAST: 2,
  IFNAME: 3,
  MTU: 4,
  QDISC: 6,
  TXQLEN: 13,
  OPERSTATE: 16,
  LINKMODE: 17,
} as const;
export const IFA = { ADDRESS: 1, LOCAL: 2, LABEL: 3, BROADCAST: 4, CACHEINFO: 6, FLAGS: 8 } as const;
export const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, TABLE: 15 } as const;

export const IFA_F_PERMANENT = 0x80;
export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;
export const RTPROT_KERNEL = 2;
export const RTPROT_BOOT = 3;
export const RTN_UNICAST = 1;
export const RTN_LOCAL = 2;
export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_LINK = 253;
export const RT_SCOPE_HOST = 254;
export const RTM_F_CLONED = 0x200;

const align4 = (length: number) => (length + 3) & ~3;

/** A struct as bytes. */
export function encode<T>(layout: Struct<T>, value: T): Uint8Array {
  const bytes = new Uint8Array(layout.size);
  layout.set(new DataView(bytes.buffer), 0, value);
  return bytes;
}

/** A request's struct; what the request is too short for is zero. */
export function decode<T>(layout: Struct<T>, bytes: Uint8Array): T {
  const whole = new Uint8Array(layout.size);
  whole.set(bytes.subarray(0, layout.size));
  return layout.get(new DataView(whole.buffer), 0);
}

/**
 * An attribute (struct rtattr and its bytes, padded to 4): of a number, the four bytes of it; of a string, its characters and
 * NUL.
 */
export function attribute(type: number, value: Uint8Array | number | string): Uint8Array {
  const bytes =
    typeof value === 'number'
      ? new Uint8Array(Uint32Array.of(value).buffer)
      : typeof value === 'string'
        ? Buffer.from(`${value}\0`, 'latin1')
        : value;
  const out = new Uint8Array(align4(4 + bytes.length));
  const view = new DataView(out.buffer);
  view.setUint16(0, 4 + bytes.length, true);
  view.setUint16(2, type, true);
  out.set(bytes, 4);
  return out;
}

/** The attributes that follow a request's struct, by their types. */
export function attributes(bytes: Uint8Array): Map<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > bytes.length) break;
    found.set(view.getUint16(at + 2, true), bytes.subarray(at + 4, at + length));
    at += align4(length);
  }
  return found;
}

/** A whole message, padded to 4. */
export function message(
  type: number,
  flags: number,
  seq: number,
  pid: number,
  body: readonly Uint8Array[],
): Uint8Array {
  const length = body.reduce((sum, part) => sum + part.length, nlmsghdr.size);
  const header = { nlmsg_len: length, nlmsg_type: type, nlmsg_flags: flags, nlmsg_seq: seq, nlmsg_pid: pid };
  const bytes = Buffer.concat([encode(nlmsghdr, header), ...body], align4(length));
  return new Uint8Array(bytes);
}

/** The messages in what a program has sent: header and what follows it. Ends at the first that is cut off. */
export function* messagesIn(bytes: Uint8Array): Generator<{
  header: ReturnType<typeof nlmsghdr.get>;
  body: Uint8Array;
  whole: Uint8Array;
}> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + nlmsghdr.size <= bytes.length; ) {
    const header = nlmsghdr.get(view, at);
    const length = header.nlmsg_len;
    if (length < nlmsghdr.size || at + length > bytes.length) return;
    const whole = bytes.subarray(at, at + length);
    yield { header, body: whole.subarray(nlmsghdr.size), whole };
    at += align4(length);
  }
}
