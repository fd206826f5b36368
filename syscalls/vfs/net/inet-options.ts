/**
 * Options of Internet sockets below SOL_SOCKET (ip(7), ipv6(7), tcp(7), udp(7)): which there are, what values they take, and what
 * they are before anybody sets them. They are remembered and told; a socket does with a change what node:net and node:dgram let
 * it.
 */
import { fail } from '../../abi/errno.ts';
import {
  AF_INET6,
  type InetFamily,
  IPPROTO_ICMP,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_RAW,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
  SOL_RAW,
} from '../../abi/socket.ts';

interface Option {
  readonly initial: number;
  /** Fewest bytes of its value, where that is not what its level asks for. */
  readonly least?: number;
  /** What is kept of a value. EINVAL, ENOPROTOOPT. */
  keep(value: number): number;
}

const flag = (initial = 0): Option => ({ initial, keep: (value) => +(value !== 0) });
const range = (initial: number, min: number, max: number): Option => ({
  initial,
  keep: (value) => (value >= min && value <= max ? value : fail('EINVAL')),
});
/** A hop limit or class: -1 is the default. */
const orDefault = (initial: number, min: number, max = 255): Option => ({
  initial,
  keep: (value) => (value === -1 ? initial : value >= min && value <= max ? value : fail('EINVAL')),
});
const onlyTold = (initial: number): Option => ({ initial, keep: () => fail('ENOPROTOOPT') });
const INT_MAX = 0x7fff_ffff;

export const IP_TOS = 1;
export const IP_TTL = 2;
export const IP_HDRINCL = 3;
export const IP_RECVTTL = 12;
export const ICMP_FILTER = 1;
export const IPV6_TCLASS = 67;
export const IPV6_CHECKSUM = 7;
export const IPV6_UNICAST_HOPS = 16;
export const IPV6_RECVHOPLIMIT = 51;
/** Groups of datagrams, whose values are structs. */
export const IP_MULTICAST_IF = 32;
export const IP_ADD_MEMBERSHIP = 35;
export const IP_DROP_MEMBERSHIP = 36;
export const IPV6_MULTICAST_IF = 17;
export const IPV6_ADD_MEMBERSHIP = 20;
export const IPV6_DROP_MEMBERSHIP = 21;
export const IP_MULTICAST_TTL = 33;
export const IP_MULTICAST_LOOP = 34;
export const IP_MTU = 14;
export const IP_PKTOPTIONS = 9;
export const IP_IPSEC_POLICY = 16;
export const IP_XFRM_POLICY = 17;
export const TCP_KEEPIDLE = 4;
export const TCP_INFO = 11;
export const IPV6_MULTICAST_HOPS = 18;
export const IPV6_MULTICAST_LOOP = 19;

const withLeast = (least: number, option: Option): Option => ({ ...option, least });

/** A value without a byte is 0 here, but where one is asked for. */
const IP: Readonly<Record<number, Option>> = {
  [IP_TOS]: { initial: 0, keep: (tos) => tos & 0xff },
  [IP_TTL]: withLeast(1, orDefault(64, 1)),
  [IP_HDRINCL]: onlyTold(0),
  6: flag(), // IP_RECVOPTS
  7: flag(), // IP_RETOPTS
  8: flag(), // IP_PKTINFO
  10: range(1, 0, 5), // IP_MTU_DISCOVER
  11: flag(), // IP_RECVERR
  [IP_RECVTTL]: flag(),
  13: flag(), // IP_RECVTOS
  15: withLeast(1, flag()), // IP_FREEBIND
  18: flag(), // IP_PASSSEC
  20: flag(), // IP_RECVORIGDSTADDR
  21: withLeast(1, range(0, 0, 255)), // IP_MINTTL
  23: flag(), // IP_CHECKSUM
  24: flag(), // IP_BIND_ADDRESS_NO_PORT
  26: range(0, 0, 1), // IP_RECVERR_RFC4884
  [IP_MULTICAST_TTL]: withLeast(1, orDefault(1, 0)),
  [IP_MULTICAST_LOOP]: withLeast(1, flag(1)),
  49: withLeast(1, range(1, 0, 1)), // IP_MULTICAST_ALL
};

const IPV6: Readonly<Record<number, Option>> = {
  [IPV6_UNICAST_HOPS]: orDefault(64, 0),
  [IPV6_MULTICAST_HOPS]: orDefault(1, 0),
  [IPV6_MULTICAST_LOOP]: range(1, 0, 1),
  23: range(1, 0, 5), // IPV6_MTU_DISCOVER
  25: flag(), // IPV6_RECVERR
  26: flag(), // IPV6_V6ONLY
  29: flag(1), // IPV6_MULTICAST_ALL
  49: flag(), // IPV6_RECVPKTINFO
  [IPV6_RECVHOPLIMIT]: flag(),
  53: flag(), // IPV6_RECVHOPOPTS
  56: flag(), // IPV6_RECVRTHDR
  58: flag(), // IPV6_RECVDSTOPTS
  60: flag(), // IPV6_RECVPATHMTU
  62: withLeast(0, flag()), // IPV6_DONTFRAG
  66: flag(), // IPV6_RECVTCLASS
  [IPV6_TCLASS]: orDefault(0, 0),
  70: withLeast(0, flag(1)), // IPV6_AUTOFLOWLABEL
  74: flag(), // IPV6_RECVORIGDSTADDR
  78: flag(), // IPV6_FREEBIND
};

