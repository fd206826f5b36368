/**
 * A32 multiply, divide, saturating and media encodings (ARM ARM A5.2.5 to A5.2.7, A5.4).
 */
import * as media from '../../ops/media.ts';
import * as mul from '../../ops/multiply.ts';
import { PARALLEL, usada8 } from '../../ops/parallel.ts';
import * as signed from '../../ops/signed-multiply.ts';
import { a32 } from '../build.ts';
import { any, badExtract, badInsert, pc, same } from '../predicates.ts';
import type { Row } from '../row.ts';
import * as shape from '../shapes/multiply.ts';

const ZERO = '(0)(0)(0)(0)';
const ONE = '(1)(1)(1)(1)';

/** Bits 22..20 of the prefixes and 7..5 of the operations. */
const PREFIX: Record<string, string> = { s: '001', q: '010', sh: '011', u: '101', uq: '110', uh: '111' };
const OPERATION: Record<string, string> = {
  add16: '000',
  asx: '001',
  sax: '010',
  sub16: '011',
  add8: '100',
  sub8: '111',
};

const parallel = PARALLEL.map(({ prefix, operation, op }) =>
  a32(
    `${(prefix + operation).toUpperCase()} A1`,
    prefix + operation,
    `cccc 01100 ${PREFIX[prefix]} nnnn dddd ${ONE} ${OPERATION[operation]}1 mmmm`,
    shape.threeRegisters,
    op,
    pc('dnm'),
  ),
);

const long = any(pc('lhnm'), same('l', 'h'));

