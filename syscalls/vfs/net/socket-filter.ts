/**
 * Socket filters (SO_ATTACH_FILTER): classic BPF programs that say of each message how much of it is received, 0 for none of it
 * (Documentation/networking/filter.rst, net/core/filter.c).
 */
import { fail } from '../../abi/errno.ts';

/** Bytes of struct sock_filter: code, jt, jf, k. */
export const SOCK_FILTER_SIZE = 8;
export const BPF_MAXINSNS = 4096;
const BPF_MEMWORDS = 16;

// Classes, and what instructions of each are made of (linux/bpf_common.h, linux/filter.h).
const [BPF_LD, BPF_LDX, BPF_ST, BPF_STX, BPF_ALU, BPF_JMP, BPF_RET, BPF_MISC] = [0, 1, 2, 3, 4, 5, 6, 7];
const [BPF_W, BPF_H, BPF_B] = [0x00, 0x08, 0x10];
const [BPF_IMM, BPF_ABS, BPF_IND, BPF_MEM, BPF_LEN, BPF_MSH] = [0x00, 0x20, 0x40, 0x60, 0x80, 0xa0];
const [BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND] = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50];
const [BPF_LSH, BPF_RSH, BPF_NEG, BPF_MOD, BPF_XOR] = [0x60, 0x70, 0x80, 0x90, 0xa0];
const [BPF_JA, BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET] = [0x00, 0x10, 0x20, 0x30, 0x40];
const [BPF_K, BPF_X, BPF_A] = [0x00, 0x08, 0x10];
const [BPF_TAX, BPF_TXA] = [0x00, 0x80];

const BINARY = [BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND, BPF_LSH, BPF_RSH, BPF_MOD, BPF_XOR];
const CONDITIONS = [BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET];
const SIZES = [BPF_W, BPF_H, BPF_B];

/** chk_code_allowed */
const ALLOWED: ReadonlySet<number> = new Set([
  ...BINARY.flatMap((op) => [BPF_ALU | op | BPF_K, BPF_ALU | op | BPF_X]),
  BPF_ALU | BPF_NEG,
  ...SIZES.flatMap((size) => [BPF_LD | size | BPF_ABS, BPF_LD | size | BPF_IND]),
  ...[BPF_LD, BPF_LDX].flatMap((load) => [load | BPF_IMM, load | BPF_MEM, load | BPF_W | BPF_LEN]),
  BPF_LDX | BPF_B | BPF_MSH,
  BPF_ST,
  BPF_STX,
  BPF_MISC | BPF_TAX,
  BPF_MISC | BPF_TXA,
  BPF_RET | BPF_K,
  BPF_RET | BPF_A,
  BPF_JMP | BPF_JA,
  ...CONDITIONS.flatMap((op) => [BPF_JMP | op | BPF_K, BPF_JMP | op | BPF_X]),
]);

/** From here on loads are of what the packet does not hold itself; below, of its headers. */
const SKF_AD_OFF = 0xffff_f000;
const SKF_NET_OFF = 0xfff0_0000;
const SKF_LL_OFF = 0xffe0_0000;
const SKF_AD = {
  PROTOCOL: 0,
  PKTTYPE: 4,
  IFINDEX: 8,
  NLATTR: 12,
  NLATTR_NEST: 16,
  MARK: 20,
  QUEUE: 24,
  HATYPE: 28,
  RXHASH: 32,
  CPU: 36,
  ALU_XOR_X: 40,
  VLAN_TAG: 44,
  VLAN_TAG_PRESENT: 48,
  PAY_OFFSET: 52,
  RANDOM: 56,
  VLAN_TPID: 60,
} as const;
const ANCILLARY: ReadonlySet<number> = new Set(Object.values(SKF_AD).map((offset) => SKF_AD_OFF + offset));

/** A message as a filter sees it (struct sk_buff). */
export interface FilteredMessage {
  /** All there is of it, with the headers before its beginning. */
  readonly bytes: Uint8Array;
  /** Where it begins. */
  readonly start: number;
  /** Where the headers begin of a packet of a network; without, there are none. */
  readonly network?: number;
  readonly link?: number;
  /** Where what the packet carries begins, behind all headers. */
  readonly payload?: number;
  /** ETH_P_*. */
  readonly protocol?: number;
  /** The interface by which it came. */
  readonly device?: { readonly index: number; readonly type: number };
}

interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

export class SocketFilter {
  /** The program as it was given (struct sock_filter). */
  readonly bytes: Uint8Array;
  readonly #program: readonly Instruction[];

