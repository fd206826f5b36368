/**
 * What all sockets have in common: the calls of socket(7) as methods, and options. Kinds are in unix-socket.ts and
 * inet-socket.ts.
 */
import { type Errno, fail } from '../../abi/errno.ts';
import { O_ACCMODE, O_RDWR } from '../../abi/fcntl.ts';
import { FIONREAD, SIOCATMARK, TIOCOUTQ } from '../../abi/ioctl.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IPPROTO_UDP,
  MSG_PEEK,
  SO_BROADCAST,
  SO_DEBUG,
  SO_DONTROUTE,
  SO_KEEPALIVE,
  SO_MARK,
  SO_NO_CHECK,
  SO_OOBINLINE,
  SO_PASSCRED,
  SO_PRIORITY,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_RCVLOWAT,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_RXQ_OVFL,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SO_TIMESTAMP,
  SO_TIMESTAMPNS,
  SOCK_DGRAM,
  SOCK_STREAM,
  type SocketAddress,
} from '../../abi/socket.ts';
import { S_IFSOCK } from '../../abi/stat.ts';
import { AnonymousInode } from '../core/anonymous.ts';
import { type IoctlContext, OpenFile, WOULD_BLOCK } from '../core/open-file.ts';
import type { Vfs } from '../core/vfs.ts';
import type { WaitQueue } from '../core/wait-queue.ts';
import { interfaceIoctl } from './interface-ioctl.ts';
import type { Network } from './network.ts';
import type { OutsideAddress, OutsideName } from './outside.ts';
import type { SocketFilter } from './socket-filter.ts';

/** Who sent a message, or is at the other end (struct ucred). */
export interface PeerCreds {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

export interface SendOptions {
  /** MSG_*. */
  readonly flags: number;
  /** Where to, for sockets that are not connected. */
  readonly address?: SocketAddress | undefined;
  /** The socket bound to a path, which the caller has resolved. */
  readonly target?: Socket | OutsideAddress | undefined;
  /** Open files to be passed (SCM_RIGHTS). */
  readonly rights?: readonly OpenFile[] | undefined;
  readonly creds: PeerCreds;
}

/** What comes along with a message (struct cmsghdr), as the guest has it. */
export interface ControlMessage {
  readonly level: number;
  readonly type: number;
  readonly data: Uint8Array;
}

export interface Received {
  readonly count: number;
  /** Length of the whole message when it was longer than the buffer. */
  readonly length: number;
  readonly address?: SocketAddress | undefined;
  readonly rights?: readonly OpenFile[] | undefined;
  readonly creds?: PeerCreds | undefined;
  readonly control?: readonly ControlMessage[] | undefined;
  /** MSG_* of the message. */
  readonly flags?: number;
}

/** The call an address is given to. */
export type AddressUse = 'bind' | 'connect';

const BUFFER = 212_992;

/** Options that are remembered and told again. */
const REMEMBERED = new Set([
  SO_BROADCAST,
  SO_DEBUG,
  SO_DONTROUTE,
  SO_KEEPALIVE,
  SO_MARK,
  SO_NO_CHECK,
  SO_OOBINLINE,
  SO_PASSCRED,
  SO_PRIORITY,
  SO_RCVLOWAT,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_RXQ_OVFL,
  SO_TIMESTAMP,
  SO_TIMESTAMPNS,
]);

const PROTOCOL_NAME = 'system.sockprotoname';

/** A socket's file, whose one extended attribute names its protocol (sockfs_xattr_handlers of net/socket.c). */
class SocketInode extends AnonymousInode {
  socket: Socket | undefined;
  constructor(vfs: Vfs) {
    super(vfs.nameless.sockets, 'socket:[N]', S_IFSOCK | 0o777);
  }
  override listxattr(): string[] {
    return [PROTOCOL_NAME];
  }
  override getxattr(name: string): Uint8Array | undefined {
    if (name !== PROTOCOL_NAME || this.socket === undefined) return super.getxattr(name);
    return Buffer.from(`${protocolName(this.socket)}\0`, 'latin1');
  }
}

/** As the kernel calls it (struct proto). */
function protocolName({ family, type, protocol }: Socket): string {
  if (family === AF_UNIX) return type === SOCK_STREAM ? 'UNIX-STREAM' : 'UNIX';
  if (family !== AF_INET && family !== AF_INET6) return 'NETLINK';
  let name = 'RAW';
  if (type === SOCK_STREAM) name = 'TCP';
  else if (type === SOCK_DGRAM) name = protocol === IPPROTO_UDP ? 'UDP' : 'PING';
  return family === AF_INET6 ? `${name}v6` : name;
}

export abstract class Socket extends OpenFile {
  declare readonly inode: AnonymousInode;
  abstract readonly family: number;
  /** SOCK_*. */
  abstract readonly type: number;
  abstract readonly protocol: number;
  abstract readonly listening: boolean;
  /** What SO_ERROR tells, once. */
  error: Errno | undefined;
  peerCreds: PeerCreds | undefined;
  readonly options = new Map<number, number>();
  /** SO_LINGER: whether closing waits, and how long at most; the time stays what it was while that is off. */
  lingers = false;
  lingerSeconds = 0;
  #filter: SocketFilter | undefined;
  /** Nobody exchanges it any more (SO_LOCK_FILTER). */
  filterIsLocked = false;
  sendBuffer = BUFFER;
  receiveBuffer = BUFFER;

