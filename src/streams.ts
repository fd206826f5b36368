/** Standard streams of a run that are JavaScript's: text, bytes, functions, iterables and streams of Node. */
import { type Errno, errnoNamed } from '../syscalls/abi/errno.ts';
import { O_RDONLY, O_WRONLY } from '../syscalls/abi/fcntl.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../syscalls/abi/poll.ts';
import { S_IFIFO } from '../syscalls/abi/stat.ts';
import { AnonymousInode } from '../syscalls/vfs/core/anonymous.ts';
import { OpenFile, WOULD_BLOCK } from '../syscalls/vfs/core/open-file.ts';
import type { Vfs } from '../syscalls/vfs/core/vfs.ts';
import type { Input, Output, Piece } from './api.ts';

const bytesOf = (piece: Piece): Uint8Array => (typeof piece === 'string' ? Buffer.from(piece) : piece);

/** An error of the stream as the program gets it. */
const errnoOf = (error: unknown): Errno =>
  errnoNamed((error as NodeJS.ErrnoException | null)?.code ?? '') ?? errnoNamed('EIO')!;

export class InputFile extends OpenFile {
  readonly #source: Iterator<Piece> | AsyncIterator<Piece>;
  #piece: Uint8Array = new Uint8Array(0);
  #begun = false;
  #asking = false;
  #ended = false;
  #failed: Errno | undefined;

  constructor(vfs: Vfs, input: Input) {
    super(new AnonymousInode(vfs.nameless.pipes, 'pipe:[N]', S_IFIFO | 0o600), O_RDONLY);
    const pieces = typeof input === 'string' || input instanceof Uint8Array ? [input] : input;
    this.#source =
      Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  }

  /** Asks for the next piece unless there is one. */
  async #want(): Promise<void> {
    if (this.#asking || this.#ended || this.#piece.length > 0) return;
    this.#begun = this.#asking = true;
    try {
      const { done, value } = await this.#source.next();
      if (done) this.#ended = true;
      else this.#piece = bytesOf(value);
    } catch (error) {
      this.#failed = errnoOf(error);
      this.#ended = true;
    }
    this.#asking = false;
    this.queue.wakeAll();
    // An empty piece is none.
    void this.#want();
  }

  override read(into: Uint8Array): number {
    if (into.length === 0) return 0;
    if (this.#piece.length === 0) {
      if (this.#failed) throw this.#failed;
      if (this.#ended) return 0;
      void this.#want();
      return WOULD_BLOCK;
    }
    const count = Math.min(into.length, this.#piece.length);
    into.set(this.#piece.subarray(0, count));
    this.#piece = this.#piece.subarray(count);
    return count;
  }

  protected override close(): void {
    if (this.#begun && !this.#ended) void Promise.resolve(this.#source.return?.()).catch(() => {});
  }

  override poll(): number {
    if (this.#piece.length > 0) return POLLIN | POLLRDNORM;
    if (this.#failed) return POLLIN | POLLRDNORM | POLLERR;
    if (this.#ended) return POLLHUP;
    void this.#want();
    return 0;
  }
  override get pollable(): boolean {
    return true;
  }
}

/** Calls a function with all that is written. */
class FunctionFile extends OpenFile {
  readonly #take: (bytes: Uint8Array) => void;

  constructor(vfs: Vfs, take: (bytes: Uint8Array) => void) {
    super(new AnonymousInode(vfs.nameless.pipes, 'pipe:[N]', S_IFIFO | 0o600), O_WRONLY);
    this.#take = take;
  }
  override write(from: Uint8Array): number {
    this.#take(Uint8Array.from(from));
    return from.length;
  }
  override poll(): number {
    return POLLOUT | POLLWRNORM;
  }
  override get pollable(): boolean {
    return true;
  }
}

class WritableFile extends OpenFile {
  readonly #stream: NodeJS.WritableStream;
  /** Pieces that the stream has not confirmed yet. */
  #pending = 0;
  #full = false;
  #failed: Errno | undefined;
  #sent: (() => void) | undefined;
  readonly #onDrain = () => {
    this.#full = false;
    this.queue.wakeAll();
  };
  readonly #onError = (error: unknown) => {
    this.#failed ??= errnoOf(error);
    this.#onDrain();
    this.#sent?.();
  };

  constructor(vfs: Vfs, stream: NodeJS.WritableStream) {
    super(new AnonymousInode(vfs.nameless.pipes, 'pipe:[N]', S_IFIFO | 0o600), O_WRONLY);
    this.#stream = stream;
    stream.on('drain', this.#onDrain);
    stream.on('error', this.#onError);
  }

  override write(from: Uint8Array): number {
    if (this.#failed) throw this.#failed;
    if (from.length === 0) return 0;
    if (this.#full) return WOULD_BLOCK;
    this.#pending++;
    this.#full = !this.#stream.write(Uint8Array.from(from), () => {
      if (--this.#pending === 0) this.#sent?.();
    });
    return from.length;
  }

  protected override close(): void {
    const forget = () => {
      this.#stream.off('drain', this.#onDrain);
      this.#stream.off('error', this.#onError);
    };
    if (this.#pending === 0 || this.#failed) forget();
    else {
      const sent = new Promise<void>((resolve) => {
        this.#sent = resolve;
      });
      this.vfs.lingering.add(sent.then(forget));
    }
  }

  override poll(): number {
    if (this.#failed) return POLLOUT | POLLWRNORM | POLLERR;
    return this.#full ? 0 : POLLOUT | POLLWRNORM;
  }
  override get pollable(): boolean {
    return true;
  }
}

export function openInput(vfs: Vfs, input: Input): OpenFile {
  return new InputFile(vfs, input);
}

export function openOutput(vfs: Vfs, output: Output): OpenFile {
  return typeof output === 'function' ? new FunctionFile(vfs, output) : new WritableFile(vfs, output);
}
