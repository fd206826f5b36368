/**
 * The Advanced SIMD encodings of ARMv7 (ARM ARM A7.4 data processing, A7.7 element and structure loads and stores, A7.8
 * transfers), in the form of table.ts.
 */
import * as ops from '../ops/simd.ts';
import * as memoryOps from '../ops/simd-memory.ts';
import type { Row } from './row.ts';
import * as shapes from './shapes/simd.ts';
import * as memoryShapes from './shapes/simd-memory.ts';
import { type Heads, rowsOf } from './table.ts';

/**
 * Data processing has U (or what stands there) at bit 24 of A32 and bit 28 of T32, loads and stores 0100 against 1001;
 * transfers are conditional in A32.
 */
const heads: Heads = (bits) => {
  if (bits.startsWith('001')) return [`1111 ${bits}`, `111${bits[3]} 1111 ${bits.slice(5)}`];
  if (bits.startsWith('0100')) return [`1111 ${bits}`, `1111 1001 ${bits.slice(5)}`];
  return [`cccc ${bits}`, `1110 ${bits}`];
};

const SAME_LENGTH = `
VHADD 1                       | 001U 0Dss nnnn dddd 0000 NQM0 mmmm | same su bhw     | vhadd
VQADD 1                       | 001U 0Dss nnnn dddd 0000 NQM1 mmmm | same su bhwd    | vqadd
VRHADD 1                      | 001U 0Dss nnnn dddd 0001 NQM0 mmmm | same su bhw     | vrhadd
VAND (register) 1             | 0010 0D00 nnnn dddd 0001 NQM1 mmmm | same            | vand
VBIC (register) 1             | 0010 0D01 nnnn dddd 0001 NQM1 mmmm | same            | vbic
VORR (register) 1             | 0010 0D10 nnnn dddd 0001 NQM1 mmmm | same            | vorr
VORN (register) 1             | 0010 0D11 nnnn dddd 0001 NQM1 mmmm | same            | vorn
VEOR 1                        | 0011 0D00 nnnn dddd 0001 NQM1 mmmm | same            | veor
VBSL 1                        | 0011 0D01 nnnn dddd 0001 NQM1 mmmm | same            | vbsl
VBIT 1                        | 0011 0D10 nnnn dddd 0001 NQM1 mmmm | same            | vbit
VBIF 1                        | 0011 0D11 nnnn dddd 0001 NQM1 mmmm | same            | vbif
VHSUB 1                       | 001U 0Dss nnnn dddd 0010 NQM0 mmmm | same su bhw     | vhsub
VQSUB 1                       | 001U 0Dss nnnn dddd 0010 NQM1 mmmm | same su bhwd    | vqsub
VCGT (register) 1             | 001U 0Dss nnnn dddd 0011 NQM0 mmmm | same su bhw     | vcgt
VCGE (register) 1             | 001U 0Dss nnnn dddd 0011 NQM1 mmmm | same su bhw     | vcge
VSHL (register) 1             | 001U 0Dss nnnn dddd 0100 NQM0 mmmm | shifted su bhwd | vshl
VQSHL (register) 1            | 001U 0Dss nnnn dddd 0100 NQM1 mmmm | shifted su bhwd | vqshl
VRSHL 1                       | 001U 0Dss nnnn dddd 0101 NQM0 mmmm | shifted su bhwd | vrshl
VQRSHL 1                      | 001U 0Dss nnnn dddd 0101 NQM1 mmmm | shifted su bhwd | vqrshl
VMAX (integer) 1              | 001U 0Dss nnnn dddd 0110 NQM0 mmmm | same su bhw     | vmax
VMIN (integer) 1              | 001U 0Dss nnnn dddd 0110 NQM1 mmmm | same su bhw     | vmin
VABD (integer) 1              | 001U 0Dss nnnn dddd 0111 NQM0 mmmm | same su bhw     | vabd
VABA 1                        | 001U 0Dss nnnn dddd 0111 NQM1 mmmm | same su bhw     | vaba
VADD (integer) 1              | 0010 0Dss nnnn dddd 1000 NQM0 mmmm | same i bhwd     | vadd
VSUB (integer) 1              | 0011 0Dss nnnn dddd 1000 NQM0 mmmm | same i bhwd     | vsub
VTST 1                        | 0010 0Dss nnnn dddd 1000 NQM1 mmmm | same - bhw      | vtst
VCEQ (register) 1             | 0011 0Dss nnnn dddd 1000 NQM1 mmmm | same i bhw      | vceq
VMLA (integer) 1              | 0010 0Dss nnnn dddd 1001 NQM0 mmmm | same i bhw      | vmla
VMLS (integer) 1              | 0011 0Dss nnnn dddd 1001 NQM0 mmmm | same i bhw      | vmls
VMUL (integer) 1              | 0010 0Dss nnnn dddd 1001 NQM1 mmmm | same i bhw      | vmul
VMUL (polynomial) 1           | 0011 0D00 nnnn dddd 1001 NQM1 mmmm | same p b        | vmulPolynomial
VPMAX (integer) 1             | 001U 0Dss nnnn dddd 1010 N0M0 mmmm | same su bhw     | vpmax
VPMIN (integer) 1             | 001U 0Dss nnnn dddd 1010 N0M1 mmmm | same su bhw     | vpmin
VQDMULH 1                     | 0010 0Dss nnnn dddd 1011 NQM0 mmmm | same s hw       | vqdmulh
VQRDMULH 1                    | 0011 0Dss nnnn dddd 1011 NQM0 mmmm | same s hw       | vqrdmulh
VPADD (integer) 1             | 0010 0Dss nnnn dddd 1011 N0M1 mmmm | same i bhw      | vpadd
VFMA (floating-point) 1       | 0010 0D00 nnnn dddd 1100 NQM1 mmmm | same f w        | vfma
VFMS (floating-point) 1       | 0010 0D10 nnnn dddd 1100 NQM1 mmmm | same f w        | vfms
VADD (floating-point) 1       | 0010 0D00 nnnn dddd 1101 NQM0 mmmm | same f w        | vaddFloat
VSUB (floating-point) 1       | 0010 0D10 nnnn dddd 1101 NQM0 mmmm | same f w        | vsubFloat
VPADD (floating-point) 1      | 0011 0D00 nnnn dddd 1101 N0M0 mmmm | same f w        | vpaddFloat
VABD (floating-point) 1       | 0011 0D10 nnnn dddd 1101 NQM0 mmmm | same f w        | vabdFloat
VMLA (floating-point) 1       | 0010 0D00 nnnn dddd 1101 NQM1 mmmm | same f w        | vmlaFloat
VMLS (floating-point) 1       | 0010 0D10 nnnn dddd 1101 NQM1 mmmm | same f w        | vmlsFloat
VMUL (floating-point) 1       | 0011 0D00 nnnn dddd 1101 NQM1 mmmm | same f w        | vmulFloat
VCEQ (register) 2             | 0010 0D00 nnnn dddd 1110 NQM0 mmmm | same f w        | vceqFloat
VCGE (register) 2             | 0011 0D00 nnnn dddd 1110 NQM0 mmmm | same f w        | vcgeFloat
VCGT (register) 2             | 0011 0D10 nnnn dddd 1110 NQM0 mmmm | same f w        | vcgtFloat
VACGE 1                       | 0011 0D00 nnnn dddd 1110 NQM1 mmmm | same f w        | vacge
VACGT 1                       | 0011 0D10 nnnn dddd 1110 NQM1 mmmm | same f w        | vacgt
VMAX (floating-point) 1       | 0010 0D00 nnnn dddd 1111 NQM0 mmmm | same f w        | vmaxFloat
VMIN (floating-point) 1       | 0010 0D10 nnnn dddd 1111 NQM0 mmmm | same f w        | vminFloat
VPMAX (floating-point) 1      | 0011 0D00 nnnn dddd 1111 N0M0 mmmm | same f w        | vpmaxFloat
VPMIN (floating-point) 1      | 0011 0D10 nnnn dddd 1111 N0M0 mmmm | same f w        | vpminFloat
VRECPS 1                      | 0010 0D00 nnnn dddd 1111 NQM1 mmmm | same f w        | vrecps
VRSQRTS 1                     | 0010 0D10 nnnn dddd 1111 NQM1 mmmm | same f w        | vrsqrts
`;

