/** UDP sockets over the host's network, through node:dgram; between sockets of the run datagrams go straight (loopback.ts). */
import type dgram from 'node:dgram';
import { errnoNamed, fail } from '../../abi/errno.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  familyOf,
  type InetAddress,
  type InetFamily,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  IPV6_V6ONLY,
  MSG_DONTWAIT,
  MSG_OOB,
  readSockaddr,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SO_BROADCAST,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_DGRAM,
  type SocketAddress,
} from '../../abi/socket.ts';
import { callback } from '../core/callback.ts';
import {
  anyAddress,
  bindAddress,
  errnoOfEvent,
  fromNode,
  inetAddress,
  MAPPED,
  mapped,
  normal,
  ownAddress,
  sameAddress,
} from './inet-address.ts';
import {
  InetOptions,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IP_TTL,
  IPV6_MULTICAST_HOPS,
  IPV6_MULTICAST_LOOP,
} from './inet-options.ts';
import { type LocalReceiver, sourceOf } from './loopback.ts';
import type { Network } from './network.ts';
import { type End, filteredPacket, UDPHDR, udpPacket } from './packet.ts';
import { isAny } from './private-ports.ts';
import {
  type AddressUse,
  MessageQueue,
  type PeerCreds,
  type Received,
  type SendOptions,
  Socket,
  WOULD_BLOCK,
} from './socket.ts';

/** Most bytes of a datagram: what a packet of 65535 bytes has room for; that of IPv6 has its own header not in it. */
const LONGEST = 65507;
const LONGEST6 = 65527;

/** Datagrams kept before the oldest are lost, as a full socket buffer would lose the newest. */
const MOST_DATAGRAMS = 1000;

export class DatagramSocket extends Socket implements LocalReceiver {
  readonly family: InetFamily;
  readonly type = SOCK_DGRAM;
  readonly protocol = IPPROTO_UDP;
  readonly listening = false;
  readonly inetOptions: InetOptions;
  #socket: dgram.Socket | undefined;
  #state: 'new' | 'binding' | 'bound' | 'connecting' = 'new';
  #bindingAsked = false;
  /** What bind(2) was given. */
  #asked: InetAddress | undefined;
  #local: InetAddress | undefined;
  #peer: InetAddress | undefined;
  /**
   * What the host's socket is connected to: its errors (ICMP) are those of the guest's, and it has the address that reaches the
   * peer.
   */
  #hostPeer: InetAddress | undefined;
  readonly #incoming = new MessageQueue();
  #readShut = false;
  #writeShut = false;

