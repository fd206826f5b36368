/**
 * The terminal this process was started on, as the guest's controlling terminal.
 *
 * As long as no guest reads from it or changes its settings, it stays as it is. Then it is switched to raw mode, and the
 * guest's own line discipline does the editing, echo and signals, so that every setting of the guest works. The guest's
 * settings begin as the host's are, and those that it leaves behind become the host's (terminal-settings.ts); where the host's
 * cannot be had a terminal begins with the usual ones, and in the end is as it was.
 */
import fs from 'node:fs';
import type tty from 'node:tty';
import { O_NOCTTY } from '../../abi/fcntl.ts';
import { type Attributes, S_IFCHR } from '../../abi/stat.ts';
import {
  BRKINT,
  CS8,
  ECHO,
  ECHONL,
  ICANON,
  ICRNL,
  IEXTEN,
  IGNBRK,
  IGNCR,
  INLCR,
  ISIG,
  ISTRIP,
  IXON,
  ONLCR,
  OPOST,
  PARENB,
  PARMRK,
  type Termios,
  VMIN,
  VTIME,
} from '../../abi/termios.ts';
import { AnonymousInode } from '../core/anonymous.ts';
import { callback } from '../core/callback.ts';
import type { OpenFile } from '../core/open-file.ts';
import type { Vfs } from '../core/vfs.ts';
import { Tty, TtyFile } from '../tty/tty.ts';
import { host } from './error.ts';
import { hostCalls } from './ffi/call.ts';
import { typeByte } from './ffi/terminal.ts';
import { inForeground, isForegroundOf } from './job.ts';
import { hostSettings, sameSettings, setHostSettings } from './terminal-settings.ts';

/** Loaded only when there is a terminal: it costs each start two milliseconds. */
const nodeTty = () => process.getBuiltinModule('node:tty');

export function isTerminal(fd: number): boolean {
  return nodeTty().isatty(fd);
}

const NL = 0x0a;
const VT = 0x0b;
const CR = 0x0d;
/** Milliseconds until a terminal that takes no more is tried again. */
const RETRY_MS = 5;

export class HostTerminal extends Tty {
  readonly #fd: number;
  readonly #hostRdev: number;
  rdev: number;
  readonly inode: HostTerminalInode;
  files = 0;
  /**
   * As the host has it (cooked), in raw mode for the guest, or to be so again: this process was stopped, or is in the background.
   */
  #mode: 'cooked' | 'raw' | 'away' = 'cooked';
  #input: tty.ReadStream | undefined;
  #screen: tty.WriteStream | undefined;
  /** What the terminal did not take yet. */
  #rest: Uint8Array = new Uint8Array(0);
  #written: (() => void) | undefined;
  #loaded = false;
  /** The settings before the guest changed any. */
  #found: Termios | undefined;
  /** Who sends signals to the whole process group this process is one of. Undefined: it is none of the guest's business. */
  hostGroup: { readonly pgid: number; signal(signo: number): void } | undefined;

  constructor(vfs: Vfs, fd: number, rdev: number) {
    super();
    this.#fd = reopen(fd);
    this.#hostRdev = rdev;
    this.rdev = rdev;
    this.inode = new HostTerminalInode(vfs, this);
    this.measure();
  }

