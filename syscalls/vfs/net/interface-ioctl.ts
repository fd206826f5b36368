/**
 * The questions about interfaces that any socket answers by ioctl (netdevice(7)); of changes only a loopback interface of the
 * run's own is set up and down.
 */
import { fail } from '../../abi/errno.ts';
import { AF_INET, writeSockaddr } from '../../abi/socket.ts';
import { s32, struct, u32 } from '../../abi/struct.ts';
import type { IoctlContext } from '../core/open-file.ts';
import {
  flagsOf,
  hardwareTypeOf,
  IFF_UP,
  type NetworkInterface,
  network as networkOf,
} from './interfaces.ts';
import type { Network } from './network.ts';

const SIOCGIFNAME = 0x8910;
const SIOCGIFCONF = 0x8912;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const SIOCGIFADDR = 0x8915;
const SIOCGIFDSTADDR = 0x8917;
const SIOCGIFBRDADDR = 0x8919;
const SIOCGIFNETMASK = 0x891b;
const SIOCGIFMETRIC = 0x891d;
const SIOCGIFMTU = 0x8921;
const SIOCGIFHWADDR = 0x8927;
const SIOCGIFINDEX = 0x8933;
const SIOCGIFTXQLEN = 0x8942;
const SIOCGIFMAP = 0x8970;
const FIRST = SIOCGIFNAME;
const LAST = SIOCGIFMAP + 1;
const SOCKET_REQUESTS = 0x89;

const ifconf = struct('ifconf', { ifc_len: s32, ifc_buf: u32 });
const IFNAMSIZ = 16;
const IFREQ = 32;
/** Flags that fit struct ifreq's short: what lies above is netlink's only. */
const SHORT = 0xffff;

const sockaddr = (host: Uint8Array) => writeSockaddr({ family: AF_INET, host: host.join('.'), port: 0 });

/** An interface's IPv4 address and the one asked for in its place. */
function inet(i: NetworkInterface, make: (address: Uint8Array, prefix: number) => Uint8Array): Uint8Array {
  const a = i.addresses.find(({ family }) => family === AF_INET) ?? fail('EADDRNOTAVAIL');
  return sockaddr(make(a.address, a.prefix));
}

function number(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

/** What comes in the union of struct ifreq; undefined when the request is no question about an interface. */
function answer(request: number, i: NetworkInterface): Uint8Array | undefined {
  switch (request) {
    case SIOCGIFFLAGS:
      return number(flagsOf(i) & SHORT).subarray(0, 2);
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
      return inet(i, (address) => address);
    case SIOCGIFBRDADDR:
      return inet(i, (address, prefix) =>
        i.loopback ? new Uint8Array(4) : networkOf(address, prefix, true),
      );
    case SIOCGIFNETMASK:
      return inet(i, (_, prefix) => networkOf(new Uint8Array(4), prefix, true).map((byte) => 0xff & ~byte));
    case SIOCGIFMETRIC:
      return number(0);
    case SIOCGIFMTU:
      return number(i.mtu);
    case SIOCGIFHWADDR: {
      const address = new Uint8Array(16);
      address.set(number(hardwareTypeOf(i)));
      address.set(i.hardware, 2);
      return address;
    }
    case SIOCGIFINDEX:
      return number(i.index);
    case SIOCGIFTXQLEN:
      return number(1000);
    case SIOCGIFMAP:
      return new Uint8Array(16);
    default:
      return undefined;
  }
}

/**
 * SIOCGIFCONF: all IPv4 addresses by their interfaces' names, as many as there is room for; without a buffer, how much they take.
 */
function configuration(network: Network, argument: number, context: IoctlContext): number {
  const { ifc_len, ifc_buf } = ifconf.get(context.read(argument, ifconf.size), 0);
  const list = network
    .interfaces()
    .flatMap((i) =>
      i.addresses
        .filter(({ family }) => family === AF_INET)
        .map((a) => ({ name: i.name, address: a.address })),
    );
  const count = ifc_buf === 0 ? list.length : Math.min(list.length, Math.floor(Math.max(0, ifc_len) / IFREQ));
  if (ifc_buf !== 0) {
    list.slice(0, count).forEach(({ name, address }, n) => {
      put(context.write(ifc_buf + n * IFREQ, IFREQ), name, sockaddr(address));
    });
  }
  ifconf.set(context.write(argument, ifconf.size), 0, { ifc_len: count * IFREQ, ifc_buf });
  return 0;
}

function put(ifreq: DataView, name: string, union: Uint8Array): void {
  for (let n = 0; n < IFNAMSIZ; n++) ifreq.setUint8(n, n < name.length ? name.charCodeAt(n) : 0);
  union.forEach((byte, n) => {
    ifreq.setUint8(IFNAMSIZ + n, byte);
  });
}

/** Answers such a request; undefined when it is none. */
export function interfaceIoctl(
  network: Network,
  request: number,
  argument: number,
  context: IoctlContext,
): number | undefined {
  if (request >>> 8 !== SOCKET_REQUESTS) return undefined;
  if (request === SIOCGIFCONF) return configuration(network, argument, context);
  // Of any request of this kind, a struct ifreq is read before it is looked at (sock_do_ioctl).
  const ifreq = context.read(argument, IFREQ);
  if (request < FIRST || request > LAST) return undefined;
  if (request === SIOCGIFNAME) {
    const index = ifreq.getInt32(IFNAMSIZ, true);
    const found = network.interfaces().find((i) => i.index === index) ?? fail('ENODEV');
    put(context.write(argument, IFREQ), found.name, number(index));
    return 0;
  }
  let name = '';
  for (let n = 0; n < IFNAMSIZ && ifreq.getUint8(n) !== 0; n++)
    name += String.fromCharCode(ifreq.getUint8(n));
  // An alias (eth0:1) is the interface's too.
  const found = network.interfaces().find((i) => i.name === name.replace(/:.*/, '')) ?? fail('ENODEV');
  if (request === SIOCSIFFLAGS) {
    if (!context.mayAdministerNetwork) fail('EPERM');
    network.setUp(found.index, (ifreq.getInt16(IFNAMSIZ, true) & IFF_UP) !== 0);
    return 0;
  }
  const union = answer(request, found) ?? fail('EPERM');
  put(context.write(argument, IFREQ), name, union);
  return 0;
}