  /** The network namespace it was made in. */
  readonly network: Network;

  constructor(
    network: Network,
    flags: number,
    inode: AnonymousInode = new SocketInode(network.vfs),
    queue?: WaitQueue,
  ) {
    // A socket is for both, however a descriptor that was given may look.
    super(inode, O_RDWR | (flags & ~O_ACCMODE), queue);
    this.network = network;
    if (inode instanceof SocketInode) inode.socket = this;
  }

  #readTimeout = Infinity;
  #writeTimeout = Infinity;
  override get readTimeout(): number {
    return this.#readTimeout;
  }
  override set readTimeout(milliseconds: number) {
    this.#readTimeout = milliseconds;
  }
  override get writeTimeout(): number {
    return this.#writeTimeout;
  }
  override set writeTimeout(milliseconds: number) {
    this.#writeTimeout = milliseconds;
  }

  /**
   * What the bytes of a sockaddr, as a program gave them to bind or connect, mean to this kind of socket; undefined when they ask
   * for no address at all (AF_UNSPEC, where that dissolves a connection). Throws what the call gives for an address of another
   * family or length.
   */
  abstract addressOf(bytes: Uint8Array, use: AddressUse): SocketAddress | undefined;
  /**
   * Where so many bytes are to go by the sockaddr that a program gave, if any; undefined where the socket itself knows. Throws
   * what Linux tells before it looks at the bytes to be sent, in its order (the beginnings of *_sendmsg).
   */
  abstract destination(length: number, flags: number, address?: Uint8Array): SocketAddress | undefined;
  /** 0 or WOULD_BLOCK: then it is called again after a wake-up. The caller has made the file for a path. */
  abstract bind(address: SocketAddress, path?: AnonymousPath): number;
  abstract listen(backlog: number): number;
  /** The next connection; undefined when there is none. */
  abstract accept(): Socket | undefined;
  /** Begins to connect; 0 when done at once, else WOULD_BLOCK and `connecting` tells how it goes on. */
  abstract connect(
    address: SocketAddress | undefined,
    target: Socket | OutsideAddress | undefined,
    creds: PeerCreds,
  ): number;
  /** Outcome of a connect that was begun: 0, WOULD_BLOCK, or throws. */
  abstract connecting(): number;
  abstract send(bytes: Uint8Array, options: SendOptions): number;
  abstract receive(into: Uint8Array, flags: number): Received | typeof WOULD_BLOCK;
  abstract shutdown(how: number): void;
  abstract localAddress(): SocketAddress;
  /** ENOTCONN. */
  abstract peerAddress(): SocketAddress;
  /** Bytes that could be received now. */
  abstract readableBytes(): number;