  /** EINVAL for what is no program that Linux takes. */
  constructor(bytes: Uint8Array) {
    this.bytes = Uint8Array.from(bytes);
    const view = new DataView(this.bytes.buffer);
    this.#program = Array.from({ length: bytes.length / SOCK_FILTER_SIZE }, (_, i) => {
      const at = i * SOCK_FILTER_SIZE;
      const [code, jt, jf] = [view.getUint16(at, true), view.getUint8(at + 2), view.getUint8(at + 3)];
      return { code, jt, jf, k: view.getUint32(at + 4, true) };
    });
    if (!isValid(this.#program)) fail('EINVAL');
  }
  get length(): number {
    return this.#program.length;
  }

  /** How many bytes of a message are to be received; 0: it is dropped. */
  run(message: FilteredMessage): number {
    const program = this.#program;
    const memory = new Uint32Array(BPF_MEMWORDS);
    const length = message.bytes.length - message.start;
    let [a, x] = [0, 0];
    for (let pc = 0; ; pc++) {
      const { code, jt, jf, k } = program[pc]!;
      switch (code & 7) {
        case BPF_LD: {
          const mode = code & 0xe0;
          if (mode === BPF_IMM) a = k;
          else if (mode === BPF_MEM) a = memory[k]!;
          else if (mode === BPF_LEN) a = length;
          else {
            const loaded =
              mode === BPF_ABS && k >= SKF_AD_OFF
                ? ancillary(message, k - SKF_AD_OFF, a, x)
                : load(message, (mode === BPF_IND ? x + k : k) >>> 0, code & 0x18);
            if (loaded === NOTHING) return 0;
            if (loaded === NO_DEVICE) return a;
            a = loaded;
          }
          break;
        }
        case BPF_LDX: {
          const mode = code & 0xe0;
          if (mode === BPF_IMM) x = k;
          else if (mode === BPF_MEM) x = memory[k]!;
          else if (mode === BPF_LEN) x = length;
          else {
            const loaded = load(message, k, BPF_B);
            if (loaded === NOTHING) return 0;
            x = (loaded & 15) << 2;
          }
          break;
        }
        case BPF_ST:
          memory[k] = a;
          break;
        case BPF_STX:
          memory[k] = x;
          break;
        case BPF_ALU: {
          const operand = code & BPF_X ? x : k;
          const op = code & 0xf0;
          if ((op === BPF_DIV || op === BPF_MOD) && operand === 0) return 0;
          a = compute(op, a, operand);
          break;
        }
        case BPF_JMP:
          if ((code & 0xf0) === BPF_JA) pc += k;
          else pc += holds(code & 0xf0, a, code & BPF_X ? x : k) ? jt : jf;
          break;
        case BPF_RET:
          return code & BPF_A ? a : k;
        default:
          if (code & BPF_TXA) a = x;
          else x = a;
      }
    }
  }
}

function compute(op: number, a: number, b: number): number {
  switch (op) {
    case BPF_ADD:
      return (a + b) >>> 0;
    case BPF_SUB:
      return (a - b) >>> 0;
    case BPF_MUL:
      return Math.imul(a, b) >>> 0;
    case BPF_DIV:
      return Math.floor(a / b);
    case BPF_MOD:
      return a % b;
    case BPF_OR:
      return (a | b) >>> 0;
    case BPF_AND:
      return (a & b) >>> 0;
    case BPF_XOR:
      return (a ^ b) >>> 0;
    case BPF_LSH:
      return (a << b) >>> 0;
    case BPF_RSH:
      return a >>> b;
    default:
      return -a >>> 0;
  }
}

function holds(condition: number, a: number, b: number): boolean {
  switch (condition) {
    case BPF_JEQ:
      return a === b;
    case BPF_JGT:
      return a > b;
    case BPF_JGE:
      return a >= b;
    default:
      return (a & b) !== 0;
  }
}

/** There is nothing at the offset: the program is over, with 0. */
const NOTHING = -1;
/** Nor an interface to be asked for: it is over, with what the accumulator holds. */
const NO_DEVICE = -2;

/** bpf_skb_load_helper_*, with which offsets from behind are those of headers. */
function load(message: FilteredMessage, offset: number, size: number): number {
  const { bytes, start, network, link } = message;
  let at = start + offset;
  if (offset >= SKF_NET_OFF) at = network === undefined ? -1 : network + (offset - SKF_NET_OFF);
  else if (offset >= SKF_LL_OFF) at = link === undefined ? -1 : link + (offset - SKF_LL_OFF);
  const count = size === BPF_W ? 4 : size === BPF_H ? 2 : 1;
  if (at < 0 || at + count > bytes.length) return NOTHING;
  let value = 0;
  for (let i = 0; i < count; i++) value = value * 256 + bytes[at + i]!;
  return value;
}

