/** ioctl requests as 32-bit ARM Linux numbers them (include/uapi/asm-generic/ioctls.h; FIOQSIZE is ARM's own). */
export const FIBMAP = 1;
export const FIGETBSZ = 2;
export const TCGETS = 0x5401;
export const TCSETS = 0x5402;
export const TCSETSW = 0x5403;
export const TCSETSF = 0x5404;
export const TCSBRK = 0x5409;
export const TCXONC = 0x540a;
export const TCFLSH = 0x540b;
export const TIOCEXCL = 0x540c;
export const TIOCNXCL = 0x540d;
export const TIOCSCTTY = 0x540e;
export const TIOCGPGRP = 0x540f;
export const TIOCSPGRP = 0x5410;
export const TIOCOUTQ = 0x5411;
export const TIOCSTI = 0x5412;
export const TIOCGWINSZ = 0x5413;
export const TIOCSWINSZ = 0x5414;
export const FIONREAD = 0x541b;
export const TIOCCONS = 0x541d;
export const TIOCPKT = 0x5420;
export const FIONBIO = 0x5421;
export const TIOCNOTTY = 0x5422;
export const TIOCSETD = 0x5423;
export const TIOCGETD = 0x5424;
export const TCSBRKP = 0x5425;
export const TIOCGSID = 0x5429;
export const TIOCGPTN = 0x8004_5430;
export const TIOCSPTLCK = 0x4004_5431;
export const TIOCGPTLCK = 0x8004_5439;
export const TIOCGPTPEER = 0x5441;
export const FIONCLEX = 0x5450;
export const FIOCLEX = 0x5451;
export const FIOASYNC = 0x5452;
export const FIOQSIZE = 0x545e;
export const TCGETS2 = 0x802c_542a;
export const TCSETS2 = 0x402c_542b;
export const TCSETSW2 = 0x402c_542c;
export const TCSETSF2 = 0x402c_542d;
export const FIOSETOWN = 0x8901;
export const SIOCSPGRP = 0x8902;
export const FIOGETOWN = 0x8903;
export const SIOCGPGRP = 0x8904;
export const SIOCATMARK = 0x8905;
export const FICLONE = 0x4004_9409;
export const FICLONERANGE = 0x4020_940d;
export const FS_IOC_GETFLAGS = 0x8004_6601;
export const FS_IOC_SETFLAGS = 0x4004_6602;
export const RNDGETENTCNT = 0x8004_5200;

export const IOCTL_NAMES: Readonly<Record<string, number>> = {
  FIBMAP,
  FIGETBSZ,
  TCGETS,
  TCSETS,
  TCSETSW,
  TCSETSF,
  TCSBRK,
  TCXONC,
  TCFLSH,
  TIOCEXCL,
  TIOCNXCL,
  TIOCSCTTY,
  TIOCGPGRP,
  TIOCSPGRP,
  TIOCOUTQ,
  TIOCSTI,
  TIOCGWINSZ,
  TIOCSWINSZ,
  FIONREAD,
  TIOCCONS,
  TIOCPKT,
  FIONBIO,
  TIOCNOTTY,
  TIOCSETD,
  TIOCGETD,
  TCSBRKP,
  TIOCGSID,
  TIOCGPTN,
  TIOCSPTLCK,
  TIOCGPTLCK,
  TIOCGPTPEER,
  FIONCLEX,
  FIOCLEX,
  FIOASYNC,
  FIOQSIZE,
  TCGETS2,
  TCSETS2,
  TCSETSW2,
  TCSETSF2,
  FIOSETOWN,
  SIOCSPGRP,
  FIOGETOWN,
  SIOCGPGRP,
  SIOCATMARK,
  FICLONE,
  FICLONERANGE,
  FS_IOC_GETFLAGS,
  FS_IOC_SETFLAGS,
  RNDGETENTCNT,
};
