/** Sockets of AF_INET and AF_INET6: which kinds there are. */
import { fail } from '../../abi/errno.ts';
import {
  AF_INET,
  type InetFamily,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
} from '../../abi/socket.ts';
import { DatagramSocket } from './datagram-socket.ts';
import type { Network } from './network.ts';
import { RawSocket } from './raw-socket.ts';
import type { Socket } from './socket.ts';
import { StreamSocket } from './stream-socket.ts';

const IPPROTO_MAX = 263;

/** What of its maker decides which sockets there are. */
export interface SocketMaker {
  /** CAP_NET_RAW over the network. */
  readonly mayRaw: boolean;
  /** The effective one, and all others. */
  readonly groups: readonly number[];
}

/** A socket of the Internet families (inet_create). EPROTONOSUPPORT, ESOCKTNOSUPPORT, EINVAL, EPERM, EACCES. */
export function createInetSocket(
  network: Network,
  family: InetFamily,
  type: number,
  protocol: number,
  flags: number,
  maker: SocketMaker,
): Socket {
  if (protocol < 0 || protocol >= IPPROTO_MAX) fail('EINVAL');
  if (type === SOCK_STREAM) {
    if (protocol !== 0 && protocol !== IPPROTO_TCP) fail('EPROTONOSUPPORT');
    return new StreamSocket(network, family, flags);
  }
  if (type === SOCK_DGRAM) {
    if (protocol === (family === AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6)) {
      const [first, last] = network.pingGroups;
      if (!maker.groups.some((group) => group >= first && group <= last)) fail('EACCES');
      return new RawSocket(network, { family, type, protocol }, flags);
    }
    if (protocol !== 0 && protocol !== IPPROTO_UDP) fail('EPROTONOSUPPORT');
    return new DatagramSocket(network, family, flags);
  }
  if (type !== SOCK_RAW) return fail('ESOCKTNOSUPPORT');
  if (protocol === 0) fail('EPROTONOSUPPORT');
  if (!maker.mayRaw) fail('EPERM');
  return new RawSocket(network, { family, type, protocol }, flags);
}
