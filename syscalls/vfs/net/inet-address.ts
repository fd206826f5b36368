/** Addresses of AF_INET and AF_INET6 as the guest writes them and as Node does. */
import { errnoNamed, fail } from '../../abi/errno.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  familyOf,
  type InetAddress,
  type InetFamily,
  readSockaddr,
  type SocketAddress,
} from '../../abi/socket.ts';
import { hostErrno } from '../host/error.ts';

/** Loaded when the first socket is used: it costs each start two milliseconds. */
export const nodeNet = () => process.getBuiltinModule('node:net');

/** An address that addressOf has given. */
export function inetAddress(address: SocketAddress | undefined): InetAddress {
  return address?.family === AF_INET || address?.family === AF_INET6 ? address : fail('EAFNOSUPPORT');
}

/** A sockaddr of the socket's own family; `unspecified` where AF_UNSPEC passes for AF_INET. */
export function ownAddress(family: InetFamily, bytes: Uint8Array, unspecified = false): SocketAddress {
  const address = readSockaddr(family, bytes);
  const said = familyOf(bytes);
  const passes = said === family || (unspecified && said === AF_UNSPEC && family === AF_INET);
  return passes ? address : fail('EAFNOSUPPORT');
}

/** inet_bind, inet6_bind: an AF_INET socket takes AF_UNSPEC, too, for any address. */
export function bindAddress(family: InetFamily, bytes: Uint8Array): SocketAddress {
  return ownAddress(family, bytes, bytes.length >= 8 && bytes.subarray(4, 8).every((byte) => byte === 0));
}

export function anyAddress(family: InetFamily): InetAddress {
  return { family, host: family === AF_INET ? '0.0.0.0' : '::', port: 0 };
}

export function fromNode(family: InetFamily, info: { address?: string; port?: number } | null): InetAddress {
  if (!info?.address) return anyAddress(family);
  const mapped =
    family === AF_INET6 && nodeNet().isIPv4(info.address) ? `::ffff:${info.address}` : info.address;
  return { family, host: mapped, port: info.port ?? 0 };
}

export const errnoOfEvent = (error: NodeJS.ErrnoException) => hostErrno(error) ?? errnoNamed('EIO')!;

/** An address in the form in which Node tells who sent a datagram; no address at all is this machine's own. */
export function normal(family: InetFamily, host: string): string {
  if (family === AF_INET) return host === '0.0.0.0' ? '127.0.0.1' : host;
  const { address } = new (nodeNet().SocketAddress)({ address: host, family: 'ipv6' });
  if (address === '::ffff:0.0.0.0') return `${MAPPED}127.0.0.1`;
  return address === '::' ? '::1' : address;
}

/** How IPv6 writes an IPv4 address. */
export const MAPPED = '::ffff:';

export function mapped(address: SocketAddress): InetAddress {
  const { host, port } = inetAddress(address);
  return { family: AF_INET6, host: `${MAPPED}${host}`, port };
}

export function sameAddress(a: InetAddress, b: InetAddress): boolean {
  return a.port === b.port && a.host === b.host;
}
