/**
 * Raw sockets (raw(7)) and the sockets of ICMP that need no privilege (icmp(7)), which ping(8) uses: packets, as a network
 * carries them.
 */
import { fail } from '../../abi/errno.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  familyOf,
  type InetAddress,
  type InetFamily,
  IPPROTO_ICMPV6,
  MSG_DONTWAIT,
  MSG_OOB,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SO_BINDTODEVICE,
  SO_BROADCAST,
  SO_DONTROUTE,
  SO_MARK,
  SO_PRIORITY,
  SO_RCVBUF,
  SO_SNDBUF,
  SO_TIMESTAMP,
  SO_TIMESTAMPNS,
  SOCK_DGRAM,
  type SOCK_RAW,
  SOL_SOCKET,
  type SocketAddress,
} from '../../abi/socket.ts';
import { WatchedQueue } from '../core/wait-queue.ts';
import { bindAddress, inetAddress, ownAddress } from './inet-address.ts';
import { InetOptions } from './inet-options.ts';
import type { Network } from './network.ts';
import { type AddressUse, type Received, type SendOptions, Socket, WOULD_BLOCK } from './socket.ts';
import type { SocketFilter } from './socket-filter.ts';

/** What kind of packets: SOCK_RAW has them with their headers, SOCK_DGRAM messages of ICMP that are answers to its own. */
export interface PacketKind {
  readonly family: InetFamily;
  readonly type: typeof SOCK_RAW | typeof SOCK_DGRAM;
  readonly protocol: number;
}

/** A socket's place in its network. Each throws Errno. */
export interface PacketPort {
  bind(address: InetAddress): void;
  /** @param peer undefined for none any more */
  connect(peer: InetAddress | undefined): void;
  /** @param to undefined for the peer */
  send(packet: Uint8Array, flags: number, to: InetAddress | undefined): number;
  receive(into: Uint8Array, flags: number): Received | typeof WOULD_BLOCK;
  localAddress(): InetAddress;
  /** ENOTCONN. */
  peerAddress(): InetAddress;
  /** Is told of an option that has been set, as setsockopt(2) has it. */
  setOption(level: number, name: number, value: Uint8Array): void;
  /** What decides which packets are received; undefined for none any more. */
  setFilter(filter: SocketFilter | undefined): void;
  shutdown(how: number): void;
  readableBytes(): number;
  /** POLL*. */
  poll(): number;
  close(): void;
}

/** Options of SOL_SOCKET that a port is told of. */
const TOLD = new Set([
  SO_BROADCAST,
  SO_DONTROUTE,
  SO_MARK,
  SO_PRIORITY,
  SO_RCVBUF,
  SO_SNDBUF,
  SO_TIMESTAMP,
  SO_TIMESTAMPNS,
]);
/** struct icmp6_filter. */
const ICMP6_FILTER_SIZE = 32;
const ICMP6_FILTER = 1;
/** Bytes of struct icmphdr, and of struct icmp6hdr. */
const ICMP_HEADER = 8;

const int = (value: number) => new Uint8Array(Int32Array.of(value).buffer);

export class RawSocket extends Socket {
  readonly family: InetFamily;
  readonly type: PacketKind['type'];
  readonly protocol: number;
  readonly listening = false;
  readonly inetOptions: InetOptions;
  readonly #port: PacketPort;
  #readShut = false;

  /** EPERM, EACCES where the network does not let this process have one. */
  constructor(network: Network, kind: PacketKind, flags: number) {
    const queue = new WatchedQueue();
    super(network, flags, undefined, queue);
    this.family = kind.family;
    this.type = kind.type;
    this.protocol = kind.protocol;
    this.#port = network.createPackets(kind, queue);
    this.inetOptions = new InetOptions(kind.family, kind.type, kind.protocol, (level, name, value) =>
      this.#port.setOption(level, name, int(value)),
    );
  }

