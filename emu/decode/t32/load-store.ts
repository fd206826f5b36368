/**
 * 32-bit Thumb load and store encodings (ARM ARM A6.3.5 to A6.3.10).
 */
import * as block from '../../ops/block.ts';
import * as exclusive from '../../ops/exclusive.ts';
import * as op from '../../ops/load-store.ts';
import { nop } from '../../ops/system.ts';
import { t32 } from '../build.ts';
import { any, notLastInIT, type Predicate, pc, same, spOrPc } from '../predicates.ts';
import type { Op, Row } from '../row.ts';
import * as shape from '../shapes/load-store.ts';

const ONE = '(1)(1)(1)(1)';

const badWriteBack: Predicate = (_a, f) => (f.P === 0 || f.W === 1) && f.n === f.t;
const loadsPc: Predicate = (a, f, ctx) => f.t === 15 && notLastInIT(a, f, ctx);

interface Single {
  readonly mnemonic: string;
  /** Bits 24 (sign), 22..20 (size and load). */
  readonly sign: string;
  readonly size: string;
  readonly op: Op<op.Transfer>;
  /** What is UNPREDICTABLE of Rt. */
  readonly bad: Predicate;
  /** Encodings of the forms: imm12, imm8, literal, register. */
  readonly t: readonly [string, string, string, string];
}

/** Narrow loads to the PC are preloads and hints; to SP they are UNPREDICTABLE. */
const badNarrow = spOrPc('t');

const SINGLES: readonly Single[] = [
  { mnemonic: 'strb', sign: '0', size: '000', op: op.strb, bad: spOrPc('t'), t: ['T2', 'T3', '', 'T2'] },
  { mnemonic: 'ldrb', sign: '0', size: '001', op: op.ldrb, bad: badNarrow, t: ['T2', 'T3', 'T1', 'T2'] },
  { mnemonic: 'strh', sign: '0', size: '010', op: op.strh, bad: spOrPc('t'), t: ['T2', 'T3', '', 'T2'] },
  { mnemonic: 'ldrh', sign: '0', size: '011', op: op.ldrh, bad: badNarrow, t: ['T2', 'T3', 'T1', 'T2'] },
  { mnemonic: 'str', sign: '0', size: '100', op: op.str, bad: pc('t'), t: ['T3', 'T4', '', 'T2'] },
  { mnemonic: 'ldr', sign: '0', size: '101', op: op.ldr, bad: loadsPc, t: ['T3', 'T4', 'T2', 'T2'] },
  { mnemonic: 'ldrsb', sign: '1', size: '001', op: op.ldrsb, bad: badNarrow, t: ['T1', 'T2', 'T1', 'T2'] },
  { mnemonic: 'ldrsh', sign: '1', size: '011', op: op.ldrsh, bad: badNarrow, t: ['T1', 'T2', 'T1', 'T2'] },
];

function single({ mnemonic, sign, size, op: f, bad, t }: Single): Row[] {
  const name = mnemonic.toUpperCase();
  const head = `1111100${sign}`;
  const isLoad = mnemonic.startsWith('ldr');
  const notPc = isLoad && mnemonic !== 'ldr';
  const rows = [
    t32(
      `${name} (immediate) ${t[0]}`,
      mnemonic,
      `${head} 1${size} nnnn tttt iiiiiiiiiiii`,
      shape.offsetImmediate({ notPc }),
      f,
      bad,
    ),
    t32(
      `${name} (immediate) ${t[1]}`,
      mnemonic,
      `${head} 0${size} nnnn tttt 1PUW iiiiiiii`,
      shape.offsetImmediate({ notPc }),
      f,
      any(bad, badWriteBack),
    ),
    t32(
      `${name}T T1`,
      `${mnemonic}t`,
      `${head} 0${size} nnnn tttt 1110 iiiiiiii`,
      shape.offsetImmediate({ notPc }),
      f,
      spOrPc('t'),
    ),
    t32(
      `${name} (register) ${t[3]}`,
      mnemonic,
      `${head} 0${size} nnnn tttt 000000ii mmmm`,
      shape.offsetRegister({ notPc }),
      f,
      any(bad, spOrPc('m')),
    ),
  ];
  if (isLoad)
    rows.push(
      t32(
        `${name} (literal) ${t[2]}`,
        mnemonic,
        `${head} U${size} 1111 tttt iiiiiiiiiiii`,
        shape.offsetImmediate({ n: 15, notPc }),
        f,
        bad,
      ),
    );
  return rows;
}

/** A preload or memory hint: `head` is 1111100x, `size` bits 22..20. */
function preload(mnemonic: string, sign: string, size: string, name = mnemonic.toUpperCase()): Row[] {
  const head = `1111100${sign}`;
  const imm = shape.preload(shape.offsetImmediate());
  const negative = shape.preload(shape.offsetNegative);
  return [
    t32(`${name} (immediate) T1`, mnemonic, `${head} 1${size} nnnn 1111 iiiiiiiiiiii`, imm, nop),
    t32(`${name} (immediate) T2`, mnemonic, `${head} 0${size} nnnn 1111 1100 iiiiiiii`, negative, nop),
    t32(
      `${name} (register) T1`,
      mnemonic,
      `${head} 0${size} nnnn 1111 000000ii mmmm`,
      shape.preload(shape.offsetRegister()),
      nop,
      spOrPc('m'),
    ),
  ];
}

const literalHint = shape.preload(shape.offsetImmediate({ n: 15 }));

const pair = shape.offsetImmediate({ pair: true, scale: 4 });
const badPair: Predicate = any(
  spOrPc('tu'),
  (_a, f) => (f.P === 0 || f.W === 1) && (f.n === f.t || f.n === f.u),
);

