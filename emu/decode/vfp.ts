/**
 * The VFPv3 and VFPv4 encodings (ARM ARM A7.5 floating-point data processing, A7.6 extension register loads and stores, A7.8 and A7.9 transfers):
 * 32 double registers, single and double precision, no short vectors.
 *
 * A32 and T32 differ in the top four bits alone, the condition against 1110, so that one bit string gives both rows.
 * FPSCR is the only system register a user program can reach: FPSID, MVFR and FPEXC are UNDEFINED to it, as are all undefined bit strings.
 */
import {
  fpArithmetic,
  vcmp,
  vcmpe,
  vcvt,
  vldm,
  vldr,
  vmovCoresToDouble,
  vmovCoresToSingles,
  vmovCoreToHalf,
  vmovCoreToSingle,
  vmovDoubleToCores,
  vmovHalfToCore,
  vmovImmediate,
  vmovRegister,
  vmovSinglesToCores,
  vmovSingleToCore,
  vmrs,
  vmsr,
  vstm,
  vstr,
} from '../ops/vfp.ts';
import { a32, t32 } from './build.ts';
import type { Op, Row, Shape } from './row.ts';
import * as shape from './shapes/vfp.ts';

const rows: Row[] = [];

/** Adds encoding A`encoding` and T`encoding` of an instruction; `bits` are the lower 28. */
function both<A>(
  name: string,
  encoding: string,
  mnemonic: string,
  bits: string,
  form: Shape<A>,
  op: Op<A>,
  unpredictable?: NonNullable<Row<A>['unpredictable']>,
): void {
  rows.push(a32(`${name} A${encoding}`, mnemonic, `cccc ${bits}`, form, op, unpredictable));
  rows.push(t32(`${name} T${encoding}`, mnemonic, `1110 ${bits}`, form, op, unpredictable));
}

// ---- data processing ----

const FP = '(floating-point)';
both(`VMLA ${FP}`, '2', 'VMLA', '1110 0D00 nnnn dddd 101z N0M0 mmmm', shape.three, fpArithmetic('mla'));
both(`VMLS ${FP}`, '2', 'VMLS', '1110 0D00 nnnn dddd 101z N1M0 mmmm', shape.three, fpArithmetic('mls'));
both('VNMLS', '1', 'VNMLS', '1110 0D01 nnnn dddd 101z N0M0 mmmm', shape.three, fpArithmetic('nmls'));
both('VNMLA', '1', 'VNMLA', '1110 0D01 nnnn dddd 101z N1M0 mmmm', shape.three, fpArithmetic('nmla'));
both(`VMUL ${FP}`, '2', 'VMUL', '1110 0D10 nnnn dddd 101z N0M0 mmmm', shape.three, fpArithmetic('mul'));
both('VNMUL', '2', 'VNMUL', '1110 0D10 nnnn dddd 101z N1M0 mmmm', shape.three, fpArithmetic('nmul'));
both(`VADD ${FP}`, '2', 'VADD', '1110 0D11 nnnn dddd 101z N0M0 mmmm', shape.three, fpArithmetic('add'));
both(`VSUB ${FP}`, '2', 'VSUB', '1110 0D11 nnnn dddd 101z N1M0 mmmm', shape.three, fpArithmetic('sub'));
both('VDIV', '1', 'VDIV', '1110 1D00 nnnn dddd 101z N0M0 mmmm', shape.three, fpArithmetic('div'));
both('VFNMS', '1', 'VFNMS', '1110 1D01 nnnn dddd 101z N0M0 mmmm', shape.three, fpArithmetic('fnms'));
both('VFNMA', '1', 'VFNMA', '1110 1D01 nnnn dddd 101z N1M0 mmmm', shape.three, fpArithmetic('fnma'));
both(`VFMA ${FP}`, '2', 'VFMA', '1110 1D10 nnnn dddd 101z N0M0 mmmm', shape.three, fpArithmetic('fma'));
both(`VFMS ${FP}`, '2', 'VFMS', '1110 1D10 nnnn dddd 101z N1M0 mmmm', shape.three, fpArithmetic('fms'));