  // ---- size and settings ----
  override measure(): void {
    // Node itself looks again only at the terminal of its own standard output. A stream for each look would leave a descriptor
    // open.
    if (this.hungUp) return;
    if (this.#screen) (this.#screen as tty.WriteStream & { _refreshSize(): void })._refreshSize();
    else this.#screen = new (nodeTty().WriteStream)(this.#fd).on('error', () => {});
    [this.columns, this.rows] = this.#screen.getWindowSize();
  }

  override load(): void {
    if (this.#loaded) return;
    this.#loaded = true;
    this.#found = hostSettings(this.#fd);
    if (this.#found !== undefined) this.line.termios = this.#found;
  }

  override changed(): void {
    if (this.#found === undefined || !sameSettings(this.line.termios, this.#found)) this.wanted();
  }

  /** Raw, for the guest's line discipline to do all, or as it was found. */
  #setRaw(raw: boolean): void {
    const calls = hostCalls();
    if (calls === undefined || this.#found === undefined) {
      // Node knows the mode it has set and would do nothing; but somebody else may have had the terminal since.
      if (raw) this.#input!.setRawMode(false);
      this.#input!.setRawMode(raw);
    } else setHostSettings(this.#fd, raw ? rawSettings(this.#found) : this.#found);
  }

  // ---- input ----
  override wanted(): void {
    if (this.#mode === 'raw' || this.hungUp) return;
    this.load();
    const input = (this.#input ??= this.#open());
    if (!input) {
      this.hangup();
      return;
    }
    // In the background this stops the whole job with SIGTTOU, until it is in the foreground.
    this.#setRaw(true);
    this.#mode = 'raw';
    input.resume();
  }

  #open(): tty.ReadStream | undefined {
    let input: tty.ReadStream;
    try {
      input = new (nodeTty().ReadStream)(this.#fd);
    } catch {
      // It has hung up.
      return undefined;
    }
    input.on(
      'data',
      callback(this, (bytes) => this.line.input(bytes as Buffer)),
    );
    const hangup = callback(this, () => this.hangup());
    for (const event of ['end', 'error'] as const) input.on(event, hangup);
    process.on('SIGCONT', this.#continued);
    return input;
  }

  get vfs(): Vfs {
    return this.inode.fs.vfs;
  }
  hostFailed(): void {
    this.failed = true;
    this.queue.wakeAll();
  }

  /** This process is about to stop: who started it gets the terminal as it was. */
  suspend(): void {
    if (this.#mode !== 'raw') return;
    this.#setRaw(false);
    this.#input!.pause();
    this.#mode = 'away';
  }

  readonly #continued = () => {
    if (this.#mode === 'cooked') return;
    this.#mode = 'away';
    // In the background even a look would stop the job; the guest may not want the terminal any more.
    if (inForeground()) this.wanted();
    else this.#input!.pause();
  };

  /** The last descriptor is closed: the terminal is as it was. */
  leave(): void {
    if (!this.writable) {
      this.inode.fs.vfs.lingering.add(
        new Promise<void>((done) => {
          this.#written = done;
        }),
      );
    }
    if (this.#mode === 'raw' && !this.hungUp) {
      this.#giveBack();
      this.#setRaw(false);
    }
    this.#mode = 'cooked';
    process.off('SIGCONT', this.#continued);
    this.#input?.removeAllListeners();
    this.#input?.destroy();
    this.#input = undefined;
  }

  /** What was typed ahead, and the guest has not read, is for whoever reads next. */
  #giveBack(): void {
    const calls = hostCalls();
    if (calls === undefined) return;
    for (const byte of this.line.unread()) if (!typeByte(calls, this.#fd, byte)) return;
  }

  /** The guest's last settings become the host's, as they would if it ran there. True when the host's are others than before. */
  settle(): boolean {
    const { termios } = this.line;
    if (this.#found === undefined || sameSettings(termios, this.#found) || this.hungUp) return false;
    return setHostSettings(this.#fd, termios);
  }

  /** From the host comes the signal, too, to those it is meant for. */
  override hangup(): void {
    this.hungUp = true;
    this.queue.wakeAll();
  }

  /** For the host's processes in this process's group as well (a pipeline, a script), when the guest's first group is meant. */
  protected override typed(signo: number): void {
    const group = this.hostGroup;
    if (group && this.session?.foreground === group.pgid && this.signalsUs) group.signal(signo);
    else super.typed(signo);
  }
  /** Whether the host's process group that this process is one of is the one it would signal. */
  get signalsUs(): boolean {
    return isForegroundOf(this.#hostRdev);
  }

  // ---- output ----
  override get writable(): boolean {
    return this.#rest.length === 0;
  }

  protected override output(bytes: Uint8Array): void {
    const shown = this.#translates ? withoutReturns(bytes) : bytes;
    if (!this.writable) this.#rest = Buffer.concat([this.#rest, shown]);
    else this.#write(shown);
  }

  /** The host's terminal makes CR NL of NL: as it was told to, and in Node's raw mode always (but not in ours). */
  get #translates(): boolean {
    if (this.#mode === 'raw') return this.#found === undefined || hostCalls() === undefined;
    return (this.line.termios.oflag & (OPOST | ONLCR)) === (OPOST | ONLCR);
  }

  #retry(): void {
    this.#write(this.#rest);
    if (!this.writable && !this.hungUp) return;
    this.queue.wakeAll();
    this.#written?.();
  }

  #write(bytes: Uint8Array): void {
    this.#rest = new Uint8Array(0);
    for (let done = 0; done < bytes.length; ) {
      try {
        done += fs.writeSync(this.#fd, bytes, done, bytes.length - done, null);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
          this.hangup();
          return;
        }
        this.#rest = Uint8Array.from(bytes.subarray(done));
        setTimeout(() => this.#retry(), RETRY_MS);
        return;
      }
    }
  }
}

/**
 * An open file description of our own, for reading and writing and without waiting, which is nobody else's business. Where that
 * cannot be, the one we have.
 */
function reopen(fd: number): number {
  try {
    const { O_RDWR, O_NONBLOCK, O_NOCTTY: noctty } = fs.constants;
    return fs.openSync(`/proc/self/fd/${fd}`, O_RDWR | O_NONBLOCK | noctty);
  } catch {
    return fd;
  }
}

/** cfmakeraw(3). */
function rawSettings(found: Termios): Termios {
  const cc = found.cc.slice();
  cc[VMIN] = 1;
  cc[VTIME] = 0;
  return {
    ...found,
    iflag: found.iflag & ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON),
    oflag: found.oflag & ~OPOST,
    lflag: found.lflag & ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN),
    cflag: (found.cflag & ~PARENB) | CS8,
    cc,
  };
}

/** For a terminal that puts a CR before each NL: where the guest has none, VT moves down just as well. */
function withoutReturns(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(NL)) return bytes;
  const shown = new Uint8Array(bytes.length);
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const c = bytes[i]!;
    if (c === NL) shown[length++] = VT;
    else if (c === CR && bytes[i + 1] === NL) {
      shown[length++] = NL;
      i++;
    } else shown[length++] = c;
  }
  return shown.subarray(0, length);
}

class HostTerminalInode extends AnonymousInode {
  readonly terminal: HostTerminal;
  constructor(vfs: Vfs, terminal: HostTerminal) {
    super(vfs.nameless.others, 'tty', S_IFCHR | 0o620);
    this.terminal = terminal;
    this.attributes.uid = process.geteuid?.() ?? 0;
    this.attributes.gid = process.getegid?.() ?? 0;
  }
  override stat(): Attributes {
    return { ...super.stat(), rdev: this.terminal.rdev };
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

/** This process's controlling terminal, when none of its standard files is. */
export function openHostControllingTerminal(vfs: Vfs): HostTerminal | undefined {
  try {
    const { O_RDWR, O_NOCTTY: noctty } = fs.constants;
    const fd = fs.openSync('/dev/tty', O_RDWR | noctty);
    return terminalOf(vfs, fd);
  } catch {
    return undefined;
  }
}

/** What the guest has made of the settings of terminals becomes the host's. True when it has changed any. */
export function settleTerminals(vfs: Vfs): boolean {
  return [...vfs.hostTerminals.values()].filter((terminal) => terminal.settle()).length > 0;
}

/** An open file for a descriptor of this process that is a terminal. */
export function openHostTerminal(vfs: Vfs, fd: number, flags: number): OpenFile {
  const terminal = terminalOf(vfs, fd);
  return new HostTerminalFile(terminal.inode, flags | O_NOCTTY, terminal);
}

function terminalOf(vfs: Vfs, fd: number): HostTerminal {
  const { rdev } = host(() => fs.fstatSync(fd));
  let terminal = vfs.hostTerminals.get(rdev);
  if (!terminal) vfs.hostTerminals.set(rdev, (terminal = new HostTerminal(vfs, fd, rdev)));
  return terminal;
}