export const multiply: Row[] = [
  a32('MUL A1', 'mul', `cccc 0000000S dddd ${ZERO} mmmm 1001 nnnn`, shape.multiply, mul.mul, pc('dnm')),
  a32('MLA A1', 'mla', 'cccc 0000001S dddd aaaa mmmm 1001 nnnn', shape.multiply, mul.mla, pc('dnma')),
  a32('UMAAL A1', 'umaal', 'cccc 00000100 hhhh llll mmmm 1001 nnnn', shape.longMultiply, mul.umaal, long),
  a32('MLS A1', 'mls', 'cccc 00000110 dddd aaaa mmmm 1001 nnnn', shape.multiply, mul.mls, pc('dnma')),
  a32('UMULL A1', 'umull', 'cccc 0000100S hhhh llll mmmm 1001 nnnn', shape.longMultiply, mul.umull, long),
  a32('UMLAL A1', 'umlal', 'cccc 0000101S hhhh llll mmmm 1001 nnnn', shape.longMultiply, mul.umlal, long),
  a32('SMULL A1', 'smull', 'cccc 0000110S hhhh llll mmmm 1001 nnnn', shape.longMultiply, mul.smull, long),
  a32('SMLAL A1', 'smlal', 'cccc 0000111S hhhh llll mmmm 1001 nnnn', shape.longMultiply, mul.smlal, long),
  a32('SDIV A1', 'sdiv', `cccc 01110001 dddd ${ONE} mmmm 0001 nnnn`, shape.multiply, mul.sdiv, pc('dnm')),
  a32('UDIV A1', 'udiv', `cccc 01110011 dddd ${ONE} mmmm 0001 nnnn`, shape.multiply, mul.udiv, pc('dnm')),

  a32(
    'QADD A1',
    'qadd',
    `cccc 00010000 nnnn dddd ${ZERO} 0101 mmmm`,
    shape.threeRegistersSwapped,
    media.qadd,
    pc('dnm'),
  ),
  a32(
    'QSUB A1',
    'qsub',
    `cccc 00010010 nnnn dddd ${ZERO} 0101 mmmm`,
    shape.threeRegistersSwapped,
    media.qsub,
    pc('dnm'),
  ),
  a32(
    'QDADD A1',
    'qdadd',
    `cccc 00010100 nnnn dddd ${ZERO} 0101 mmmm`,
    shape.threeRegistersSwapped,
    media.qdadd,
    pc('dnm'),
  ),
  a32(
    'QDSUB A1',
    'qdsub',
    `cccc 00010110 nnnn dddd ${ZERO} 0101 mmmm`,
    shape.threeRegistersSwapped,
    media.qdsub,
    pc('dnm'),
  ),

  // The halves are part of the name: a row for each.
  ...['bb', 'tb', 'bt', 'tt'].flatMap((xy) => {
    const x = xy[0] === 't' ? '1' : '0';
    const y = xy[1] === 't' ? '1' : '0';
    const halves = shape.halves(Number(x), Number(y));
    const longHalves = shape.longHalves(Number(x), Number(y));
    return [
      a32(
        `SMLA${xy.toUpperCase()} A1`,
        `smla${xy}`,
        `cccc 00010000 dddd aaaa mmmm 1${y}${x}0 nnnn`,
        halves,
        signed.smla,
        pc('dnma'),
      ),
      a32(
        `SMUL${xy.toUpperCase()} A1`,
        `smul${xy}`,
        `cccc 00010110 dddd ${ZERO} mmmm 1${y}${x}0 nnnn`,
        halves,
        signed.smla,
        pc('dnm'),
      ),
      a32(
        `SMLAL${xy.toUpperCase()} A1`,
        `smlal${xy}`,
        `cccc 00010100 hhhh llll mmmm 1${y}${x}0 nnnn`,
        longHalves,
        signed.smlalxy,
        long,
      ),
    ];
  }),
  ...['b', 't'].flatMap((half) => {
    const y = half === 't' ? '1' : '0';
    const halves = shape.halves(0, Number(y));
    return [
      a32(
        `SMLAW${half.toUpperCase()} A1`,
        `smlaw${half}`,
        `cccc 00010010 dddd aaaa mmmm 1${y}00 nnnn`,
        halves,
        signed.smlaw,
        pc('dnma'),
      ),
      a32(
        `SMULW${half.toUpperCase()} A1`,
        `smulw${half}`,
        `cccc 00010010 dddd ${ZERO} mmmm 1${y}10 nnnn`,
        halves,
        signed.smlaw,
        pc('dnm'),
      ),
    ];
  }),
  // Likewise the exchange (X) of the dual forms and the rounding (R) of SMMLA and kin.
  ...['', 'x'].flatMap((x) => {
    const bit = x === 'x' ? '1' : '0';
    const X = x.toUpperCase();
    const dual = shape.halves(0, Number(bit));
    const longDual = shape.longHalves(0, Number(bit));
    return [
      a32(
        `SMUAD${X} A1`,
        `smuad${x}`,
        `cccc 01110000 dddd 1111 mmmm 00${bit}1 nnnn`,
        dual,
        signed.smlad,
        pc('dnm'),
      ),
      a32(
        `SMLAD${X} A1`,
        `smlad${x}`,
        `cccc 01110000 dddd aaaa mmmm 00${bit}1 nnnn`,
        dual,
        signed.smlad,
        pc('dnm'),
      ),
      a32(
        `SMUSD${X} A1`,
        `smusd${x}`,
        `cccc 01110000 dddd 1111 mmmm 01${bit}1 nnnn`,
        dual,
        signed.smlsd,
        pc('dnm'),
      ),
      a32(
        `SMLSD${X} A1`,
        `smlsd${x}`,
        `cccc 01110000 dddd aaaa mmmm 01${bit}1 nnnn`,
        dual,
        signed.smlsd,
        pc('dnm'),
      ),
      a32(
        `SMLALD${X} A1`,
        `smlald${x}`,
        `cccc 01110100 hhhh llll mmmm 00${bit}1 nnnn`,
        longDual,
        signed.smlald,
        long,
      ),
      a32(
        `SMLSLD${X} A1`,
        `smlsld${x}`,
        `cccc 01110100 hhhh llll mmmm 01${bit}1 nnnn`,
        longDual,
        signed.smlsld,
        long,
      ),
    ];
  }),
  ...['', 'r'].flatMap((r) => {
    const bit = r === 'r' ? '1' : '0';
    const R = r.toUpperCase();
    const most = shape.mostSignificant(r === 'r');
    return [
      a32(
        `SMMUL${R} A1`,
        `smmul${r}`,
        `cccc 01110101 dddd 1111 mmmm 00${bit}1 nnnn`,
        most,
        signed.smmla,
        pc('dnm'),
      ),
      a32(
        `SMMLA${R} A1`,
        `smmla${r}`,
        `cccc 01110101 dddd aaaa mmmm 00${bit}1 nnnn`,
        most,
        signed.smmla,
        pc('dnm'),
      ),
      a32(
        `SMMLS${R} A1`,
        `smmls${r}`,
        `cccc 01110101 dddd aaaa mmmm 11${bit}1 nnnn`,
        most,
        signed.smmls,
        pc('dnma'),
      ),
    ];
  }),
  a32('USAD8 A1', 'usad8', 'cccc 01111000 dddd 1111 mmmm 0001 nnnn', shape.fourRegisters, usada8, pc('dnm')),
  a32(
    'USADA8 A1',
    'usada8',
    'cccc 01111000 dddd aaaa mmmm 0001 nnnn',
    shape.fourRegisters,
    usada8,
    pc('dnm'),
  ),
];

