/**
 * AF_UNIX sockets (unix(7)) between processes of the run: streams, sequenced packets and datagrams. Nothing of them touches the
 * host, but for streams from and to others there (outside.ts).
 */
import { errnoNamed, fail } from '../../abi/errno.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import {
  AF_UNIX,
  AF_UNSPEC,
  familyOf,
  MSG_OOB,
  readSockaddr,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SO_PASSCRED,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOMAXCONN,
  type SocketAddress,
  type UnixAddress,
} from '../../abi/socket.ts';
import type { Network } from './network.ts';
import { bridge, OutsideAddress, type OutsideConnection } from './outside.ts';
import {
  type AddressUse,
  type AnonymousPath,
  MessageQueue,
  type PeerCreds,
  type Received,
  type SendOptions,
  Socket,
  WOULD_BLOCK,
} from './socket.ts';

/** Milliseconds until a socket of the host that has no room for a connection is tried again. */
const RETRY_MS = 20;

/** What may hold when the other end stops writing. */
const HANG_UP = POLLIN | POLLRDNORM | POLLRDHUP | POLLHUP;
const UNNAMED: UnixAddress = { family: AF_UNIX, path: '' };

/** unix_validate_addr. EINVAL. */
function validated(bytes: Uint8Array, mayBeUnnamed = false): SocketAddress {
  if (familyOf(bytes) !== AF_UNIX || (bytes.length === 2 && !mayBeUnnamed)) fail('EINVAL');
  return readSockaddr(AF_UNIX, bytes);
}

export class UnixSocket extends Socket {
  readonly family = AF_UNIX;
  readonly type: number;
  readonly protocol = 0;
  #address: UnixAddress = UNNAMED;
  #path: AnonymousPath | undefined;
  #peer: UnixSocket | undefined;
  /** The address the peer had, which stays when it is gone. */
  #peerAddress: SocketAddress | undefined;
  readonly #incoming = new MessageQueue();
  #backlog = -1;
  /** Connections to be accepted, and who wait for room among them. */
  #pending: UnixSocket[] = [];
  readonly #waiting = new Set<UnixSocket>();
  #readShut = false;
  #writeShut = false;
  #closed = false;

  constructor(network: Network, type: number, flags: number) {
    super(network, flags);
    this.type = type;
  }

  /** socketpair(2). */
  static pair(network: Network, type: number, flags: number, creds: PeerCreds): [UnixSocket, UnixSocket] {
    const a = new UnixSocket(network, type, flags);
    const b = new UnixSocket(network, type, flags);
    a.#join(b);
    a.peerCreds = b.peerCreds = creds;
    return [a, b];
  }

