/**
 * 32-bit Thumb multiply, divide, saturating, bit-field and media encodings (ARM ARM A6.3.3, A6.3.12 to A6.3.17).
 */
import * as media from '../../ops/media.ts';
import * as mul from '../../ops/multiply.ts';
import { PARALLEL, usada8 } from '../../ops/parallel.ts';
import * as signed from '../../ops/signed-multiply.ts';
import { t32 } from '../build.ts';
import { any, badExtract, badInsert, type Predicate, same, spOrPc } from '../predicates.ts';
import type { Op, Row, Shape } from '../row.ts';
import * as shape from '../shapes/multiply.ts';

const ONE = '(1)(1)(1)(1)';

/** Bits 6..4 of the prefixes and 22..20 of the operations. */
const PREFIX: Record<string, string> = { s: '000', q: '001', sh: '010', u: '100', uq: '101', uh: '110' };
const OPERATION: Record<string, string> = {
  add8: '000',
  add16: '001',
  asx: '010',
  sub8: '100',
  sub16: '101',
  sax: '110',
};

const parallel = PARALLEL.map(({ prefix, operation, op }) =>
  t32(
    `${(prefix + operation).toUpperCase()} T1`,
    prefix + operation,
    `11111010 1${OPERATION[operation]} nnnn 1111 dddd 0${PREFIX[prefix]} mmmm`,
    shape.threeRegisters,
    op,
    spOrPc('dnm'),
  ),
);

const all = spOrPc('dnm');
const long = any(spOrPc('lhnm'), same('l', 'h'));
/** Ra may be PC only where that is another instruction's encoding. */
const accumulate = any(all, (_a, f) => f.a === 13);

/** An instruction of the multiply group 11111011 0: opcode (bits 22..20), second opcode (7..4); with or without Ra. */
function product<A>(
  mnemonic: string,
  opcode: string,
  low: string,
  shape: Shape<A>,
  op: Op<A>,
  accumulates: boolean,
  bad: Predicate = accumulates ? accumulate : all,
): Row {
  const name = `${mnemonic.toUpperCase()} ${mnemonic === 'mul' ? 'T2' : 'T1'}`;
  return t32(
    name,
    mnemonic,
    `111110110${opcode} nnnn ${accumulates ? 'aaaa' : '1111'} dddd ${low} mmmm`,
    shape,
    op,
    bad,
  );
}

function longProduct<A>(mnemonic: string, opcode: string, low: string, shape: Shape<A>, op: Op<A>): Row {
  return t32(
    `${mnemonic.toUpperCase()} T1`,
    mnemonic,
    `111110111${opcode} nnnn llll hhhh ${low} mmmm`,
    shape,
    op,
    long,
  );
}

export const multiply: Row[] = [
  product('mul', '000', '0000', shape.multiply, mul.mul, false),
  product('mla', '000', '0000', shape.multiply, mul.mla, true),
  product('mls', '000', '0001', shape.multiply, mul.mls, true, spOrPc('dnma')),
  // The halves, the exchange and the rounding are part of the name: a row for each.
  ...['bb', 'tb', 'bt', 'tt'].flatMap((xy) => {
    const x = xy[0] === 't' ? 1 : 0;
    const y = xy[1] === 't' ? 1 : 0;
    const halves = shape.halves(x, y);
    return [
      product(`smul${xy}`, '001', `00${x}${y}`, halves, signed.smla, false),
      product(`smla${xy}`, '001', `00${x}${y}`, halves, signed.smla, true),
      longProduct(`smlal${xy}`, '100', `10${x}${y}`, shape.longHalves(x, y), signed.smlalxy),
    ];
  }),
  ...['b', 't'].flatMap((half) => {
    const y = half === 't' ? 1 : 0;
    return [
      product(`smulw${half}`, '011', `000${y}`, shape.halves(0, y), signed.smlaw, false),
      product(`smlaw${half}`, '011', `000${y}`, shape.halves(0, y), signed.smlaw, true),
    ];
  }),
  ...['', 'x'].flatMap((exchange) => {
    const x = exchange === 'x' ? 1 : 0;
    const dual = shape.halves(0, x);
    const longDual = shape.longHalves(0, x);
    return [
      product(`smuad${exchange}`, '010', `000${x}`, dual, signed.smlad, false),
      product(`smlad${exchange}`, '010', `000${x}`, dual, signed.smlad, true),
      product(`smusd${exchange}`, '100', `000${x}`, dual, signed.smlsd, false),
      product(`smlsd${exchange}`, '100', `000${x}`, dual, signed.smlsd, true),
      longProduct(`smlald${exchange}`, '100', `110${x}`, longDual, signed.smlald),
      longProduct(`smlsld${exchange}`, '101', `110${x}`, longDual, signed.smlsld),
    ];
  }),
  ...['', 'r'].flatMap((rounding) => {
    const r = rounding === 'r' ? 1 : 0;
    const most = shape.mostSignificant(r === 1);
    return [
      product(`smmul${rounding}`, '101', `000${r}`, most, signed.smmla, false),
      product(`smmla${rounding}`, '101', `000${r}`, most, signed.smmla, true),
      product(`smmls${rounding}`, '110', `000${r}`, most, signed.smmls, true, spOrPc('dnma')),
    ];
  }),
  product('usad8', '111', '0000', shape.fourRegisters, usada8, false),
  product('usada8', '111', '0000', shape.fourRegisters, usada8, true),

  longProduct('smull', '000', '0000', shape.longMultiply, mul.smull),
  longProduct('umull', '010', '0000', shape.longMultiply, mul.umull),
  longProduct('smlal', '100', '0000', shape.longMultiply, mul.smlal),
  longProduct('umlal', '110', '0000', shape.longMultiply, mul.umlal),
  longProduct('umaal', '110', '0110', shape.longMultiply, mul.umaal),
  t32('SDIV T1', 'sdiv', `111110111001 nnnn ${ONE} dddd 1111 mmmm`, shape.multiply, mul.sdiv, all),
  t32('UDIV T1', 'udiv', `111110111011 nnnn ${ONE} dddd 1111 mmmm`, shape.multiply, mul.udiv, all),
];