const DIFFERENT_LENGTHS = `
VADDL 1                       | 001U 1Dss nnnn dddd 0000 N0M0 mmmm | long su bhw     | vaddl
VADDW 1                       | 001U 1Dss nnnn dddd 0001 N0M0 mmmm | wide su bhw     | vaddw
VSUBL 1                       | 001U 1Dss nnnn dddd 0010 N0M0 mmmm | long su bhw     | vsubl
VSUBW 1                       | 001U 1Dss nnnn dddd 0011 N0M0 mmmm | wide su bhw     | vsubw
VADDHN 1                      | 0010 1Dss nnnn dddd 0100 N0M0 mmmm | narrow i bhw    | vaddhn
VRADDHN 1                     | 0011 1Dss nnnn dddd 0100 N0M0 mmmm | narrow i bhw    | vraddhn
VABAL 2                       | 001U 1Dss nnnn dddd 0101 N0M0 mmmm | long su bhw     | vabal
VSUBHN 1                      | 0010 1Dss nnnn dddd 0110 N0M0 mmmm | narrow i bhw    | vsubhn
VRSUBHN 1                     | 0011 1Dss nnnn dddd 0110 N0M0 mmmm | narrow i bhw    | vrsubhn
VABDL (integer) 2             | 001U 1Dss nnnn dddd 0111 N0M0 mmmm | long su bhw     | vabdl
VMLAL (integer) 2             | 001U 1Dss nnnn dddd 1000 N0M0 mmmm | long su bhw     | vmlal
VQDMLAL 1                     | 0010 1Dss nnnn dddd 1001 N0M0 mmmm | long s hw       | vqdmlal
VMLSL (integer) 2             | 001U 1Dss nnnn dddd 1010 N0M0 mmmm | long su bhw     | vmlsl
VQDMLSL 1                     | 0010 1Dss nnnn dddd 1011 N0M0 mmmm | long s hw       | vqdmlsl
VMULL (integer) 2             | 001U 1Dss nnnn dddd 1100 N0M0 mmmm | long su bhw     | vmull
VQDMULL 1                     | 0010 1Dss nnnn dddd 1101 N0M0 mmmm | long s hw       | vqdmull
VMULL (polynomial) 2          | 0010 1D00 nnnn dddd 1110 N0M0 mmmm | long p b        | vmullPolynomial
`;