/** What is known of a message beside its bytes. */
function ancillary(message: FilteredMessage, what: number, a: number, x: number): number {
  const { start, device, payload } = message;
  switch (what) {
    case SKF_AD.PROTOCOL:
      return message.protocol ?? 0;
    case SKF_AD.IFINDEX:
      return device?.index ?? NO_DEVICE;
    case SKF_AD.HATYPE:
      return device?.type ?? NO_DEVICE;
    case SKF_AD.NLATTR:
      return findAttribute(message.bytes.subarray(start), a, x);
    case SKF_AD.NLATTR_NEST:
      return findNested(message.bytes.subarray(start), a, x);
    case SKF_AD.ALU_XOR_X:
      return (a ^ x) >>> 0;
    case SKF_AD.PAY_OFFSET:
      return payload === undefined ? 0 : payload - start;
    case SKF_AD.RANDOM:
      return Math.floor(Math.random() * 2 ** 32);
    default:
      // Of packets to this machine (PACKET_HOST), on its one queue and the first CPU, without marks, hashes and VLANs.
      return 0;
  }
}

/** struct nlattr: length, type. */
const NLATTR_SIZE = 4;
const NLA_TYPE_MASK = 0x3fff;

/** Offset of the attribute of a type among those from an offset on; 0 when there is none (bpf_skb_get_nlattr). */
function findAttribute(bytes: Uint8Array, from: number, type: number, end = bytes.length): number {
  if (bytes.length < NLATTR_SIZE || from > bytes.length - NLATTR_SIZE) return 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = from; end - at >= NLATTR_SIZE; ) {
    const length = view.getUint16(at, true);
    if (length < NLATTR_SIZE || length > end - at) return 0;
    if ((view.getUint16(at + 2, true) & NLA_TYPE_MASK) === type) return at;
    at += (length + 3) & ~3;
  }
  return 0;
}
/** The same among those that the attribute at an offset holds (bpf_skb_get_nlattr_nest). */
function findNested(bytes: Uint8Array, outer: number, type: number): number {
  if (bytes.length < NLATTR_SIZE || outer > bytes.length - NLATTR_SIZE) return 0;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint16(outer, true);
  if (length > bytes.length - outer) return 0;
  const from = outer + NLATTR_SIZE;
  return length < NLATTR_SIZE ? 0 : findAttribute(bytes, from, type, outer + length);
}

/** bpf_check_basics_ok, bpf_check_classic */
function isValid(program: readonly Instruction[]): boolean {
  if (program.length === 0 || program.length > BPF_MAXINSNS) return false;
  const possible = program.every(({ code, jt, jf, k }, pc) => {
    if (!ALLOWED.has(code)) return false;
    const left = program.length - pc - 1;
    switch (code & 7) {
      case BPF_ALU: {
        if (code & BPF_X) return true;
        const op = code & 0xf0;
        if (op === BPF_DIV || op === BPF_MOD) return k !== 0;
        return (op !== BPF_LSH && op !== BPF_RSH) || k < 32;
      }
      case BPF_LD:
      case BPF_LDX:
        if ((code & 0xe0) === BPF_MEM) return k < BPF_MEMWORDS;
        return (code & 0xe7) !== (BPF_LD | BPF_ABS) || k < SKF_AD_OFF || ANCILLARY.has(k);
      case BPF_ST:
      case BPF_STX:
        return k < BPF_MEMWORDS;
      case BPF_JMP:
        return (code & 0xf0) === BPF_JA ? k < left : jt < left && jf < left;
      default:
        return true;
    }
  });
  return possible && (program.at(-1)!.code & 7) === BPF_RET && loadsWhatIsStored(program);
}

/** No word of memory is read that was not written on every way there (check_load_and_stores). */
function loadsWhatIsStored(program: readonly Instruction[]): boolean {
  /** By instruction, the words that are written on all jumps to it. */
  const masks = new Uint16Array(program.length).fill(0xffff);
  let written = 0;
  for (const [pc, { code, jt, jf, k }] of program.entries()) {
    written &= masks[pc]!;
    if ((code & 7) === BPF_ST || (code & 7) === BPF_STX) written |= 1 << k;
    else if (code === (BPF_LD | BPF_MEM) || code === (BPF_LDX | BPF_MEM)) {
      if (!((written >>> k) & 1)) return false;
    } else if ((code & 7) === BPF_JMP) {
      for (const jump of (code & 0xf0) === BPF_JA ? [k] : [jt, jf]) masks[pc + 1 + jump]! &= written;
      written = 0xffff;
    }
  }
  return true;
}