/** SXTB and kin: name, op, opcode (bits 22..20), encoding in the manual. */
const EXTENDS = [
  ['sxth', media.sxth, '000', 'T2'],
  ['uxth', media.uxth, '001', 'T2'],
  ['sxtb16', media.sxtb16, '010', 'T1'],
  ['uxtb16', media.uxtb16, '011', 'T1'],
  ['sxtb', media.sxtb, '100', 'T2'],
  ['uxtb', media.uxtb, '101', 'T2'],
] as const;

/** REV and kin: the register is written twice (fields k and m), and must be the same. */
function unary(mnemonic: string, t: string, opcode: string, low: string, op: Op<media.TwoRegisters>): Row {
  return t32(
    `${mnemonic.toUpperCase()} ${t}`,
    mnemonic,
    `1111101010${opcode} kkkk 1111 dddd ${low} mmmm`,
    shape.twoRegisters,
    op,
    any(spOrPc('dm'), (_a, f) => f.k !== f.m),
  );
}

function saturating(mnemonic: string, low: string, op: Op<media.ThreeRegisters>): Row {
  return t32(
    `${mnemonic.toUpperCase()} T1`,
    mnemonic,
    `111110101000 nnnn 1111 dddd ${low} mmmm`,
    shape.threeRegistersSwapped,
    op,
    all,
  );
}

export const mediaRows: Row[] = [
  ...parallel,
  ...EXTENDS.flatMap(([mnemonic, op, opcode, t]) => {
    const adding = mnemonic.replace('xt', 'xta');
    const bits = `111110100${opcode}`;
    return [
      t32(
        `${mnemonic.toUpperCase()} ${t}`,
        mnemonic,
        `${bits} 1111 1111 dddd 1(0)rr mmmm`,
        shape.extend,
        op,
        spOrPc('dm'),
      ),
      t32(
        `${adding.toUpperCase()} T1`,
        adding,
        `${bits} nnnn 1111 dddd 1(0)rr mmmm`,
        shape.extend,
        op,
        any(spOrPc('dm'), (_a, f) => f.n === 13),
      ),
    ];
  }),
  saturating('qadd', '1000', media.qadd),
  saturating('qdadd', '1001', media.qdadd),
  saturating('qsub', '1010', media.qsub),
  saturating('qdsub', '1011', media.qdsub),
  unary('rev', 'T2', '01', '1000', media.rev),
  unary('rev16', 'T2', '01', '1001', media.rev16),
  unary('rbit', 'T1', '01', '1010', media.rbit),
  unary('revsh', 'T2', '01', '1011', media.revsh),
  unary('clz', 'T1', '11', '1000', media.clz),
  t32('SEL T1', 'sel', '111110101010 nnnn 1111 dddd 1000 mmmm', shape.threeRegisters, media.sel, all),
  t32('PKHBT T1', 'pkhbt', '111010101100 nnnn (0)iii dddd ii00 mmmm', shape.packBottom, media.pkhbt, all),
  t32('PKHTB T1', 'pkhtb', '111010101100 nnnn (0)iii dddd ii10 mmmm', shape.packTop, media.pkhtb, all),

  t32(
    'SSAT T1',
    'ssat',
    '11110(0)1100y0 nnnn 0iii dddd ii(0)wwwww',
    shape.saturateSigned,
    media.ssat,
    spOrPc('dn'),
  ),
  t32(
    'SSAT16 T1',
    'ssat16',
    '11110(0)110010 nnnn 0000 dddd 00(0)(0)wwww',
    shape.saturateSigned,
    media.ssat16,
    spOrPc('dn'),
  ),
  t32(
    'SBFX T1',
    'sbfx',
    '11110(0)110100 nnnn 0iii dddd ii(0)wwwww',
    shape.bitFieldExtract,
    media.sbfx,
    any(spOrPc('dn'), badExtract),
  ),
  t32(
    'BFC T1',
    'bfc',
    '11110(0)110110 1111 0iii dddd ii(0)wwwww',
    shape.bitFieldClear,
    media.bfc,
    any(spOrPc('d'), badInsert),
  ),
  t32(
    'BFI T1',
    'bfi',
    '11110(0)110110 nnnn 0iii dddd ii(0)wwwww',
    shape.bitFieldInsert,
    media.bfi,
    any(spOrPc('d'), badInsert, (_a, f) => f.n === 13),
  ),
  t32(
    'USAT T1',
    'usat',
    '11110(0)1110y0 nnnn 0iii dddd ii(0)wwwww',
    shape.saturateUnsigned,
    media.usat,
    spOrPc('dn'),
  ),
  t32(
    'USAT16 T1',
    'usat16',
    '11110(0)111010 nnnn 0000 dddd 00(0)(0)wwww',
    shape.saturateUnsigned,
    media.usat16,
    spOrPc('dn'),
  ),
  t32(
    'UBFX T1',
    'ubfx',
    '11110(0)111100 nnnn 0iii dddd ii(0)wwwww',
    shape.bitFieldExtract,
    media.ubfx,
    any(spOrPc('dn'), badExtract),
  ),
];
