/**
 * TCP sockets over the host's network, through node:net.
 *
 * Node's events fill buffers here and wake the queue; the guest's calls look at the buffers. Node sets up the local end of a
 * stream only with listen or connect; so bind listens at once, which tells about EADDRINUSE and the port chosen, and a connect
 * after it lets the port go and takes it again.
 */
import type net from 'node:net';
import type { PageSource } from '../../../emu/memory/address-space.ts';
import { type Errno, errnoNamed, fail } from '../../abi/errno.ts';
import { PROT } from '../../abi/mman.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import {
  AF_INET,
  AF_UNSPEC,
  familyOf,
  type InetAddress,
  type InetFamily,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  MSG_FASTOPEN,
  MSG_OOB,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SO_KEEPALIVE,
  SO_REUSEPORT,
  SOCK_STREAM,
  type SocketAddress,
  TCP_NODELAY,
} from '../../abi/socket.ts';
import { callback } from '../core/callback.ts';
import { anyAddress, bindAddress, errnoOfEvent, fromNode, inetAddress, ownAddress } from './inet-address.ts';
import { InetOptions, TCP_KEEPIDLE } from './inet-options.ts';
import type { Network } from './network.ts';
import {
  type AddressUse,
  MessageQueue,
  type PeerCreds,
  type Received,
  Socket,
  WOULD_BLOCK,
} from './socket.ts';