const TCP: Readonly<Record<number, Option>> = {
  1: flag(), // TCP_NODELAY
  2: { initial: 536, keep: (mss) => (mss === 0 || (mss >= 88 && mss <= 32767) ? 536 : fail('EINVAL')) }, // TCP_MAXSEG
  3: flag(), // TCP_CORK
  [TCP_KEEPIDLE]: range(7200, 1, 32767),
  5: range(75, 1, 32767), // TCP_KEEPINTVL
  6: range(9, 1, 127), // TCP_KEEPCNT
  7: range(6, 1, 127), // TCP_SYNCNT
  8: range(60, -1, 120), // TCP_LINGER2
  9: { initial: 0, keep: (seconds) => Math.max(seconds, 0) }, // TCP_DEFER_ACCEPT
  10: { initial: 0, keep: (bytes) => bytes }, // TCP_WINDOW_CLAMP
  12: flag(1), // TCP_QUICKACK
  18: range(0, 0, INT_MAX), // TCP_USER_TIMEOUT
  23: range(0, 0, INT_MAX), // TCP_FASTOPEN
  25: { initial: 0, keep: (value) => value }, // TCP_NOTSENT_LOWAT
};

const UDP: Readonly<Record<number, Option>> = {
  1: flag(), // UDP_CORK
};

/** raw(7): of an IPv4 socket which ICMP messages it does not hear, of an IPv6 one where the checksum is. */
const RAW: Readonly<Record<number, Option>> = {
  [ICMP_FILTER]: { initial: 0, keep: (value) => value },
};
const RAW6: Readonly<Record<number, Option>> = {
  [IPV6_CHECKSUM]: {
    initial: -1,
    keep: (at) => (at > 0 && at % 2 === 1 ? fail('EINVAL') : Math.max(at, -1)),
  },
};

/** The level that a kind of socket has for itself. */
function ownLevel(
  family: InetFamily,
  type: number,
  protocol: number,
): [number, Readonly<Record<number, Option>>] {
  if (type === SOCK_STREAM) return [IPPROTO_TCP, TCP];
  if (type === SOCK_DGRAM) return protocol === IPPROTO_UDP ? [IPPROTO_UDP, UDP] : [protocol, {}];
  return [SOL_RAW, family === AF_INET6 ? RAW6 : protocol === IPPROTO_ICMP ? RAW : {}];
}

export class InetOptions {
  readonly #family: InetFamily;
  readonly #levels: ReadonlyMap<number, Readonly<Record<number, Option>>>;
  readonly #values = new Map<string, number>();
  readonly #changed: (level: number, name: number, value: number) => void;

  /** @param changed is told of every change */
  constructor(
    family: InetFamily,
    type: number,
    protocol: number,
    changed: (level: number, name: number, value: number) => void,
  ) {
    this.#family = family;
    this.#changed = changed;
    // Who writes packets with their headers says so, or has it said by the protocol.
    const ip = type === SOCK_RAW ? { ...IP, [IP_HDRINCL]: flag(+(protocol === IPPROTO_RAW)) } : IP;
    this.#levels = new Map([ownLevel(family, type, protocol), [IPPROTO_IP, ip]]);
    if (family === AF_INET6) this.#levels = new Map([...this.#levels, [IPPROTO_IPV6, IPV6]]);
  }

  /** Fewest bytes that an option's value takes. ENOPROTOOPT of IP and IPv6 for what is not known. */
  leastBytes(level: number, name: number): number {
    const options = this.#levels.get(level) ?? fail('ENOPROTOOPT');
    if (level !== IPPROTO_IP && level !== IPPROTO_IPV6) return 4;
    const option = options[name] ?? fail('ENOPROTOOPT');
    return option.least ?? (level === IPPROTO_IP ? 0 : 4);
  }

  /** ENOPROTOOPT for what is not known, EINVAL for a value that cannot be. */
  set(level: number, name: number, value: number): void {
    const option = this.#levels.get(level)?.[name] ?? fail('ENOPROTOOPT');
    const kept = option.keep(value);
    this.#values.set(`${level}:${name}`, kept);
    this.#changed(level, name, kept);
  }

  /** ENOPROTOOPT; EOPNOTSUPP of AF_INET for a level that is none of the socket's (do_ip_getsockopt). */
  get(level: number, name: number): number {
    const options = this.#levels.get(level);
    if (options === undefined) return fail(this.#family === AF_INET6 ? 'ENOPROTOOPT' : 'EOPNOTSUPP');
    const option = options[name] ?? fail('ENOPROTOOPT');
    return this.#values.get(`${level}:${name}`) ?? option.initial;
  }
}