  constructor(network: Network, family: InetFamily, flags: number) {
    super(network, flags);
    this.family = family;
    this.inetOptions = new InetOptions(family, SOCK_DGRAM, IPPROTO_UDP, () => this.#applyOptions());
  }

  get v6only(): boolean {
    return this.family === AF_INET6 && this.inetOptions.get(IPPROTO_IPV6, IPV6_V6ONLY) !== 0;
  }

  /** Gives the host's socket what it can be given of the options. */
  #applyOptions(): void {
    const socket = this.#socket;
    if (socket === undefined || this.#state !== 'bound') return;
    const [level, hops, loop] =
      this.family === AF_INET
        ? [IPPROTO_IP, IP_MULTICAST_TTL, IP_MULTICAST_LOOP]
        : [IPPROTO_IPV6, IPV6_MULTICAST_HOPS, IPV6_MULTICAST_LOOP];
    if (this.family === AF_INET) socket.setTTL(this.inetOptions.get(IPPROTO_IP, IP_TTL));
    socket.setMulticastTTL(this.inetOptions.get(level, hops));
    socket.setMulticastLoopback(this.inetOptions.get(level, loop) !== 0);
    if (this.multicastInterface !== undefined) socket.setMulticastInterface(this.multicastInterface);
  }

  /** The interface that datagrams to groups leave by: its address, or for IPv6 its name as a scope (`::%lo`). */
  multicastInterface: string | undefined;
  readonly #groups = new Set<string>();

  /**
   * Joins or leaves a group, on the interface of an address or (IPv6) a scope, or on one that the host chooses. EINVAL for what
   * is no group, EADDRINUSE, EADDRNOTAVAIL, ENODEV, as of the socket's end when it is bound.
   */
  changeMembership(joins: boolean, group: string, through: string | undefined): void {
    const key = `${group} ${through ?? ''}`;
    if (joins === this.#groups.has(key)) fail(joins ? 'EADDRINUSE' : 'EADDRNOTAVAIL');
    if (this.#state === 'bound') this.#member(joins, group, through);
    if (joins) this.#groups.add(key);
    else this.#groups.delete(key);
  }

  #member(joins: boolean, group: string, through: string | undefined): void {
    try {
      if (joins) this.#socket!.addMembership(group, through);
      else this.#socket!.dropMembership(group, through);
    } catch (e) {
      throw errnoOfEvent(e as NodeJS.ErrnoException);
    }
  }

  #create(): dgram.Socket {
    if (this.#socket) return this.#socket;
    const socket = this.network.createDatagram({
      type: this.family === AF_INET ? 'udp4' : 'udp6',
      reuseAddr: this.options.get(SO_REUSEADDR) === 1,
      reusePort: this.options.get(SO_REUSEPORT) === 1,
      ipv6Only: this.v6only,
      // Addresses are never names.
      lookup: (host, _options, done) => done(null, host, this.family === AF_INET ? 4 : 6),
    });
    socket.on(
      'message',
      callback(this, (bytes, from) => this.arrive(bytes, { host: from.address, port: from.port })),
    );
    socket.on('error', (error) => {
      this.error = errnoOfEvent(error);
      if (this.#state === 'binding') this.#state = 'new';
      this.#bindingAsked = false;
      this.queue.wakeAll();
    });
    socket.on(
      'listening',
      callback(this, () => {
        this.#local = fromNode(this.family, socket.address());
        this.#state = 'bound';
        this.network.loopback.listen(this);
        this.#applyOptions();
        for (const key of this.#groups) {
          const [group, through] = key.split(' ') as [string, string];
          this.#member(true, group, through || undefined);
        }
        if (this.options.get(SO_BROADCAST)) socket.setBroadcast(true);
        this.queue.wakeAll();
      }),
    );
    this.#socket = socket;
    return socket;
  }

  hostFailed(): void {
    this.error = errnoNamed('EIO');
    this.queue.wakeAll();
  }

  get bound(): InetAddress | undefined {
    return this.#local;
  }

  /** A datagram has come. A connected socket hears its peer only. */
  arrive(bytes: Uint8Array, from: { host: string; port: number }): void {
    const address = fromNode(this.family, { address: from.host, port: from.port });
    if (this.#peer && !sameAddress(this.#peer, address)) return;
    if (this.#incoming.count >= MOST_DATAGRAMS || this.#readShut) return;
    const filtered = this.#filtered(bytes, from);
    if (filtered === undefined) return;
    this.#incoming.push({ bytes: filtered, address });
    this.queue.wakeAll(POLLIN | POLLRDNORM);
  }

  /** A filter sees a datagram from its header on, which it leaves (udp_queue_rcv_one_skb). */
  #filtered(bytes: Uint8Array, from: End): Uint8Array | undefined {
    if (this.filter === undefined || this.#local === undefined) return bytes;
    const { host, port } = this.#local;
    const to = { host: isAny(host) ? sourceOf(from.host) : host, port };
    const count = this.filter.run(filteredPacket(udpPacket(from, to, bytes, { hops: 64 }), false));
    return count === 0 ? undefined : bytes.subarray(0, Math.max(0, count - UDPHDR));
  }

  /**
   * __ip4_datagram_connect, __ip6_datagram_connect, udp_sendmsg, udpv6_sendmsg: an AF_INET6 socket takes AF_INET addresses, too.
   */
  override addressOf(bytes: Uint8Array, use: AddressUse): SocketAddress | undefined {
    const { family } = this;
    if (use === 'bind') return bindAddress(family, bytes);
    const said = familyOf(bytes);
    if (said === AF_UNSPEC) return undefined;
    if (family === AF_INET6 && said === AF_INET) {
      if (this.v6only) fail('EAFNOSUPPORT');
      return mapped(readSockaddr(AF_INET, bytes));
    }
    return ownAddress(family, bytes);
  }

  /** udp_sendmsg, udpv6_sendmsg: of the latter what goes to an IPv4 address is the former's. */
  override destination(length: number, flags: number, bytes?: Uint8Array): SocketAddress | undefined {
    const { family } = this;
    const said = family === AF_INET6 && bytes ? familyOf(bytes) : AF_UNSPEC;
    let is4 = family === AF_INET || said === AF_INET;
    let asked: InetAddress | undefined;
    if (!is4) {
      if (said === AF_INET6) asked = inetAddress(readSockaddr(AF_INET6, bytes!));
      else if (said !== AF_UNSPEC) fail('EINVAL');
      const to = asked ?? this.#peer ?? fail('EDESTADDRREQ');
      is4 = normal(AF_INET6, to.host).startsWith(MAPPED);
    }
    if (is4) {
      if (this.v6only) fail('ENETUNREACH');
      if (length > 0xffff) fail('EMSGSIZE');
      if (flags & MSG_OOB) fail('EOPNOTSUPP');
      if (family === AF_INET && bytes) asked = inetAddress(ownAddress(AF_INET, bytes, true));
      else if (said === AF_INET) asked = mapped(readSockaddr(AF_INET, bytes!));
    }
    if (asked?.port === 0) fail('EINVAL');
    if (!asked && !this.#peer) fail('EDESTADDRREQ');
    if (asked) this.network.checkRoute(asked.host, this.multicastInterface !== undefined);
    if (length > (is4 ? LONGEST : LONGEST6)) fail('EMSGSIZE');
    this.throwError();
    if (this.#writeShut) fail('EPIPE');
    return asked;
  }

  override bind(address: SocketAddress): number {
    if (this.#state === 'binding') return WOULD_BLOCK;
    if (this.error && this.#state === 'new') {
      this.#asked = undefined;
      this.#closeHost();
      this.throwError();
    }
    if (this.#bindingAsked) {
      this.#bindingAsked = false;
      return 0;
    }
    if (this.#state !== 'new') this.network.refuseBinding(this.family, inetAddress(address).host);
    this.#asked = inetAddress(address);
    this.#bindingAsked = true;
    this.#openHost(this.#asked);
    // An address that needs no looking up is bound at once.
    return this.bind(address);
  }

  override listen(): number {
    fail('EOPNOTSUPP');
  }
  override accept(): undefined {
    fail('EOPNOTSUPP');
  }

  /** Sets the default peer, or none; the local end gets its port as if bound to any. ENETUNREACH, EACCES as the host's socket. */
  override connect(address: SocketAddress | undefined, _target: unknown, _creds: PeerCreds): number {
    if (address === undefined) {
      this.#peer = undefined;
      // It keeps a port that it asked for.
      if (this.#hostPeer) {
        this.#closeHost();
        if (this.#asked?.port) this.#openHost(this.#asked);
      }
      return 0;
    }
    const { host, port } = inetAddress(address);
    const peer = { family: this.family, host: normal(this.family, host), port };
    if (this.#state === 'new') this.#openHost();
    if (this.#state === 'bound') this.#connectHost(peer);
    return this.connecting();
  }
  override connecting(): number {
    if (this.#state === 'binding' || this.#state === 'connecting') return WOULD_BLOCK;
    this.throwError();
    return 0;
  }

  /** Node connects at once, but tells of a failure later. */
  #connectHost(peer: InetAddress): void {
    if (this.#hostPeer) this.#reopenHost();
    const socket = this.#socket!;
    this.#state = 'connecting';
    // Node connects to no port 0, which Linux takes (getaddrinfo(3) asks for routes so).
    socket.connect(peer.port || 1, peer.host, ((error?: NodeJS.ErrnoException) => {
      if (!error) return;
      this.#state = 'bound';
      this.error = errnoOfEvent(error);
      this.queue.wakeAll();
    }) as () => void);
    try {
      socket.remoteAddress();
    } catch {
      return;
    }
    this.#state = 'bound';
    this.#peer = peer;
    this.#hostPeer = peer;
    this.network.loopback.leave(this);
    this.#local = fromNode(this.family, socket.address());
    this.network.loopback.listen(this);
  }

  /** Bound at once, as there is nothing to look up; without a port, to one that the host chooses. */
  #openHost({ host, port } = this.#asked ?? anyAddress(this.family)): void {
    this.#state = 'binding';
    this.#create().bind({ address: host, port, exclusive: true });
  }
  #closeHost(): void {
    this.network.loopback.leave(this);
    this.#socket?.close();
    this.#socket = undefined;
    this.#local = undefined;
    this.#hostPeer = undefined;
    this.#state = 'new';
  }

  /**
   * Another socket of the host at the same address: Node's, once connected, sends to its peer only, and has no other peer without
   * giving up a port that it did not ask for.
   */
  #reopenHost(): void {
    const local = this.#local!;
    this.#closeHost();
    this.#openHost(local);
  }

  override send(bytes: Uint8Array, options: SendOptions): number {
    const { host, port } = inetAddress(options.address ?? this.#peer);
    // A peer may have it (getaddrinfo(3) connects so): nobody is there.
    if (port === 0) return bytes.length;
    if (this.#state === 'new') this.#openHost();
    const target = { family: this.family, host: normal(this.family, host), port };
    if (this.#local) this.network.datagramSent(this.#local, target, bytes, this.inetOptions);
    const receiver = this.network.loopback.receiver(target);
    if (receiver && this.#local) {
      const own = this.#local.host;
      const from = /^(0\.0\.0\.0|::)$/.test(own) ? sourceOf(target.host) : own;
      receiver.arrive(Uint8Array.from(bytes), { host: from.replace(/^::ffff:/, ''), port: this.#local.port });
      return bytes.length;
    }
    const sent = (error: Error | null) => {
      if (!error) return;
      this.error = errnoOfEvent(error as NodeJS.ErrnoException);
      this.queue.wakeAll();
    };
    if (this.#hostPeer && !sameAddress(this.#hostPeer, target)) this.#reopenHost();
    if (this.#hostPeer) this.#socket!.send(Uint8Array.from(bytes), sent);
    else this.#socket!.send(Uint8Array.from(bytes), port, host, sent);
    return bytes.length;
  }

  override receive(into: Uint8Array, flags: number): Received | typeof WOULD_BLOCK {
    if (this.#incoming.empty) {
      this.throwError();
      // Who does not wait is told that nothing is there (__skb_recv_udp).
      const waits = !this.nonblocking && !(flags & MSG_DONTWAIT);
      return this.#readShut && waits ? { count: 0, length: 0 } : WOULD_BLOCK;
    }
    return this.#incoming.takeMessage(into, flags);
  }

  override shutdown(how: number): void {
    if (how < SHUT_RD || how > SHUT_RDWR) fail('EINVAL');
    // It holds without a peer, too, though that is an error (inet_shutdown).
    if (how !== SHUT_WR) this.#readShut = true;
    if (how !== SHUT_RD) this.#writeShut = true;
    this.queue.wakeAll();
    if (!this.#peer) fail('ENOTCONN');
  }

  protected override close(): void {
    this.#closeHost();
    this.#incoming.clear();
  }

  override localAddress(): SocketAddress {
    return this.#local ?? { ...anyAddress(this.family), ...(this.#asked && { host: this.#asked.host }) };
  }
  override peerAddress(): SocketAddress {
    return this.#peer?.port ? this.#peer : fail('ENOTCONN');
  }
  override readableBytes(): number {
    return this.#incoming.nextLength;
  }

  override poll(): number {
    let events = this.error ? POLLERR : 0;
    if (!this.#incoming.empty) events |= POLLIN | POLLRDNORM;
    if (this.#readShut) events |= POLLIN | POLLRDNORM | POLLRDHUP;
    if (this.#readShut && this.#writeShut) events |= POLLHUP;
    if (this.#state !== 'binding') events |= POLLOUT | POLLWRNORM;
    return events;
  }
}
