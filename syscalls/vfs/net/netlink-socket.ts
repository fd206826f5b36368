/**
 * AF_NETLINK sockets (netlink(7)) of NETLINK_ROUTE: C libraries ask there for addresses and interfaces. A request is answered
 * while it is sent (af_netlink.c: the kernel's side is a function call); nothing comes unasked.
 */
import { Errno, fail } from '../../abi/errno.ts';
import {
  message,
  messagesIn,
  NETLINK_ADD_MEMBERSHIP,
  NETLINK_BROADCAST_ERROR,
  NETLINK_CAP_ACK,
  NETLINK_DROP_MEMBERSHIP,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
  NETLINK_NO_ENOBUFS,
  NETLINK_PKTINFO,
  NETLINK_ROUTE,
  NLM_F_ACK,
  NLM_F_CAPPED,
  NLM_F_DUMP,
  NLM_F_MULTI,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_MIN_TYPE,
} from '../../abi/netlink.ts';
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import {
  AF_NETLINK,
  AF_UNSPEC,
  familyOf,
  MSG_OOB,
  type NetlinkAddress,
  readSockaddr,
  SOCK_DGRAM,
  SOCK_RAW,
  type SocketAddress,
} from '../../abi/socket.ts';
import type { Network } from './network.ts';
import { answerRoute } from './rtnetlink.ts';
import {
  type AddressUse,
  MessageQueue,
  type Received,
  type SendOptions,
  Socket,
  WOULD_BLOCK,
} from './socket.ts';

const KERNEL: NetlinkAddress = { family: AF_NETLINK, pid: 0, groups: 0 };

/** As much as a program that reads with a buffer of one page can take (NLMSG_GOODSIZE). */
const DATAGRAM = 3776;

const SWITCHES = new Set([
  NETLINK_PKTINFO,
  NETLINK_BROADCAST_ERROR,
  NETLINK_NO_ENOBUFS,
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
]);

export class NetlinkSocket extends Socket {
  readonly family = AF_NETLINK;
  readonly type: number;
  readonly protocol = NETLINK_ROUTE;
  readonly listening = false;
  protected override get countsBytes(): boolean {
    return false;
  }
  readonly #pid: number;
  /** Who made it had CAP_NET_ADMIN. */
  readonly #isAdmin: boolean;
  #address: NetlinkAddress = KERNEL;
  #peer: NetlinkAddress = KERNEL;
  readonly #incoming = new MessageQueue();
  /** NETLINK_* options that are on. */
  readonly #options = new Set<number>();

  /** @param pid of the process, from which the address is made */
  constructor(
    network: Network,
    type: number,
    protocol: number,
    flags: number,
    pid: number,
    isAdmin: boolean,
  ) {
    if (type !== SOCK_RAW && type !== SOCK_DGRAM) fail('ESOCKTNOSUPPORT');
    if (protocol !== NETLINK_ROUTE) fail('EPROTONOSUPPORT');
    super(network, flags);
    this.type = type;
    this.#pid = pid;
    this.#isAdmin = isAdmin;
  }

  /** False when there is no such option. */
  setNetlinkOption(name: number, value: number): boolean {
    // Groups of what comes unasked, which nothing does.
    if (name === NETLINK_ADD_MEMBERSHIP || name === NETLINK_DROP_MEMBERSHIP) return true;
    if (!SWITCHES.has(name)) return false;
    if (value) this.#options.add(name);
    else this.#options.delete(name);
    return true;
  }
  getNetlinkOption(name: number): number | undefined {
    return SWITCHES.has(name) ? +this.#options.has(name) : undefined;
  }

  /** netlink_bind, netlink_connect. */
  override addressOf(bytes: Uint8Array, use: AddressUse): SocketAddress | undefined {
    const family = familyOf(bytes);
    if (use === 'connect' && family === AF_UNSPEC) return undefined;
    return family === AF_NETLINK ? readSockaddr(AF_NETLINK, bytes) : fail('EINVAL');
  }

  /** netlink_sendmsg. */
  override destination(length: number, flags: number, bytes?: Uint8Array): NetlinkAddress | undefined {
    if (flags & MSG_OOB) fail('EOPNOTSUPP');
    if (length === 0) fail('ENODATA');
    const to = bytes?.length ? this.#destination(this.addressOf(bytes, 'bind')) : undefined;
    this.#autobind();
    if (length > this.sendBuffer - 32) fail('EMSGSIZE');
    return to;
  }