const NO_PAGES: PageSource = { key: null, size: () => 0, read: () => 0, mayWrite: () => false };

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

  constructor(network: Network, family: InetFamily, flags: number) {
    super(network, flags);
    this.family = family;
    this.protocol = IPPROTO_TCP;
    this.inetOptions = new InetOptions(family, SOCK_STREAM, IPPROTO_TCP, (level, name) => {
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

  /** inet_stream_connect, tcp_v4_connect, tcp_v6_connect. */
  override addressOf(bytes: Uint8Array, use: AddressUse): SocketAddress | undefined {
    if (use === 'bind') return bindAddress(this.family, bytes);
    if (familyOf(bytes) === AF_UNSPEC) return undefined;
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
    const { host, port } = inetAddress(address);
    if (this.#state !== 'new') this.network.refuseBinding(this.family, host);
    const server = this.network.createServer({ allowHalfOpen: true, pauseOnConnect: true });
    server.on(
      'connection',
      callback(this, (socket) => {
        this.#backlog.push(socket);
        this.queue.wakeAll();
      }),
    );
    this.#state = 'binding';
    this.#bindingAsked = true;
    server.on('error', (error) => {
      this.error = errnoOfEvent(error);
      this.#state = 'new';
      this.#bindingAsked = false;
      this.#server = undefined;
      this.queue.wakeAll();
    });
    server.on(
      'listening',
      callback(this, () => {
        this.#local = fromNode(this.family, server.address() as net.AddressInfo);
        this.#state = 'bound';
        this.queue.wakeAll();
      }),
    );
    server.listen({
      host,
      port,
      exclusive: true,
      reusePort: this.options.get(SO_REUSEPORT) === 1,
      ipv6Only: this.#isOn(IPPROTO_IPV6, IPV6_V6ONLY),
      backlog: 511,
    });
    this.#server = server;
    return WOULD_BLOCK;
  }
  /** bind was begun and its end not yet told. */
  #bindingAsked = false;

  /** Segments are the host's, which nobody shows. */
  override setFilter(): void {
    fail('ENOPROTOOPT');
  }

  /** inet_listen: a socket that is not bound gets a port; one that has been shut down has its own again. */
  override listen(_backlog: number): number {
    if (this.#listening) return 0;
    if (this.#state === 'bound' && this.#server === undefined) this.#state = 'new';
    if (this.#state !== 'bound' || this.#bindingAsked) {
      if (this.bind(this.#local ?? anyAddress(this.family)) === WOULD_BLOCK) return WOULD_BLOCK;
    }
    this.#listening = true;
    return 0;
  }

  override accept(): Socket | undefined {
    if (!this.#listening) fail('EINVAL');
    const socket = this.#backlog.shift();
    if (socket === undefined) return undefined;
    const accepted = new StreamSocket(this.network, this.family, 0);
    accepted.#adopt(socket);
    accepted.#connected();
    socket.resume();
    return accepted;
  }

  // ---- client ----
  override connect(address: SocketAddress | undefined, _target: unknown, _creds: PeerCreds): number {
    if (address === undefined) return this.#disconnect();
    this.#mayConnect();
    if (this.#state === 'connecting') return WOULD_BLOCK;
    if (this.#state === 'failed') this.#state = 'new';
    this.error = undefined;
    const { host, port } = inetAddress(address);
    this.network.checkWay(inetAddress(address));
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
    this.#begin(this.network.connect(options));
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
    socket.on(
      'connect',
      callback(this, () => this.#connected()),
    );
  }

  override connecting(): number {
    if (this.#state === 'connecting') return WOULD_BLOCK;
    this.throwError();
    return this.#state === 'connected' ? 0 : fail('ECONNABORTED');
  }

  #adopt(socket: net.Socket): void {
    this.#socket = socket;
    socket.on(
      'data',
      callback(this, (bytes) => {
        if (!this.#readShut) this.#incoming.push({ bytes: bytes as Buffer });
        if (this.#incoming.bytes >= this.receiveBuffer) socket.pause();
        this.queue.wakeAll(POLLIN | POLLRDNORM);
      }),
    );
    socket.on('end', () => {
      this.#ended = true;
      this.queue.wakeAll();
    });
    socket.on('drain', () => this.queue.wakeAll(POLLOUT | POLLWRNORM));
    socket.on('error', (error) => this.#broken(errnoOfEvent(error)));
    socket.on('close', () => {
      this.#ended = true;
      this.queue.wakeAll();
    });
  }

  /** The connection is no more. */
  #broken(error: Errno | undefined): void {
    this.error = error;
    this.#ended = true;
    this.#writeShut = true;
    if (this.#state === 'connecting') this.#state = 'failed';
    this.queue.wakeAll();
  }

  /** What came may be lost, so nothing that comes after it may be taken for what comes next. */
  hostFailed(): void {
    const eio = errnoNamed('EIO');
    if (this.#socket === undefined) {
      this.error = eio;
      this.queue.wakeAll();
      return;
    }
    this.#socket.resetAndDestroy?.();
    this.#incoming.clear();
    this.#broken(eio);
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
  /** tcp_sendmsg, which looks at no address. */
  override destination(_length: number, flags: number): undefined {
    // As where net.ipv4.tcp_fastopen allows none.
    if (flags & MSG_FASTOPEN) fail('EOPNOTSUPP');
    this.throwError();
    if (this.#writeShut || (this.#state !== 'connecting' && this.#state !== 'connected')) fail('EPIPE');
    if (flags & MSG_OOB) fail('EOPNOTSUPP');
  }

  override send(bytes: Uint8Array): number {
    if (this.#state === 'connecting') return WOULD_BLOCK;
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
    const isUnread = this.#incoming.bytes > 0 && socket.writableLength === 0;
    const isAtOnce = this.lingers && this.lingerSeconds === 0;
    if (isAtOnce || isUnread || this.#state !== 'connected') socket.resetAndDestroy?.();
    // At once: who is told of the end first could still write for a while.
    else if (socket.writableLength === 0) socket.destroy();
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
  protected override get hasMark(): boolean {
    return true;
  }

  /** tcp_mmap: pages are there only once something was received into them (TCP_ZEROCOPY_RECEIVE), which nothing is. */
  override checkMapping(prot: number): void {
    if (prot & (PROT.PROT_WRITE | PROT.PROT_EXEC)) fail('EPERM');
  }
  override pageSource(): PageSource {
    return NO_PAGES;
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
