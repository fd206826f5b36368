/**
 * The host's network interfaces, as netlink, ioctls and /proc/net tell the guest of them: those that are up and have an
 * address. node:os leaves out those without a carrier, as a bridge is that nothing is attached to; of them /sys and /proc tell.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { AF_INET, AF_INET6, addressBytes, type InetFamily } from '../../abi/socket.ts';

export interface InterfaceAddress {
  readonly family: InetFamily;
  readonly address: Uint8Array;
  readonly prefix: number;
}

/** Whether an IPv4 address is that of all on the link of an interface: what follows its prefix is ones. */
export const isBroadcast = (interfaces: readonly NetworkInterface[], address: Uint8Array): boolean =>
  interfaces.some(({ addresses }) =>
    addresses.some(({ family, address: own, prefix }) => {
      if (family !== AF_INET || prefix >= 31) return false;
      const [of, asked] = [own, address].map((bytes) =>
        new DataView(bytes.buffer, bytes.byteOffset).getUint32(0),
      );
      return (of! | (0xffff_ffff >>> prefix)) >>> 0 === asked;
    }),
  );

/** By the numbers of IF_OPER_* (linux/if.h). */
export const OPERATIONAL_STATES = [
  'unknown',
  'notpresent',
  'down',
  'lowerlayerdown',
  'testing',
  'dormant',
  'up',
] as const;
type OperationalState = (typeof OPERATIONAL_STATES)[number];

export interface NetworkInterface {
  readonly index: number;
  readonly name: string;
  readonly loopback: boolean;
  readonly up: boolean;
  /** RFC 2863's, by Linux's words for it (/sys/class/net, operstate). */
  readonly state: OperationalState;
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

/** IFF_* of netdevice(7). */
export const IFF_UP = 1;
const RUNNING = 0x1_0040;
const LOOPBACK = 8;
const BROADCAST_MULTICAST = 0x1002;

export function flagsOf(i: NetworkInterface): number {
  const runs = i.state === 'up' || i.state === 'unknown';
  return (i.up ? IFF_UP | (runs ? RUNNING : 0) : 0) | (i.loopback ? LOOPBACK : BROADCAST_MULTICAST);
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
      state: first.internal ? 'unknown' : 'up',
      mtu: sysNumber(name, 'mtu') ?? (first.internal ? 65536 : 1500),
      hardware: Uint8Array.from(first.mac.split(':'), (byte) => Number.parseInt(byte, 16)),
      addresses: addresses!.map((a) => {
        const family = a.family === 'IPv4' ? AF_INET : AF_INET6;
        const prefix = Number(a.cidr?.split('/')[1] ?? (family === AF_INET ? 32 : 128));
        return { family, address: addressBytes(family, a.address), prefix };
      }),
    });
  }
  list.push(...withoutCarrier(new Set(list.map(({ name }) => name))));
  return list.sort((a, b) => a.index - b.index);
}

function stateOf(name: string): OperationalState {
  const said = readFileSync(`/sys/class/net/${name}/operstate`, 'latin1').trim();
  return (
    OPERATIONAL_STATES.find((state) => state === said && state !== 'up' && state !== 'unknown') ?? 'down'
  );
}

const lines = (file: string) => readFileSync(file, 'latin1').split('\n');

/** Those of the host that are up, have an address, and are not known yet. Nothing where the host has no /proc and /sys. */
function withoutCarrier(known: ReadonlySet<string>): NetworkInterface[] {
  try {
    const names = readdirSync('/sys/class/net').filter((name) => !known.has(name));
    return names
      .filter((name) => (sysNumber(name, 'flags') ?? 0) & IFF_UP)
      .map((name) => ({
        index: sysNumber(name, 'ifindex') ?? 0,
        name,
        loopback: false,
        up: true,
        state: stateOf(name),
        mtu: sysNumber(name, 'mtu') ?? 1500,
        hardware: Buffer.from(
          readFileSync(`/sys/class/net/${name}/address`, 'latin1').replace(/[^0-9a-f]/g, ''),
          'hex',
        ),
        addresses: [...inetAddresses(name), ...inet6Addresses(name)],
      }))
      .filter(({ addresses }) => addresses.length > 0);
  } catch {
    return [];
  }
}

/** The host's own addresses (fib_trie) in the networks that are reached by an interface without a gateway (route; proc(5)). */
function inetAddresses(name: string): InterfaceAddress[] {
  const own = new Set<string>();
  let leaf = '';
  for (const line of lines('/proc/net/fib_trie')) {
    leaf = /\|-- (\S+)/.exec(line)?.[1] ?? leaf;
    if (/\/32 host LOCAL/.test(line)) own.add(leaf);
  }
  const found: InterfaceAddress[] = [];
  for (const line of lines('/proc/net/route').slice(1)) {
    const [through, destination = '', gateway, , , , , mask = ''] = line.trim().split(/\s+/);
    if (through !== name || gateway !== '00000000') continue;
    // Digits of little-endian numbers.
    const [of, bits] = [destination, mask].map((digits) => Buffer.from(digits, 'hex').reverse());
    const prefix = bits!.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
    for (const address of own) {
      const bytes = addressBytes(AF_INET, address);
      if (Buffer.compare(network(bytes, prefix), of!) === 0)
        found.push({ family: AF_INET, address: bytes, prefix });
    }
  }
  return found;
}

/** Address, index, prefix, scope, flags and name; all numbers in hexadecimal digits (proc(5), if_inet6). */
function inet6Addresses(name: string): InterfaceAddress[] {
  return lines('/proc/net/if_inet6').flatMap((line) => {
    const [address = '', , prefix = '', , , of] = line.trim().split(/\s+/);
    if (of !== name) return [];
    return [{ family: AF_INET6, address: Buffer.from(address, 'hex'), prefix: Number.parseInt(prefix, 16) }];
  });
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
