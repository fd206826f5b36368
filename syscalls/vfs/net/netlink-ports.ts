/**
 * The addresses of AF_NETLINK sockets that are in use: a process's first socket has its pid (netlink_autobind of
 * net/netlink/af_netlink.c).
 */
import { fail } from '../../abi/errno.ts';

export class NetlinkPorts {
  readonly #used = new Set<number>();
  #next = 0xffff_f000;

  /** EADDRINUSE. */
  take(port: number): void {
    if (this.#used.has(port)) fail('EADDRINUSE');
    this.#used.add(port);
  }
  /** A free port: the process's pid, if it is one. */
  choose(pid: number): number {
    let port = pid;
    while (this.#used.has(port)) port = this.#next--;
    this.#used.add(port);
    return port;
  }
  release(port: number): void {
    this.#used.delete(port);
  }
}
