/** Packets of the Internet protocols as bytes: their headers and checksums. */
import {
  AF_INET,
  AF_INET6,
  addressBytes,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
} from '../../abi/socket.ts';
import { isV4, plain } from './private-ports.ts';
import type { FilteredMessage } from './socket-filter.ts';

/** One that is under way: all of it with an IPv4 header, what follows the header with IPv6. */
export interface Packet {
  readonly family: typeof AF_INET | typeof AF_INET6;
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  readonly hops: number;
  readonly bytes: Uint8Array;
  /** Where the message begins. */
  readonly header: number;
}
/** What its header says. */
export type PacketFields = Omit<Packet, 'bytes' | 'header'> & { readonly tos?: number };

export interface End {
  readonly host: string;
  readonly port: number;
}

export const IPHDR = 20;
export const IP6HDR = 40;
export const UDPHDR = 8;
export const ICMPHDR = 8;
export const IP_DF = 0x4000;
export const PACKET_MAX = 0xffff;
/** What precedes a packet on the loopback interface: two addresses of zeros, and the protocol. */
const ETH_HLEN = 14;
const ETH_P = { [AF_INET]: 0x0800, [AF_INET6]: 0x86dd } as const;
const ARPHRD_LOOPBACK = 772;

export const put16 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
};
export const get16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;

/** The sum of the Internet protocols (RFC 1071), whose complement is the checksum. */
function sum(...parts: readonly Uint8Array[]): number {
  let total = 0;
  for (const bytes of parts)
    for (let i = 0; i < bytes.length; i += 2) total += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}
export const checksum = (...parts: readonly Uint8Array[]): number => ~sum(...parts) & 0xffff;

/** What the checksums of UDP, TCP and ICMPv6 cover beside the message. */
export function pseudoHeader(
  { family, source, destination, protocol }: PacketFields,
  length: number,
): Uint8Array[] {
  const rest = new Uint8Array(family === AF_INET ? 4 : 8);
  put16(rest, 2, length);
  rest[family === AF_INET ? 1 : 7] = protocol;
  return [addressBytes(family, source), addressBytes(family, destination), rest];
}

/** What is left of a checksum for the interface to complete, as that of loopback never does: the sum of the pseudo header. */
export const pseudoSum = (of: PacketFields, length: number): number => sum(...pseudoHeader(of, length));

/** An IPv4 packet with its header (raw_send_hdrinc's and ip_build_and_send_pkt's fields). */
export function withHeader(message: Uint8Array, of: PacketFields, fragment: number): Packet {
  const bytes = new Uint8Array(IPHDR + message.length);
  bytes[0] = 0x45;
  bytes[1] = of.tos ?? 0;
  put16(bytes, 2, bytes.length);
  put16(bytes, 6, fragment);
  bytes[8] = of.hops;
  bytes[9] = of.protocol;
  bytes.set(addressBytes(AF_INET, of.source), 12);
  bytes.set(addressBytes(AF_INET, of.destination), 16);
  put16(bytes, 10, checksum(bytes.subarray(0, IPHDR)));
  bytes.set(message, IPHDR);
  return { ...of, bytes, header: IPHDR };
}
/** A packet of either family. */
export function packetOf(message: Uint8Array, of: PacketFields, fragment = IP_DF): Packet {
  return of.family === AF_INET ? withHeader(message, of, fragment) : { ...of, bytes: message, header: 0 };
}

/** With the checksum of ICMP, which in IPv6 covers the addresses. */
export function icmp(message: Uint8Array, of: PacketFields): Uint8Array {
  put16(message, 2, 0);
  const covered =
    of.family === AF_INET ? [] : pseudoHeader({ ...of, protocol: IPPROTO_ICMPV6 }, message.length);
  put16(message, 2, checksum(...covered, message));
  return message;
}

/** The header of an IPv6 packet. */
function header6({ protocol, source, destination, hops, bytes, tos = 0 }: Packet & PacketFields): Uint8Array {
  const header = new Uint8Array(IP6HDR);
  put16(header, 0, 0x6000 | (tos << 4));
  put16(header, 4, bytes.length);
  header[6] = protocol;
  header[7] = hops;
  header.set(addressBytes(AF_INET6, source), 8);
  header.set(addressBytes(AF_INET6, destination), 24);
  return header;
}
/** All of a packet, of either family. */
export function wholePacket(packet: Packet): Uint8Array {
  return packet.family === AF_INET ? packet.bytes : Buffer.concat([header6(packet), packet.bytes]);
}

