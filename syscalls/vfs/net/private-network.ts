/**
 * A network namespace of the run's own: a loopback interface, down as in a new one of Linux until somebody sets it up, and no
 * way to anywhere else. What sockets of it say to each other never leaves this process.
 */
import type dgram from 'node:dgram';
import type net from 'node:net';
import { fail } from '../../abi/errno.ts';
import { AF_INET, AF_INET6, addressBytes, type InetAddress } from '../../abi/socket.ts';
import type { UserNamespace } from '../core/user-namespace.ts';
import type { Vfs } from '../core/vfs.ts';
import type { WatchedQueue } from '../core/wait-queue.ts';
import { errnoOfEvent } from './inet-address.ts';
import type { InetOptions } from './inet-options.ts';
import type { InterfaceAddress, NetworkInterface, Route } from './interfaces.ts';
import { Network } from './network.ts';
import type { End } from './packet.ts';
import { PrivateDatagram } from './private-datagram.ts';
import { Packets, PrivatePackets } from './private-packets.ts';
import {
  canonical,
  errorNamed,
  isAny,
  isGroup,
  isLinkLocal,
  isV4,
  type PortHolder,
  Ports,
  plain,
} from './private-ports.ts';
import { connectTo, Listener } from './private-stream.ts';
import type { PacketKind, PacketPort } from './raw-socket.ts';

const OWN: readonly InterfaceAddress[] = [
  { family: AF_INET, address: addressBytes(AF_INET, '127.0.0.1'), prefix: 8 },
  { family: AF_INET6, address: addressBytes(AF_INET6, '::1'), prefix: 128 },
];

export class PrivateNetwork extends Network {
  #up: boolean;
  /** The IPv4 one, which it keeps when it is set down. */
  #hasAddress: boolean;
  readonly streams = new Ports<PortHolder>();
  readonly datagrams = new Ports<PrivateDatagram>();

  constructor(vfs: Vfs, up: boolean, number?: number, owner?: UserNamespace) {
    super(vfs, number, owner);
    this.#up = this.#hasAddress = up;
  }
  override get hasRoutes(): boolean {
    return this.#hasAddress;
  }

  override interfaces(): NetworkInterface[] {
    return [
      {
        index: 1,
        name: 'lo',
        loopback: true,
        up: this.#up,
        state: this.#up ? 'unknown' : 'down',
        mtu: 65536,
        hardware: new Uint8Array(6),
        // Set down it keeps the IPv4 address that it had.
        addresses: OWN.filter(({ family }) => this.#up || (this.#hasAddress && family === AF_INET)),
      },
    ];
  }
  override routes(): Route[] {
    return [];
  }
  override setUp(index: number, up: boolean): void {
    if (index !== 1) fail('ENODEV');
    this.#up = up;
    this.#hasAddress ||= up;
  }
  /** It has but loopback's own addresses, which it gets by itself when it is up. */
  override addAddress(index: number, { family, address, prefix }: InterfaceAddress): void {
    if (index !== 1) fail('ENODEV');
    const own = OWN.find((one) => one.family === family && Buffer.compare(one.address, address) === 0);
    if (own?.prefix !== prefix || (family !== AF_INET && !this.#up)) fail('EOPNOTSUPP');
    if (family !== AF_INET || this.#hasAddress) fail('EEXIST');
    this.#hasAddress = true;
  }

  /** Whether it is an address of this network. */
  #isOwn(host: string): boolean {
    return this.#up && (plain(host).startsWith('127.') || host === '::1');
  }
  /** inet_addr_valid_or_nonlocal, __inet6_bind. EADDRNOTAVAIL, EINVAL. */
  checkBind(host: string): void {
    const v4 = isV4(plain(host));
    if (isAny(host) || this.#isOwn(host) || (v4 && isGroup(plain(host)))) return;
    // Without a table of own addresses any may be one; when the interface is down again, its own still are.
    if (v4 && (!this.#hasAddress || plain(host).startsWith('127.'))) return;
    throw errorNamed(isLinkLocal(host) ? 'EINVAL' : 'EADDRNOTAVAIL');
  }
  override mayBind(host: string): boolean {
    try {
      this.checkBind(host);
      return true;
    } catch {
      return false;
    }
  }
  /** As sourceFor, for connect(2), which asks for the interface of an address that is one link's (EINVAL). */
  connectionTo(host: string): string {
    if (isLinkLocal(host)) throw errorNamed('EINVAL');
    return this.sourceFor(host);
  }
  /**
   * The address that one of the network is reached from. ENETUNREACH; for IPv6, where there is a route to nowhere,
   * EADDRNOTAVAIL.
   */
  sourceFor(host: string): string {
    const v4 = isV4(plain(host));
    if (this.#isOwn(host)) return v4 ? '127.0.0.1' : '::1';
    throw errorNamed(v4 || this.#up ? 'ENETUNREACH' : 'EADDRNOTAVAIL');
  }
  override checkWay({ host }: InetAddress): void {
    const asked = canonical(host);
    try {
      this.connectionTo(asked === '0.0.0.0' ? '127.0.0.1' : asked === '::' ? '::1' : asked);
    } catch (error) {
      throw errnoOfEvent(error as NodeJS.ErrnoException);
    }
  }
  override checkRoute(host: string, chosen: boolean): void {
    const to = canonical(host);
    if (isAny(to) && isV4(to) && !this.#up) return;
    try {
      if (!isGroup(to) || !chosen) this.sourceFor(to === '0.0.0.0' ? '127.0.0.1' : to === '::' ? '::1' : to);
    } catch (error) {
      throw errnoOfEvent(error as NodeJS.ErrnoException);
    }
  }

  override createServer(): net.Server {
    return new Listener(this) as unknown as net.Server;
  }
  override connect(options: net.TcpNetConnectOpts): net.Socket {
    return connectTo(this, options as { host: string; port: number }) as unknown as net.Socket;
  }
  /** As in a new network namespace: none. */
  override pingGroups: readonly [number, number] = [1, 0];
  readonly packets = new Packets(this);
  override createPackets(kind: PacketKind, queue: WatchedQueue): PacketPort {
    return new PrivatePackets(this, kind, queue);
  }
  override datagramSent(from: End, to: End, bytes: Uint8Array, options: InetOptions): void {
    this.packets.showDatagram(from, to, bytes, options);
  }
  override createDatagram(options: dgram.SocketOptions): dgram.Socket {
    return new PrivateDatagram(this, options) as unknown as dgram.Socket;
  }
}
