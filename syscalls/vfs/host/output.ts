/**
 * Output to a pipe of the host, whose reader may take its time: meanwhile other tasks run. The pipe is opened a second time, so
 * that O_NONBLOCK is not set for the processes this one shares it with. When there is no room, Node's event loop gets one piece
 * to write as soon as there is.
 */

import fs from 'node:fs';
import type net from 'node:net';
import { type Errno, errnoNamed } from '../../abi/errno.ts';
import { PIPE_BUF } from '../../abi/fcntl.ts';
import { callback } from '../core/callback.ts';
import { WOULD_BLOCK } from '../core/open-file.ts';
import type { Vfs } from '../core/vfs.ts';
import { hostErrno, rethrow } from './error.ts';

export class HostOutput {
  readonly #fd: number;
  readonly #own: boolean;
  readonly #onRoom: () => void;
  readonly vfs: Vfs;
  #socket: net.Socket | undefined;
  /** Resolves when the piece that waits is written. */
  #waiting: Promise<void> | undefined;
  #failed: Errno | undefined;

  /** @param onRoom called when a write may succeed that did not */
  constructor(fd: number, vfs: Vfs, onRoom: () => void) {
    this.vfs = vfs;
    this.#onRoom = onRoom;
    let own = -1;
    try {
      const { O_WRONLY, O_NONBLOCK } = fs.constants;
      own = fs.openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK);
    } catch {
      // No /proc: then it blocks.
    }
    this.#own = own >= 0;
    this.#fd = this.#own ? own : fd;
  }

  get full(): boolean {
    return this.#waiting !== undefined;
  }

  write(from: Uint8Array): number {
    if (this.full) return WOULD_BLOCK;
    if (this.#failed) throw this.#failed;
    try {
      return fs.writeSync(this.#fd, from, 0, from.length, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return rethrow(error);
      // A pipe that is not ours to open again may have been made non-blocking by others.
      return this.#own ? this.#hand(Buffer.from(from.subarray(0, PIPE_BUF))) : WOULD_BLOCK;
    }
  }

  #hand(piece: Buffer): number {
    this.vfs.lingering.owe();
    const socket = (this.#socket ??= this.#makeSocket());
    this.#waiting = new Promise<void>((resolve) => {
      const written = callback(this, (error?: Error | null) => {
        if (error) this.#fail(error);
        this.#waiting = undefined;
        resolve();
        this.#onRoom();
      });
      socket.write(piece, written);
    });
    return piece.length;
  }

  #makeSocket(): net.Socket {
    const { Socket } = process.getBuiltinModule('node:net');
    const socket = new Socket({ fd: this.#fd, readable: false, writable: true });
    return socket.on('error', (error) => this.#fail(error));
  }

  #fail(error: NodeJS.ErrnoException): void {
    this.#failed ??= hostErrno(error) ?? errnoNamed('EIO');
  }

  hostFailed(): void {
    this.#failed ??= errnoNamed('EIO');
  }

  close(): void {
    if (!this.#own) return;
    const close = () => {
      if (this.#socket) this.#socket.destroy();
      else fs.closeSync(this.#fd);
    };
    if (this.#waiting) this.vfs.lingering.add(this.#waiting.then(close));
    else close();
  }
}
