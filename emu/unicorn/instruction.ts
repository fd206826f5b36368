/**
 * What Unicorn does not say of the instruction that brought an event is read from its encoding. `location` is the PC with bit 0
 * set in Thumb state.
 */

const addressOf = (location: number): number => (location & ~1) >>> 0;

/** Of the SVC before the location. */
export function svcNumber(view: DataView, location: number): number {
  const pc = addressOf(location);
  return location & 1 ? view.getUint16(pc - 2, true) & 0xff : view.getUint32(pc - 4, true) & 0xff_ffff;
}

/** The immediate of BKPT or UDF; 0 for other undefined instructions. */
export function trapNumber(view: DataView, location: number): number {
  const pc = addressOf(location);
  if (location & 1) {
    const half = view.getUint16(pc, true);
    if (half >>> 8 === 0xbe || half >>> 8 === 0xde) return half & 0xff;
    const second = view.getUint16(pc + 2, true);
    return half >>> 4 === 0xf7f && second >>> 12 === 0xa ? ((half & 15) << 12) | (second & 0xfff) : 0;
  }
  const word = view.getUint32(pc, true);
  const trap = (word & 0xfff0_00f0) >>> 0;
  return trap === 0xe7f0_00f0 || trap === 0xe120_0070 ? ((word >>> 4) & 0xfff0) | (word & 15) : 0;
}

/** Bits of the address that must be 0 in an access of `size` bytes: exclusives, SWP and VFP want alignment. */
export function alignmentOf(view: DataView, location: number, size: number): number {
  const pc = addressOf(location);
  let vfp: boolean;
  let exclusive: boolean;
  if (location & 1) {
    const first = view.getUint16(pc, true);
    const second = view.getUint16(pc + 2, true);
    vfp = (first & 0xfe00) === 0xec00 && (second & 0x0e00) === 0x0a00;
    exclusive = (first & 0xffe0) === 0xe840 || ((first & 0xffe0) === 0xe8c0 && (second & 0xc0) === 0x40);
  } else {
    const word = view.getUint32(pc, true);
    vfp = (word & 0x0e00_0e00) === 0x0c00_0a00;
    exclusive = (word & 0x0f00_00f0) === 0x0100_0090; // with SWP
  }
  return vfp ? 3 : exclusive ? size - 1 : 0;
}

/** A load or store exclusive: at register n plus an offset, so many bytes. */
export interface Exclusive {
  readonly n: number;
  readonly offset: number;
  readonly size: number;
  readonly loads: boolean;
}

/** Null when it is another instruction. */
export function exclusiveAccess(view: DataView, location: number): Exclusive | null {
  const pc = addressOf(location);
  const at = (first: number, size: number, offset: number): Exclusive => ({
    n: first & 15,
    offset,
    size,
    loads: (first & 0x10) !== 0,
  });
  if (location & 1) {
    const first = view.getUint16(pc, true);
    const second = view.getUint16(pc + 2, true);
    if ((first & 0xffe0) === 0xe840) return at(first, 4, (second & 0xff) * 4);
    const isSized = (first & 0xffe0) === 0xe8c0 && (second & 0xc0) === 0x40;
    return isSized ? at(first, 1 << ((second >>> 4) & 3), 0) : null;
  }
  const word = view.getUint32(pc, true);
  return (word & 0x0f80_0ff0) === 0x0180_0f90 ? at(word >>> 16, [4, 8, 1, 2][(word >>> 21) & 3]!, 0) : null;
}

/** Whether the instruction before the location is YIELD, WFE or WFI. */
export function isYield(view: DataView, location: number): boolean {
  const pc = addressOf(location);
  if (location & 1) {
    const half = view.getUint16(pc - 2, true);
    if (half === 0xbf10 || half === 0xbf20 || half === 0xbf30) return true;
    return half >= 0x8001 && half <= 0x8003 && view.getUint16(pc - 4, true) === 0xf3af;
  }
  const word = view.getUint32(pc - 4, true) & 0x0fff_ffff;
  return word >= 0x0320_f001 && word <= 0x0320_f003;
}