const SCALAR = `
VMLA (by scalar) 1            | 001Q 1Dss nnnn dddd 0000 N1M0 mmmm | byScalar i hw   | vmlaScalar
VMLA (by scalar, f32) 1       | 001Q 1Dss nnnn dddd 0001 N1M0 mmmm | byScalar f w    | vmlaScalarFloat
VMLAL (by scalar) 2           | 001U 1Dss nnnn dddd 0010 N1M0 mmmm | longByScalar su hw | vmlalScalar
VQDMLAL 2                     | 0010 1Dss nnnn dddd 0011 N1M0 mmmm | longByScalar s hw  | vqdmlalScalar
VMLS (by scalar) 1            | 001Q 1Dss nnnn dddd 0100 N1M0 mmmm | byScalar i hw   | vmlsScalar
VMLS (by scalar, f32) 1       | 001Q 1Dss nnnn dddd 0101 N1M0 mmmm | byScalar f w    | vmlsScalarFloat
VMLSL (by scalar) 2           | 001U 1Dss nnnn dddd 0110 N1M0 mmmm | longByScalar su hw | vmlslScalar
VQDMLSL 2                     | 0010 1Dss nnnn dddd 0111 N1M0 mmmm | longByScalar s hw  | vqdmlslScalar
VMUL (by scalar) 1            | 001Q 1Dss nnnn dddd 1000 N1M0 mmmm | byScalar i hw   | vmulScalar
VMUL (by scalar, f32) 1       | 001Q 1Dss nnnn dddd 1001 N1M0 mmmm | byScalar f w    | vmulScalarFloat
VMULL (by scalar) 2           | 001U 1Dss nnnn dddd 1010 N1M0 mmmm | longByScalar su hw | vmullScalar
VQDMULL 2                     | 0010 1Dss nnnn dddd 1011 N1M0 mmmm | longByScalar s hw  | vqdmullScalar
VQDMULH 2                     | 001Q 1Dss nnnn dddd 1100 N1M0 mmmm | byScalar s hw   | vqdmulhScalar
VQRDMULH 2                    | 001Q 1Dss nnnn dddd 1101 N1M0 mmmm | byScalar s hw   | vqrdmulhScalar
`;