/** SXTB and kin: name, op, opcode (bits 22..20). */
const EXTENDS = [
  ['sxtb16', media.sxtb16, '000'],
  ['sxtb', media.sxtb, '010'],
  ['sxth', media.sxth, '011'],
  ['uxtb16', media.uxtb16, '100'],
  ['uxtb', media.uxtb, '110'],
  ['uxth', media.uxth, '111'],
] as const;

export const mediaRows: Row[] = [
  ...parallel,
  ...EXTENDS.flatMap(([mnemonic, op, opcode]) => {
    const adding = mnemonic.replace('xt', 'xta');
    const bits = `cccc 01101 ${opcode}`;
    return [
      a32(
        `${mnemonic.toUpperCase()} A1`,
        mnemonic,
        `${bits} 1111 dddd rr(0)(0) 0111 mmmm`,
        shape.extend,
        op,
        pc('dm'),
      ),
      a32(
        `${adding.toUpperCase()} A1`,
        adding,
        `${bits} nnnn dddd rr(0)(0) 0111 mmmm`,
        shape.extend,
        op,
        pc('dm'),
      ),
    ];
  }),
  a32(
    'PKHBT A1',
    'pkhbt',
    'cccc 01101000 nnnn dddd iiiii 001 mmmm',
    shape.packBottom,
    media.pkhbt,
    pc('dnm'),
  ),
  a32('PKHTB A1', 'pkhtb', 'cccc 01101000 nnnn dddd iiiii 101 mmmm', shape.packTop, media.pkhtb, pc('dnm')),
  a32(
    'SEL A1',
    'sel',
    `cccc 01101000 nnnn dddd ${ONE} 1011 mmmm`,
    shape.threeRegisters,
    media.sel,
    pc('dnm'),
  ),
  a32(
    'SSAT A1',
    'ssat',
    'cccc 0110101 wwwww dddd iiiii y01 nnnn',
    shape.saturateSigned,
    media.ssat,
    pc('dn'),
  ),
  a32(
    'SSAT16 A1',
    'ssat16',
    `cccc 01101010 wwww dddd ${ONE} 0011 nnnn`,
    shape.saturateSigned,
    media.ssat16,
    pc('dn'),
  ),
  a32(
    'USAT A1',
    'usat',
    'cccc 0110111 wwwww dddd iiiii y01 nnnn',
    shape.saturateUnsigned,
    media.usat,
    pc('dn'),
  ),
  a32(
    'USAT16 A1',
    'usat16',
    `cccc 01101110 wwww dddd ${ONE} 0011 nnnn`,
    shape.saturateUnsigned,
    media.usat16,
    pc('dn'),
  ),
  a32('REV A1', 'rev', `cccc 01101011 ${ONE} dddd ${ONE} 0011 mmmm`, shape.twoRegisters, media.rev, pc('dm')),
  a32(
    'REV16 A1',
    'rev16',
    `cccc 01101011 ${ONE} dddd ${ONE} 1011 mmmm`,
    shape.twoRegisters,
    media.rev16,
    pc('dm'),
  ),
  a32(
    'RBIT A1',
    'rbit',
    `cccc 01101111 ${ONE} dddd ${ONE} 0011 mmmm`,
    shape.twoRegisters,
    media.rbit,
    pc('dm'),
  ),
  a32(
    'REVSH A1',
    'revsh',
    `cccc 01101111 ${ONE} dddd ${ONE} 1011 mmmm`,
    shape.twoRegisters,
    media.revsh,
    pc('dm'),
  ),
  a32('CLZ A1', 'clz', `cccc 00010110 ${ONE} dddd ${ONE} 0001 mmmm`, shape.twoRegisters, media.clz, pc('dm')),
  a32(
    'SBFX A1',
    'sbfx',
    'cccc 0111101 wwwww dddd iiiii 101 nnnn',
    shape.bitFieldExtract,
    media.sbfx,
    any(pc('dn'), badExtract),
  ),
  a32(
    'UBFX A1',
    'ubfx',
    'cccc 0111111 wwwww dddd iiiii 101 nnnn',
    shape.bitFieldExtract,
    media.ubfx,
    any(pc('dn'), badExtract),
  ),
  a32(
    'BFC A1',
    'bfc',
    'cccc 0111110 wwwww dddd iiiii 001 1111',
    shape.bitFieldClear,
    media.bfc,
    any(pc('d'), badInsert),
  ),
  a32(
    'BFI A1',
    'bfi',
    'cccc 0111110 wwwww dddd iiiii 001 nnnn',
    shape.bitFieldInsert,
    media.bfi,
    any(pc('d'), badInsert),
  ),
];
