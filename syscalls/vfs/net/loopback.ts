/**
 * Datagrams between sockets of the run over loopback: they go from one to the other here, so that they can be received when
 * sendto(2) returns, as in Linux. What others on the host send comes through node:dgram.
 */
import { AF_INET, AF_INET6, addressBytes, type InetAddress } from '../../abi/socket.ts';
import type { NetworkInterface } from './interfaces.ts';

export interface LocalReceiver {
  /** What it is bound to; undefined while it is not. */
  readonly bound: InetAddress | undefined;
  readonly v6only: boolean;
  arrive(bytes: Uint8Array, from: { host: string; port: number }): void;
}

/** An IPv4 address that is written as one of IPv6 is the IPv4 one. */
const plain = (host: string) => host.replace(/^::ffff:(?=\d+\.)/i, '');
const isV4 = (host: string) => !host.includes(':');

/** The address with which a datagram to one of the host's own addresses leaves. */
export function sourceOf(destination: string): string {
  return destination.startsWith('127.') ? '127.0.0.1' : destination;
}

export class Loopback {
  /** By port. */
  readonly #receivers = new Map<number, Set<LocalReceiver>>();
  readonly #interfaces: () => readonly NetworkInterface[];

  constructor(interfaces: () => readonly NetworkInterface[]) {
    this.#interfaces = interfaces;
  }

  /** Whether it is an address of this network's, as all of loopback's are. */
  isOwn(host: string): boolean {
    const family = isV4(host) ? AF_INET : AF_INET6;
    const bytes = addressBytes(family, host);
    return this.#interfaces().some(({ loopback, addresses }) =>
      addresses.some(
        (a) =>
          a.family === family &&
          (Buffer.compare(a.address, bytes) === 0 || (loopback && host.startsWith('127.'))),
      ),
    );
  }

  listen(receiver: LocalReceiver): void {
    const { port } = receiver.bound!;
    const there = this.#receivers.get(port);
    if (there) there.add(receiver);
    else this.#receivers.set(port, new Set([receiver]));
  }
  leave(receiver: LocalReceiver): void {
    const port = receiver.bound?.port;
    if (port === undefined) return;
    const there = this.#receivers.get(port);
    if (there?.delete(receiver) && there.size === 0) this.#receivers.delete(port);
  }

  /**
   * The one socket of the run that a datagram to this address is for; undefined when it is for others to decide: not an address
   * of the host, nobody of the run is bound there, or several are.
   */
  receiver(to: InetAddress): LocalReceiver | undefined {
    const there = this.#receivers.get(to.port);
    if (there === undefined) return undefined;
    const host = plain(to.host);
    const hears = ({ bound, v6only }: LocalReceiver) =>
      isV4(host)
        ? bound!.host === '0.0.0.0' || (bound!.host === '::' && !v6only) || plain(bound!.host) === host
        : bound!.host === '::' || bound!.host === host;
    const candidates = [...there].filter(hears);
    const exact = candidates.filter(({ bound }) => plain(bound!.host) === host);
    const chosen = exact.length === 1 ? exact : candidates;
    return chosen.length === 1 && this.isOwn(host) ? chosen[0] : undefined;
  }
}
