/**
 * AF_INET and AF_INET6 sockets over the host's network, through node:net and node:dgram.
 *
 * Node's events fill buffers here and wake the queue; the guest's calls look at the buffers. Node sets up the local end of a
 * stream only with listen or connect; so bind listens at once, which tells about EADDRINUSE and the port chosen, and a connect
 * after it lets the port go and takes it again.
 */
import type dgram from 'node:dgram';
import type net from 'node:net';
import { networkInterfaces as interfaces } from 'node:os';
import { errnoNamed, fail } from '../../abi/errno.ts';
import { SIOCATMARK } from '../../abi/ioctl.ts';
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
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV6_V6ONLY,
  readSockaddr,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SO_BROADCAST,
  SO_KEEPALIVE,
  SO_REUSEADDR,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
  type SocketAddress,
  TCP_NODELAY,
} from '../../abi/socket.ts';
import type { IoctlContext } from '../core/open-file.ts';
import type { Vfs } from '../core/vfs.ts';
import {
  InetOptions,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IP_TTL,
  IPV6_MULTICAST_HOPS,
  IPV6_MULTICAST_LOOP,
  TCP_KEEPIDLE,
} from './inet-options.ts';
import { type LocalReceiver, sourceOf } from './loopback.ts';
import {
  type AddressUse,
  MessageQueue,
  type PeerCreds,
  type Received,
  type SendOptions,
  Socket,
  WOULD_BLOCK,
} from './socket.ts';

/** Loaded when the first socket is used: it costs each start two milliseconds. */
const nodeNet = () => process.getBuiltinModule('node:net');

/** An address that addressOf has given. */
function inetAddress(address: SocketAddress | undefined): InetAddress {
  return address?.family === AF_INET || address?.family === AF_INET6 ? address : fail('EAFNOSUPPORT');
}

/** A sockaddr of the socket's own family; `unspecified` where AF_UNSPEC passes for AF_INET. */
function ownAddress(family: InetFamily, bytes: Uint8Array, unspecified = false): SocketAddress {
  const address = readSockaddr(family, bytes);
  const said = familyOf(bytes);
  const passes = said === family || (unspecified && said === AF_UNSPEC && family === AF_INET);
  return passes ? address : fail('EAFNOSUPPORT');
}

/** inet_bind, inet6_bind: an AF_INET socket takes AF_UNSPEC, too, for any address. */
function bindAddress(family: InetFamily, bytes: Uint8Array): SocketAddress {
  return ownAddress(family, bytes, bytes.length >= 8 && bytes.subarray(4, 8).every((byte) => byte === 0));
}

function anyAddress(family: InetFamily): InetAddress {
  return { family, host: family === AF_INET ? '0.0.0.0' : '::', port: 0 };
}

function fromNode(family: InetFamily, info: { address?: string; port?: number } | null): InetAddress {
  if (!info?.address) return anyAddress(family);
  const mapped =
    family === AF_INET6 && nodeNet().isIPv4(info.address) ? `::ffff:${info.address}` : info.address;
  return { family, host: mapped, port: info.port ?? 0 };
}

const errnoOfEvent = (error: NodeJS.ErrnoException) => errnoNamed(error.code ?? '') ?? errnoNamed('EIO')!;

export class StreamSocket extends Socket {
  readonly family: InetFamily;
  readonly type = SOCK_STREAM;
  readonly protocol: number;
  readonly inetOptions: InetOptions;
  #server: net.Server | undefined;
  #listening = false;
  #backlog: net.Socket[] = [];
  #socket: net.Socket | undefined;
  #state: 'new' | 'binding' | 'bound' | 'connecting' | 'connected' | 'failed' = 'new';
  #local: InetAddress | undefined;
  #peer: InetAddress | undefined;
  readonly #incoming = new MessageQueue();
  #ended = false;
  #readShut = false;
  #writeShut = false;

