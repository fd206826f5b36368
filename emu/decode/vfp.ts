/**
 * The VFPv3 and VFPv4 encodings (ARM ARM A7.5 floating-point data processing, A7.6 extension register loads and stores, A7.8
 * and A7.9 transfers), in the form of table.ts: 32 double registers, single and double precision, no short vectors.
 *
 * A32 and T32 differ in the top four bits alone, the condition against 1110. Encoding 1 of loads and stores is doubles,
 * encoding 2 singles; the X forms are the doubles' with one word more, which nothing reads or writes. FPSCR is the only system
 * register a user program can reach: FPSID, MVFR and FPEXC are UNDEFINED to it, as are all undefined bit strings.
 */
import * as ops from '../ops/vfp.ts';
import type { Row } from './row.ts';
import * as shapes from './shapes/vfp.ts';
import { rowsOf } from './table.ts';

const TABLE = `
VMLA (floating-point) 2            | 1110 0D00 nnnn dddd 101z N0M0 mmmm     | three                 | fpArithmetic mla
VMLS (floating-point) 2            | 1110 0D00 nnnn dddd 101z N1M0 mmmm     | three                 | fpArithmetic mls
VNMLS 1                            | 1110 0D01 nnnn dddd 101z N0M0 mmmm     | three                 | fpArithmetic nmls
VNMLA 1                            | 1110 0D01 nnnn dddd 101z N1M0 mmmm     | three                 | fpArithmetic nmla
VMUL (floating-point) 2            | 1110 0D10 nnnn dddd 101z N0M0 mmmm     | three                 | fpArithmetic mul
VNMUL 2                            | 1110 0D10 nnnn dddd 101z N1M0 mmmm     | three                 | fpArithmetic nmul
VADD (floating-point) 2            | 1110 0D11 nnnn dddd 101z N0M0 mmmm     | three                 | fpArithmetic add
VSUB (floating-point) 2            | 1110 0D11 nnnn dddd 101z N1M0 mmmm     | three                 | fpArithmetic sub
VDIV 1                             | 1110 1D00 nnnn dddd 101z N0M0 mmmm     | three                 | fpArithmetic div
VFNMS 1                            | 1110 1D01 nnnn dddd 101z N0M0 mmmm     | three                 | fpArithmetic fnms
VFNMA 1                            | 1110 1D01 nnnn dddd 101z N1M0 mmmm     | three                 | fpArithmetic fnma
VFMA (floating-point) 2            | 1110 1D10 nnnn dddd 101z N0M0 mmmm     | three                 | fpArithmetic fma
VFMS (floating-point) 2            | 1110 1D10 nnnn dddd 101z N1M0 mmmm     | three                 | fpArithmetic fms
VMOV (immediate) 2                 | 1110 1D11 iiii dddd 101z (0)0(0)0 iiii | immediate             | vmovImmediate
VMOV (register) 2                  | 1110 1D11 0000 dddd 101z 01M0 mmmm     | two                   | vmovRegister
VABS 2                             | 1110 1D11 0000 dddd 101z 11M0 mmmm     | two                   | fpArithmetic abs
VNEG 2                             | 1110 1D11 0001 dddd 101z 01M0 mmmm     | two                   | fpArithmetic neg
VSQRT 1                            | 1110 1D11 0001 dddd 101z 11M0 mmmm     | two                   | fpArithmetic sqrt
VCMP 1                             | 1110 1D11 0100 dddd 101z 01M0 mmmm     | two                   | vcmp
VCMPE 1                            | 1110 1D11 0100 dddd 101z 11M0 mmmm     | two                   | vcmpe
VCMP 2                             | 1110 1D11 0101 dddd 101z 01(0)0 (0000) | withZero              | vcmp
VCMPE 2                            | 1110 1D11 0101 dddd 101z 11(0)0 (0000) | withZero              | vcmpe
VCVTB (from half) 1                | 1110 1D11 0010 dddd 1010 01M0 mmmm     | half b single         | vcvt
VCVTT (from half) 1                | 1110 1D11 0010 dddd 1010 11M0 mmmm     | half t single         | vcvt
VCVTB (to half) 1                  | 1110 1D11 0011 dddd 1010 01M0 mmmm     | half b half           | vcvt
VCVTT (to half) 1                  | 1110 1D11 0011 dddd 1010 11M0 mmmm     | half t half           | vcvt
VCVT (between double-precision and single-precision) 1 | 1110 1D11 0111 dddd 101z 11M0 mmmm     | betweenFloats         | vcvt
VCVT (from integer) 1              | 1110 1D11 1000 dddd 101z s1M0 mmmm     | fromInteger           | vcvt
VCVTR (to integer) 1               | 1110 1D11 110s dddd 101z 01M0 mmmm     | toInteger r           | vcvt
VCVT (to integer) 1                | 1110 1D11 110s dddd 101z 11M0 mmmm     | toInteger             | vcvt
VCVT (from fixed-point) 1          | 1110 1D11 101U dddd 101z x1j0 iiii     | fixedPoint float      | vcvt               | negativeFractionBits
VCVT (to fixed-point) 1            | 1110 1D11 111U dddd 101z x1j0 iiii     | fixedPoint fixed      | vcvt               | negativeFractionBits
VSTR 1                             | 1101 UD00 nnnn dddd 1011 iiii iiii     | transfer 64           | vstr               | thumbPC
VLDR 1                             | 1101 UD01 nnnn dddd 1011 iiii iiii     | transfer 64           | vldr
VSTR 2                             | 1101 UD00 nnnn dddd 1010 iiii iiii     | transfer 32           | vstr               | thumbPC
VLDR 2                             | 1101 UD01 nnnn dddd 1010 iiii iiii     | transfer 32           | vldr
VSTMIA 1                           | 1100 1DW0 nnnn dddd 1011 iiii iii0     | block double IA store | vstm               | blockFromPC
VSTMDB 1                           | 1101 0D10 nnnn dddd 1011 iiii iii0     | block double DB store | vstm               | blockFromPC
VLDMIA 1                           | 1100 1DW1 nnnn dddd 1011 iiii iii0     | block double IA load  | vldm               | blockFromPC
VLDMDB 1                           | 1101 0D11 nnnn dddd 1011 iiii iii0     | block double DB load  | vldm               | blockFromPC
VPUSH 1                            | 1101 0D10 1101 dddd 1011 iiii iii0     | stack double push     | vstm
VPOP 1                             | 1100 1D11 1101 dddd 1011 iiii iii0     | stack double pop      | vldm
VSTMIA 2                           | 1100 1DW0 nnnn dddd 1010 iiii iiii     | block single IA store | vstm               | blockFromPC
VSTMDB 2                           | 1101 0D10 nnnn dddd 1010 iiii iiii     | block single DB store | vstm               | blockFromPC
VLDMIA 2                           | 1100 1DW1 nnnn dddd 1010 iiii iiii     | block single IA load  | vldm               | blockFromPC
VLDMDB 2                           | 1101 0D11 nnnn dddd 1010 iiii iiii     | block single DB load  | vldm               | blockFromPC
VPUSH 2                            | 1101 0D10 1101 dddd 1010 iiii iiii     | stack single push     | vstm
VPOP 2                             | 1100 1D11 1101 dddd 1010 iiii iiii     | stack single pop      | vldm
FSTMIAX 1                          | 1100 1DW0 nnnn dddd 1011 iiii iii1     | block x IA store      | vstm               | blockFromPC
FSTMDBX 1                          | 1101 0D10 nnnn dddd 1011 iiii iii1     | block x DB store      | vstm               | blockFromPC
FLDMIAX 1                          | 1100 1DW1 nnnn dddd 1011 iiii iii1     | block x IA load       | vldm               | blockFromPC
FLDMDBX 1                          | 1101 0D11 nnnn dddd 1011 iiii iii1     | block x DB load       | vldm               | blockFromPC
VMOV (ARM core register to scalar) 1 | 1110 00x0 nnnn tttt 1011 N001 (0000)   | scalar false          | vmovCoreToHalf
VMOV (scalar to ARM core register) 1 | 1110 00x1 nnnn tttt 1011 N001 (0000)   | scalar true           | vmovHalfToCore
VMOV (ARM core register to single-precision register) 1 | 1110 0000 nnnn tttt 1010 N(00)1 (0000) | single false          | vmovCoreToSingle
VMOV (single-precision register to ARM core register) 1 | 1110 0001 nnnn tttt 1010 N(00)1 (0000) | single true           | vmovSingleToCore
VMOV (two ARM core registers to two single-precision registers) 1 | 1100 0100 uuuu tttt 1010 00M1 mmmm     | twoSingles false      | vmovCoresToSingles
VMOV (two single-precision registers to two ARM core registers) 1 | 1100 0101 uuuu tttt 1010 00M1 mmmm     | twoSingles true       | vmovSinglesToCores | sameTarget
VMOV (two ARM core registers to a doubleword register) 1 | 1100 0100 uuuu tttt 1011 00M1 mmmm     | double false          | vmovCoresToDouble
VMOV (doubleword register to two ARM core registers) 1 | 1100 0101 uuuu tttt 1011 00M1 mmmm     | double true           | vmovDoubleToCores  | sameTarget
VMRS 1                             | 1110 1111 0001 tttt 1010 (000)1 (0000) | fromStatus            | vmrs
VMSR 1                             | 1110 1110 0001 tttt 1010 (000)1 (0000) | toStatus              | vmsr
`;

export const vfpRows: Row[] = rowsOf(TABLE, (bits) => [`cccc ${bits}`, `1110 ${bits}`], {
  shapes,
  ops,
  predicates: shapes,
});