  override read(into: Uint8Array): number {
    const received = this.receive(into, 0);
    if (typeof received === 'number') return received;
    for (const file of received.rights ?? []) file.release();
    return received.count;
  }
  override write(from: Uint8Array): number {
    this.checkWriting(from.length);
    return this.send(from, { flags: 0, creds: NOBODY });
  }
  override checkWriting(length: number): void {
    this.destination(length, 0);
  }
  override get pollable(): boolean {
    return true;
  }
  override get asynchronous(): boolean {
    return true;
  }

  get filter(): SocketFilter | undefined {
    return this.#filter;
  }
  /** What decides which messages are received; undefined for none any more. EPERM, ENOENT. */
  setFilter(filter: SocketFilter | undefined): void {
    if (this.filterIsLocked) fail('EPERM');
    if (filter === undefined && this.#filter === undefined) fail('ENOENT');
    this.#filter = filter;
  }
  /** How much of a message is received of which a filter sees all; undefined: none of it. */
  protected filtered(bytes: Uint8Array): Uint8Array | undefined {
    if (this.#filter === undefined) return bytes;
    const count = this.#filter.run({ bytes, start: 0 });
    return count === 0 ? undefined : bytes.subarray(0, count);
  }

  /** Throws the pending error, once. */
  protected throwError(): void {
    const { error } = this;
    if (error === undefined) return;
    this.error = undefined;
    throw error;
  }

  /** An integer option of SOL_SOCKET; undefined when it is not known. */
  getOption(name: number): number | undefined {
    if (name === SO_SNDBUF) return this.sendBuffer;
    if (name === SO_RCVBUF) return this.receiveBuffer;
    return REMEMBERED.has(name) ? (this.options.get(name) ?? (name === SO_RCVLOWAT ? 1 : 0)) : undefined;
  }
  /** False when it is not known. */
  setOption(name: number, value: number): boolean {
    // The kernel doubles what is asked for (socket(7)).
    const size = (least: number) => Math.min(Math.max(2 * value, least), 2 * BUFFER);
    if (name === SO_SNDBUF || name === SO_SNDBUFFORCE) this.sendBuffer = size(4608);
    else if (name === SO_RCVBUF || name === SO_RCVBUFFORCE) this.receiveBuffer = size(2304);
    else if (name === SO_RCVLOWAT) this.options.set(name, value || 1);
    else if (REMEMBERED.has(name))
      this.options.set(name, name === SO_PRIORITY || name === SO_MARK ? value : +(value !== 0));
    else return false;
    return true;
  }

  /** Whether it tells how much has come (SIOCINQ), and how much is not yet gone (SIOCOUTQ). */
  protected get countsBytes(): boolean {
    return true;
  }
  /** What SIOCOUTQ tells. */
  protected get unsentBytes(): number {
    return 0;
  }
  /** Whether it tells if what comes next is urgent (SIOCATMARK): it never is, as nothing is sent so (MSG_OOB). */
  protected get hasMark(): boolean {
    return false;
  }

  override ioctl(request: number, argument: number, context: IoctlContext): number {
    if (this.countsBytes && request === FIONREAD) {
      const bytes = this.readableBytes();
      context.write(argument, 4).setInt32(0, bytes, true);
      return 0;
    }
    if (this.countsBytes && request === TIOCOUTQ) {
      context.write(argument, 4).setInt32(0, this.unsentBytes, true);
      return 0;
    }
    if (this.hasMark && request === SIOCATMARK) {
      context.write(argument, 4).setInt32(0, 0, true);
      return 0;
    }
    return interfaceIoctl(this.network, request, argument, context) ?? fail('ENOTTY');
  }
}

export const NOBODY: PeerCreds = { pid: 0, uid: 65534, gid: 65534 };

/** What a bound path leads to. */
export interface AnonymousPath {
  socket: unknown;
  /** The name on the host, when it is one there. */
  outsideName?: OutsideName | undefined;
}

/** Memory that a message of so many bytes takes (SKB_TRUESIZE of a 32-bit kernel): lines of 64 bytes, and what goes with them. */
function truesize(length: number): number {
  return Math.ceil(length / 64) * 64 + 192 + 256;
}

/** Messages that wait to be received: of a stream their bounds mean nothing, except that passed files come with their bytes. */
export interface Message {
  bytes: Uint8Array;
  readonly sender?: Socket | undefined;
  readonly address?: SocketAddress | undefined;
  readonly rights?: readonly OpenFile[] | undefined;
  readonly creds?: PeerCreds | undefined;
  readonly control?: readonly ControlMessage[] | undefined;
}

export class MessageQueue {
  #messages: Message[] = [];
  #first = 0;
  bytes = 0;

  get empty(): boolean {
    return this.#first === this.#messages.length;
  }
  get count(): number {
    return this.#messages.length - this.#first;
  }
  /** Memory that messages of a sender take (unix_outq_len). */
  heldFor(sender: Socket): number {
    let sum = 0;
    for (const message of this.#messages.slice(this.#first))
      if (message.sender === sender) sum += truesize(message.bytes.length);
    return sum;
  }
  /** Length of the first message. */
  get nextLength(): number {
    return this.#messages[this.#first]?.bytes.length ?? 0;
  }

  push(message: Message): void {
    this.#messages.push(message);
    this.bytes += message.bytes.length;
  }

  #drop(): void {
    this.#first++;
    if (this.#first < 64 || this.#first * 2 < this.#messages.length) return;
    this.#messages = this.#messages.slice(this.#first);
    this.#first = 0;
  }

  /** Takes one message, cut to the buffer. */
  takeMessage(into: Uint8Array, flags: number): Received {
    const message = this.#messages[this.#first]!;
    const { bytes } = message;
    const count = Math.min(into.length, bytes.length);
    into.set(bytes.subarray(0, count));
    if (flags & MSG_PEEK) {
      for (const file of message.rights ?? []) file.ref();
    } else {
      this.bytes -= bytes.length;
      this.#drop();
    }
    return { ...message, count, length: bytes.length };
  }

  /** Takes bytes of a stream; it ends after bytes with which files were passed, and before those of another sender. */
  takeBytes(into: Uint8Array, flags: number): Received {
    const peek = (flags & MSG_PEEK) !== 0;
    const first = this.#messages[this.#first]!;
    const { creds, address } = first;
    let rights: readonly OpenFile[] | undefined;
    let count = 0;
    let at = this.#first;
    while (at < this.#messages.length && count < into.length) {
      const message = this.#messages[at]!;
      if (message !== first && message.creds?.pid !== creds?.pid) break;
      rights ??= message.rights;
      const part = Math.min(into.length - count, message.bytes.length);
      into.set(message.bytes.subarray(0, part), count);
      count += part;
      if (peek) at++;
      else {
        this.bytes -= part;
        if (part === message.bytes.length) {
          this.#drop();
          at = this.#first;
        } else {
          this.#messages[at] = { ...message, bytes: message.bytes.subarray(part), rights: undefined };
          break;
        }
      }
      if (message.rights) break;
    }
    if (peek && rights) rights = rights.map((file) => file.ref());
    return { count, length: count, rights, creds, address };
  }

  /** Forgets everything, closing the files that were under way. */
  clear(): void {
    for (const message of this.#messages.slice(this.#first))
      for (const file of message.rights ?? []) file.release();
    this.#messages = [];
    this.#first = 0;
    this.bytes = 0;
  }
}

export { WOULD_BLOCK };