  override addressOf(bytes: Uint8Array, use: AddressUse): SocketAddress | undefined {
    if (use === 'bind') return bindAddress(this.family, bytes);
    if (use === 'connect' && familyOf(bytes) === AF_UNSPEC) return undefined;
    return ownAddress(this.family, bytes);
  }
  /** raw_sendmsg, rawv6_sendmsg, ping_common_sendmsg. */
  override destination(length: number, flags: number, bytes?: Uint8Array): SocketAddress | undefined {
    const isPing = this.type === SOCK_DGRAM;
    if (length > 0xffff && (isPing || this.family === AF_INET)) fail('EMSGSIZE');
    if (isPing && length < ICMP_HEADER) fail('EINVAL');
    if (flags & MSG_OOB) fail('EOPNOTSUPP');
    return bytes && ownAddress(this.family, bytes, true);
  }
  override bind(address: SocketAddress): number {
    this.#port.bind(inetAddress(address));
    return 0;
  }
  override listen(): number {
    return fail('EOPNOTSUPP');
  }
  override accept(): undefined {
    return fail('EOPNOTSUPP');
  }
  override connect(address: SocketAddress | undefined): number {
    this.#port.connect(address === undefined ? undefined : inetAddress(address));
    return 0;
  }
  override connecting(): number {
    return 0;
  }
  override send(bytes: Uint8Array, { flags, address }: SendOptions): number {
    return this.#port.send(bytes, flags, address === undefined ? undefined : inetAddress(address));
  }
  override receive(into: Uint8Array, flags: number): Received | typeof WOULD_BLOCK {
    const received = this.#port.receive(into, flags);
    // Who does not wait is told that nothing is there, as of any socket without a connection.
    const waits = !this.nonblocking && !(flags & MSG_DONTWAIT);
    return received === WOULD_BLOCK && this.#readShut && waits ? { count: 0, length: 0 } : received;
  }
  override shutdown(how: number): void {
    if (how < SHUT_RD || how > SHUT_RDWR) fail('EINVAL');
    // It holds without a peer, too, though that is an error (inet_shutdown).
    if (how !== SHUT_WR) this.#readShut = true;
    this.queue.wakeAll();
    this.#port.shutdown(how);
  }
  protected override close(): void {
    this.#port.close();
  }
  override localAddress(): SocketAddress {
    return this.#port.localAddress();
  }
  override peerAddress(): SocketAddress {
    return this.#port.peerAddress();
  }
  override readableBytes(): number {
    return this.#port.readableBytes();
  }
  protected override get countsBytes(): boolean {
    return this.type !== SOCK_DGRAM;
  }
  override poll(): number {
    return this.#port.poll();
  }

  override setFilter(filter: SocketFilter | undefined): void {
    super.setFilter(filter);
    this.#port.setFilter(filter);
  }

  override setOption(name: number, value: number): boolean {
    if (!super.setOption(name, value)) return false;
    if (TOLD.has(name)) this.#port.setOption(SOL_SOCKET, name, int(value));
    return true;
  }
  /** Of which interface packets are to be, none for all of them (SO_BINDTODEVICE). */
  device = '';
  /** ENODEV. */
  bindToDevice(name: string): void {
    if (name !== '' && !this.network.interfaces().some((one) => one.name === name)) fail('ENODEV');
    this.#port.setOption(SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(name, 'latin1'));
    this.device = name;
  }
  /** Which messages of ICMPv6 are not heard; false when it is another option. */
  setFilter6(level: number, name: number, value: Uint8Array): boolean {
    if (this.family !== AF_INET6 || level !== IPPROTO_ICMPV6 || this.protocol !== IPPROTO_ICMPV6)
      return false;
    if (name !== ICMP6_FILTER || this.type === SOCK_DGRAM) fail('ENOPROTOOPT');
    this.#port.setOption(level, name, value.slice(0, ICMP6_FILTER_SIZE));
    return true;
  }
}
