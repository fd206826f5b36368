/** TCP in a private network: what StreamSocket uses of node:net's servers and sockets, between two ends in this process. */
import { EventEmitter } from 'node:events';
import type { Duplex, DuplexOptions } from 'node:stream';
import type { PrivateNetwork } from './private-network.ts';
import { canonical, errorNamed, hears, type PortHolder } from './private-ports.ts';
import { Conversation } from './segments.ts';

interface Address {
  readonly host: string;
  readonly port: number;
}

export class Listener extends EventEmitter implements PortHolder {
  readonly #network: PrivateNetwork;
  host = '';
  ipv6Only = false;
  shares = false;
  #port = 0;

  constructor(network: PrivateNetwork) {
    super();
    this.#network = network;
  }

  listen({ host, port, reusePort, ipv6Only }: Address & { reusePort: boolean; ipv6Only: boolean }): void {
    this.host = canonical(host);
    this.ipv6Only = ipv6Only;
    this.shares = reusePort;
    let failure: unknown;
    try {
      this.#network.checkBind(this.host);
      this.#port = this.#network.streams.take(port, this);
    } catch (error) {
      failure = error;
    }
    process.nextTick(() => (failure ? this.emit('error', failure) : this.emit('listening')));
  }
  address(): { address: string; port: number } {
    return { address: this.host, port: this.#port };
  }
  close(): void {
    this.#network.streams.release(this.#port, this);
  }
}

/** A port of an end that listens to nobody. */
class LocalPort implements PortHolder {
  readonly ipv6Only = true;
  readonly shares = false;
  readonly host: string;
  constructor(host: string) {
    this.host = host;
  }
}

/** Loaded when it is needed, as node:net is. */
const makeDuplex = (options: DuplexOptions) => new (process.getBuiltinModule('node:stream').Duplex)(options);

/** One end of a connection. */
class End {
  readonly stream: Duplex;
  #other: End | undefined;
  /** Tells the writer at the other end that there is room again. */
  #taken: (() => void) | undefined;
  /** Gives back what it has. */
  free: (() => void) | undefined;
  /** Of which it is one side. */
  #conversation: Conversation | undefined;
  readonly #side: 0 | 1;

  constructor(side: 0 | 1) {
    this.#side = side;
    const duplex = makeDuplex({
      allowHalfOpen: true,
      read: () => this.#read(),
      write: (bytes, _encoding, done) => this.#write(bytes, done),
      final: (done) => {
        this.#conversation?.ended(this.#side);
        this.#other?.ended();
        done();
      },
      destroy: (error, done) => {
        this.free?.();
        this.#read();
        // Who has not said that it is at its end is seen to be there now.
        if (!duplex.writableFinished) {
          this.#conversation?.ended(this.#side);
          this.#other?.ended();
        }
        done(error);
      },
    });
    this.stream = Object.assign(duplex, {
      resetAndDestroy: () => {
        if (!duplex.destroyed) this.#conversation?.reset(this.#side);
        const other = this.#other?.stream;
        if (other && !other.destroyed) other.destroy(errorNamed('ECONNRESET'));
        duplex.destroy();
      },
      // There is no network whose packets could be delayed or lost.
      setNoDelay: () => {},
      setKeepAlive: () => {},
    });
  }

  join(other: End, local: Address, remote: Address, conversation: Conversation): void {
    this.#other = other;
    this.#conversation = conversation;
    const [localAddress, remoteAddress] = [local.host, remote.host];
    Object.assign(this.stream, {
      localAddress,
      localPort: local.port,
      remoteAddress,
      remotePort: remote.port,
    });
  }

  #read(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }
  #write(bytes: Buffer, done: (error?: Error) => void): void {
    const other = this.#other!;
    const isClosed = other.stream.destroyed;
    this.#conversation![isClosed ? 'saidInVain' : 'said'](this.#side, bytes);
    // Who writes to an end that is closed is told so by a reset (tcp_reset).
    if (isClosed) process.nextTick(done, errorNamed(this.stream.readableEnded ? 'EPIPE' : 'ECONNRESET'));
    else if (other.stream.push(bytes)) process.nextTick(done);
    else other.#taken = done;
  }
  /** The other end sends no more. */
  ended(): void {
    if (!this.stream.destroyed) this.stream.push(null);
  }
}

/** Connects to who listens there; tells by events, as node:net does. */
export function connectTo(
  network: PrivateNetwork,
  { host, port, localAddress, localPort }: Address & { localAddress?: string; localPort?: number },
): Duplex {
  const made = new End(0);
  const { stream } = made;
  process.nextTick(() => {
    if (stream.destroyed) return;
    try {
      const asked = canonical(host);
      const to = asked === '0.0.0.0' ? '127.0.0.1' : asked === '::' ? '::1' : asked;
      const source = network.connectionTo(to);
      const own = localAddress && !/^(0\.0\.0\.0|::)$/.test(localAddress) ? localAddress : source;
      const heard = network.streams
        .at(port)
        .filter((holder) => holder instanceof Listener && hears(holder, to));
      // Of several who share a port, one by chance (SO_REUSEPORT).
      const listener = heard[Math.floor(Math.random() * heard.length)] as Listener | undefined;
      const holder = new LocalPort(own);
      const from = network.streams.take(localPort ?? 0, holder);
      made.free = () => network.streams.release(from, holder);
      const ends = [
        { host: own, port: from },
        { host: to, port },
      ] as const;
      const conversation = new Conversation(network.packets, ...ends);
      if (listener === undefined) {
        conversation.refused();
        throw errorNamed('ECONNREFUSED');
      }
      const accepted = new End(1);
      made.join(accepted, ends[0], ends[1], conversation);
      accepted.join(made, ends[1], ends[0], conversation);
      conversation.opened();
      stream.emit('connect');
      listener.emit('connection', accepted.stream);
    } catch (error) {
      stream.destroy(error as Error);
    }
  });
  return stream;
}
