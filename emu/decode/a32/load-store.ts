/**
 * A32 load and store encodings (ARM ARM A5.2.8 to A5.2.10, A5.3, A5.5, A5.7 preloads). Literal loads are those with Rn = PC.
 */
import * as block from '../../ops/block.ts';
import * as exclusive from '../../ops/exclusive.ts';
import * as op from '../../ops/load-store.ts';
import { nop } from '../../ops/system.ts';
import { a32 } from '../build.ts';
import { any, type Predicate, pc, same } from '../predicates.ts';
import type { Op, Row } from '../row.ts';
import * as shape from '../shapes/load-store.ts';

const ZERO = '(0)(0)(0)(0)';
const ONE = '(1)(1)(1)(1)';

/** Write-back to the PC or to a register transferred. */
const badWriteBack: Predicate = (_a, f) => (f.P === 0 || f.W === 1) && (f.n === 15 || f.n === f.t);
const badPairWriteBack: Predicate = (_a, f) =>
  (f.P === 0 || f.W === 1) && (f.n === 15 || f.n === f.t || f.n === f.t! + 1);
/** P = 0 with W = 1, the second register the PC, or an odd first register (decoded as UNDEFINED). */
const badPair: Predicate = (_a, f) => (f.P === 0 && f.W === 1) || f.t! >= 14 || (f.t! & 1) === 1;
/** The pair loaded includes the offset register. */
const loadsOffset: Predicate = (_a, f) => f.m === f.t || f.m === f.t! + 1;

/** LDR, LDRB, STR, STRB: immediate, register and unprivileged forms. `bl` are the bits B and L. */
function word(mnemonic: string, bl: string, f: Op<op.Transfer>): Row[] {
  const [b, l] = bl;
  const name = mnemonic.toUpperCase();
  const byte = b === '1';
  // Only words can be the PC.
  const bad = byte ? any(badWriteBack, pc('t')) : badWriteBack;
  const notPc = byte && l === '1';
  const t = any(pc('tn'), same('n', 't'));
  return [
    a32(
      `${name} (immediate) A1`,
      mnemonic,
      `cccc 010 P U ${b} W ${l} nnnn tttt iiiiiiiiiiii`,
      shape.offsetImmediate({ notPc }),
      f,
      bad,
    ),
    a32(
      `${name} (register) A1`,
      mnemonic,
      `cccc 011 P U ${b} W ${l} nnnn tttt iiiii yy 0 mmmm`,
      shape.offsetRegister({ notPc }),
      f,
      any(bad, pc('m')),
    ),
    a32(
      `${name}T A1`,
      `${mnemonic}t`,
      `cccc 010 0 U ${b} 1 ${l} nnnn tttt iiiiiiiiiiii`,
      shape.offsetImmediate({ post: true, notPc }),
      f,
      t,
    ),
    a32(
      `${name}T A2`,
      `${mnemonic}t`,
      `cccc 011 0 U ${b} 1 ${l} nnnn tttt iiiii yy 0 mmmm`,
      shape.offsetRegister({ post: true, notPc }),
      f,
      any(t, pc('m')),
    ),
  ];
}

/** LDRH, LDRSB, LDRSH, STRH: `l` is the bit L, `sh` bits 6 and 5. */
function half(mnemonic: string, l: string, sh: string, f: Op<op.Transfer>): Row[] {
  const name = mnemonic.toUpperCase();
  const notPc = l === '1';
  const bad = any(badWriteBack, pc('t'));
  const t = any(pc('tn'), same('n', 't'));
  return [
    a32(
      `${name} (immediate) A1`,
      mnemonic,
      `cccc 000 P U 1 W ${l} nnnn tttt iiii 1${sh}1 iiii`,
      shape.offsetImmediate({ notPc }),
      f,
      bad,
    ),
    a32(
      `${name} (register) A1`,
      mnemonic,
      `cccc 000 P U 0 W ${l} nnnn tttt ${ZERO} 1${sh}1 mmmm`,
      shape.offsetRegister({ notPc }),
      f,
      any(bad, pc('m')),
    ),
    a32(
      `${name}T A1`,
      `${mnemonic}t`,
      `cccc 000 0 U 1 1 ${l} nnnn tttt iiii 1${sh}1 iiii`,
      shape.offsetImmediate({ post: true, notPc }),
      f,
      t,
    ),
    a32(
      `${name}T A2`,
      `${mnemonic}t`,
      `cccc 000 0 U 0 1 ${l} nnnn tttt ${ZERO} 1${sh}1 mmmm`,
      shape.offsetRegister({ post: true, notPc }),
      f,
      any(t, pc('m')),
    ),
  ];
}