  #join(other: UnixSocket): void {
    this.#peer = other;
    this.#peerAddress = other.#address;
    other.#peer = this;
    other.#peerAddress = this.#address;
  }

  get #connectionless(): boolean {
    return this.type === SOCK_DGRAM;
  }
  get listening(): boolean {
    return this.#backlog >= 0;
  }
  get bound(): boolean {
    return this.#address !== UNNAMED;
  }

  /** Whether its state is TCP_ESTABLISHED, which stays when the peer is gone. */
  get #established(): boolean {
    return !this.#connectionless && (this.#peer !== undefined || this.#peerAddress !== undefined);
  }

  /** unix_stream_sendmsg, unix_seqpacket_sendmsg, unix_dgram_sendmsg. */
  override destination(length: number, flags: number, bytes?: Uint8Array): SocketAddress | undefined {
    const { type } = this;
    if (type === SOCK_SEQPACKET) {
      this.throwError();
      if (!this.#established) fail('ENOTCONN');
    }
    if (flags & MSG_OOB) fail('EOPNOTSUPP');
    const asks = bytes !== undefined && bytes.length > 0 && type !== SOCK_SEQPACKET;
    if (asks && type === SOCK_STREAM) fail(this.#established ? 'EISCONN' : 'EOPNOTSUPP');
    const to = asks ? validated(bytes) : undefined;
    if (!asks && this.#peer === undefined && !this.#established) fail('ENOTCONN');
    if (type !== SOCK_STREAM && length > this.sendBuffer - 32) fail('EMSGSIZE');
    this.#mayWrite();
    return to;
  }
  /** Of streams is asked first whether anybody reads (unix_stream_sendmsg), of others what went wrong (sock_alloc_send_pskb). */
  #mayWrite(): void {
    if (this.type !== SOCK_STREAM) this.throwError();
    const unread = !this.#connectionless && (this.#peer === undefined || this.#peer.#readShut);
    if (this.#writeShut || unread) fail('EPIPE');
    this.throwError();
  }

  /** unix_bind, unix_dgram_connect. */
  override addressOf(bytes: Uint8Array, use: AddressUse): SocketAddress | undefined {
    if (use === 'connect' && this.#connectionless && familyOf(bytes) === AF_UNSPEC) return undefined;
    // Only bind takes an address without a name: it makes one.
    return validated(bytes, use === 'bind');
  }

  override bind(address: SocketAddress, path?: AnonymousPath): number {
    if (address.family !== AF_UNIX) fail('EINVAL');
    if (this.bound) fail('EINVAL');
    if (path) {
      path.socket = this;
      this.#path = path;
      this.#address = address;
      return 0;
    }
    const { abstractNames } = this.network;
    const name = address.path || abstractNames.choose();
    abstractNames.take(name, this);
    this.#address = { family: AF_UNIX, path: name };
    return 0;
  }

  override listen(backlog: number): number {
    if (this.#connectionless) fail('EOPNOTSUPP');
    if (!this.bound || this.#peer) fail('EINVAL');
    this.#backlog = Math.min(backlog >>> 0, SOMAXCONN);
    this.#path?.outsideName?.listen(this.#backlog, (connection, creds) => {
      const other = new UnixSocket(this.network, this.type, 0);
      this.#arrive(other, creds);
      bridge(other, connection, this.vfs.lingering);
    });
    this.queue.wakeAll();
    return 0;
  }

  override accept(): Socket | undefined {
    if (this.#connectionless) fail('EOPNOTSUPP');
    if (!this.listening) fail('EINVAL');
    const socket = this.#pending.shift();
    if (socket) for (const waiting of this.#waiting) waiting.queue.wakeAll();
    return socket;
  }

  override connect(
    address: SocketAddress | undefined,
    target: Socket | OutsideAddress | undefined,
    creds: PeerCreds,
  ): number {
    if (address === undefined) {
      if (!this.#connectionless) fail('EINVAL');
      this.#peer = this.#peerAddress = undefined;
      return 0;
    }
    if (address.family !== AF_UNIX) fail('EINVAL');
    if (target instanceof OutsideAddress) return this.#connectOutside(address, target);
    if (!(target instanceof UnixSocket) || target.#closed) fail('ECONNREFUSED');
    if (target.type !== this.type) fail('EPROTOTYPE');
    if (this.#connectionless) {
      this.#peer = target;
      this.#peerAddress = target.#address;
      return 0;
    }
    if (this.#peer) fail('EISCONN');
    if (this.listening) fail('EINVAL');
    if (!target.listening || target.#readShut) fail('ECONNREFUSED');
    if (target.#pending.length > target.#backlog) {
      target.#waiting.add(this);
      return WOULD_BLOCK;
    }
    target.#waiting.delete(this);
    target.#arrive(this, creds);
    this.peerCreds = target.peerCreds ?? creds;
    return 0;
  }

  /** A connection to be accepted has come from the other socket. */
  #arrive(other: UnixSocket, creds: PeerCreds): void {
    const accepted = new UnixSocket(this.network, this.type, 0);
    accepted.#address = this.#address;
    accepted.#join(other);
    accepted.peerCreds = creds;
    this.#pending.push(accepted);
    this.queue.wakeAll();
  }

  #connectOutside(address: UnixAddress, target: OutsideAddress): number {
    if (this.type !== SOCK_STREAM) fail('ECONNREFUSED');
    if (this.#peer) fail('EISCONN');
    if (this.listening) fail('EINVAL');
    let connection: OutsideConnection;
    try {
      connection = target.connect();
    } catch (error) {
      if (error !== errnoNamed('EAGAIN')) throw error;
      // Nobody tells when there is room for one more.
      setTimeout(() => this.queue.wakeAll(), RETRY_MS);
      return WOULD_BLOCK;
    }
    const other = new UnixSocket(this.network, this.type, 0);
    other.#address = address;
    this.#join(other);
    bridge(other, connection, this.vfs.lingering);
    return 0;
  }
  /** There is nothing between "not yet begun" and "done": connect itself is tried again. */
  override connecting(): number {
    return WOULD_BLOCK;
  }

  override send(bytes: Uint8Array, options: SendOptions): number {
    this.#mayWrite();
    let receiver = this.#peer;
    if (options.address) {
      if (!(options.target instanceof UnixSocket)) fail('ECONNREFUSED');
      receiver = options.target;
      if (receiver.type !== this.type) fail('EPROTOTYPE');
    }
    if (receiver === undefined) fail('ENOTCONN');
    if (this.#connectionless && receiver.#peer && receiver.#peer !== this) fail('EPERM');
    if (receiver.#closed) {
      if (receiver === this.#peer) this.#peer = this.#peerAddress = undefined;
      fail('ECONNREFUSED');
    }
    if (receiver.#readShut) fail('EPIPE');
    const stream = this.type === SOCK_STREAM;
    if (bytes.length === 0 && stream) return 0;
    const message = stream ? bytes : receiver.filtered(bytes);
    // The sender is not told.
    if (message === undefined) return bytes.length;
    const room = this.sendBuffer - receiver.#incoming.bytes;
    // A message goes whole; an empty buffer takes any.
    if (
      room <= 0 ||
      (!stream && bytes.length > room && !receiver.#incoming.empty) ||
      receiver.#incoming.count > 2000
    ) {
      receiver.#waiting.add(this);
      return WOULD_BLOCK;
    }
    receiver.#waiting.delete(this);
    const count = stream ? Math.min(bytes.length, room) : bytes.length;
    const pass = receiver.options.get(SO_PASSCRED) || this.options.get(SO_PASSCRED);
    receiver.#incoming.push({
      bytes: Uint8Array.from(message.subarray(0, count)),
      address: this.#connectionless && this.bound ? this.#address : undefined,
      rights: options.rights?.length ? options.rights.map((file) => file.ref()) : undefined,
      creds: pass ? options.creds : undefined,
      sender: this,
    });
    receiver.queue.wakeAll(POLLIN | POLLRDNORM);
    return count;
  }

  override receive(into: Uint8Array, flags: number): Received | typeof WOULD_BLOCK {
    if (this.#incoming.empty) {
      this.throwError();
      if (this.listening) fail('EINVAL');
      if (this.#readShut) return { count: 0, length: 0 };
      if (this.#connectionless) return WOULD_BLOCK;
      if (this.#peer === undefined) {
        return this.#peerAddress
          ? { count: 0, length: 0 }
          : fail(this.type === SOCK_STREAM ? 'EINVAL' : 'ENOTCONN');
      }
      return this.#peer.#writeShut || this.#peer.#closed ? { count: 0, length: 0 } : WOULD_BLOCK;
    }
    const received =
      this.type === SOCK_STREAM
        ? into.length === 0
          ? { count: 0, length: 0 }
          : this.#incoming.takeBytes(into, flags)
        : this.#incoming.takeMessage(into, flags);
    this.#roomAgain();
    return received;
  }

  #roomAgain(): void {
    this.#peer?.queue.wakeAll(POLLOUT | POLLWRNORM);
    for (const sender of this.#waiting) sender.queue.wakeAll(POLLOUT | POLLWRNORM);
  }

  override shutdown(how: number): void {
    if (how < SHUT_RD || how > SHUT_RDWR) fail('EINVAL');
    if (!this.#connectionless && !this.#peer && !this.#peerAddress && !this.listening) fail('ENOTCONN');
    if (how !== SHUT_WR) this.#readShut = true;
    if (how !== SHUT_RD) this.#writeShut = true;
    // The other end reads the end of the stream, or may write no more.
    if (!this.#connectionless)
      this.#peer?.queue.wakeAll(how === SHUT_RD ? POLLOUT | POLLERR | POLLHUP : HANG_UP);
    this.queue.wakeAll();
    if (how !== SHUT_WR) this.#roomAgain();
  }

  protected override close(): void {
    this.#closed = true;
    if (this.#address.path[0] === '\0') this.network.abstractNames.release(this.#address.path);
    if (this.#path) {
      this.#path.socket = undefined;
      this.#path.outsideName?.close();
    }
    const peer = this.#peer;
    if (peer && !this.#connectionless) {
      // Bytes that were never read make the other end see a reset (unix_release_sock).
      if (!this.#incoming.empty) peer.error = errnoNamed('ECONNRESET');
      peer.#peer = undefined;
      peer.queue.wakeAll();
    }
    for (const pending of this.#pending) pending.ref().release();
    this.#incoming.clear();
    this.#roomAgain();
    this.#peer = undefined;
  }

  override localAddress(): SocketAddress {
    return this.#address;
  }
  override peerAddress(): SocketAddress {
    return (this.#peer ? this.#peer.#address : this.#peerAddress) ?? fail('ENOTCONN');
  }
  protected override get unsentBytes(): number {
    return this.#peer === undefined ? 0 : this.#peer.#incoming.heldFor(this);
  }
  protected override get hasMark(): boolean {
    return true;
  }
  override readableBytes(): number {
    if (this.listening) fail('EINVAL');
    return this.type === SOCK_STREAM ? this.#incoming.bytes : this.#incoming.nextLength;
  }

  override poll(): number {
    if (this.listening) return this.#pending.length > 0 ? POLLIN | POLLRDNORM : 0;
    let events = 0;
    if (this.error) events |= POLLERR;
    const peer = this.#peer;
    const never = !this.#connectionless && peer === undefined && this.#peerAddress === undefined;
    const gone = !this.#connectionless && peer === undefined && !never;
    if (!this.#incoming.empty) events |= POLLIN | POLLRDNORM;
    if (this.#readShut || gone || (!this.#connectionless && peer !== undefined && peer.#writeShut)) {
      events |= POLLIN | POLLRDNORM | POLLRDHUP;
    }
    if (gone || never || (this.#readShut && this.#writeShut)) events |= POLLHUP;
    if (!peer || peer.#incoming.bytes < this.sendBuffer / 2) events |= POLLOUT | POLLWRNORM;
    return events;
  }
}
