/**
 * Terminals and job control (tty_ioctl(4), drivers/tty/tty_jobctrl.c): what a pseudoterminal's slave and the host's terminal have
 * in common.
 */
import { fail } from '../../abi/errno.ts';
import { O_NOCTTY } from '../../abi/fcntl.ts';
import * as i from '../../abi/ioctl.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import { SIG } from '../../abi/signal.ts';
import {
  ICANON,
  readTermios,
  TERMIOS_SIZE,
  TERMIOS2_SIZE,
  TOSTOP,
  VMIN,
  VTIME,
  writeTermios,
} from '../../abi/termios.ts';
import type { Inode } from '../core/inode.ts';
import { type IoctlContext, type JobProcess, OpenFile, WOULD_BLOCK } from '../core/open-file.ts';
import { WaitQueue } from '../core/wait-queue.ts';
import type { JobControl } from './job-control.ts';
import { LineDiscipline } from './line-discipline.ts';

type Session = JobProcess['session'] & { leaderGone?: () => void };

export abstract class Tty {
  readonly queue: WaitQueue = new WaitQueue();
  /** Woken by what is typed: for O_ASYNC. */
  readonly typing = new WaitQueue();
  readonly line: LineDiscipline;
  rows = 0;
  columns = 0;
  pixelWidth = 0;
  pixelHeight = 0;
  /** The session it controls. */
  session: Session | undefined;
  #jobs: JobControl | undefined;
  /** The other side is gone: reads give the end of the file, writes EIO. */
  hungUp = false;
  /** How often it was hung up for all who have it open, but not for who opens it after that. */
  hangups = 0;
  exclusive = false;
  /** Device number, for stat and /proc/PID/stat. */
  abstract rdev: number;

  constructor() {
    this.line = new LineDiscipline({
      output: (bytes) => this.output(bytes),
      signal: (signo) => this.typed(signo),
      wake: () => {
        this.queue.wakeAll();
        this.typing.wakeAll(POLLIN | POLLRDNORM);
      },
    });
  }

  /** Bytes for the screen. */
  protected abstract output(bytes: Uint8Array): void;
  /** Whether the screen takes more. */
  abstract get writable(): boolean;
  /** A callback of the host's has failed, and something typed may be lost: the next read fails. */
  failed = false;
  /** Somebody wants input. */
  wanted(): void {}
  /** Somebody asks for the size: it may have changed. */
  measure(): void {}
  /** Somebody asks for the settings, or is about to change them. */
  load(): void {}
  /** Somebody has changed the settings. */
  changed(): void {}

  /** A character for a signal was typed. */
  protected typed(signo: number): void {
    this.signal(signo);
  }

  /** Sends a signal to the foreground process group. */
  signal(signo: number): void {
    if (this.session?.foreground) this.#jobs?.signalGroup(this.session.foreground, signo);
  }

  /** Makes it the controlling terminal of a session. */
  control(jobs: JobControl, process: JobProcess): void {
    const session = process.session as Session;
    this.#jobs = jobs;
    this.session = session;
    session.tty = this;
    session.foreground = process.pgid;
    session.leaderGone = () => this.giveUp(true);
  }

  /** The session loses it: at the end of the session's leader, with SIGHUP to the foreground (disassociate_ctty). */
  giveUp(hangup: boolean): void {
    const { session } = this;
    if (session === undefined) return;
    if (hangup) {
      this.signal(SIG.SIGHUP);
      this.signal(SIG.SIGCONT);
    }
    session.tty = undefined;
    session.foreground = 0;
    delete session.leaderGone;
    this.session = undefined;
  }

  hangup(): void {
    this.hungUp = true;
    if (this.session) {
      this.signal(SIG.SIGHUP);
      this.signal(SIG.SIGCONT);
    }
    this.queue.wakeAll();
  }

  /** vhangup(2): who has it open can do nothing more with it, and the session has no terminal (__tty_hangup). */
  hangupOpen(): void {
    this.hangups++;
    const { session } = this;
    if (session) {
      this.#jobs?.signalLeader(session.sid, SIG.SIGHUP);
      this.#jobs?.signalLeader(session.sid, SIG.SIGCONT);
    }
    this.giveUp(false);
    this.queue.wakeAll();
  }

  write(from: Uint8Array): number {
    if (this.hungUp) fail('EIO');
    if (from.length === 0) return 0;
    if (this.line.stopped || !this.writable) return WOULD_BLOCK;
    const part = from.subarray(0, 2048);
    this.output(this.line.process(Uint8Array.from(part)));
    return part.length;
  }

  /**
   * A process in the background reads, or changes the terminal (tty_check_change): its group gets a signal. True when the call is
   * to be tried again after it.
   */
  background(jobs: JobControl | undefined, signo: number): boolean {
    const process = jobs?.current();
    if (jobs === undefined || process === undefined || process.session !== this.session) return false;
    if (process.pgid === this.session.foreground) return false;
    if (jobs.ignores(signo)) return signo === SIG.SIGTTIN ? fail('EIO') : false;
    if (jobs.isOrphaned(process.pgid)) return fail('EIO');
    jobs.signalGroup(process.pgid, signo);
    return true;
  }
}

