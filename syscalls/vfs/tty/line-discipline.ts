/**
 * The line discipline of terminals (N_TTY; termios(3), drivers/tty/n_tty.c): what is typed becomes lines, editing, signals and
 * echo; what is printed becomes columns and new lines. It knows neither files nor processes.
 */

import { SIG } from '../../abi/signal.ts';
import * as t from '../../abi/termios.ts';

/** Most bytes that wait to be read (N_TTY_BUF_SIZE). */
const MOST = 4096;
/** A control character that is switched off (_POSIX_VDISABLE). */
const DISABLED = 0;

const NL = 0x0a;
const CR = 0x0d;
const TAB = 0x09;

export interface LineHooks {
  /** Bytes for the screen: output, or the echo of input. */
  output(bytes: Uint8Array): void;
  /** A character asked for a signal to the foreground process group. */
  signal(signo: number): void;
  /** There may be more to read. */
  wake(): void;
}

export class LineDiscipline {
  #termios = t.defaultTermios();
  readonly #hooks: LineHooks;
  /** The line being typed (canonical mode), and what may be read. In `#ready` -1 marks an end of file. */
  #line: number[] = [];
  #ready: number[] = [];
  #literal = false;
  /** Output is stopped by VSTOP. */
  stopped = false;
  #column = 0;

  constructor(hooks: LineHooks) {
    this.#hooks = hooks;
  }

  get termios(): t.Termios {
    return this.#termios;
  }
  /** A change out of canonical mode makes the unfinished line readable. */
  set termios(termios: t.Termios) {
    this.#termios = termios;
    if (!this.#flag(t.ICANON) && this.#line.length > 0) this.#finishLine();
    if (!(termios.iflag & t.IXON)) this.stopped = false;
    this.#hooks.wake();
  }

  #flag(bit: number): boolean {
    return (this.#termios.lflag & bit) !== 0;
  }
  #is(c: number, index: number): boolean {
    const special = this.#termios.cc[index]!;
    return special !== DISABLED && special === c;
  }

