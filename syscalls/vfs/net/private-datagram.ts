/**
 * UDP in a private network: what DatagramSocket uses of node:dgram. Datagrams to one receiver go straight from socket to socket
 * (loopback.ts); here are ports, groups, and who is not there.
 */
import type dgram from 'node:dgram';
import { EventEmitter } from 'node:events';
import type { PrivateNetwork } from './private-network.ts';
import { canonical, errorNamed, hears, isGroup, type PortHolder } from './private-ports.ts';

type Sent = (error: Error | null) => void;

export class PrivateDatagram extends EventEmitter implements PortHolder {
  readonly #network: PrivateNetwork;
  host = '';
  readonly ipv6Only: boolean;
  readonly shares: boolean;
  readonly #v4: boolean;
  #port = 0;
  #peer: { host: string; port: number } | undefined;
  readonly #groups = new Set<string>();
  #loops = true;

  constructor(network: PrivateNetwork, { type, reuseAddr, reusePort, ipv6Only }: dgram.SocketOptions) {
    super();
    this.#network = network;
    this.#v4 = type === 'udp4';
    this.shares = reuseAddr === true || reusePort === true;
    this.ipv6Only = ipv6Only === true;
  }

  bind({ address, port }: { address: string; port: number }): void {
    this.host = canonical(address);
    try {
      this.#network.checkBind(this.host);
      this.#port = this.#network.datagrams.take(port, this);
    } catch (error) {
      this.emit('error', error);
      return;
    }
    this.emit('listening');
  }
  address(): { address: string; port: number } {
    return { address: this.host, port: this.#port };
  }
  close(): void {
    this.#network.datagrams.release(this.#port, this);
  }

  connect(port: number, host: string, done: (error?: Error) => void): void {
    try {
      const source = this.#network.connectionTo(host);
      if (this.host === '0.0.0.0' || this.host === '::') this.host = source;
      this.#peer = { host, port };
      process.nextTick(done);
    } catch (error) {
      process.nextTick(done, error);
    }
  }
  remoteAddress(): { address: string; port: number } {
    if (this.#peer === undefined) throw errorNamed('ERR_SOCKET_DGRAM_NOT_CONNECTED');
    return { address: this.#peer.host, port: this.#peer.port };
  }

  send(bytes: Uint8Array, done: Sent): void;
  send(bytes: Uint8Array, port: number, host: string, done: Sent): void;
  send(bytes: Uint8Array, ...rest: [Sent] | [number, string, Sent]): void {
    const done = rest.at(-1) as Sent;
    const [port, host] =
      rest.length === 3 ? [rest[0], canonical(rest[1])] : [this.#peer!.port, this.#peer!.host];
    try {
      // A group is reached by the loopback interface only where a socket has chosen that; there is no other.
      const source = isGroup(host) ? this.#groupSource() : this.#network.sourceFor(host);
      const from = { address: /^(0\.0\.0\.0|::)$/.test(this.host) ? source : this.host, port: this.#port };
      const all = this.#network.datagrams.at(port);
      const heard = isGroup(host)
        ? all.filter((other) => other.#groups.has(host) && (this.#loops || other !== this))
        : all.filter((other) => hears(other, host)).slice(-1);
      for (const other of heard) other.emit('message', Uint8Array.from(bytes), from);
      const refused = heard.length === 0 && !isGroup(host) && this.#peer !== undefined;
      // The answer is there when sendto(2) returns, as datagrams are.
      if (refused) done(errorNamed('ECONNREFUSED'));
      else process.nextTick(done, null);
    } catch (error) {
      process.nextTick(done, error);
    }
  }

  /** Set once a program has chosen the interface. */
  #chosen = false;
  #groupSource(): string {
    if (!this.#chosen) throw errorNamed('ENETUNREACH');
    return this.#network.sourceFor(this.#v4 ? '127.0.0.1' : '::1');
  }
  addMembership(group: string, through?: string): void {
    if (!isGroup(group)) throw errorNamed('EINVAL');
    if (through === undefined && this.#v4) throw errorNamed('ENODEV');
    this.#groups.add(group);
  }
  dropMembership(group: string): void {
    this.#groups.delete(group);
  }
  setMulticastInterface(): void {
    this.#chosen = true;
  }
  setMulticastLoopback(on: boolean): void {
    this.#loops = on;
  }
  // Datagrams go through no router, and nothing here asks who may broadcast.
  setMulticastTTL(): void {}
  setTTL(): void {}
  setBroadcast(): void {}
}
