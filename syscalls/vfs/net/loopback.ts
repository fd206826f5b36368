/**
 * Datagrams between sockets of the run over loopback: they go from one to the other here, so that they can be received when
 * sendto(2) returns, as in Linux. What others on the host send comes through node:dgram.
 */
import { networkInterfaces } from 'node:os';
import type { InetAddress } from '../../abi/socket.ts';

export interface LocalReceiver {
  /** What it is bound to; undefined while it is not. */
  readonly bound: InetAddress | undefined;
  readonly v6only: boolean;
  arrive(bytes: Uint8Array, from: { host: string; port: number }): void;
}

/** An IPv4 address that is written as one of IPv6 is the IPv4 one. */
const plain = (host: string) => host.replace(/^::ffff:(?=\d+\.)/i, '');
const isV4 = (host: string) => !host.includes(':');

function isOwn(host: string): boolean {
  if (host.startsWith('127.') || host === '::1') return true;
  return Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === host));
}

/** The address with which a datagram to one of the host's own addresses leaves. */
export function sourceOf(destination: string): string {
  return destination.startsWith('127.') ? '127.0.0.1' : destination;
}

export class Loopback {
  /** By port. */
  readonly #receivers = new Map<number, Set<LocalReceiver>>();

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
    return chosen.length === 1 && isOwn(host) ? chosen[0] : undefined;
  }
}
