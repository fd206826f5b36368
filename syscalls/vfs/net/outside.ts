/**
 * Unix sockets between the run and other programs of the host: streams that are bound to names on the host's file systems.
 *
 * In the run such a connection is like any other (unix-socket.ts): the other end is a socket of ours, which nobody has as a
 * file, and a bridge moves bytes between it and the host's socket. Open files cannot be sent across.
 */
import type net from 'node:net';
import { POLLHUP } from '../../abi/poll.ts';
import { SHUT_WR } from '../../abi/socket.ts';
import type { Lingering } from '../core/lingering.ts';
import { NOBODY, type PeerCreds, type Received, type Socket, WOULD_BLOCK } from './socket.ts';

/** A connection of the host's. */
export interface OutsideConnection {
  readonly socket: net.Socket;
  /** Nobody has its other end any more. */
  hungUp(): boolean;
}

/** A name on the host that a socket of the run is bound to, for others there. */
export interface OutsideName {
  /** Others can connect from now on. */
  listen(backlog: number, arrived: (connection: OutsideConnection, creds: PeerCreds) => void): void;
  close(): void;
}

/** A name on the host that somebody outside of the run is bound to. */
export class OutsideAddress {
  /** A new connection. Throws EAGAIN when there are too many that wait, ECONNREFUSED, EPROTOTYPE ... */
  readonly connect: () => OutsideConnection;
  constructor(connect: () => OutsideConnection) {
    this.connect = connect;
  }
}

/** What is on its way to the host at most before more is taken from the guest. */
const MOST = 65536;

/**
 * Moves bytes between `end`, whose other end is the guest's, and a socket of the host, until both directions have ended. Ours
 * is closed then.
 */
export function bridge(end: Socket, connection: OutsideConnection, lingering: Lingering): void {
  const { socket } = connection;
  end.ref();
  const buffer = new Uint8Array(MOST);
  let closed = false;
  let ended = false;
  /** What the guest has no room for. */
  let rest: Uint8Array = new Uint8Array(0);
  let hostEnded = false;
  /** The guest has been told so. */
  let shut = false;
  let scheduled = false;

  const close = () => {
    if (closed) return;
    closed = true;
    end.queue.remove(waiter);
    socket.destroy();
    end.release();
  };
  /** To the guest. */
  const give = () => {
    while (rest.length > 0) {
      const count = end.send(rest, { flags: 0, creds: NOBODY });
      if (count === WOULD_BLOCK) return;
      rest = rest.subarray(count);
    }
    if (!hostEnded) socket.resume();
    else if (connection.hungUp()) close();
    else if (!shut) {
      shut = true;
      end.shutdown(SHUT_WR);
    }
  };
  /** To the host. */
  const take = () => {
    while (!ended && socket.writableLength < MOST) {
      const received = end.receive(buffer, 0);
      if (received === WOULD_BLOCK) return;
      const { count, rights } = received as Received;
      for (const file of rights ?? []) file.release();
      if (count > 0) socket.write(Uint8Array.from(buffer.subarray(0, count)));
      else {
        ended = true;
        socket.end();
      }
    }
  };
  const move = () => {
    if (closed) return;
    try {
      take();
      // The guest has closed its end: when all it has written is out, that is the end.
      if (ended && end.poll() & POLLHUP) {
        if (socket.writableFinished) close();
        else socket.once('finish', close);
        return;
      }
      give();
    } catch {
      // One side is gone.
      close();
      return;
    }
    if (!closed) end.queue.add(waiter);
  };
  // Not at once: who wakes it is in the middle of something.
  const waiter = {
    wake: () => {
      if (scheduled) return;
      scheduled = true;
      setImmediate(() => {
        scheduled = false;
        move();
      });
    },
  };

  socket.on('data', (bytes) => {
    socket.pause();
    rest = bytes as Buffer;
    move();
  });
  socket.on('end', () => {
    hostEnded = true;
    move();
  });
  socket.on('drain', move);
  socket.on('error', close);
  // What the guest has written before it closed is on its way.
  lingering.add(new Promise<void>((done) => socket.once('close', () => done())));
  socket.on('close', close);
  move();
}
