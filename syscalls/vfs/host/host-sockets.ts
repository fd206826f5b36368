/**
 * Unix streams of the host: names that the run's sockets are bound to there, and those that others are bound to
 * (net/outside.ts).
 */
import fs from 'node:fs';
import type net from 'node:net';
import { fail } from '../../abi/errno.ts';
import { POLLHUP } from '../../abi/poll.ts';
import type { OutsideConnection, OutsideName } from '../net/outside.ts';
import type { PeerCreds } from '../net/socket.ts';
import { host } from './error.ts';
import { type HostCalls, hostCalls } from './ffi/call.ts';
import { O_PATH } from './ffi/files.ts';
import { atPath, peerCredentials, pollNow, SUN_PATH_MAX, unixStream } from './ffi/sockets.ts';

const nodeNet = () => process.getBuiltinModule('node:net');

export class HostName implements OutsideName {
  readonly #calls: HostCalls;
  readonly #fd: number;
  #server: net.Server | undefined;

  private constructor(calls: HostCalls, fd: number) {
    this.#calls = calls;
    this.#fd = fd;
  }

  /**
   * Makes a socket of the host. EADDRINUSE when the name is there; undefined when it is too long for one.
   * @param path to be used once, now
   * @param name its last component
   */
  static bind(calls: HostCalls, path: string, name: string): HostName | undefined {
    // A long path is made short by way of its directory.
    const parent = path.slice(0, path.length - name.length);
    const short = path.length > SUN_PATH_MAX;
    const directory = short ? host(() => fs.openSync(Buffer.from(parent, 'latin1'), O_PATH)) : -1;
    const address = short ? `/proc/self/fd/${directory}/${name}` : path;
    const fd = unixStream(calls);
    try {
      if (address.length <= SUN_PATH_MAX) {
        atPath(calls, 'bind', fd, address);
        return new HostName(calls, fd);
      }
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    } finally {
      if (short) fs.closeSync(directory);
    }
    fs.closeSync(fd);
    return undefined;
  }

  listen(backlog: number, arrived: (connection: OutsideConnection, creds: PeerCreds) => void): void {
    if (this.#server !== undefined) return;
    const options = { allowHalfOpen: true, pauseOnConnect: true };
    this.#server = nodeNet().createServer(options, (socket) => {
      const { fd } = (socket as net.Socket & { _handle: { fd: number } })._handle;
      arrived(new HostConnection(this.#calls, socket, fd), peerCredentials(this.#calls, fd));
    });
    this.#server.on('error', () => {});
    this.#server.listen({ fd: this.#fd, backlog });
  }

  close(): void {
    // The server owns the descriptor.
    if (this.#server === undefined) fs.closeSync(this.#fd);
    else this.#server.close();
  }
}

class HostConnection implements OutsideConnection {
  readonly #calls: HostCalls;
  readonly #fd: number;
  readonly socket: net.Socket;

  constructor(calls: HostCalls, socket: net.Socket, fd: number) {
    this.#calls = calls;
    this.socket = socket;
    this.#fd = fd;
  }

  hungUp(): boolean {
    return this.socket.destroyed || (pollNow(this.#calls, this.#fd, 0) & POLLHUP) !== 0;
  }
}

/**
 * A connection to the socket of somebody else on the host. ECONNREFUSED, EAGAIN.
 * @param path to be used once, now
 */
export function connectOnHost(path: fs.PathLike): OutsideConnection {
  const calls = hostCalls() ?? fail('ECONNREFUSED');
  // connect follows a link that may be in the name's place by now; what is open it does not.
  const name = host(() => fs.openSync(path, O_PATH | fs.constants.O_NOFOLLOW));
  let fd = -1;
  try {
    if (!fs.fstatSync(name).isSocket()) fail('ECONNREFUSED');
    fd = unixStream(calls);
    atPath(calls, 'connect', fd, `/proc/self/fd/${name}`);
    const socket = new (nodeNet().Socket)({ fd, allowHalfOpen: true, readable: true, writable: true });
    return new HostConnection(calls, socket, fd);
  } catch (error) {
    if (fd >= 0) fs.closeSync(fd);
    throw error;
  } finally {
    fs.closeSync(name);
  }
}