  /** Only who administers the network may send to others than the kernel (NL_CFG_F_NONROOT_SEND is not set). EPERM, EINVAL. */
  #destination(address: SocketAddress | undefined): NetlinkAddress {
    if (address?.family !== AF_NETLINK) return fail('EINVAL');
    if ((address.pid !== 0 || address.groups !== 0) && !this.#isAdmin) fail('EPERM');
    return address;
  }

  override bind(address: SocketAddress): number {
    if (address.family !== AF_NETLINK) fail('EINVAL');
    if (this.#address.pid !== 0) {
      if (address.pid !== this.#address.pid) fail('EINVAL');
    } else if (address.pid !== 0) this.network.netlinkPorts.take(address.pid);
    this.#address = { ...address, pid: address.pid || this.#autobind() };
    return 0;
  }

  #autobind(): number {
    if (this.#address.pid !== 0) return this.#address.pid;
    const port = this.network.netlinkPorts.choose(this.#pid);
    this.#address = { ...this.#address, pid: port };
    return port;
  }

  override connect(address: SocketAddress | undefined): number {
    this.#peer = address ? this.#destination(address) : KERNEL;
    if (address) this.#autobind();
    return 0;
  }
  override connecting(): number {
    return 0;
  }
  override listen(): number {
    fail('EOPNOTSUPP');
  }
  override accept(): undefined {
    fail('EOPNOTSUPP');
  }
  override shutdown(): void {
    fail('EOPNOTSUPP');
  }

  override send(bytes: Uint8Array, options: SendOptions): number {
    const to = options.address ? this.#destination(options.address) : this.#peer;
    if (to.pid !== 0) fail('ECONNREFUSED');
    const port = this.#autobind();
    for (const { header, body, whole } of messagesIn(bytes)) {
      const { nlmsg_type: type, nlmsg_flags: flags, nlmsg_seq: seq } = header;
      let error = 0;
      if (flags & NLM_F_REQUEST && type >= NLMSG_MIN_TYPE) {
        const dump = (flags & NLM_F_DUMP) !== 0;
        try {
          const answers = answerRoute(this.network, type, dump, body, this.#isAdmin);
          const parts = answers.map((a) => message(a.type, dump ? NLM_F_MULTI : 0, seq, port, a.body));
          if (dump) parts.push(message(NLMSG_DONE, NLM_F_MULTI, seq, port, [new Uint8Array(4)]));
          this.#deliver(parts);
          if (dump) continue;
        } catch (e) {
          if (!(e instanceof Errno)) throw e;
          error = e.errno;
        }
      }
      if (error === 0 && !(flags & NLM_F_ACK)) continue;
      // struct nlmsgerr: the request comes back, whole when it failed.
      const result = new Uint8Array(Int32Array.of(-error).buffer);
      const capped = error === 0 || this.#options.has(NETLINK_CAP_ACK);
      const back = capped ? whole.subarray(0, whole.length - body.length) : whole;
      this.#deliver([message(NLMSG_ERROR, capped ? NLM_F_CAPPED : 0, seq, port, [result, back])]);
    }
    return bytes.length;
  }

  /** A datagram from the kernel itself. */
  fromKernel(bytes: Uint8Array): void {
    this.#receive(Uint8Array.from(bytes));
    this.queue.wakeAll();
  }
  #receive(all: Uint8Array): void {
    const bytes = this.filtered(all);
    if (bytes !== undefined) this.#incoming.push({ bytes, address: KERNEL });
  }

  /** Puts messages into datagrams, each as many as fit. */
  #deliver(messages: readonly Uint8Array[]): void {
    let parts: Uint8Array[] = [];
    let length = 0;
    const push = () => {
      if (length > 0) this.#receive(Buffer.concat(parts));
      parts = [];
      length = 0;
    };
    for (const bytes of messages) {
      if (length + bytes.length > DATAGRAM) push();
      parts.push(bytes);
      length += bytes.length;
    }
    push();
    this.queue.wakeAll();
  }

  override receive(into: Uint8Array, flags: number): Received | typeof WOULD_BLOCK {
    return this.#incoming.empty ? WOULD_BLOCK : this.#incoming.takeMessage(into, flags);
  }

  protected override close(): void {
    this.network.netlinkPorts.release(this.#address.pid);
    this.#incoming.clear();
  }

  override localAddress(): SocketAddress {
    return this.#address;
  }
  override peerAddress(): SocketAddress {
    return this.#peer;
  }
  override readableBytes(): number {
    return this.#incoming.nextLength;
  }
  override poll(): number {
    return POLLOUT | POLLWRNORM | (this.#incoming.empty ? 0 : POLLIN | POLLRDNORM);
  }
}