/** Rules for register lists: two registers at least, SP never, PC and LR not both. */
const badLoadBlock: Predicate = (a, f, ctx) =>
  f.n === 15 ||
  shape.bitCount(f.r!) < 2 ||
  (f.r! & 0x2000) !== 0 ||
  (f.r! & 0xc000) === 0xc000 ||
  (f.W === 1 && ((f.r! >> f.n!) & 1) === 1) ||
  ((f.r! & 0x8000) !== 0 && notLastInIT(a, f, ctx));
const badStoreBlock: Predicate = (_a, f) =>
  f.n === 15 ||
  shape.bitCount(f.r!) < 2 ||
  (f.r! & 0xa000) !== 0 ||
  (f.W === 1 && ((f.r! >> f.n!) & 1) === 1);
const stack = { n: 13, wback: true, stack: true };

export const loadStore: Row[] = [
  ...SINGLES.flatMap(single),
  t32(
    'POP T3',
    'pop',
    '1111100001011101 tttt 101100000100',
    shape.stackSingle(false),
    op.ldr,
    any(loadsPc, (_a, f) => f.t === 13),
  ),
  t32('PUSH T3', 'push', '1111100001001101 tttt 110100000100', shape.stackSingle(true), op.str, spOrPc('t')),

  ...preload('pld', '0', '001'),
  ...preload('pldw', '0', '011'),
  ...preload('pli', '1', '001'),
  ...preload('hint', '1', '011', 'Unallocated memory hint'),
  t32('PLD (literal) T1', 'pld', '11111000 U0(0)1 1111 1111 iiiiiiiiiiii', literalHint, nop),
  t32('PLI (literal) T3', 'pli', '11111001 U001 1111 1111 iiiiiiiiiiii', literalHint, nop),
  t32(
    'Unallocated memory hint (literal) T1',
    'hint',
    '11111001 U011 1111 1111 iiiiiiiiiiii',
    literalHint,
    nop,
  ),

  t32(
    'LDRD (immediate) T1',
    'ldrd',
    '1110100PU1W1 nnnn tttt uuuu iiiiiiii',
    pair,
    op.ldrd,
    any(badPair, same('t', 'u'), (_a, f) => f.n === 15 && (f.P === 0 || f.W === 1)),
  ),
  t32(
    'STRD (immediate) T1',
    'strd',
    '1110100PU1W0 nnnn tttt uuuu iiiiiiii',
    pair,
    op.strd,
    any(badPair, pc('n')),
  ),

  t32('LDM T2', 'ldmia', '1110100010W1 nnnn rrrrrrrrrrrrrrrr', shape.block('ia'), block.ldm, badLoadBlock),
  t32('LDMDB T1', 'ldmdb', '1110100100W1 nnnn rrrrrrrrrrrrrrrr', shape.block('db'), block.ldm, badLoadBlock),
  t32('STM T2', 'stmia', '1110100010W0 nnnn rrrrrrrrrrrrrrrr', shape.block('ia'), block.stm, badStoreBlock),
  t32('STMDB T1', 'stmdb', '1110100100W0 nnnn rrrrrrrrrrrrrrrr', shape.block('db'), block.stm, badStoreBlock),
  t32(
    'POP T2',
    'pop',
    '1110100010111101 rrrrrrrrrrrrrrrr',
    shape.block('ia', stack),
    block.ldm,
    badLoadBlock,
  ),
  t32(
    'PUSH T2',
    'push',
    '1110100100101101 rrrrrrrrrrrrrrrr',
    shape.block('db', stack),
    block.stm,
    badStoreBlock,
  ),

  t32(
    'STREX T1',
    'strex',
    '111010000100 nnnn tttt dddd iiiiiiii',
    shape.storeExclusive,
    exclusive.strex,
    any(spOrPc('dt'), pc('n'), same('d', 'nt')),
  ),
  t32(
    'LDREX T1',
    'ldrex',
    `111010000101 nnnn tttt ${ONE} iiiiiiii`,
    shape.loadExclusive,
    exclusive.ldrex,
    any(spOrPc('t'), pc('n')),
  ),
  t32(
    'STREXB T1',
    'strexb',
    `111010001100 nnnn tttt ${ONE} 0100 dddd`,
    shape.storeExclusive,
    exclusive.strexb,
    any(spOrPc('dt'), pc('n'), same('d', 'nt')),
  ),
  t32(
    'STREXH T1',
    'strexh',
    `111010001100 nnnn tttt ${ONE} 0101 dddd`,
    shape.storeExclusive,
    exclusive.strexh,
    any(spOrPc('dt'), pc('n'), same('d', 'nt')),
  ),
  t32(
    'STREXD T1',
    'strexd',
    '111010001100 nnnn tttt uuuu 0111 dddd',
    shape.storeExclusivePair,
    exclusive.strexd,
    any(spOrPc('dtu'), pc('n'), same('d', 'ntu')),
  ),
  t32(
    'LDREXB T1',
    'ldrexb',
    `111010001101 nnnn tttt ${ONE} 0100 ${ONE}`,
    shape.loadExclusive,
    exclusive.ldrexb,
    any(spOrPc('t'), pc('n')),
  ),
  t32(
    'LDREXH T1',
    'ldrexh',
    `111010001101 nnnn tttt ${ONE} 0101 ${ONE}`,
    shape.loadExclusive,
    exclusive.ldrexh,
    any(spOrPc('t'), pc('n')),
  ),
  t32(
    'LDREXD T1',
    'ldrexd',
    `111010001101 nnnn tttt uuuu 0111 ${ONE}`,
    shape.loadExclusivePair,
    exclusive.ldrexd,
    any(spOrPc('tu'), pc('n'), same('t', 'u')),
  ),
];
