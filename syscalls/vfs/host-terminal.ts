/**
 * The terminal this process was started on, as the guest's controlling terminal. As long as no guest reads from it, it stays as it is. Then it is switched to raw mode, and the
 * guest's own line discipline does the editing, echo and signals, so that every setting of the guest works.
 */
import fs from 'node:fs';
import type tty from 'node:tty';
import { O_NOCTTY } from '../abi/fcntl.ts';
import { S_IFCHR } from '../abi/stat.ts';
import { ONLCR, OPOST } from '../abi/termios.ts';
import { AnonymousInode } from './anonymous.ts';
import { host } from './host-error.ts';
import type { OpenFile } from './open-file.ts';
import { Tty, TtyFile } from './tty.ts';

/** Loaded only when there is a terminal: it costs each start two milliseconds. */
const nodeTty = () => process.getBuiltinModule('node:tty');

export function isTerminal(fd: number): boolean {
  return nodeTty().isatty(fd);
}

const NL = 0x0a;
const VT = 0x0b;

class HostTerminal extends Tty {
  readonly fd: number;
  readonly rdev: number;
  readonly inode: HostTerminalInode;
  #input: tty.ReadStream | undefined;
  files = 0;
  readonly #continued = () => {
    // A shell has had the terminal meanwhile. Node knows the mode it set and would do nothing.
    this.#input?.setRawMode(false);
    this.#input?.setRawMode(true);
  };

  constructor(fd: number, rdev: number) {
    super();
    this.fd = fd;
    this.rdev = rdev;
    this.inode = new HostTerminalInode(this);
    this.measure();
  }

  override measure(): void {
    const [columns, rows] = new (nodeTty().WriteStream)(this.fd).getWindowSize();
    this.rows = rows;
    this.columns = columns;
  }

  protected override output(bytes: Uint8Array): void {
    const { oflag } = this.line.termios;
    // Node's raw mode turns NL into CR NL. A program that has switched this off gets a move down by VT, which is left alone.
    const plain = this.#input && (oflag & (OPOST | ONLCR)) !== (OPOST | ONLCR);
    const shown = plain ? bytes.map((c) => (c === NL ? VT : c)) : bytes;
    for (let done = 0; done < shown.length; ) {
      try {
        done += fs.writeSync(this.fd, shown, done, shown.length - done, null);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      }
    }
  }
  override get writable(): boolean {
    return true;
  }

  override wanted(): void {
    if (this.#input) return;
    this.#input = new (nodeTty().ReadStream)(this.fd);
    this.#input.setRawMode(true);
    this.#input.on('data', (bytes) => this.line.input(bytes as Buffer));
    this.#input.on('end', () => this.hangup());
    this.#input.on('error', () => this.hangup());
    process.on('SIGCONT', this.#continued);
  }

  /** The last descriptor is closed: the terminal is as it was. */
  leave(): void {
    if (!this.#input) return;
    process.off('SIGCONT', this.#continued);
    this.#input.removeAllListeners();
    this.#input.setRawMode(false);
    this.#input.pause();
    this.#input.unref();
    this.#input = undefined;
  }
}

class HostTerminalInode extends AnonymousInode {
  readonly terminal: HostTerminal;
  constructor(terminal: HostTerminal) {
    super('tty', S_IFCHR | 0o620);
    this.terminal = terminal;
    this.attributes.rdev = terminal.rdev;
    this.attributes.uid = process.geteuid?.() ?? 0;
    this.attributes.gid = process.getegid?.() ?? 0;
  }
  override open(flags: number): OpenFile {
    return new HostTerminalFile(this, flags, this.terminal);
  }
}

class HostTerminalFile extends TtyFile {
  constructor(inode: HostTerminalInode, flags: number, terminal: HostTerminal) {
    super(inode, flags, terminal);
    terminal.files++;
  }
  protected override close(): void {
    const { terminal } = this.inode as HostTerminalInode;
    if (--terminal.files === 0) terminal.leave();
  }
}

/** Terminals by device number: descriptors 0, 1 and 2 are mostly one. */
const terminals = new Map<number, HostTerminal>();

/** An open file for a descriptor of this process that is a terminal. */
export function openHostTerminal(fd: number, flags: number): OpenFile {
  const { rdev } = host(() => fs.fstatSync(fd));
  let terminal = terminals.get(rdev);
  if (!terminal) terminals.set(rdev, (terminal = new HostTerminal(fd, rdev)));
  return new HostTerminalFile(terminal.inode, flags | O_NOCTTY, terminal);
}