/** A datagram of UDP. On the loopback interface the checksum is left to that (udp4_hwcsum). */
export function udpPacket(
  from: End,
  to: End,
  payload: Uint8Array,
  fields: { hops: number; tos?: number },
): Packet {
  const [source, destination] = [plain(from.host), plain(to.host)];
  const of = {
    family: isV4(destination) ? AF_INET : AF_INET6,
    protocol: IPPROTO_UDP,
    source,
    destination,
    ...fields,
  } as const;
  const message = new Uint8Array(UDPHDR + payload.length);
  put16(message, 0, from.port);
  put16(message, 2, to.port);
  put16(message, 4, message.length);
  message.set(payload, UDPHDR);
  const isLoopback = source.startsWith('127.') || source === '::1';
  const complete = () => checksum(...pseudoHeader(of, message.length), message) || 0xffff;
  put16(message, 6, isLoopback ? pseudoSum(of, message.length) : complete());
  return packetOf(message, of);
}

/** What a packet of UDP says; undefined when it is none that is heard (udp_rcv). */
export function readUdp(packet: Packet): { from: End; to: End; payload: Uint8Array } | undefined {
  const message = packet.bytes.subarray(packet.header);
  if (message.length < UDPHDR) return undefined;
  const length = get16(message, 4) || (packet.family === AF_INET6 ? message.length : 0);
  if (length < UDPHDR || length > message.length) return undefined;
  const datagram = message.subarray(0, length);
  const given = get16(datagram, 6);
  if (given === 0 && packet.family === AF_INET6) return undefined;
  if (given !== 0 && checksum(...pseudoHeader(packet, length), datagram) !== 0) return undefined;
  const from = { host: packet.source, port: get16(datagram, 0) };
  const to = { host: packet.destination, port: get16(datagram, 2) };
  return { from, to, payload: datagram.subarray(UDPHDR) };
}

/** Bytes of an ICMP error, at most: with headers what every network carries (icmp_send, icmp6_send). */
const ERROR_MAX = { [AF_INET]: 576 - IPHDR, [AF_INET6]: 1280 - IP6HDR } as const;

/** What tells the sender of a packet that nobody is at the port (ICMP_PORT_UNREACH, ICMPV6_PORT_UNREACH). */
export function portUnreachable(packet: Packet): Packet {
  const { family, source, destination } = packet;
  const about = wholePacket(packet).subarray(0, ERROR_MAX[family] - ICMPHDR);
  const message = new Uint8Array(ICMPHDR + about.length);
  message.set(family === AF_INET ? [3, 3] : [1, 4]);
  message.set(about, ICMPHDR);
  const protocol = family === AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  // Precedence: internetwork control.
  const tos = family === AF_INET ? 0xc0 : 0;
  const of = { family, protocol, source: destination, destination: source, hops: 64, tos };
  return packetOf(icmp(message, of), of, 0);
}

/** Bytes of the header that a packet carries, which are no payload (__skb_get_poff). */
function transportHeader({ protocol, bytes, header }: Packet): number {
  switch (protocol) {
    case IPPROTO_TCP:
      return Math.max(20, ((bytes[header + 12] ?? 0) >>> 4) * 4);
    case IPPROTO_UDP:
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return 8;
    default:
      return 0;
  }
}
/** As a socket's filter sees it: from its header on, where the socket has that, too, else from what it carries on. */
export function filteredPacket(packet: Packet, fromHeader: boolean): FilteredMessage {
  const whole = wholePacket(packet);
  const bytes = new Uint8Array(ETH_HLEN + whole.length);
  put16(bytes, ETH_HLEN - 2, ETH_P[packet.family]);
  bytes.set(whole, ETH_HLEN);
  const transport = ETH_HLEN + whole.length - packet.bytes.length + packet.header;
  return {
    bytes,
    start: fromHeader ? ETH_HLEN : transport,
    link: 0,
    network: ETH_HLEN,
    payload: transport + transportHeader(packet),
    protocol: ETH_P[packet.family],
    device: { index: 1, type: ARPHRD_LOOPBACK },
  };
}
