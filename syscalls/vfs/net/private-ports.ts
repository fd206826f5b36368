/** Ports of a private network: who has which, and who hears what is sent to one. */
import { nodeNet } from './inet-address.ts';

/** net.ipv4.ip_local_port_range. */
const [FIRST_PORT, LAST_PORT] = [32768, 60999];

/** Who holds a port. */
export interface PortHolder {
  readonly host: string;
  /** An IPv6 address of any that is not of IPv4, too. */
  readonly ipv6Only: boolean;
  /** Shares it with who says so, too. */
  readonly shares: boolean;
}

export const isAny = (host: string) => host === '0.0.0.0' || host === '::';
export const isV4 = (host: string) => !host.includes(':');
export const plain = (host: string) => host.replace(/^::ffff:(?=\d+\.)/i, '');

export const isGroup = (host: string) => /^2(2[4-9]|3\d)\./.test(host) || /^ff..:/i.test(host);
export const isLinkLocal = (host: string) => /^fe[89ab].:/i.test(host);
/** An address in its one form. */
export const canonical = (host: string) =>
  isV4(host) ? host : new (nodeNet().SocketAddress)({ address: host, family: 'ipv6' }).address;

/** An error as Node's events have it. */
export const errorNamed = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code });

/** Whether a holder of a port hears what is sent to an address. */
export function hears({ host: own, ipv6Only }: PortHolder, host: string): boolean {
  const to = plain(host);
  if (isV4(to)) return own === '0.0.0.0' || (own === '::' && !ipv6Only) || plain(own) === to;
  return own === '::' || own === to;
}

/** Ports of one protocol. */
export class Ports<T extends PortHolder> {
  readonly #holders = new Map<number, Set<T>>();
  #next = FIRST_PORT;

  at(port: number): T[] {
    return [...(this.#holders.get(port) ?? [])];
  }

  /** Gives a port to a holder, one that is free for 0. EADDRINUSE. */
  take(port: number, holder: T): number {
    for (let tried = FIRST_PORT; port === 0 && tried <= LAST_PORT; tried++) {
      if (!this.#isTaken(this.#next, holder, false)) port = this.#next;
      this.#next = this.#next === LAST_PORT ? FIRST_PORT : this.#next + 1;
    }
    if (port === 0 || this.#isTaken(port, holder, holder.shares)) throw errorNamed('EADDRINUSE');
    const holders = this.#holders.get(port);
    if (holders) holders.add(holder);
    else this.#holders.set(port, new Set([holder]));
    return port;
  }

  #isTaken(port: number, { host, ipv6Only }: T, shares: boolean): boolean {
    return this.at(port).some((other) => {
      if (shares && other.shares) return false;
      if (isAny(host))
        return isV4(host)
          ? hears(other, host) || isV4(plain(other.host))
          : !ipv6Only || !isV4(plain(other.host));
      return hears(other, host) || plain(other.host) === plain(host);
    });
  }

  release(port: number, holder: T): void {
    const holders = this.#holders.get(port);
    if (holders?.delete(holder) && holders.size === 0) this.#holders.delete(port);
  }
}