const SHIFTS = `
VSHR 1                        | 001U 1Dii iiii dddd 0000 LQM1 mmmm | shiftRight su   | vshr
VSRA 1                        | 001U 1Dii iiii dddd 0001 LQM1 mmmm | shiftRight su   | vsra
VRSHR 1                       | 001U 1Dii iiii dddd 0010 LQM1 mmmm | shiftRight su   | vrshr
VRSRA 1                       | 001U 1Dii iiii dddd 0011 LQM1 mmmm | shiftRight su   | vrsra
VSRI 1                        | 0011 1Dii iiii dddd 0100 LQM1 mmmm | shiftRight -    | vsri
VSHL (immediate) 1            | 0010 1Dii iiii dddd 0101 LQM1 mmmm | shiftLeft i     | vshlImmediate
VSLI 1                        | 0011 1Dii iiii dddd 0101 LQM1 mmmm | shiftLeft -     | vsli
VQSHLU (immediate) 1          | 0011 1Dii iiii dddd 0110 LQM1 mmmm | shiftLeft s     | vqshlu
VQSHL (immediate) 1           | 001U 1Dii iiii dddd 0111 LQM1 mmmm | shiftLeft su    | vqshlImmediate
VSHRN 1                       | 0010 1Dii iiii dddd 1000 00M1 mmmm | shiftNarrow i   | vshrn
VRSHRN 1                      | 0010 1Dii iiii dddd 1000 01M1 mmmm | shiftNarrow i   | vrshrn
VQSHRUN 1                     | 0011 1Dii iiii dddd 1000 00M1 mmmm | shiftNarrow s   | vqshrun
VQRSHRUN 1                    | 0011 1Dii iiii dddd 1000 01M1 mmmm | shiftNarrow s   | vqrshrun
VQSHRN 1                      | 001U 1Dii iiii dddd 1001 00M1 mmmm | shiftNarrow su  | vqshrn
VQRSHRN 1                     | 001U 1Dii iiii dddd 1001 01M1 mmmm | shiftNarrow su  | vqrshrn
VSHLL 1                       | 001U 1Dii iiii dddd 1010 00M1 mmmm | shiftLong su    | vshll
VMOVL 1                       | 001U 1Dii i000 dddd 1010 00M1 mmmm | moveLong        | vmovl
VCVT (from fixed-point, SIMD) 1 | 001U 1D1i iiii dddd 1110 0QM1 mmmm | convertFixed f | vcvtFromInteger
VCVT (to fixed-point, SIMD) 1 | 001U 1D1i iiii dddd 1111 0QM1 mmmm | convertFixed i  | vcvtToInteger
`;