const pairImmediate = shape.offsetImmediate({ pair: true });
const pairRegister = shape.offsetRegister({ pair: true });

const loadBlock: Predicate = (_a, f) => f.n === 15 || (f.W === 1 && ((f.r! >> f.n!) & 1) === 1);
const exclusiveStore = any(pc('dtn'), same('d', 'nt'));
const exclusivePairStore: Predicate = (a, f, ctx) =>
  exclusiveStore(a, f, ctx) || f.d === f.t! + 1 || (f.t! & 1) === 1 || f.t === 14;

export const loadStore: Row[] = [
  ...word('ldr', '01', op.ldr),
  ...word('ldrb', '11', op.ldrb),
  ...word('str', '00', op.str),
  ...word('strb', '10', op.strb),
  ...half('ldrh', '1', '01', op.ldrh),
  ...half('ldrsb', '1', '10', op.ldrsb),
  ...half('ldrsh', '1', '11', op.ldrsh),
  ...half('strh', '0', '01', op.strh),
  a32(
    'LDRD (immediate) A1',
    'ldrd',
    'cccc 000PU1W0 nnnn tttt iiii 1101 iiii',
    pairImmediate,
    op.ldrd,
    any(badPair, badPairWriteBack),
  ),
  a32(
    'LDRD (register) A1',
    'ldrd',
    `cccc 000PU0W0 nnnn tttt ${ZERO} 1101 mmmm`,
    pairRegister,
    op.ldrd,
    any(badPair, badPairWriteBack, pc('m'), loadsOffset),
  ),
  a32(
    'STRD (immediate) A1',
    'strd',
    'cccc 000PU1W0 nnnn tttt iiii 1111 iiii',
    pairImmediate,
    op.strd,
    any(badPair, badPairWriteBack),
  ),
  a32(
    'STRD (register) A1',
    'strd',
    `cccc 000PU0W0 nnnn tttt ${ZERO} 1111 mmmm`,
    pairRegister,
    op.strd,
    any(badPair, badPairWriteBack, pc('m')),
  ),

  // ---- block transfers; those with the bit for User mode registers or exception return set are UNDEFINED in User mode ----
  a32('LDM A1', 'ldm', 'cccc 100010W1 nnnn rrrrrrrrrrrrrrrr', shape.block('ia'), block.ldm, loadBlock),
  a32('LDMDA A1', 'ldmda', 'cccc 100000W1 nnnn rrrrrrrrrrrrrrrr', shape.block('da'), block.ldm, loadBlock),
  a32('LDMDB A1', 'ldmdb', 'cccc 100100W1 nnnn rrrrrrrrrrrrrrrr', shape.block('db'), block.ldm, loadBlock),
  a32('LDMIB A1', 'ldmib', 'cccc 100110W1 nnnn rrrrrrrrrrrrrrrr', shape.block('ib'), block.ldm, loadBlock),
  a32('STM A1', 'stm', 'cccc 100010W0 nnnn rrrrrrrrrrrrrrrr', shape.block('ia'), block.stm, pc('n')),
  a32('STMDA A1', 'stmda', 'cccc 100000W0 nnnn rrrrrrrrrrrrrrrr', shape.block('da'), block.stm, pc('n')),
  a32('STMDB A1', 'stmdb', 'cccc 100100W0 nnnn rrrrrrrrrrrrrrrr', shape.block('db'), block.stm, pc('n')),
  a32('STMIB A1', 'stmib', 'cccc 100110W0 nnnn rrrrrrrrrrrrrrrr', shape.block('ib'), block.stm, pc('n')),
  a32(
    'POP A1',
    'pop',
    'cccc 100010111101 rrrrrrrrrrrrrrrr',
    shape.block('ia', { n: 13, wback: true, stack: true }),
    block.ldm,
    (_a, f) => ((f.r! >> 13) & 1) === 1,
  ),
  a32(
    'POP A2',
    'pop',
    'cccc 010010011101 tttt 000000000100',
    shape.stackSingle(false),
    op.ldr,
    (_a, f) => f.t === 13,
  ),
  a32(
    'PUSH A1',
    'push',
    'cccc 100100101101 rrrrrrrrrrrrrrrr',
    shape.block('db', { n: 13, wback: true, stack: true }),
    block.stm,
  ),
  a32(
    'PUSH A2',
    'push',
    'cccc 010100101101 tttt 000000000100',
    shape.stackSingle(true),
    op.str,
    (_a, f) => f.t === 13,
  ),

  // ---- synchronisation ----
  a32(
    'SWP A1',
    'swp',
    `cccc 00010000 nnnn tttt ${ZERO} 1001 uuuu`,
    shape.swap,
    exclusive.swp,
    any(pc('ntu'), same('n', 'tu')),
  ),
  a32(
    'SWPB A1',
    'swpb',
    `cccc 00010100 nnnn tttt ${ZERO} 1001 uuuu`,
    shape.swap,
    exclusive.swpb,
    any(pc('ntu'), same('n', 'tu')),
  ),
  a32(
    'STREX A1',
    'strex',
    `cccc 00011000 nnnn dddd ${ONE} 1001 tttt`,
    shape.storeExclusive,
    exclusive.strex,
    exclusiveStore,
  ),
  a32(
    'LDREX A1',
    'ldrex',
    `cccc 00011001 nnnn tttt ${ONE} 1001 ${ONE}`,
    shape.loadExclusive,
    exclusive.ldrex,
    pc('nt'),
  ),
  a32(
    'STREXD A1',
    'strexd',
    `cccc 00011010 nnnn dddd ${ONE} 1001 tttt`,
    shape.storeExclusivePair,
    exclusive.strexd,
    exclusivePairStore,
  ),
  a32(
    'LDREXD A1',
    'ldrexd',
    `cccc 00011011 nnnn tttt ${ONE} 1001 ${ONE}`,
    shape.loadExclusivePair,
    exclusive.ldrexd,
    (_a, f) => (f.t! & 1) === 1 || f.t === 14 || f.n === 15,
  ),
  a32(
    'STREXB A1',
    'strexb',
    `cccc 00011100 nnnn dddd ${ONE} 1001 tttt`,
    shape.storeExclusive,
    exclusive.strexb,
    exclusiveStore,
  ),
  a32(
    'LDREXB A1',
    'ldrexb',
    `cccc 00011101 nnnn tttt ${ONE} 1001 ${ONE}`,
    shape.loadExclusive,
    exclusive.ldrexb,
    pc('nt'),
  ),
  a32(
    'STREXH A1',
    'strexh',
    `cccc 00011110 nnnn dddd ${ONE} 1001 tttt`,
    shape.storeExclusive,
    exclusive.strexh,
    exclusiveStore,
  ),
  a32(
    'LDREXH A1',
    'ldrexh',
    `cccc 00011111 nnnn tttt ${ONE} 1001 ${ONE}`,
    shape.loadExclusive,
    exclusive.ldrexh,
    pc('nt'),
  ),

  // ---- preloads: hints without effect ----
  a32(
    'PLD (immediate) A1',
    'pld',
    `1111 0101 U101 nnnn ${ONE} iiiiiiiiiiii`,
    shape.preload(shape.offsetImmediate()),
    nop,
  ),
  a32(
    'PLDW (immediate) A1',
    'pldw',
    `1111 0101 U001 nnnn ${ONE} iiiiiiiiiiii`,
    shape.preload(shape.offsetImmediate()),
    nop,
    pc('n'),
  ),
  a32(
    'PLI (immediate) A1',
    'pli',
    `1111 0100 U101 nnnn ${ONE} iiiiiiiiiiii`,
    shape.preload(shape.offsetImmediate()),
    nop,
  ),
  a32(
    'PLD (register) A1',
    'pld',
    `1111 0111 U101 nnnn ${ONE} iiiii yy 0 mmmm`,
    shape.preload(shape.offsetRegister()),
    nop,
    pc('m'),
  ),
  a32(
    'PLDW (register) A1',
    'pldw',
    `1111 0111 U001 nnnn ${ONE} iiiii yy 0 mmmm`,
    shape.preload(shape.offsetRegister()),
    nop,
    pc('mn'),
  ),
  a32(
    'PLI (register) A1',
    'pli',
    `1111 0110 U101 nnnn ${ONE} iiiii yy 0 mmmm`,
    shape.preload(shape.offsetRegister()),
    nop,
    pc('m'),
  ),
  a32(
    'Unallocated memory hint (immediate) A1',
    'hint',
    '1111 0100 U001 nnnn ---- iiiiiiiiiiii',
    shape.preload(shape.offsetImmediate()),
    nop,
  ),
  a32(
    'Unallocated memory hint (register) A1',
    'hint',
    '1111 0110 U001 nnnn ---- iiiii yy 0 mmmm',
    shape.preload(shape.offsetRegister()),
    nop,
  ),
];
