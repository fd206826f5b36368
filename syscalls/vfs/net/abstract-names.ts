/** Names of AF_UNIX sockets that begin with NUL (unix(7), "Abstract sockets"). */
import { fail } from '../../abi/errno.ts';
import type { UnixSocket } from './unix-socket.ts';

export class AbstractNames {
  readonly #sockets = new Map<string, UnixSocket>();
  #autobound = 0;

  find(name: string): UnixSocket | undefined {
    return this.#sockets.get(name);
  }
  /** EADDRINUSE. */
  take(name: string, socket: UnixSocket): void {
    if (this.#sockets.has(name)) fail('EADDRINUSE');
    this.#sockets.set(name, socket);
  }
  /** A free name of five hexadecimal digits ("Autobind feature"). */
  choose(): string {
    let name: string;
    do name = `\0${(++this.#autobound).toString(16).padStart(5, '0')}`;
    while (this.#sockets.has(name));
    return name;
  }
  release(name: string): void {
    this.#sockets.delete(name);
  }
}