const TWO_REGISTERS = `
VREV64 1                      | 0011 1D11 ss00 dddd 0000 0QM0 mmmm | two - bhw       | vrev64
VREV32 1                      | 0011 1D11 ss00 dddd 0000 1QM0 mmmm | two - bh        | vrev32
VREV16 1                      | 0011 1D11 ss00 dddd 0001 0QM0 mmmm | two - b         | vrev16
VPADDL 1                      | 0011 1D11 ss00 dddd 0010 UQM0 mmmm | two su bhw      | vpaddl
VCLS 1                        | 0011 1D11 ss00 dddd 0100 0QM0 mmmm | two s bhw       | vcls
VCLZ 1                        | 0011 1D11 ss00 dddd 0100 1QM0 mmmm | two i bhw       | vclz
VCNT 1                        | 0011 1D11 ss00 dddd 0101 0QM0 mmmm | two - b         | vcnt
VMVN (register) 1             | 0011 1D11 0000 dddd 0101 1QM0 mmmm | two             | vmvn
VPADAL 1                      | 0011 1D11 ss00 dddd 0110 UQM0 mmmm | two su bhw      | vpadal
VQABS 1                       | 0011 1D11 ss00 dddd 0111 0QM0 mmmm | two s bhw       | vqabs
VQNEG 1                       | 0011 1D11 ss00 dddd 0111 1QM0 mmmm | two s bhw       | vqneg
VCGT (immediate #0) 1         | 0011 1D11 ss01 dddd 0000 0QM0 mmmm | withZero s bhw  | vcgtZero
VCGE (immediate #0) 1         | 0011 1D11 ss01 dddd 0000 1QM0 mmmm | withZero s bhw  | vcgeZero
VCEQ (immediate #0) 1         | 0011 1D11 ss01 dddd 0001 0QM0 mmmm | withZero i bhw  | vceqZero
VCLE (immediate #0) 1         | 0011 1D11 ss01 dddd 0001 1QM0 mmmm | withZero s bhw  | vcleZero
VCLT (immediate #0) 1         | 0011 1D11 ss01 dddd 0010 0QM0 mmmm | withZero s bhw  | vcltZero
VABS 1                        | 0011 1D11 ss01 dddd 0011 0QM0 mmmm | two s bhw       | vabs
VNEG 1                        | 0011 1D11 ss01 dddd 0011 1QM0 mmmm | two s bhw       | vneg
VCGT (immediate #0, f32) 1    | 0011 1D11 1001 dddd 0100 0QM0 mmmm | withZero f w    | vcgtZeroFloat
VCGE (immediate #0, f32) 1    | 0011 1D11 1001 dddd 0100 1QM0 mmmm | withZero f w    | vcgeZeroFloat
VCEQ (immediate #0, f32) 1    | 0011 1D11 1001 dddd 0101 0QM0 mmmm | withZero f w    | vceqZeroFloat
VCLE (immediate #0, f32) 1    | 0011 1D11 1001 dddd 0101 1QM0 mmmm | withZero f w    | vcleZeroFloat
VCLT (immediate #0, f32) 1    | 0011 1D11 1001 dddd 0110 0QM0 mmmm | withZero f w    | vcltZeroFloat
VABS (f32) 1                  | 0011 1D11 1001 dddd 0111 0QM0 mmmm | two f w         | vabsFloat
VNEG (f32) 1                  | 0011 1D11 1001 dddd 0111 1QM0 mmmm | two f w         | vnegFloat
VSWP 1                        | 0011 1D11 0010 dddd 0000 0QM0 mmmm | two             | vswp            | sameRegister
VTRN 1                        | 0011 1D11 ss10 dddd 0000 1QM0 mmmm | two - bhw       | vtrn            | sameRegister
VUZP 1                        | 0011 1D11 ss10 dddd 0001 0QM0 mmmm | permuted        | vuzp            | sameRegister
VZIP 1                        | 0011 1D11 ss10 dddd 0001 1QM0 mmmm | permuted        | vzip            | sameRegister
VMOVN 1                       | 0011 1D11 ss10 dddd 0010 00M0 mmmm | twoNarrow i bhw | vmovn
VQMOVUN 1                     | 0011 1D11 ss10 dddd 0010 01M0 mmmm | twoNarrow s bhw | vqmovun
VQMOVN 1                      | 0011 1D11 ss10 dddd 0010 1UM0 mmmm | twoNarrow su bhw | vqmovn
VSHLL 2                       | 0011 1D11 ss10 dddd 0011 00M0 mmmm | longMax i bhw   | vshll
VCVT (to half, SIMD) 1        | 0011 1D11 0110 dddd 0110 00M0 mmmm | half half       | vcvtToHalf
VCVT (from half, SIMD) 1      | 0011 1D11 0110 dddd 0111 00M0 mmmm | half single     | vcvtFromHalf
VRECPE 1                      | 0011 1D11 1011 dddd 0100 0QM0 mmmm | two u w         | vrecpe
VRSQRTE 1                     | 0011 1D11 1011 dddd 0100 1QM0 mmmm | two u w         | vrsqrte
VRECPE (f32) 1                | 0011 1D11 1011 dddd 0101 0QM0 mmmm | two f w         | vrecpeFloat
VRSQRTE (f32) 1               | 0011 1D11 1011 dddd 0101 1QM0 mmmm | two f w         | vrsqrteFloat
VCVT (from integer, SIMD) 1   | 0011 1D11 1011 dddd 0110 UQM0 mmmm | convert f       | vcvtFromInteger
VCVT (to integer, SIMD) 1     | 0011 1D11 1011 dddd 0111 UQM0 mmmm | convert i       | vcvtToInteger
`;

const OTHERS = `
VEXT 1                        | 0010 1D11 nnnn dddd iiii NQM0 mmmm | extract         | vext
VTBL 1                        | 0011 1D11 nnnn dddd 10ll N0M0 mmmm | table           | vtbl
VTBX 1                        | 0011 1D11 nnnn dddd 10ll N1M0 mmmm | table           | vtbx
VDUP (scalar) 1               | 0011 1D11 iiii dddd 1100 0QM0 mmmm | dupScalar       | vdupScalar
VMOV (immediate) 1            | 001i 1D00 0iii dddd kkkk 0Q01 iiii | modified mov i  | vmovImmediate
VMOV (immediate, i64) 1       | 001i 1D00 0iii dddd 1110 0Q11 iiii | modified64      | vmovDoubleword
VMVN (immediate) 1            | 001i 1D00 0iii dddd kkkk 0Q11 iiii | modified mvn i  | vmvnImmediate
VORR (immediate) 1            | 001i 1D00 0iii dddd kkkk 0Q01 iiii | modified logical i | vorrImmediate
VBIC (immediate) 1            | 001i 1D00 0iii dddd kkkk 0Q11 iiii | modified logical i | vbicImmediate
VDUP (ARM core register) 1    | 1110 1bQ0 dddd tttt 1011 D0e1 (0)(0)(0)(0) | dupCore  | vdupCore
VMOV (ARM core register to scalar, 8) 1 | 1110 01x0 nnnn tttt 1011 Nxx1 (0)(0)(0)(0) | lane fromCore b | vmovCoreToLane
VMOV (ARM core register to scalar, 16) 1 | 1110 00x0 nnnn tttt 1011 Nx11 (0)(0)(0)(0) | lane fromCore h | vmovCoreToLane
VMOV (scalar to ARM core register, 8) 1 | 1110 U1x1 nnnn tttt 1011 Nxx1 (0)(0)(0)(0) | lane toCore b | vmovLaneToCore
VMOV (scalar to ARM core register, 16) 1 | 1110 U0x1 nnnn tttt 1011 Nx11 (0)(0)(0)(0) | lane toCore h | vmovLaneToCore
`;