  constructor(vfs: Vfs, family: InetFamily, flags: number) {
    super(vfs, flags);
    this.family = family;
    this.protocol = IPPROTO_TCP;
    this.inetOptions = new InetOptions(family, SOCK_STREAM, (level, name) => {
      if (this.#state !== 'connected') return;
      if (level === IPPROTO_TCP && name === TCP_NODELAY) this.#socket!.setNoDelay(this.#isOn(level, name));
      else if (level === IPPROTO_TCP && name === TCP_KEEPIDLE) this.#keepAlive();
    });
  }

  get listening(): boolean {
    return this.#listening;
  }
  /** As TCP_INFO tells it. */
  get state(): 'listening' | 'connected' | 'connecting' | 'closed' {
    if (this.#listening) return 'listening';
    return this.#state === 'connected' || this.#state === 'connecting' ? this.#state : 'closed';
  }

  /** inet_stream_connect, tcp_v4_connect, tcp_v6_connect; tcp_sendmsg looks at no address. */
  override addressOf(bytes: Uint8Array, use: AddressUse): SocketAddress | undefined {
    if (use === 'bind') return bindAddress(this.family, bytes);
    if (use === 'send' || familyOf(bytes) === AF_UNSPEC) return undefined;
    this.#mayConnect();
    return ownAddress(this.family, bytes);
  }

  // ---- server ----
  override bind(address: SocketAddress): number {
    if (this.#state === 'binding') return WOULD_BLOCK;
    this.throwError();
    if (this.#state === 'bound' && this.#bindingAsked) {
      this.#bindingAsked = false;
      return 0;
    }
    if (this.#state !== 'new') fail('EINVAL');
    const { host, port } = inetAddress(address);
    const server = nodeNet().createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      this.#backlog.push(socket);
      this.queue.wakeAll();
    });
    this.#state = 'binding';
    this.#bindingAsked = true;
    server.on('error', (error) => {
      this.error = errnoOfEvent(error);
      this.#state = 'new';
      this.#bindingAsked = false;
      this.#server = undefined;
      this.queue.wakeAll();
    });
    server.on('listening', () => {
      this.#local = fromNode(this.family, server.address() as net.AddressInfo);
      this.#state = 'bound';
      this.queue.wakeAll();
    });
    server.listen({
      host,
      port,
      exclusive: true,
      ipv6Only: this.#isOn(IPPROTO_IPV6, IPV6_V6ONLY),
      backlog: 511,
    });
    this.#server = server;
    return WOULD_BLOCK;
  }
  /** bind was begun and its end not yet told. */
  #bindingAsked = false;

  override listen(_backlog: number): void {
    if (this.#listening) return;
    // Not bound: Linux would choose a port; a program that wants one asks for it with bind.
    if (this.#state !== 'bound') fail('EINVAL');
    this.#listening = true;
  }

  override accept(): Socket | undefined {
    if (!this.#listening) fail('EINVAL');
    const socket = this.#backlog.shift();
    if (socket === undefined) return undefined;
    const accepted = new StreamSocket(this.vfs, this.family, 0);
    accepted.#adopt(socket);
    accepted.#connected();
    socket.resume();
    return accepted;
  }

  // ---- client ----
  override connect(
    address: SocketAddress | undefined,
    _target: Socket | undefined,
    _creds: PeerCreds,
  ): number {
    if (address === undefined) return this.#disconnect();
    this.#mayConnect();
    if (this.#state === 'connecting') return WOULD_BLOCK;
    if (this.#state === 'failed') this.#state = 'new';
    this.error = undefined;
    const { host, port } = inetAddress(address);
    const options: net.TcpNetConnectOpts = {
      host,
      port,
      autoSelectFamily: false,
      allowHalfOpen: true,
    } as never;
    if (this.#state === 'bound') {
      options.localAddress = this.#local!.host;
      options.localPort = this.#local!.port;
      this.#server!.close();
      this.#server = undefined;
    }
    this.#peer = { family: this.family, host: host === '0.0.0.0' ? '127.0.0.1' : host, port };
    this.#begin(nodeNet().connect(options));
    return WOULD_BLOCK;
  }

  #mayConnect(): void {
    if (this.#state === 'connected' || this.#listening) fail('EISCONN');
    if (this.#state === 'connecting' && this.nonblocking) fail('EALREADY');
  }

  /** connect to AF_UNSPEC (tcp_disconnect): what there was is reset, and the socket is as new. */
  #disconnect(): number {
    const socket = this.#socket;
    const lost = this.#state === 'connected' || this.#state === 'connecting';
    this.error = lost ? errnoNamed('ECONNRESET') : undefined;
    this.#stopListening();
    socket?.removeAllListeners();
    socket?.on('error', () => {});
    socket?.resetAndDestroy?.();
    this.#socket = this.#local = this.#peer = undefined;
    this.#state = 'new';
    this.#incoming.clear();
    this.#ended = this.#readShut = this.#writeShut = this.#bindingAsked = false;
    return 0;
  }

  #begin(socket: net.Socket): void {
    this.#state = 'connecting';
    this.#adopt(socket);
    socket.on('connect', () => this.#connected());
  }

  override connecting(): number {
    if (this.#state === 'connecting') return WOULD_BLOCK;
    this.throwError();
    return this.#state === 'connected' ? 0 : fail('ECONNABORTED');
  }

  #adopt(socket: net.Socket): void {
    this.#socket = socket;
    socket.on('data', (bytes) => {
      if (!this.#readShut) this.#incoming.push({ bytes: bytes as Buffer });
      if (this.#incoming.bytes >= this.receiveBuffer) socket.pause();
      this.queue.wakeAll(POLLIN | POLLRDNORM);
    });
    socket.on('end', () => {
      this.#ended = true;
      this.queue.wakeAll();
    });
    socket.on('drain', () => this.queue.wakeAll(POLLOUT | POLLWRNORM));
    socket.on('error', (error) => {
      this.error = errnoOfEvent(error);
      this.#ended = true;
      this.#writeShut = true;
      if (this.#state === 'connecting') this.#state = 'failed';
      this.queue.wakeAll();
    });
    socket.on('close', () => {
      this.#ended = true;
      this.queue.wakeAll();
    });
  }

  #connected(): void {
    const socket = this.#socket!;
    this.#state = 'connected';
    const { family } = this;
    this.#local = fromNode(family, { address: socket.localAddress!, port: socket.localPort! });
    this.#peer = fromNode(family, { address: socket.remoteAddress!, port: socket.remotePort! });
    if (this.#isOn(IPPROTO_TCP, TCP_NODELAY)) socket.setNoDelay(true);
    if (this.options.get(SO_KEEPALIVE)) this.#keepAlive();
    this.queue.wakeAll();
  }

  // ---- data ----
  override send(bytes: Uint8Array, options: SendOptions): number {
    this.throwError();
    if (this.#writeShut) fail('EPIPE');
    if (this.#state === 'connecting') return WOULD_BLOCK;
    if (this.#state !== 'connected') fail('EPIPE');
    if (options.rights?.length) fail('EINVAL');
    const socket = this.#socket!;
    this.vfs.lingering.owe();
    if (socket.writableLength >= this.sendBuffer) return WOULD_BLOCK;
    const count = Math.min(bytes.length, this.sendBuffer);
    if (count > 0) socket.write(Uint8Array.from(bytes.subarray(0, count)));
    return count;
  }

  override receive(into: Uint8Array, flags: number): Received | typeof WOULD_BLOCK {
    if (this.#state === 'connecting') return WOULD_BLOCK;
    if (this.#incoming.empty) {
      this.throwError();
      if (this.#state !== 'connected') fail('ENOTCONN');
      return this.#ended || this.#readShut ? { count: 0, length: 0 } : WOULD_BLOCK;
    }
    if (into.length === 0) return { count: 0, length: 0 };
    const received = this.#incoming.takeBytes(into, flags);
    const socket = this.#socket!;
    if (socket.isPaused() && this.#incoming.bytes < this.receiveBuffer / 2) socket.resume();
    return received;
  }

  override shutdown(how: number): void {
    if (how < SHUT_RD || how > SHUT_RDWR) fail('EINVAL');
    if (this.#listening) {
      if (how !== SHUT_WR) this.#stopListening();
      return;
    }
    if (this.#state !== 'connected') fail('ENOTCONN');
    if (how !== SHUT_WR) {
      this.#readShut = true;
      this.#incoming.clear();
    }
    if (how !== SHUT_RD && !this.#writeShut) {
      this.#writeShut = true;
      this.#socket!.end();
    }
    this.queue.wakeAll();
  }

  #stopListening(): void {
    this.#server?.close();
    this.#server = undefined;
    this.#listening = false;
    for (const socket of this.#backlog) socket.destroy();
    this.#backlog = [];
    this.queue.wakeAll();
  }

  protected override close(): void {
    this.#stopListening();
    const socket = this.#socket;
    if (socket === undefined) return;
    socket.removeAllListeners();
    socket.on('error', () => {});
    // SO_LINGER with no time, or bytes never read: the other end sees a reset.
    if (this.linger === 0 || this.#state !== 'connected') socket.resetAndDestroy?.();
    else if (socket.writableLength === 0) socket.end(() => socket.destroy());
    else {
      this.vfs.lingering.add(
        new Promise<void>((done) => {
          socket.once('close', () => done());
          socket.end(() => socket.destroy());
        }),
      );
    }
  }

  override localAddress(): SocketAddress {
    return this.#local ?? anyAddress(this.family);
  }
  override peerAddress(): SocketAddress {
    return this.#state === 'connected' ? this.#peer! : fail('ENOTCONN');
  }
  override readableBytes(): number {
    return this.#incoming.bytes;
  }

  #isOn(level: number, name: number): boolean {
    return !(level === IPPROTO_IPV6 && this.family === AF_INET) && this.inetOptions.get(level, name) !== 0;
  }
  /** As SO_KEEPALIVE and TCP_KEEPIDLE are now. */
  #keepAlive(): void {
    const idle = this.inetOptions.get(IPPROTO_TCP, TCP_KEEPIDLE);
    this.#socket!.setKeepAlive(this.options.get(SO_KEEPALIVE) === 1, idle * 1000);
  }
  override ioctl(request: number, argument: number, context: IoctlContext): number {
    if (request !== SIOCATMARK) return super.ioctl(request, argument, context);
    // There is no urgent data (MSG_OOB), so no mark.
    context.write(argument, 4).setInt32(0, 0, true);
    return 0;
  }
  override setOption(name: number, value: number): boolean {
    if (!super.setOption(name, value)) return false;
    if (name === SO_KEEPALIVE && this.#state === 'connected') this.#keepAlive();
    return true;
  }

  override poll(): number {
    if (this.#listening) return this.#backlog.length > 0 ? POLLIN | POLLRDNORM : 0;
    let events = this.error ? POLLERR : 0;
    if (this.#state === 'connecting' || this.#state === 'binding') return events;
    if (this.#state !== 'connected') return events | POLLOUT | POLLWRNORM | POLLHUP;
    if (!this.#incoming.empty) events |= POLLIN | POLLRDNORM;
    if (this.#ended || this.#readShut) events |= POLLIN | POLLRDNORM | POLLRDHUP;
    if ((this.#ended || this.#readShut) && this.#writeShut) events |= POLLHUP;
    if (this.#writeShut || this.#socket!.writableLength < this.sendBuffer / 2) events |= POLLOUT | POLLWRNORM;
    return events;
  }
}

/** Datagrams kept before the oldest are lost, as a full socket buffer would lose the newest. */
const MOST_DATAGRAMS = 1000;

export class DatagramSocket extends Socket implements LocalReceiver {
  readonly family: InetFamily;
  readonly type = SOCK_DGRAM;
  readonly protocol = IPPROTO_UDP;
  readonly listening = false;
  readonly inetOptions: InetOptions;
  #socket: dgram.Socket | undefined;
  #state: 'new' | 'binding' | 'bound' = 'new';
  #bindingAsked = false;
  #local: InetAddress | undefined;
  #peer: InetAddress | undefined;
  readonly #incoming = new MessageQueue();
  #readShut = false;
  #writeShut = false;

  constructor(vfs: Vfs, family: InetFamily, flags: number) {
    super(vfs, flags);
    this.family = family;
    this.inetOptions = new InetOptions(family, SOCK_DGRAM, () => this.#applyOptions());
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
  }

  #create(): dgram.Socket {
    if (this.#socket) return this.#socket;
    const socket = process.getBuiltinModule('node:dgram').createSocket({
      type: this.family === AF_INET ? 'udp4' : 'udp6',
      reuseAddr: this.options.get(SO_REUSEADDR) === 1,
      ipv6Only: this.v6only,
      // Addresses are never names.
      lookup: (host, _options, done) => done(null, host, this.family === AF_INET ? 4 : 6),
    });
    socket.on('message', (bytes, from) => this.arrive(bytes, { host: from.address, port: from.port }));
    socket.on('error', (error) => {
      this.error = errnoOfEvent(error);
      if (this.#state === 'binding') this.#state = 'new';
      this.#bindingAsked = false;
      this.queue.wakeAll();
    });
    socket.on('listening', () => {
      this.#local = fromNode(this.family, socket.address());
      this.#state = 'bound';
      this.vfs.loopback.listen(this);
      this.#applyOptions();
      if (this.options.get(SO_BROADCAST)) socket.setBroadcast(true);
      this.queue.wakeAll();
    });
    this.#socket = socket;
    return socket;
  }

  get bound(): InetAddress | undefined {
    return this.#local;
  }

  /** A datagram has come. A connected socket hears its peer only. */
  arrive(bytes: Uint8Array, from: { host: string; port: number }): void {
    const address = fromNode(this.family, { address: from.host, port: from.port });
    if (this.#peer && !sameAddress(this.#peer, address)) return;
    if (this.#incoming.count >= MOST_DATAGRAMS || this.#readShut) return;
    this.#incoming.push({ bytes, address });
    this.queue.wakeAll(POLLIN | POLLRDNORM);
  }

  /**
   * __ip4_datagram_connect, __ip6_datagram_connect, udp_sendmsg, udpv6_sendmsg: an AF_INET6 socket takes AF_INET addresses, too.
   */
  override addressOf(bytes: Uint8Array, use: AddressUse): SocketAddress | undefined {
    const { family } = this;
    if (use === 'bind') return bindAddress(family, bytes);
    if (family === AF_INET && use === 'send') return ownAddress(family, bytes, true);
    const said = familyOf(bytes);
    if (said === AF_UNSPEC) return undefined;
    if (family === AF_INET6 && said === AF_INET) {
      if (this.v6only) fail(use === 'send' ? 'ENETUNREACH' : 'EAFNOSUPPORT');
      return mapped(readSockaddr(AF_INET, bytes));
    }
    if (said !== family && use === 'send') fail('EINVAL');
    return ownAddress(family, bytes);
  }

  override bind(address: SocketAddress): number {
    if (this.#state === 'binding') return WOULD_BLOCK;
    if (this.error) {
      this.#socket?.close();
      this.#socket = undefined;
      this.throwError();
    }
    if (this.#bindingAsked) {
      this.#bindingAsked = false;
      return 0;
    }
    if (this.#state !== 'new') fail('EINVAL');
    const { host, port } = inetAddress(address);
    this.#state = 'binding';
    this.#bindingAsked = true;
    this.#create().bind({ address: host, port, exclusive: true });
    // An address that needs no looking up is bound at once.
    return this.bind(address);
  }

  override listen(): void {
    fail('EOPNOTSUPP');
  }
  override accept(): undefined {
    fail('EOPNOTSUPP');
  }

  /** Sets the default peer; the local end gets its port as if bound to any. */
  override connect(
    address: SocketAddress | undefined,
    _target: Socket | undefined,
    _creds: PeerCreds,
  ): number {
    if (address === undefined) {
      this.#peer = undefined;
      return 0;
    }
    const { host, port } = inetAddress(address);
    this.#peer = { family: this.family, host: normal(this.family, host), port };
    if (this.#state === 'bound') return 0;
    if (this.#state === 'new') {
      this.#state = 'binding';
      this.#create().bind({ port: 0, exclusive: true });
    }
    return this.connecting();
  }
  override connecting(): number {
    if (this.#state === 'binding') return WOULD_BLOCK;
    this.throwError();
    return 0;
  }

  override send(bytes: Uint8Array, options: SendOptions): number {
    this.throwError();
    if (this.#writeShut) fail('EPIPE');
    const to = options.address ?? this.#peer ?? fail('EDESTADDRREQ');
    const { host, port } = inetAddress(to);
    if (bytes.length > 65507) fail('EMSGSIZE');
    if (port === 0) fail('EINVAL');
    const socket = this.#create();
    if (this.#state === 'new') {
      this.#state = 'binding';
      // Bound at once, as there is nothing to look up.
      socket.bind({ port: 0, exclusive: true });
    }
    const receiver = this.vfs.loopback.receiver({
      family: this.family,
      host: normal(this.family, host),
      port,
    });
    if (receiver && this.#local) {
      const own = this.#local.host;
      const from = /^(0\.0\.0\.0|::)$/.test(own) ? sourceOf(normal(this.family, host)) : own;
      receiver.arrive(Uint8Array.from(bytes), { host: from.replace(/^::ffff:/, ''), port: this.#local.port });
      return bytes.length;
    }
    socket.send(Uint8Array.from(bytes), port, host, (error) => {
      if (!error) return;
      this.error = errnoOfEvent(error as NodeJS.ErrnoException);
      this.queue.wakeAll();
    });
    return bytes.length;
  }

  override receive(into: Uint8Array, flags: number): Received | typeof WOULD_BLOCK {
    if (this.#incoming.empty) {
      this.throwError();
      return this.#readShut ? { count: 0, length: 0 } : WOULD_BLOCK;
    }
    return this.#incoming.takeMessage(into, flags);
  }

  override shutdown(how: number): void {
    if (how < SHUT_RD || how > SHUT_RDWR) fail('EINVAL');
    if (!this.#peer) fail('ENOTCONN');
    if (how !== SHUT_WR) this.#readShut = true;
    if (how !== SHUT_RD) this.#writeShut = true;
    this.queue.wakeAll();
  }

  protected override close(): void {
    this.vfs.loopback.leave(this);
    this.#socket?.close();
    this.#incoming.clear();
  }

  override localAddress(): SocketAddress {
    const local = this.#local ?? anyAddress(this.family);
    // A connected socket has the address its datagrams come from.
    if (!this.#peer || !/^(0\.0\.0\.0|::)$/.test(local.host)) return local;
    return { ...local, host: sourceFor(this.#peer) ?? local.host };
  }
  override peerAddress(): SocketAddress {
    return this.#peer ?? fail('ENOTCONN');
  }
  override readableBytes(): number {
    return this.#incoming.nextLength;
  }

  override poll(): number {
    let events = this.error ? POLLERR : 0;
    if (!this.#incoming.empty) events |= POLLIN | POLLRDNORM;
    if (this.#readShut) events |= POLLIN | POLLRDNORM | POLLRDHUP;
    if (this.#state !== 'binding') events |= POLLOUT | POLLWRNORM;
    return events;
  }
}

/** An address in the form in which Node tells who sent a datagram; no address at all is this machine's own. */
function normal(family: InetFamily, host: string): string {
  if (family === AF_INET) return host === '0.0.0.0' ? '127.0.0.1' : host;
  const { address } = new (nodeNet().SocketAddress)({ address: host, family: 'ipv6' });
  if (address === '::ffff:0.0.0.0') return `${MAPPED}127.0.0.1`;
  return address === '::' ? '::1' : address;
}

/** How IPv6 writes an IPv4 address. */
const MAPPED = '::ffff:';

function mapped(address: SocketAddress): InetAddress {
  const { host, port } = inetAddress(address);
  return { family: AF_INET6, host: `${MAPPED}${host}`, port };
}

function sameAddress(a: InetAddress, b: InetAddress): boolean {
  return a.port === b.port && a.host === b.host;
}

/** The local address that reaches another one: loopback for loopback; else an address of the first interface that has one. */
function sourceFor(peer: InetAddress): string | undefined {
  if (peer.family === AF_INET6 && peer.host.startsWith(MAPPED)) {
    const source = sourceFor({ ...peer, family: AF_INET, host: peer.host.slice(MAPPED.length) });
    return source && `${MAPPED}${source}`;
  }
  if (peer.host.startsWith('127.') || peer.host === '::1') return peer.host;
  const wanted = peer.family === AF_INET ? 'IPv4' : 'IPv6';
  for (const addresses of Object.values(interfaces())) {
    for (const { family, internal, address } of addresses ?? []) {
      if (!internal && family === wanted) return address;
    }
  }
  return undefined;
}

const IPPROTO_MAX = 263;

/** A socket of the Internet families (inet_create). EPROTONOSUPPORT, ESOCKTNOSUPPORT, EINVAL, EPERM for raw ones. */
export function createInetSocket(
  vfs: Vfs,
  family: InetFamily,
  type: number,
  protocol: number,
  flags: number,
): Socket {
  if (protocol < 0 || protocol >= IPPROTO_MAX) fail('EINVAL');
  if (type === SOCK_STREAM) {
    if (protocol !== 0 && protocol !== IPPROTO_TCP) fail('EPROTONOSUPPORT');
    return new StreamSocket(vfs, family, flags);
  }
  if (type === SOCK_DGRAM) {
    if (protocol === 1) fail('EACCES');
    if (protocol !== 0 && protocol !== IPPROTO_UDP) fail('EPROTONOSUPPORT');
    return new DatagramSocket(vfs, family, flags);
  }
  if (type !== SOCK_RAW) return fail('ESOCKTNOSUPPORT');
  return fail(protocol === 0 ? 'EPROTONOSUPPORT' : 'EPERM');
}
