/**
 * Packets in a private network: what raw sockets send comes back to those that hear it, as does what sockets of UDP and TCP send;
 * echo requests of ICMP are answered, as Linux's loopback interface has it (net/ipv4/raw.c, ping.c, icmp.c, and those of ipv6).
 */
import { fail } from '../../abi/errno.ts';
import { POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import {
  AF_INET,
  AF_INET6,
  addressBytes,
  type InetAddress,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_RAW,
  IPPROTO_TCP,
  IPPROTO_UDP,
  MSG_ERRQUEUE,
  MSG_OOB,
  SHUT_RD,
  SHUT_WR,
  SO_BINDTODEVICE,
  SO_TIMESTAMP,
  SO_TIMESTAMPNS,
  SOCK_RAW,
  SOL_RAW,
  SOL_SOCKET,
} from '../../abi/socket.ts';
import type { WatchedQueue } from '../core/wait-queue.ts';
import { anyAddress, errnoOfEvent } from './inet-address.ts';
import {
  ICMP_FILTER,
  type InetOptions,
  IP_HDRINCL,
  IP_RECVTTL,
  IP_TOS,
  IP_TTL,
  IPV6_RECVHOPLIMIT,
  IPV6_TCLASS,
  IPV6_UNICAST_HOPS,
} from './inet-options.ts';
import {
  checksum,
  type End,
  filteredPacket,
  get16,
  ICMPHDR,
  IPHDR,
  icmp,
  PACKET_MAX,
  type Packet,
  type PacketFields,
  packetOf,
  portUnreachable,
  put16,
  readUdp,
  udpPacket,
} from './packet.ts';
import type { PrivateNetwork } from './private-network.ts';
import { canonical, hears, isAny, isV4, plain } from './private-ports.ts';
import { Listener } from './private-stream.ts';
import type { PacketKind, PacketPort } from './raw-socket.ts';
import { answerTo, type Hearers, isSegment } from './segments.ts';
import { type ControlMessage, MessageQueue, type Received, WOULD_BLOCK } from './socket.ts';
import type { SocketFilter } from './socket-filter.ts';

/** Types of the messages: request and reply. */
const ECHO = { [AF_INET]: [8, 0], [AF_INET6]: [128, 129] } as const;
const RECEIVE_BUFFER = 212_992;
const IPV6_HOPLIMIT = 52;

/** No address at all is this machine's own. */
const ownWhereAny = (host: string) => (host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host);

/** The packets of one network. */
export class Packets implements Hearers {
  readonly #network: PrivateNetwork;
  readonly #ports = new Set<PrivatePackets>();

  constructor(network: PrivateNetwork) {
    this.#network = network;
  }
  add(port: PrivatePackets): void {
    this.#ports.add(port);
  }
  remove(port: PrivatePackets): void {
    this.#ports.delete(port);
  }
  isTaken(family: number, ident: number): boolean {
    return [...this.#ports].some((port) => port.family === family && port.ident === ident);
  }

  /** Brings a packet to who hears it, and answers it. */
  deliver(packet: Packet): void {
    this.show(packet);
    if (packet.protocol === IPPROTO_UDP) this.#datagram(packet);
    if (packet.protocol === IPPROTO_TCP) this.#segment(packet);
    const { family, bytes, header, source, destination } = packet;
    const [request, reply] = ECHO[family];
    const isIcmp = packet.protocol === (family === AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    if (!isIcmp || bytes.length - header < ICMPHDR || bytes[header] !== request) return;
    const answer = Uint8Array.from(bytes.subarray(header));
    answer[0] = reply;
    // What was asked with a wrong checksum is not answered (icmp_rcv).
    const asked = Uint8Array.from(bytes.subarray(header));
    if (get16(icmp(asked, packet), 2) !== get16(bytes, header + 2)) return;
    const of = { family, protocol: packet.protocol, source: destination, destination: source, hops: 64 };
    this.deliver(packetOf(icmp(answer, of), of, 0));
  }
  get isHeard(): boolean {
    return this.#ports.size > 0;
  }
  show(packet: Packet): void {
    for (const port of this.#ports) port.hear(packet);
  }

  /** A segment that somebody has written. What answers it may come to where there is no connection, too. */
  #segment(packet: Packet): void {
    const { streams } = this.#network;
    const listens = ({ host, port }: End) =>
      streams.at(port).some((holder) => holder instanceof Listener && hears(holder, host));
    let next = isSegment(packet) ? answerTo(packet, listens) : undefined;
    for (; next !== undefined; next = answerTo(next, listens)) this.show(next);
  }
  /** A datagram that somebody has written with its header. */
  #datagram(packet: Packet): void {
    const datagram = readUdp(packet);
    if (datagram === undefined) return;
    const { from, to, payload } = datagram;
    const receiver = this.#receiver(to);
    if (receiver === undefined) this.show(portUnreachable(packet));
    else receiver.emit('message', Uint8Array.from(payload), { address: from.host, port: from.port });
  }
  #receiver({ host, port }: End) {
    return this.#network.datagrams.at(port).findLast((holder) => hears(holder, host));
  }
  /** Shows who hears packets what a socket of UDP sends, and what it is answered where nobody receives it. */
  showDatagram(from: End, to: End, payload: Uint8Array, options: InetOptions): void {
    if (!this.isHeard) return;
    const [hops, tos] = isV4(plain(to.host))
      ? [options.get(IPPROTO_IP, IP_TTL), options.get(IPPROTO_IP, IP_TOS)]
      : [options.get(IPPROTO_IPV6, IPV6_UNICAST_HOPS), options.get(IPPROTO_IPV6, IPV6_TCLASS)];
    const host = isAny(from.host) ? this.#network.sourceFor(to.host) : from.host;
    const packet = udpPacket({ host, port: from.port }, to, payload, { hops, tos });
    this.show(packet);
    if (this.#receiver(to) === undefined) this.show(portUnreachable(packet));
  }
  /** The address that one is reached from. Throws Errno. */
  sourceFor(host: string): string {
    try {
      return this.#network.sourceFor(host);
    } catch (error) {
      throw errnoOfEvent(error as NodeJS.ErrnoException);
    }
  }
  checkBind(host: string): void {
    try {
      this.#network.checkBind(host);
    } catch (error) {
      throw errnoOfEvent(error as NodeJS.ErrnoException);
    }
  }
}

export class PrivatePackets implements PacketPort {
  readonly family: typeof AF_INET | typeof AF_INET6;
  readonly #raw: boolean;
  readonly #protocol: number;
  readonly #packets: Packets;
  readonly #queue: WatchedQueue;
  readonly #incoming = new MessageQueue();
  readonly #options = new Map<string, number>();
  /** What icmp6_filter has set: messages of these types are not heard. */
  #filter6 = new Uint8Array(32);
  #filter: SocketFilter | undefined;
  /** Of an ICMP socket: by what it knows answers, 0 before it is bound. */
  ident = 0;
  #local: string;
  #peer: InetAddress | undefined;
  #readShut = false;
  #writeShut = false;

  constructor(network: PrivateNetwork, { family, type, protocol }: PacketKind, queue: WatchedQueue) {
    this.family = family;
    this.#raw = type === SOCK_RAW;
    this.#protocol = protocol;
    this.#packets = network.packets;
    this.#queue = queue;
    this.#local = anyAddress(family).host;
    this.#packets.add(this);
  }

  #option(level: number, name: number, initial = 0): number {
    return this.#options.get(`${level}:${name}`) ?? initial;
  }
  setOption(level: number, name: number, value: Uint8Array): void {
    if (level === IPPROTO_ICMPV6) this.#filter6.set(value);
    // There is one interface.
    else if (level === SOL_SOCKET && name === SO_BINDTODEVICE) return;
    else
      this.#options.set(`${level}:${name}`, new DataView(value.buffer, value.byteOffset).getInt32(0, true));
  }

  setFilter(filter: SocketFilter | undefined): void {
    this.#filter = filter;
  }

  bind({ host, port }: InetAddress): void {
    if (!this.#raw && this.ident !== 0) fail('EINVAL');
    this.#packets.checkBind(canonical(host));
    if (!this.#raw) this.#identify(port);
    this.#local = canonical(host);
  }
  /** ping_get_port */
  #identify(wanted: number): void {
    if (wanted !== 0 && this.#packets.isTaken(this.family, wanted)) fail('EADDRINUSE');
    let ident = wanted;
    for (let next = 1; ident === 0; next++) if (!this.#packets.isTaken(this.family, next)) ident = next;
    this.ident = ident;
  }
  connect(peer: InetAddress | undefined): void {
    if (peer === undefined) {
      this.#peer = undefined;
      return;
    }
    const host = ownWhereAny(canonical(peer.host));
    const source = this.#packets.sourceFor(host);
    if (isAny(this.#local)) this.#local = source;
    if (!this.#raw && this.ident === 0) this.#identify(0);
    this.#peer = { ...peer, host };
  }

  send(given: Uint8Array, flags: number, to: InetAddress | undefined): number {
    if (given.length > PACKET_MAX) fail('EMSGSIZE');
    if (!this.#raw && given.length < ICMPHDR) fail('EINVAL');
    if (flags & MSG_OOB) fail('EOPNOTSUPP');
    if (this.#writeShut) fail('EPIPE');
    const { host } = to ?? this.#peer ?? fail('EDESTADDRREQ');
    const { family } = this;
    const message = Uint8Array.from(given);
    if (!this.#raw && (message[0] !== ECHO[family][0] || message[1] !== 0)) fail('EINVAL');
    // Messages of ICMPv6 without privilege have no such rule.
    if (!this.#raw && canonical(host) === '::') fail('ENETUNREACH');
    const destination = ownWhereAny(canonical(host));
    const route = this.#packets.sourceFor(destination);
    const source = isAny(this.#local) ? route : this.#local;
    const hops =
      family === AF_INET
        ? this.#option(IPPROTO_IP, IP_TTL, 64)
        : this.#option(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64);
    const of = { family, protocol: this.#protocol, source, destination, hops };
    if (!this.#raw) {
      if (this.ident === 0) this.#identify(0);
      put16(message, 4, this.ident);
    }
    if (
      this.#raw &&
      family === AF_INET &&
      this.#option(IPPROTO_IP, IP_HDRINCL, +(this.#protocol === IPPROTO_RAW))
    ) {
      this.#packets.deliver(ownHeader(message, of));
      return given.length;
    }
    if (message.length + (family === AF_INET ? IPHDR : 0) > PACKET_MAX) fail('EMSGSIZE');
    if (!this.#raw || (this.#protocol === IPPROTO_ICMPV6 && message.length >= 4)) icmp(message, of);
    this.#packets.deliver(packetOf(message, of));
    return given.length;
  }

  /** A packet has come to this machine. */
  hear(packet: Packet): void {
    const { family, protocol, source, destination, bytes, header } = packet;
    if (family !== this.family || protocol !== this.#protocol) return;
    if (!isAny(this.#local) && this.#local !== destination) return;
    if (this.#peer !== undefined && this.#peer.host !== source) return;
    const type = bytes[header]!;
    if (!this.#raw) {
      if (type !== ECHO[family][1] || get16(bytes, header + 4) !== this.ident) return;
    } else if (protocol === IPPROTO_ICMP) {
      if (bytes.length - header < ICMPHDR) return;
      if (type < 32 && (this.#option(SOL_RAW, ICMP_FILTER) >>> type) & 1) return;
    } else if (protocol === IPPROTO_ICMPV6 && (this.#filter6[type >>> 3]! >>> (type & 7)) & 1) return;
    let heard = this.#raw ? bytes : bytes.subarray(header);
    if (this.#filter !== undefined) {
      const count = this.#filter.run(filteredPacket(packet, this.#raw && family === AF_INET));
      if (count === 0) return;
      heard = heard.subarray(0, count);
    }
    if (this.#incoming.bytes + heard.length > RECEIVE_BUFFER) return;
    this.#incoming.push({
      bytes: heard,
      address: { family, host: source, port: 0 },
      control: this.#along(packet),
    });
    this.#queue.wakeAll(POLLIN | POLLRDNORM);
  }
  /** What is asked for beside the packet. */
  #along({ family, hops }: Packet): ControlMessage[] {
    const along: ControlMessage[] = [];
    const add = (level: number, type: number, ...words: number[]) =>
      along.push({ level, type, data: new Uint8Array(Int32Array.from(words).buffer) });
    const now = performance.timeOrigin + performance.now();
    const [seconds, part] = [Math.floor(now / 1000), now % 1000];
    if (this.#option(SOL_SOCKET, SO_TIMESTAMPNS)) add(SOL_SOCKET, SO_TIMESTAMPNS, seconds, part * 1e6);
    else if (this.#option(SOL_SOCKET, SO_TIMESTAMP)) add(SOL_SOCKET, SO_TIMESTAMP, seconds, part * 1e3);
    if (family === AF_INET && this.#option(IPPROTO_IP, IP_RECVTTL)) add(IPPROTO_IP, IP_TTL, hops);
    if (family === AF_INET6 && this.#option(IPPROTO_IPV6, IPV6_RECVHOPLIMIT))
      add(IPPROTO_IPV6, IPV6_HOPLIMIT, hops);
    return along;
  }

  receive(into: Uint8Array, flags: number): Received | typeof WOULD_BLOCK {
    if (flags & MSG_ERRQUEUE) return WOULD_BLOCK;
    return this.#incoming.empty ? WOULD_BLOCK : this.#incoming.takeMessage(into, flags);
  }
  localAddress(): InetAddress {
    return { family: this.family, host: this.#local, port: this.#raw ? this.#protocol : this.ident };
  }
  peerAddress(): InetAddress {
    return this.#peer ?? fail('ENOTCONN');
  }
  shutdown(how: number): void {
    if (how !== SHUT_WR) this.#readShut = true;
    if (how !== SHUT_RD) this.#writeShut = true;
    if (this.#peer === undefined) fail('ENOTCONN');
  }
  readableBytes(): number {
    return this.#incoming.nextLength;
  }
  poll(): number {
    let events = POLLOUT | POLLWRNORM;
    if (!this.#incoming.empty || this.#readShut) events |= POLLIN | POLLRDNORM;
    if (this.#readShut) events |= POLLRDHUP;
    if (this.#readShut && this.#writeShut) events |= POLLHUP;
    return events;
  }
  close(): void {
    this.#packets.remove(this);
  }
}

/** A packet whose header the guest has written; the kernel fills in what is zero, lengths and the checksum (raw_send_hdrinc). */
function ownHeader(bytes: Uint8Array, of: PacketFields): Packet {
  const header = 4 * (bytes[0]! & 15);
  if (bytes.length < IPHDR || header < IPHDR || header > bytes.length) fail('EINVAL');
  if (bytes.subarray(12, 16).every((byte) => byte === 0)) bytes.set(addressBytes(AF_INET, of.source), 12);
  put16(bytes, 2, bytes.length);
  put16(bytes, 10, 0);
  put16(bytes, 10, checksum(bytes.subarray(0, header)));
  const [source, destination] = [bytes.subarray(12, 16).join('.'), bytes.subarray(16, 20).join('.')];
  return { family: AF_INET, protocol: bytes[9]!, source, destination, hops: bytes[8]!, bytes, header };
}
