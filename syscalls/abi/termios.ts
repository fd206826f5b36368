/**
 * Terminal settings (include/uapi/asm-generic/termbits.h, termios.h) as 32-bit ARM Linux has them: struct termios is 36 bytes,
 * termios2 44.
 */

/** Kernel's struct termios; speeds are those of termios2. */
export interface Termios {
  iflag: number;
  oflag: number;
  cflag: number;
  lflag: number;
  line: number;
  /** NCCS = 19 control characters. */
  cc: Uint8Array;
  ispeed: number;
  ospeed: number;
}

export const TERMIOS_SIZE = 36;
export const TERMIOS2_SIZE = 44;

export const VINTR = 0;
export const VQUIT = 1;
export const VERASE = 2;
export const VKILL = 3;
export const VEOF = 4;
export const VTIME = 5;
export const VMIN = 6;
export const VSWTC = 7;
export const VSTART = 8;
export const VSTOP = 9;
export const VSUSP = 10;
export const VEOL = 11;
export const VREPRINT = 12;
export const VDISCARD = 13;
export const VWERASE = 14;
export const VLNEXT = 15;
export const VEOL2 = 16;

export const IGNBRK = 0o1;
export const BRKINT = 0o2;
export const PARMRK = 0o10;
export const ISTRIP = 0o40;
export const INLCR = 0o100;
export const IGNCR = 0o200;
export const ICRNL = 0o400;
export const IUCLC = 0o1000;
export const IXON = 0o2000;
export const IXANY = 0o4000;
export const IXOFF = 0o10000;
export const IMAXBEL = 0o20000;
export const IUTF8 = 0o40000;

export const OPOST = 0o1;
export const OLCUC = 0o2;
export const ONLCR = 0o4;
export const OCRNL = 0o10;
export const ONOCR = 0o20;
export const ONLRET = 0o40;

export const CS8 = 0o60;
export const CREAD = 0o200;
export const PARENB = 0o400;
export const HUPCL = 0o2000;
export const B38400 = 0o17;

export const ISIG = 0o1;
export const ICANON = 0o2;
export const ECHO = 0o10;
export const ECHOE = 0o20;
export const ECHOK = 0o40;
export const ECHONL = 0o100;
export const NOFLSH = 0o200;
export const TOSTOP = 0o400;
export const ECHOCTL = 0o1000;
export const ECHOPRT = 0o2000;
export const ECHOKE = 0o4000;
export const IEXTEN = 0o100000;

/** Settings of a terminal just opened (tty_std_termios and INIT_C_CC). */
export function defaultTermios(): Termios {
  const cc = new Uint8Array(19);
  cc.set([3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0]);
  return {
    iflag: ICRNL | IXON,
    oflag: OPOST | ONLCR,
    cflag: B38400 | CS8 | CREAD | HUPCL,
    lflag: ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    line: 0,
    cc,
    ispeed: 38400,
    ospeed: 38400,
  };
}

/** Writes struct termios, or termios2 when the view has room for it. */
export function writeTermios(view: DataView, t: Termios): void {
  view.setUint32(0, t.iflag, true);
  view.setUint32(4, t.oflag, true);
  view.setUint32(8, t.cflag, true);
  view.setUint32(12, t.lflag, true);
  view.setUint8(16, t.line);
  for (let i = 0; i < 19; i++) view.setUint8(17 + i, t.cc[i]!);
  if (view.byteLength < TERMIOS2_SIZE) return;
  view.setUint32(36, t.ispeed, true);
  view.setUint32(40, t.ospeed, true);
}

export function readTermios(view: DataView, before: Termios): Termios {
  const cc = new Uint8Array(19);
  for (let i = 0; i < 19; i++) cc[i] = view.getUint8(17 + i);
  const speeds = view.byteLength >= TERMIOS2_SIZE;
  return {
    iflag: view.getUint32(0, true),
    oflag: view.getUint32(4, true),
    cflag: view.getUint32(8, true),
    lflag: view.getUint32(12, true),
    line: view.getUint8(16),
    cc,
    ispeed: speeds ? view.getUint32(36, true) : before.ispeed,
    ospeed: speeds ? view.getUint32(40, true) : before.ospeed,
  };
}