  /** What has been typed and not been read; ends of files are not among it. */
  unread(): number[] {
    return [...this.#ready, ...this.#line].filter((byte) => byte >= 0);
  }

  // ---- input ----
  /** Bytes from the keyboard. Gives how many were taken; the rest finds no room. */
  input(bytes: Uint8Array): number {
    let taken = 0;
    for (const byte of bytes) {
      if (this.#ready.length + this.#line.length >= MOST) break;
      this.#character(byte);
      taken++;
    }
    this.#hooks.wake();
    return taken;
  }

  #character(c: number): void {
    const { iflag } = this.#termios;
    if (iflag & t.ISTRIP) c &= 0x7f;
    if (this.#literal) {
      this.#literal = false;
      this.#put(c, true);
      return;
    }
    if (iflag & t.IXON) {
      if (this.#is(c, t.VSTART)) {
        this.stopped = false;
        return;
      }
      if (this.#is(c, t.VSTOP)) {
        this.stopped = true;
        return;
      }
      if (iflag & t.IXANY) this.stopped = false;
    }
    if (this.#flag(t.ISIG) && this.#signal(c)) return;
    const typed = c;
    if (c === CR) {
      if (iflag & t.IGNCR) return;
      if (iflag & t.ICRNL) c = NL;
    } else if (c === NL && iflag & t.INLCR) c = CR;
    if (this.#flag(t.ICANON)) this.#canonical(c);
    else this.#put(c, typed === NL);
  }

  #signal(c: number): boolean {
    let signo: number;
    if (this.#is(c, t.VINTR)) signo = SIG.SIGINT;
    else if (this.#is(c, t.VQUIT)) signo = SIG.SIGQUIT;
    else if (this.#is(c, t.VSUSP)) signo = SIG.SIGTSTP;
    else return false;
    if (!this.#flag(t.NOFLSH)) this.flushInput();
    if (this.#flag(t.ECHO)) this.#echo(c);
    this.#hooks.signal(signo);
    return true;
  }

  /** Characters that edit the line; true when it was one. */
  #edit(c: number): boolean {
    const extended = this.#flag(t.IEXTEN);
    if (this.#is(c, t.VERASE)) this.#erase(1);
    else if (this.#is(c, t.VKILL)) this.#kill();
    else if (extended && this.#is(c, t.VWERASE)) this.#eraseWord();
    else if (extended && this.#is(c, t.VLNEXT)) {
      this.#literal = true;
      if (this.#flag(t.ECHO) && this.#flag(t.ECHOCTL)) this.#screen([0x5e, 8]);
    } else if (extended && this.#is(c, t.VREPRINT)) {
      this.#echo(c);
      this.#screen([NL]);
      for (const byte of this.#line) this.#echo(byte);
    } else return false;
    return true;
  }

  #canonical(c: number): void {
    if (this.#edit(c)) return;
    if (this.#is(c, t.VEOF)) {
      // An empty line is the end of the file.
      if (this.#line.length === 0) this.#ready.push(-1);
      else this.#finishLine();
      return;
    }
    this.#line.push(c);
    const ends = c === NL || this.#is(c, t.VEOL) || (this.#flag(t.IEXTEN) && this.#is(c, t.VEOL2));
    if (this.#flag(t.ECHO) || (c === NL && this.#flag(t.ECHONL))) this.#echo(c);
    if (ends) this.#finishLine();
  }

  /** A line as it stands may be read; -2 marks its end, so that a read gives no more than one. */
  #finishLine(): void {
    this.#ready.push(...this.#line, -2);
    this.#line = [];
  }

  /** A character without meaning. NL as such is shown like any control character, unlike one made from CR. */
  #put(c: number, plain: boolean): void {
    if (this.#flag(t.ICANON)) this.#line.push(c);
    else this.#ready.push(c);
    if (!this.#flag(t.ECHO)) return;
    if (c === NL && plain && this.#flag(t.ECHOCTL)) this.#screen([0x5e, c ^ 0x40]);
    else this.#echo(c);
  }

  /** Takes characters off the line and the screen. */
  #erase(count: number): void {
    for (let i = 0; i < count && this.#line.length > 0; i++) {
      let c = this.#line.pop()!;
      // The bytes of one UTF-8 character go together.
      while (this.#termios.iflag & t.IUTF8 && (c & 0xc0) === 0x80 && this.#line.length > 0)
        c = this.#line.pop()!;
      if (!this.#flag(t.ECHO)) continue;
      if (!this.#flag(t.ECHOE)) this.#echo(this.#termios.cc[t.VERASE]!);
      else {
        const columns = c < 0x20 && c !== TAB && this.#flag(t.ECHOCTL) ? 2 : 1;
        for (let k = 0; k < columns; k++) this.#screen([8, 0x20, 8]);
      }
    }
  }
  #eraseWord(): void {
    let at = this.#line.length;
    const letter = (c: number) =>
      (c >= 0x30 && c <= 0x39) ||
      (c >= 0x41 && c <= 0x5a) ||
      (c >= 0x61 && c <= 0x7a) ||
      c === 0x5f ||
      c >= 0x80;
    while (at > 0 && !letter(this.#line[at - 1]!)) at--;
    while (at > 0 && letter(this.#line[at - 1]!)) at--;
    const goal = at;
    while (this.#line.length > goal) this.#erase(1);
  }
  #kill(): void {
    if (this.#flag(t.ECHOKE) && this.#flag(t.ECHOE)) {
      this.#erase(this.#line.length);
      return;
    }
    this.#line = [];
    if (!this.#flag(t.ECHO)) return;
    this.#echo(this.#termios.cc[t.VKILL]!);
    if (this.#flag(t.ECHOK)) this.#screen([NL]);
  }

  #echo(c: number): void {
    if (c === NL || c === TAB || c >= 0x20 || !this.#flag(t.ECHOCTL)) {
      if (c === 0x7f && this.#flag(t.ECHOCTL)) this.#screen([0x5e, 0x3f]);
      else this.#screen([c]);
    } else this.#screen([0x5e, c ^ 0x40]);
  }
  #screen(bytes: number[]): void {
    this.#hooks.output(this.process(Uint8Array.from(bytes)));
  }

  // ---- reading ----
  /** Bytes that a read could give now. */
  get available(): number {
    return this.#ready.reduce((n, c) => n + (c >= 0 ? 1 : 0), 0);
  }

  /** Whether a read would not wait. */
  get readable(): boolean {
    if (this.#flag(t.ICANON)) return this.#ready.length > 0;
    const least = this.#termios.cc[t.VTIME] === 0 ? this.#termios.cc[t.VMIN]! : 1;
    return this.available >= Math.max(least, 1);
  }

  /** A line (canonical mode), or what there is. Undefined when there is nothing; 0 is the end of the file. */
  read(into: Uint8Array): number | undefined {
    const canonical = this.#flag(t.ICANON);
    const ready = this.#ready;
    if (canonical && ready.length === 0) return undefined;
    if (!canonical && !this.readable)
      return this.#termios.cc[t.VMIN] === 0 && this.#termios.cc[t.VTIME] === 0 ? 0 : undefined;
    let at = 0;
    let count = 0;
    while (at < ready.length && count < into.length) {
      const c = ready[at]!;
      if (c === -1) {
        // The end of the file, told once, and only by itself.
        if (count === 0) at++;
        if (canonical) break;
        at++;
        continue;
      }
      at++;
      if (c === -2) {
        if (canonical && count > 0) break;
        continue;
      }
      into[count++] = c;
    }
    // A line read to its last byte is read.
    if (count > 0 && ready[at] === -2) at++;
    ready.splice(0, at);
    return count;
  }

  flushInput(): void {
    this.#line = [];
    this.#ready = [];
  }

  // ---- output ----
  /** Output as the screen gets it (OPOST). */
  process(bytes: Uint8Array): Uint8Array {
    const { oflag } = this.#termios;
    if (!(oflag & t.OPOST)) return bytes;
    const out: number[] = [];
    for (const c of bytes) {
      if (c === NL) {
        if (oflag & t.ONLRET) this.#column = 0;
        if (oflag & t.ONLCR) {
          out.push(CR);
          this.#column = 0;
        }
        out.push(NL);
      } else if (c === CR) {
        if (oflag & t.ONOCR && this.#column === 0) continue;
        if (oflag & t.OCRNL) out.push(NL);
        else {
          out.push(CR);
          this.#column = 0;
        }
      } else {
        if (c === 8) this.#column = Math.max(0, this.#column - 1);
        else if (c === TAB) this.#column = (this.#column | 7) + 1;
        else if (c >= 0x20 && (c & 0xc0) !== 0x80) this.#column++;
        out.push(oflag & t.OLCUC && c >= 0x61 && c <= 0x7a ? c - 0x20 : c);
      }
    }
    return Uint8Array.from(out);
  }
}
