/**
 * The host's network interfaces, as netlink, ioctls and /proc/net tell the guest of them: those that are up and have an address.
 */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { AF_INET, AF_INET6, addressBytes, type InetFamily } from '../../abi/socket.ts';

export interface InterfaceAddress {
  readonly family: InetFamily;
  readonly address: Uint8Array;
  readonly prefix: number;
}

export interface NetworkInterface {
  readonly index: number;
  readonly name: string;
  readonly loopback: boolean;
  readonly up: boolean;
  readonly mtu: number;
  /** Six bytes. */
  readonly hardware: Uint8Array;
  readonly addresses: readonly InterfaceAddress[];
}

export interface Route {
  readonly family: InetFamily;
  readonly destination: Uint8Array;
  readonly prefix: number;
  readonly gateway?: Uint8Array | undefined;
  readonly metric: number;
  readonly through: NetworkInterface;
  /** The address with which packets leave, where the interface's own network is the destination. */
  readonly source?: Uint8Array | undefined;
}

/** IFF_* of netdevice(7): of an interface that is up, UP, RUNNING and LOWER_UP. */
export const IFF_UP = 1;
const UP = 0x1_0040 | IFF_UP;
const LOOPBACK = 8;
const BROADCAST_MULTICAST = 0x1002;

export function flagsOf(i: NetworkInterface): number {
  return (i.up ? UP : 0) | (i.loopback ? LOOPBACK : BROADCAST_MULTICAST);
}

/** ARPHRD_*. */
export function hardwareTypeOf(i: NetworkInterface): number {
  return i.loopback ? 772 : 1;
}

/** What Linux tells beside node:os; undefined on other hosts and without /sys. */
function sysNumber(name: string, file: string): number | undefined {
  try {
    return Number(readFileSync(`/sys/class/net/${name}/${file}`, 'latin1')) || undefined;
  } catch {
    return undefined;
  }
}

export function hostInterfaces(): NetworkInterface[] {
  const list: NetworkInterface[] = [];
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    const [first] = addresses ?? [];
    if (!first) continue;
    const scope = addresses!.find((a) => a.family === 'IPv6' && a.scopeid)?.scopeid;
    list.push({
      index: sysNumber(name, 'ifindex') ?? scope ?? Math.max(0, ...list.map((i) => i.index)) + 1,
      name,
      loopback: first.internal,
      up: true,
      mtu: sysNumber(name, 'mtu') ?? (first.internal ? 65536 : 1500),
      hardware: Uint8Array.from(first.mac.split(':'), (byte) => Number.parseInt(byte, 16)),
      addresses: addresses!.map((a) => {
        const family = a.family === 'IPv4' ? AF_INET : AF_INET6;
        const prefix = Number(a.cidr?.split('/')[1] ?? (family === AF_INET ? 32 : 128));
        return { family, address: addressBytes(family, a.address), prefix };
      }),
    });
  }
  return list.sort((a, b) => a.index - b.index);
}

/** Clears (or with `ones` sets) the bits of an address that are not the network's. */
export function network(address: Uint8Array, prefix: number, ones = false): Uint8Array {
  return address.map((byte, i) => {
    const mask = 0xff & ~(0xff >> Math.min(8, Math.max(0, prefix - 8 * i)));
    return ones ? byte | (0xff & ~mask) : byte & mask;
  });
}

/** Routes to the networks of the interfaces, and where the host tells of it the default one. */
export function hostRoutes(): Route[] {
  const list = hostInterfaces();
  const found: Route[] = [];
  try {
    // The gateway in hexadecimal digits, as a little-endian number (proc(5)).
    for (const line of readFileSync('/proc/net/route', 'latin1').split('\n').slice(1)) {
      const [name, destination, gateway, , , , metric, mask] = line.trim().split(/\s+/);
      const through = list.find((i) => i.name === name);
      if (!through || destination !== '00000000' || mask !== '00000000' || gateway === '00000000') continue;
      found.push({
        family: AF_INET,
        destination: new Uint8Array(4),
        prefix: 0,
        gateway: Buffer.from(gateway!, 'hex').reverse(),
        metric: Number(metric),
        through,
      });
    }
  } catch {
    // No default route is known.
  }
  for (const through of list) {
    for (const { family, address, prefix } of through.addresses) {
      if (through.loopback || prefix === (family === AF_INET ? 32 : 128)) continue;
      found.push({
        family,
        destination: network(address, prefix),
        prefix,
        metric: family === AF_INET ? 0 : 256,
        through,
        source: family === AF_INET ? address : undefined,
      });
    }
  }
  return found;
}
