/** Sockets of AF_INET and AF_INET6: which kinds there are. */
import { fail } from '../../abi/errno.ts';
import {
  AF_INET,
  type InetFamily,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
} from '../../abi/socket.ts';
import { DatagramSocket } from './datagram-socket.ts';
import type { Network } from './network.ts';
import type { Socket } from './socket.ts';
import { StreamSocket } from './stream-socket.ts';

const IPPROTO_MAX = 263;

const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;

/** A socket of the Internet families (inet_create). EPROTONOSUPPORT, ESOCKTNOSUPPORT, EINVAL, EPERM for raw ones. */
export function createInetSocket(
  network: Network,
  family: InetFamily,
  type: number,
  protocol: number,
  flags: number,
): Socket {
  if (protocol < 0 || protocol >= IPPROTO_MAX) fail('EINVAL');
  if (type === SOCK_STREAM) {
    if (protocol !== 0 && protocol !== IPPROTO_TCP) fail('EPROTONOSUPPORT');
    return new StreamSocket(network, family, flags);
  }
  if (type === SOCK_DGRAM) {
    // Ping sockets are for the groups of net.ipv4.ping_group_range, which are none.
    if (protocol === (family === AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6)) fail('EACCES');
    if (protocol !== 0 && protocol !== IPPROTO_UDP) fail('EPROTONOSUPPORT');
    return new DatagramSocket(network, family, flags);
  }
  if (type !== SOCK_RAW) return fail('ESOCKTNOSUPPORT');
  return fail(protocol === 0 ? 'EPROTONOSUPPORT' : 'EPERM');
}