/** An open terminal. */
export class TtyFile extends OpenFile {
  readonly tty: Tty;
  readonly #hangups: number;

  constructor(inode: Inode, flags: number, tty: Tty) {
    super(inode, flags, tty.queue);
    this.tty = tty;
    this.#hangups = tty.hangups;
    if (!(flags & O_NOCTTY)) takeControl(tty, this.vfs.jobs);
  }

  /** Since it was opened the terminal has been hung up (hung_up_tty_fops). */
  get #isHungUp(): boolean {
    return this.#hangups !== this.tty.hangups;
  }
  override get asynchronous(): boolean {
    return true;
  }
  override get asyncQueue(): WaitQueue {
    return this.tty.typing;
  }
  override read(into: Uint8Array): number {
    const { tty } = this;
    if (this.#isHungUp) return 0;
    if (tty.background(this.vfs.jobs, SIG.SIGTTIN)) return WOULD_BLOCK;
    if (into.length === 0) return 0;
    tty.wanted();
    if (tty.failed) {
      tty.failed = false;
      fail('EIO');
    }
    const count = tty.line.read(into);
    if (count !== undefined) {
      if (count > 0) tty.queue.wakeAll();
      return count;
    }
    return tty.hungUp ? this.hangupRead() : WOULD_BLOCK;
  }
  /** What reading a hung-up terminal gives: the end of the file (hung_up_tty_read). */
  protected hangupRead(): number {
    return 0;
  }
  override get readTimeout(): number {
    const { lflag, cc } = this.tty.line.termios;
    return lflag & ICANON || cc[VMIN] !== 0 ? Infinity : 100 * cc[VTIME]!;
  }
  /** VTIME has passed: an empty read, not an error. */
  override get timedOut(): number {
    return 0;
  }

  override write(from: Uint8Array): number {
    const { tty } = this;
    if (this.#isHungUp) fail('EIO');
    if (tty.line.termios.lflag & TOSTOP && tty.background(this.vfs.jobs, SIG.SIGTTOU)) return WOULD_BLOCK;
    return tty.write(from);
  }

  override poll(): number {
    const { tty } = this;
    if (tty.hungUp || this.#isHungUp) return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLERR | POLLHUP;
    tty.wanted();
    let events = tty.line.readable ? POLLIN | POLLRDNORM : 0;
    if (!tty.line.stopped && tty.writable) events |= POLLOUT | POLLWRNORM;
    return events;
  }
  override get pollable(): boolean {
    return true;
  }

  override ioctl(request: number, argument: number, context: IoctlContext): number {
    if (this.#isHungUp) fail(request === i.TIOCSPGRP ? 'ENOTTY' : 'EIO');
    return ttyIoctl(this, this.tty, request, argument, context);
  }
}

/** A session leader without a terminal takes the first it opens. False when the process that runs may not. */
function takeControl(tty: Tty, jobs: JobControl | undefined): boolean {
  const process = jobs?.current();
  if (jobs === undefined || process === undefined) return false;
  const { session } = process;
  if (process.pid !== session.sid || session.tty !== undefined || tty.session !== undefined) return false;
  tty.control(jobs, process);
  return true;
}

/** A request of a terminal, and where it looks for and puts what it is about. */
interface TtyRequest {
  readonly file: OpenFile;
  readonly tty: Tty;
  readonly request: number;
  readonly argument: number;
  readonly context: IoctlContext;
}

/** Requests of terminals; a pseudoterminal's master answers them for its slave. */
export function ttyIoctl(
  file: OpenFile,
  tty: Tty,
  request: number,
  argument: number,
  context: IoctlContext,
): number {
  if (CHANGES.has(request) && tty.background(file.vfs.jobs, SIG.SIGTTOU)) return context.wait(file.queue);
  const all = { file, tty, request, argument, context };
  return settingsRequest(all) ?? sizeRequest(all) ?? jobRequest(all) ?? flowRequest(all) ?? fail('ENOTTY');
}

function putInt({ context, argument }: TtyRequest, value: number): number {
  context.write(argument, 4).setInt32(0, value, true);
  return 0;
}
const int = ({ context, argument }: TtyRequest): number => context.read(argument, 4).getInt32(0, true);

/** The settings (tty_mode_ioctl). Undefined for other requests. */
function settingsRequest({ tty, request, argument, context }: TtyRequest): number | undefined {
  switch (request) {
    case i.TCGETS:
      tty.load();
      writeTermios(context.write(argument, TERMIOS_SIZE), tty.line.termios);
      return 0;
    case i.TCGETS2:
      tty.load();
      writeTermios(context.write(argument, TERMIOS2_SIZE), tty.line.termios);
      return 0;
    case i.TCSETS:
    case i.TCSETSW:
    case i.TCSETSF:
    case i.TCSETS2:
    case i.TCSETSW2:
    case i.TCSETSF2: {
      const size = request >= i.TCSETS2 ? TERMIOS2_SIZE : TERMIOS_SIZE;
      tty.load();
      const termios = readTermios(context.read(argument, size), tty.line.termios);
      if (request === i.TCSETSF || request === i.TCSETSF2) tty.line.flushInput();
      tty.line.termios = termios;
      tty.changed();
      return 0;
    }
  }
  return undefined;
}

/** The size in characters and pixels (struct winsize). */
function sizeRequest({ tty, request, argument, context }: TtyRequest): number | undefined {
  switch (request) {
    case i.TIOCGWINSZ: {
      tty.measure();
      const view = context.write(argument, 8);
      [tty.rows, tty.columns, tty.pixelWidth, tty.pixelHeight].forEach((n, k) => {
        view.setUint16(2 * k, n, true);
      });
      return 0;
    }
    case i.TIOCSWINSZ: {
      const view = context.read(argument, 8);
      const [rows, columns, width, height] = [0, 2, 4, 6].map((at) => view.getUint16(at, true));
      const same =
        rows === tty.rows &&
        columns === tty.columns &&
        width === tty.pixelWidth &&
        height === tty.pixelHeight;
      Object.assign(tty, { rows, columns, pixelWidth: width, pixelHeight: height });
      if (!same) tty.signal(SIG.SIGWINCH);
      return 0;
    }
  }
  return undefined;
}

/** Sessions and process groups (tty_jobctrl_ioctl). */
function jobRequest(all: TtyRequest): number | undefined {
  const { file, tty, request } = all;
  const { process } = all.context;
  switch (request) {
    case i.TIOCGPGRP:
      // The master asks for its slave's group; others only for their own terminal's.
      if (file instanceof TtyFile && process.session.tty !== tty) return fail('ENOTTY');
      return putInt(all, process.pids.numberOf(tty.session?.foreground ?? 0));
    case i.TIOCSPGRP: {
      if (process.session.tty !== tty) return fail('ENOTTY');
      const number = int(all);
      if (number < 0) return fail('EINVAL');
      const pgid = process.pids.pidOf(number);
      const owner = file.vfs.jobs?.sessionOf(pgid);
      if (owner === undefined) return fail('ESRCH');
      if (owner !== process.session) return fail('EPERM');
      process.session.foreground = pgid;
      return 0;
    }
    case i.TIOCGSID:
      if (file instanceof TtyFile && process.session.tty !== tty) return fail('ENOTTY');
      return tty.session ? putInt(all, process.pids.numberOf(tty.session.sid)) : fail('ENOTTY');
    case i.TIOCSCTTY: {
      if (process.session.tty === tty && process.pid === process.session.sid) return 0;
      return takeControl(tty, file.vfs.jobs) ? 0 : fail('EPERM');
    }
    case i.TIOCNOTTY:
      if (process.session.tty !== tty) return fail('ENOTTY');
      if (process.pid === process.session.sid) tty.giveUp(true);
      return 0;
  }
  return undefined;
}

/** What is on its way, and the rest. */
function flowRequest(all: TtyRequest): number | undefined {
  const { tty, request, argument, context } = all;
  switch (request) {
    case i.FIONREAD:
      return putInt(all, tty.line.available);
    case i.TIOCOUTQ:
      return putInt(all, 0);
    case i.TCFLSH:
      if (argument === 0 || argument === 2) tty.line.flushInput();
      return argument > 2 ? fail('EINVAL') : 0;
    case i.TCXONC:
      if (argument === 0) tty.line.stopped = true;
      else if (argument === 1) tty.line.stopped = false;
      tty.queue.wakeAll();
      return argument > 3 ? fail('EINVAL') : 0;
    case i.TCSBRK:
    case i.TCSBRKP:
      // Everything written has been given out; there is no wire to break.
      return 0;
    case i.TIOCGETD:
      return putInt(all, 0);
    case i.TIOCSETD:
      return int(all) === 0 ? 0 : fail('EINVAL');
    case i.TIOCEXCL:
    case i.TIOCNXCL:
      tty.exclusive = request === i.TIOCEXCL;
      return 0;
    case i.TIOCSTI:
      tty.line.input(new Uint8Array([context.read(argument, 1).getUint8(0)]));
      return 0;
  }
  return undefined;
}

/** Requests that a process in the background may not make without SIGTTOU. */
const CHANGES = new Set([
  i.TCSETS,
  i.TCSETSW,
  i.TCSETSF,
  i.TCSETS2,
  i.TCSETSW2,
  i.TCSETSF2,
  i.TIOCSPGRP,
  i.TCFLSH,
  i.TCXONC,
  i.TCSBRK,
  i.TCSBRKP,
]);

/** Opens /dev/tty: the controlling terminal of whoever asks. ENXIO when there is none. */
export function openControllingTerminal(inode: Inode, flags: number): OpenFile {
  const tty = inode.fs.vfs.jobs?.current()?.session.tty;
  return tty instanceof Tty ? new TtyFile(inode, flags | O_NOCTTY, tty) : fail('ENXIO');
}