const MEMORY = `
VST1 (multiple single elements) 1                | 0100 0D00 nnnn dddd kkkk ssaa mmmm | multiple 1 | storeStructures
VST2 (multiple 2-element structures) 1           | 0100 0D00 nnnn dddd kkkk ssaa mmmm | multiple 2 | storeStructures
VST3 (multiple 3-element structures) 1           | 0100 0D00 nnnn dddd kkkk ssaa mmmm | multiple 3 | storeStructures
VST4 (multiple 4-element structures) 1           | 0100 0D00 nnnn dddd kkkk ssaa mmmm | multiple 4 | storeStructures
VLD1 (multiple single elements) 1                | 0100 0D10 nnnn dddd kkkk ssaa mmmm | multiple 1 | loadStructures
VLD2 (multiple 2-element structures) 1           | 0100 0D10 nnnn dddd kkkk ssaa mmmm | multiple 2 | loadStructures
VLD3 (multiple 3-element structures) 1           | 0100 0D10 nnnn dddd kkkk ssaa mmmm | multiple 3 | loadStructures
VLD4 (multiple 4-element structures) 1           | 0100 0D10 nnnn dddd kkkk ssaa mmmm | multiple 4 | loadStructures
VST1 (single element from one lane) 1            | 0100 1D00 nnnn dddd ss00 iiii mmmm | oneLane 1  | storeLane
VST2 (single 2-element structure from one lane) 1 | 0100 1D00 nnnn dddd ss01 iiii mmmm | oneLane 2 | storeLane
VST3 (single 3-element structure from one lane) 1 | 0100 1D00 nnnn dddd ss10 iiii mmmm | oneLane 3 | storeLane
VST4 (single 4-element structure from one lane) 1 | 0100 1D00 nnnn dddd ss11 iiii mmmm | oneLane 4 | storeLane
VLD1 (single element to one lane) 1              | 0100 1D10 nnnn dddd ss00 iiii mmmm | oneLane 1  | loadLane
VLD2 (single 2-element structure to one lane) 1  | 0100 1D10 nnnn dddd ss01 iiii mmmm | oneLane 2  | loadLane
VLD3 (single 3-element structure to one lane) 1  | 0100 1D10 nnnn dddd ss10 iiii mmmm | oneLane 3  | loadLane
VLD4 (single 4-element structure to one lane) 1  | 0100 1D10 nnnn dddd ss11 iiii mmmm | oneLane 4  | loadLane
VLD1 (single element to all lanes) 1             | 0100 1D10 nnnn dddd 1100 ssTa mmmm | allLanes 1 | loadToAllLanes
VLD2 (single 2-element structure to all lanes) 1 | 0100 1D10 nnnn dddd 1101 ssTa mmmm | allLanes 2 | loadToAllLanes
VLD3 (single 3-element structure to all lanes) 1 | 0100 1D10 nnnn dddd 1110 ssTa mmmm | allLanes 3 | loadToAllLanes
VLD4 (single 4-element structure to all lanes) 1 | 0100 1D10 nnnn dddd 1111 ssTa mmmm | allLanes 4 | loadToAllLanes
`;

export const simdRows: Row[] = rowsOf(
  SAME_LENGTH + DIFFERENT_LENGTHS + SCALAR + SHIFTS + TWO_REGISTERS + OTHERS + MEMORY,
  heads,
  {
    shapes: { ...shapes, ...memoryShapes },
    ops: { ...ops, ...memoryOps },
    predicates: shapes,
    needs: 'neon',
  },
);