both(
  'VMOV (immediate)',
  '2',
  'VMOV',
  '1110 1D11 iiii dddd 101z (0)0(0)0 iiii',
  shape.immediate,
  vmovImmediate,
);
both('VMOV (register)', '2', 'VMOV', '1110 1D11 0000 dddd 101z 01M0 mmmm', shape.two, vmovRegister);
both('VABS', '2', 'VABS', '1110 1D11 0000 dddd 101z 11M0 mmmm', shape.two, fpArithmetic('abs'));
both('VNEG', '2', 'VNEG', '1110 1D11 0001 dddd 101z 01M0 mmmm', shape.two, fpArithmetic('neg'));
both('VSQRT', '1', 'VSQRT', '1110 1D11 0001 dddd 101z 11M0 mmmm', shape.two, fpArithmetic('sqrt'));

both('VCMP', '1', 'VCMP', '1110 1D11 0100 dddd 101z 01M0 mmmm', shape.two, vcmp);
both('VCMPE', '1', 'VCMPE', '1110 1D11 0100 dddd 101z 11M0 mmmm', shape.two, vcmpe);
both('VCMP', '2', 'VCMP', '1110 1D11 0101 dddd 101z 01(0)0 (0)(0)(0)(0)', shape.withZero, vcmp);
both('VCMPE', '2', 'VCMPE', '1110 1D11 0101 dddd 101z 11(0)0 (0)(0)(0)(0)', shape.withZero, vcmpe);

// ---- conversions ----

both(
  'VCVTB (from half)',
  '1',
  'VCVTB',
  '1110 1D11 0010 dddd 1010 01M0 mmmm',
  shape.half('b', 'single'),
  vcvt,
);
both(
  'VCVTT (from half)',
  '1',
  'VCVTT',
  '1110 1D11 0010 dddd 1010 11M0 mmmm',
  shape.half('t', 'single'),
  vcvt,
);
both('VCVTB (to half)', '1', 'VCVTB', '1110 1D11 0011 dddd 1010 01M0 mmmm', shape.half('b', 'half'), vcvt);
both('VCVTT (to half)', '1', 'VCVTT', '1110 1D11 0011 dddd 1010 11M0 mmmm', shape.half('t', 'half'), vcvt);
both(
  'VCVT (between double-precision and single-precision)',
  '1',
  'VCVT',
  '1110 1D11 0111 dddd 101z 11M0 mmmm',
  shape.betweenFloats,
  vcvt,
);
both('VCVT (from integer)', '1', 'VCVT', '1110 1D11 1000 dddd 101z s1M0 mmmm', shape.fromInteger, vcvt);
both('VCVTR (to integer)', '1', 'VCVTR', '1110 1D11 110s dddd 101z 01M0 mmmm', shape.toInteger('r'), vcvt);
both('VCVT (to integer)', '1', 'VCVT', '1110 1D11 110s dddd 101z 11M0 mmmm', shape.toInteger(''), vcvt);
both(
  'VCVT (from fixed-point)',
  '1',
  'VCVT',
  '1110 1D11 101U dddd 101z x1j0 iiii',
  shape.fixedPoint('float'),
  vcvt,
  shape.negativeFractionBits,
);
both(
  'VCVT (to fixed-point)',
  '1',
  'VCVT',
  '1110 1D11 111U dddd 101z x1j0 iiii',
  shape.fixedPoint('fixed'),
  vcvt,
  shape.negativeFractionBits,
);

// ---- loads and stores: encoding 1 is doubles, encoding 2 singles ----

for (const { encoding, coprocessor, size } of [
  { encoding: '1', coprocessor: '1011', size: 64 },
  { encoding: '2', coprocessor: '1010', size: 32 },
] as const) {
  const addressed = shape.transfer(size);
  both(
    'VSTR',
    encoding,
    'VSTR',
    `1101 UD00 nnnn dddd ${coprocessor} iiiiiiii`,
    addressed,
    vstr,
    shape.thumbPC,
  );
  both('VLDR', encoding, 'VLDR', `1101 UD01 nnnn dddd ${coprocessor} iiiiiiii`, addressed, vldr);
}

