/**
 * A network namespace (network_namespaces(7)): interfaces and routes, and all that sockets of it find each other by. There are
 * the host's own, and private ones of the run, which have nothing but a loopback interface (private-network.ts).
 */
import type dgram from 'node:dgram';
import fs from 'node:fs';
import type net from 'node:net';
import { ERRNO, type Errno, fail } from '../../abi/errno.ts';
import { AF_INET, AF_INET6, addressBytes, type InetAddress, SOCK_DGRAM } from '../../abi/socket.ts';
import { Namespace } from '../core/namespace.ts';
import { FIRST_USER_NAMESPACE, type UserNamespace } from '../core/user-namespace.ts';
import type { Vfs } from '../core/vfs.ts';
import type { WatchedQueue } from '../core/wait-queue.ts';
import { hostCalls } from '../host/ffi/call.ts';
import { connectTo, newSocket } from '../host/ffi/sockets.ts';
import { HostPackets, hostPingGroups } from '../host/host-packets.ts';
import { AbstractNames } from './abstract-names.ts';
import { nodeNet } from './inet-address.ts';
import type { InetOptions } from './inet-options.ts';
import {
  hostInterfaces,
  hostRoutes,
  type InterfaceAddress,
  isBroadcast,
  type NetworkInterface,
  type Route,
} from './interfaces.ts';
import { Loopback } from './loopback.ts';
import { NetlinkPorts } from './netlink-ports.ts';
import type { End } from './packet.ts';
import { isAny, isGroup, isV4 } from './private-ports.ts';
import type { PacketKind, PacketPort } from './raw-socket.ts';

export abstract class Network extends Namespace {
  readonly vfs: Vfs;
  readonly loopback = new Loopback(() => this.interfaces());
  readonly abstractNames = new AbstractNames();
  readonly netlinkPorts = new NetlinkPorts();

  constructor(vfs: Vfs, number?: number, owner: UserNamespace = FIRST_USER_NAMESPACE) {
    super('net', owner, number);
    this.vfs = vfs;
  }

  abstract interfaces(): readonly NetworkInterface[];
  abstract routes(): readonly Route[];
  /** Linux makes a network's tables of routes with its first address: without them /proc/net/route is empty. */
  get hasRoutes(): boolean {
    return true;
  }
  /** Whether a socket may be bound to an IPv4 address (inet_addr_valid_or_nonlocal). */
  mayBind(host: string): boolean {
    const isForAll =
      host === '255.255.255.255' || isBroadcast(this.interfaces(), addressBytes(AF_INET, host));
    return isAny(host) || isGroup(host) || isForAll || this.loopback.isOwn(host);
  }
  /** What has an address is not bound again: EINVAL, but of IPv4 the address is judged first (__inet_bind). */
  refuseBinding(family: number, host: string): never {
    return fail(family === AF_INET && !this.mayBind(host) ? 'EADDRNOTAVAIL' : 'EINVAL');
  }
  /**
   * Whether there is a way to an address at all; `chosen`: a group's interface has been. Throws what sendto(2) gives where
   * there is none.
   */
  abstract checkRoute(host: string, chosen: boolean): void;
  /** Throws what connect tells of a stream that has no way to go, without waiting: ENETUNREACH, EADDRNOTAVAIL ... */
  abstract checkWay(to: InetAddress): void;
  /** Sets IFF_UP of an interface, or takes it away. EPERM where it is the host's. */
  abstract setUp(index: number, up: boolean): void;
  /** Gives an interface an address. EPERM where it is the host's, EEXIST. */
  abstract addAddress(index: number, address: InterfaceAddress): void;

  // What node:net and node:dgram have of these names; a private network does as much of it as sockets use.
  abstract createServer(options: net.ServerOpts): net.Server;
  abstract connect(options: net.TcpNetConnectOpts): net.Socket;
  abstract createDatagram(options: dgram.SocketOptions): dgram.Socket;
  /** Throws what socket(2) gives where there can be none. */
  abstract createPackets(kind: PacketKind, queue: WatchedQueue): PacketPort;
  /** A socket of the run, with these options, sends a datagram: for who hears packets. `from` may be of any address. */
  datagramSent(_from: End, _to: End, _bytes: Uint8Array, _options: InetOptions): void {}
  /** The lowest and the highest group that may have ICMP sockets without privilege (net.ipv4.ping_group_range). */
  abstract pingGroups: readonly [number, number];
}

const NO_WAY: readonly number[] = [ERRNO.ENETUNREACH, ERRNO.EHOSTUNREACH, ERRNO.EADDRNOTAVAIL];

/** So long a way that was there is believed to be, for who sends much. */
const ROUTE_MS = 100;

export class HostNetwork extends Network {
  #reached = '';
  #reachedUntil = 0;

  /** The host's own, which also asks for the group of this process (createPackets). */
  override get pingGroups(): readonly [number, number] {
    return hostPingGroups();
  }
  override set pingGroups(_: readonly [number, number]) {
    fail('EPERM');
  }
  override createPackets(kind: PacketKind, queue: WatchedQueue): PacketPort {
    return new HostPackets(this.vfs, kind, queue);
  }
  /** A socket of datagrams finds out, and sends nothing. */
  override checkWay(to: InetAddress): void {
    const calls = hostCalls();
    if (calls === undefined) return;
    const fd = newSocket(calls, to.family, SOCK_DGRAM, 0);
    try {
      connectTo(calls, fd, to);
    } catch (error) {
      if (NO_WAY.includes((error as Errno).errno)) throw error;
    } finally {
      fs.closeSync(fd);
    }
  }
  /** The host would tell later. */
  override checkRoute(host: string, chosen: boolean): void {
    if ((isGroup(host) && chosen) || (host === this.#reached && Date.now() < this.#reachedUntil)) return;
    this.checkWay({ family: isV4(host) ? AF_INET : AF_INET6, host, port: 1 });
    this.#reached = host;
    this.#reachedUntil = Date.now() + ROUTE_MS;
  }
  override interfaces(): NetworkInterface[] {
    return hostInterfaces();
  }
  override routes(): Route[] {
    return hostRoutes();
  }
  override setUp(): void {
    fail('EPERM');
  }
  override addAddress(): void {
    fail('EPERM');
  }
  override createServer(options: net.ServerOpts): net.Server {
    return nodeNet().createServer(options);
  }
  override connect(options: net.TcpNetConnectOpts): net.Socket {
    return nodeNet().connect(options);
  }
  override createDatagram(options: dgram.SocketOptions): dgram.Socket {
    return process.getBuiltinModule('node:dgram').createSocket(options);
  }
}
