/**
 * A socket that this process was started with, such as Node gives its children for standard streams. Bytes go as through any
 * other stream of the host (stream.ts); what it is and its names are the host's to tell.
 */
import { fail } from '../../abi/errno.ts';
import { POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import { AF_UNIX, MSG_PEEK, SOCK_STREAM, type SocketAddress } from '../../abi/socket.ts';
import type { AnonymousInode } from '../core/anonymous.ts';
import type { IoctlContext } from '../core/open-file.ts';
import { type Received, type SendOptions, Socket, WOULD_BLOCK } from '../net/socket.ts';
import { hostCalls } from './ffi/call.ts';
import { peek, pollNow, shutdown, socketAddress, socketOption } from './ffi/sockets.ts';
import { HostStream } from './stream.ts';

const ALL = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP;
const UNNAMED: SocketAddress = { family: AF_UNIX, path: '' };
/** Options of SOL_SOCKET as the host numbers them, on its architectures. */
const SO_TYPE = 3;
const SO_PROTOCOL = 38;
const SO_DOMAIN = 39;

export class InheritedSocket extends Socket {
  readonly #fd: number;
  readonly #stream: HostStream;
  readonly listening = false;

  constructor(inode: AnonymousInode, flags: number, fd: number) {
    const stream = new HostStream(inode, flags, fd, false);
    super(inode.fs.vfs.network, flags, inode, stream.queue);
    this.#fd = fd;
    this.#stream = stream.ref();
  }

  /** Where the host cannot be asked it is taken for what Node and most others make. */
  #option(option: number, otherwise: number): number {
    const calls = hostCalls();
    return calls === undefined ? otherwise : socketOption(calls, this.#fd, option);
  }
  get family(): number {
    return this.#option(SO_DOMAIN, AF_UNIX);
  }
  get type(): number {
    return this.#option(SO_TYPE, SOCK_STREAM);
  }
  get protocol(): number {
    return this.#option(SO_PROTOCOL, 0);
  }

  override addressOf(): SocketAddress | undefined {
    return undefined;
  }
  override destination(): SocketAddress | undefined {
    return undefined;
  }
  override bind(): number {
    return fail('EINVAL');
  }
  override listen(): number {
    return fail('EINVAL');
  }
  override accept(): Socket | undefined {
    return fail('EINVAL');
  }
  override connect(): number {
    return fail('EISCONN');
  }
  override connecting(): number {
    return 0;
  }

  override read(into: Uint8Array): number {
    return this.#stream.read(into);
  }
  override write(from: Uint8Array): number {
    return this.#stream.write(from);
  }
  override send(bytes: Uint8Array, options: SendOptions): number {
    // An open file of the guest's is none of the host's.
    if (options.rights?.length) fail('EINVAL');
    return this.#stream.write(bytes);
  }
  override receive(into: Uint8Array, flags: number): Received | typeof WOULD_BLOCK {
    const count = flags & MSG_PEEK ? this.#peek(into) : this.#stream.read(into);
    return count === WOULD_BLOCK ? WOULD_BLOCK : { count, length: count };
  }
  #peek(into: Uint8Array): number {
    const calls = hostCalls() ?? fail('EOPNOTSUPP');
    const taken = this.#stream.peeked;
    if (taken < 0 || into.length === 0) return peek(calls, this.#fd, into);
    into[0] = taken;
    return 1 + Math.max(peek(calls, this.#fd, into.subarray(1)), 0);
  }

  override shutdown(how: number): void {
    shutdown(hostCalls() ?? fail('EOPNOTSUPP'), this.#fd, how);
    this.queue.wakeAll();
  }
  protected override close(): void {
    this.#stream.release();
  }
  override localAddress(): SocketAddress {
    const calls = hostCalls();
    return calls === undefined ? UNNAMED : socketAddress(calls, this.#fd, 'getsockname');
  }
  override peerAddress(): SocketAddress {
    const calls = hostCalls();
    return calls === undefined ? UNNAMED : socketAddress(calls, this.#fd, 'getpeername');
  }
  override readableBytes(): number {
    return Math.max(this.#peek(new Uint8Array(this.receiveBuffer)), 0);
  }
  override poll(): number {
    const calls = hostCalls();
    if (calls === undefined) return this.#stream.poll();
    const taken = this.#stream.peeked >= 0 ? POLLIN | POLLRDNORM : 0;
    return taken | pollNow(calls, this.#fd, ALL);
  }
  override ioctl(request: number, argument: number, context: IoctlContext): number {
    return hostCalls() === undefined
      ? this.#stream.ioctl(request, argument, context)
      : super.ioctl(request, argument, context);
  }
}