/** The lists of load and store multiple: the X forms are the doubles' with one word more, which nothing reads or writes. */
const LISTS = [
  { list: 'double', encoding: '1', bits: '1011 iiiiiii0' },
  { list: 'single', encoding: '2', bits: '1010 iiiiiiii' },
  { list: 'x', encoding: '1', bits: '1011 iiiiiii1' },
] as const;

for (const { list, encoding, bits } of LISTS) {
  const block = (mnemonic: string, form: 'load' | 'store', mode: 'IA' | 'DB', head: string) =>
    both(
      mnemonic,
      encoding,
      mnemonic,
      `${head} nnnn dddd ${bits}`,
      shape.block(list, mode, form),
      form === 'load' ? vldm : vstm,
      shape.blockFromPC,
    );
  const [store, load, x] = list === 'x' ? ['FSTM', 'FLDM', 'X'] : ['VSTM', 'VLDM', ''];
  block(`${store}IA${x}`, 'store', 'IA', '1100 1DW0');
  block(`${store}DB${x}`, 'store', 'DB', '1101 0D10');
  block(`${load}IA${x}`, 'load', 'IA', '1100 1DW1');
  block(`${load}DB${x}`, 'load', 'DB', '1101 0D11');
  if (list === 'x') continue;
  both('VPUSH', encoding, 'VPUSH', `1101 0D10 1101 dddd ${bits}`, shape.stack(list, 'push'), vstm);
  both('VPOP', encoding, 'VPOP', `1100 1D11 1101 dddd ${bits}`, shape.stack(list, 'pop'), vldm);
}

// ---- transfers between core and extension registers ----

const CORE = 'VMOV (ARM core register';
both(
  `${CORE} to scalar)`,
  '1',
  'VMOV',
  '1110 00x0 nnnn tttt 1011 N001 (0)(0)(0)(0)',
  shape.scalar(false),
  vmovCoreToHalf,
);
both(
  'VMOV (scalar to ARM core register)',
  '1',
  'VMOV',
  '1110 00x1 nnnn tttt 1011 N001 (0)(0)(0)(0)',
  shape.scalar(true),
  vmovHalfToCore,
);
both(
  `${CORE} to single-precision register)`,
  '1',
  'VMOV',
  '1110 0000 nnnn tttt 1010 N(0)(0)1 (0)(0)(0)(0)',
  shape.single(false),
  vmovCoreToSingle,
);
both(
  'VMOV (single-precision register to ARM core register)',
  '1',
  'VMOV',
  '1110 0001 nnnn tttt 1010 N(0)(0)1 (0)(0)(0)(0)',
  shape.single(true),
  vmovSingleToCore,
);
both(
  'VMOV (two ARM core registers to two single-precision registers)',
  '1',
  'VMOV',
  '1100 0100 uuuu tttt 1010 00M1 mmmm',
  shape.twoSingles(false),
  vmovCoresToSingles,
);
both(
  'VMOV (two single-precision registers to two ARM core registers)',
  '1',
  'VMOV',
  '1100 0101 uuuu tttt 1010 00M1 mmmm',
  shape.twoSingles(true),
  vmovSinglesToCores,
  shape.sameTarget,
);
both(
  'VMOV (two ARM core registers to a doubleword register)',
  '1',
  'VMOV',
  '1100 0100 uuuu tttt 1011 00M1 mmmm',
  shape.double(false),
  vmovCoresToDouble,
);
both(
  'VMOV (doubleword register to two ARM core registers)',
  '1',
  'VMOV',
  '1100 0101 uuuu tttt 1011 00M1 mmmm',
  shape.double(true),
  vmovDoubleToCores,
  shape.sameTarget,
);
both('VMRS', '1', 'VMRS', '1110 1111 0001 tttt 1010 (0)(0)(0)1 (0)(0)(0)(0)', shape.fromStatus, vmrs);
both('VMSR', '1', 'VMSR', '1110 1110 0001 tttt 1010 (0)(0)(0)1 (0)(0)(0)(0)', shape.toStatus, vmsr);

export const vfpRows: Row[] = rows;
