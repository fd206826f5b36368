/**
 * The 32-bit Thumb encodings (ARM ARM A6.3) but for floating point and Advanced SIMD, in the form of table.ts.
 *
 * Forms with SP as first operand, which the manual describes apart, are rows of the general ones. Without rows, so UNDEFINED:
 * what User mode cannot do (RFE, SRS, SMC, HVC, SUBS PC, LR, SPSR), ThumbEE and every other coprocessor access.
 */
import * as block from '../ops/block.ts';
import * as branch from '../ops/branch.ts';
import * as data from '../ops/data-processing.ts';
import * as exclusive from '../ops/exclusive.ts';
import * as transfer from '../ops/load-store.ts';
import * as media from '../ops/media.ts';
import * as mul from '../ops/multiply.ts';
import { parallel, usada8 } from '../ops/parallel.ts';
import * as signed from '../ops/signed-multiply.ts';
import * as system from '../ops/system.ts';
import * as predicates from './predicates.ts';
import type { Row } from './row.ts';
import * as controlShapes from './shapes/branch-system.ts';
import * as dataShapes from './shapes/data-processing.ts';
import * as transferShapes from './shapes/load-store.ts';
import * as multiplyShapes from './shapes/multiply.ts';
import { ofOneIsa, rowsOf } from './table.ts';

/** A6.3.1 to A6.3.3, A6.3.11, shifts of A6.3.12. */
const DATA = `
AND (immediate) T1       | 1111 0i00 000S nnnn 0iii dddd iiii iiii   | immediate dn S @thumbExpandImm  | and  | badD, spOrPc n, badImm
AND (register) T2        | 1110 1010 000S nnnn (0)iii dddd iiyy mmmm | shifted dn S                   | and  | badD, spOrPc n, spOrPc m
TST (immediate) T1       | 1111 0i00 0001 nnnn 0iii 1111 iiii iiii   | immediate n always @thumbExpandImm | tst  | spOrPc n, badImm
TST (register) T2        | 1110 1010 0001 nnnn (0)iii 1111 iiyy mmmm | shifted n always               | tst  | spOrPc n, spOrPc m
BIC (immediate) T1       | 1111 0i00 001S nnnn 0iii dddd iiii iiii   | immediate dn S @thumbExpandImm  | bic  | spOrPc dn, badImm
BIC (register) T2        | 1110 1010 001S nnnn (0)iii dddd iiyy mmmm | shifted dn S                   | bic  | spOrPc dn, spOrPc m
ORR (immediate) T1       | 1111 0i00 010S nnnn 0iii dddd iiii iiii   | immediate dn S @thumbExpandImm  | orr  | spOrPc d, sp n, badImm
ORR (register) T2        | 1110 1010 010S nnnn (0)iii dddd iiyy mmmm | shifted dn S                   | orr  | spOrPc d, sp n, spOrPc m
MOV (immediate) T2       | 1111 0i00 010S 1111 0iii dddd iiii iiii   | immediate d S @thumbExpandImm   | mov  | spOrPc d, badImm
ORN (immediate) T1       | 1111 0i00 011S nnnn 0iii dddd iiii iiii   | immediate dn S @thumbExpandImm  | orn  | spOrPc d, sp n, badImm
ORN (register) T1        | 1110 1010 011S nnnn (0)iii dddd iiyy mmmm | shifted dn S                   | orn  | spOrPc d, sp n, spOrPc m
MVN (immediate) T1       | 1111 0i00 011S 1111 0iii dddd iiii iiii   | immediate d S @thumbExpandImm   | mvn  | spOrPc d, badImm
MVN (register) T2        | 1110 1010 011S 1111 (0)iii dddd iiyy mmmm | shifted d S                    | mvn  | spOrPc d, spOrPc m
EOR (immediate) T1       | 1111 0i00 100S nnnn 0iii dddd iiii iiii   | immediate dn S @thumbExpandImm  | eor  | badD, spOrPc n, badImm
EOR (register) T2        | 1110 1010 100S nnnn (0)iii dddd iiyy mmmm | shifted dn S                   | eor  | badD, spOrPc n, spOrPc m
TEQ (immediate) T1       | 1111 0i00 1001 nnnn 0iii 1111 iiii iiii   | immediate n always @thumbExpandImm | teq  | spOrPc n, badImm
TEQ (register) T1        | 1110 1010 1001 nnnn (0)iii 1111 iiyy mmmm | shifted n always               | teq  | spOrPc n, spOrPc m
ADD (immediate) T3       | 1111 0i01 000S nnnn 0iii dddd iiii iiii   | immediate dn S @thumbExpandImm  | add  | badAdd, badImm
ADD (register) T3        | 1110 1011 000S nnnn (0)iii dddd iiyy mmmm | shifted dn S                   | add  | badAddRegister, spOrPc m
CMN (immediate) T1       | 1111 0i01 0001 nnnn 0iii 1111 iiii iiii   | immediate n always @thumbExpandImm | cmn  | pc n, badImm
CMN (register) T2        | 1110 1011 0001 nnnn (0)iii 1111 iiyy mmmm | shifted n always               | cmn  | pc n, spOrPc m
ADC (immediate) T1       | 1111 0i01 010S nnnn 0iii dddd iiii iiii   | immediate dn S @thumbExpandImm  | adc  | spOrPc dn, badImm
ADC (register) T2        | 1110 1011 010S nnnn (0)iii dddd iiyy mmmm | shifted dn S                   | adc  | spOrPc dn, spOrPc m
SBC (immediate) T1       | 1111 0i01 011S nnnn 0iii dddd iiii iiii   | immediate dn S @thumbExpandImm  | sbc  | spOrPc dn, badImm
SBC (register) T2        | 1110 1011 011S nnnn (0)iii dddd iiyy mmmm | shifted dn S                   | sbc  | spOrPc dn, spOrPc m
SUB (immediate) T3       | 1111 0i01 101S nnnn 0iii dddd iiii iiii   | immediate dn S @thumbExpandImm  | sub  | badAdd, badImm
SUB (register) T2        | 1110 1011 101S nnnn (0)iii dddd iiyy mmmm | shifted dn S                   | sub  | badAddRegister, spOrPc m
CMP (immediate) T2       | 1111 0i01 1011 nnnn 0iii 1111 iiii iiii   | immediate n always @thumbExpandImm | cmp  | pc n, badImm
CMP (register) T3        | 1110 1011 1011 nnnn (0)iii 1111 iiyy mmmm | shifted n always               | cmp  | pc n, spOrPc m
RSB (immediate) T2       | 1111 0i01 110S nnnn 0iii dddd iiii iiii   | immediate dn S @thumbExpandImm  | rsb  | spOrPc dn, badImm
RSB (register) T1        | 1110 1011 110S nnnn (0)iii dddd iiyy mmmm | shifted dn S                   | rsb  | spOrPc dn, spOrPc m
ADD (immediate) T4 =addw | 1111 0i10 0000 nnnn 0iii dddd iiii iiii   | immediate dn never (plain)       | add  | badAddWide
SUB (immediate) T4 =subw | 1111 0i10 1010 nnnn 0iii dddd iiii iiii   | immediate dn never (plain)       | sub  | badAddWide
ADR T3 =addw             | 1111 0i10 0000 1111 0iii dddd iiii iiii   | literalAddress 1 1             | adr  | spOrPc d
ADR T2 =subw             | 1111 0i10 1010 1111 0iii dddd iiii iiii   | literalAddress -1 1            | adr  | spOrPc d
MOV (immediate) T3 =movw | 1111 0i10 0100 jjjj 0iii dddd iiii iiii   | immediate16                    | mov  | spOrPc d
MOVT T1                  | 1111 0i10 1100 jjjj 0iii dddd iiii iiii   | immediate16                    | movt | spOrPc d
MOV (register) T3        | 1110 1010 010S 1111 (0)000 dddd 0000 mmmm | shifted d S                    | mov  | badMove
RRX T1                   | 1110 1010 010S 1111 (0)000 dddd 0011 mmmm | shiftMove S 4                  | mov  | spOrPc dm
LSL (immediate) T2       | 1110 1010 010S 1111 (0)iii dddd ii00 mmmm | shiftMove S 0                  | mov  | spOrPc dm
LSL (register) T2        | 1111 1010 000S nnnn 1111 dddd 0000 mmmm   | shiftByRegister S 0            | mov  | spOrPc dnm
LSR (immediate) T2       | 1110 1010 010S 1111 (0)iii dddd ii01 mmmm | shiftMove S 1                  | mov  | spOrPc dm
LSR (register) T2        | 1111 1010 001S nnnn 1111 dddd 0000 mmmm   | shiftByRegister S 1            | mov  | spOrPc dnm
ASR (immediate) T2       | 1110 1010 010S 1111 (0)iii dddd ii10 mmmm | shiftMove S 2                  | mov  | spOrPc dm
ASR (register) T2        | 1111 1010 010S nnnn 1111 dddd 0000 mmmm   | shiftByRegister S 2            | mov  | spOrPc dnm
ROR (immediate) T1       | 1110 1010 010S 1111 (0)iii dddd ii11 mmmm | shiftMove S 3                  | mov  | spOrPc dm
ROR (register) T2        | 1111 1010 011S nnnn 1111 dddd 0000 mmmm   | shiftByRegister S 3            | mov  | spOrPc dnm
`;

/** A6.3.16, A6.3.17. */
const MULTIPLY = `
MUL T2     | 1111 1011 0000 nnnn 1111 dddd 0000 mmmm   | multiply              | mul     | spOrPc dnm
MLA T1     | 1111 1011 0000 nnnn aaaa dddd 0000 mmmm   | multiply              | mla     | spOrPc dnm, sp a
MLS T1     | 1111 1011 0000 nnnn aaaa dddd 0001 mmmm   | multiply              | mls     | spOrPc dnma
SMULBB T1  | 1111 1011 0001 nnnn 1111 dddd 0000 mmmm   | halves 0 0            | smla    | spOrPc dnm
SMLABB T1  | 1111 1011 0001 nnnn aaaa dddd 0000 mmmm   | halves 0 0            | smla    | spOrPc dnm, sp a
SMLALBB T1 | 1111 1011 1100 nnnn llll hhhh 1000 mmmm   | longHalves 0 0        | smlalxy | spOrPc lhnm, same l h
SMULTB T1  | 1111 1011 0001 nnnn 1111 dddd 0010 mmmm   | halves 1 0            | smla    | spOrPc dnm
SMLATB T1  | 1111 1011 0001 nnnn aaaa dddd 0010 mmmm   | halves 1 0            | smla    | spOrPc dnm, sp a
SMLALTB T1 | 1111 1011 1100 nnnn llll hhhh 1010 mmmm   | longHalves 1 0        | smlalxy | spOrPc lhnm, same l h
SMULBT T1  | 1111 1011 0001 nnnn 1111 dddd 0001 mmmm   | halves 0 1            | smla    | spOrPc dnm
SMLABT T1  | 1111 1011 0001 nnnn aaaa dddd 0001 mmmm   | halves 0 1            | smla    | spOrPc dnm, sp a
SMLALBT T1 | 1111 1011 1100 nnnn llll hhhh 1001 mmmm   | longHalves 0 1        | smlalxy | spOrPc lhnm, same l h
SMULTT T1  | 1111 1011 0001 nnnn 1111 dddd 0011 mmmm   | halves 1 1            | smla    | spOrPc dnm
SMLATT T1  | 1111 1011 0001 nnnn aaaa dddd 0011 mmmm   | halves 1 1            | smla    | spOrPc dnm, sp a
SMLALTT T1 | 1111 1011 1100 nnnn llll hhhh 1011 mmmm   | longHalves 1 1        | smlalxy | spOrPc lhnm, same l h
SMULWB T1  | 1111 1011 0011 nnnn 1111 dddd 0000 mmmm   | halves 0 0            | smlaw   | spOrPc dnm
SMLAWB T1  | 1111 1011 0011 nnnn aaaa dddd 0000 mmmm   | halves 0 0            | smlaw   | spOrPc dnm, sp a
SMULWT T1  | 1111 1011 0011 nnnn 1111 dddd 0001 mmmm   | halves 0 1            | smlaw   | spOrPc dnm
SMLAWT T1  | 1111 1011 0011 nnnn aaaa dddd 0001 mmmm   | halves 0 1            | smlaw   | spOrPc dnm, sp a
SMUAD T1   | 1111 1011 0010 nnnn 1111 dddd 0000 mmmm   | halves 0 0            | smlad   | spOrPc dnm
SMLAD T1   | 1111 1011 0010 nnnn aaaa dddd 0000 mmmm   | halves 0 0            | smlad   | spOrPc dnm, sp a
SMUSD T1   | 1111 1011 0100 nnnn 1111 dddd 0000 mmmm   | halves 0 0            | smlsd   | spOrPc dnm
SMLSD T1   | 1111 1011 0100 nnnn aaaa dddd 0000 mmmm   | halves 0 0            | smlsd   | spOrPc dnm, sp a
SMLALD T1  | 1111 1011 1100 nnnn llll hhhh 1100 mmmm   | longHalves 0 0        | smlald  | spOrPc lhnm, same l h
SMLSLD T1  | 1111 1011 1101 nnnn llll hhhh 1100 mmmm   | longHalves 0 0        | smlsld  | spOrPc lhnm, same l h
SMUADX T1  | 1111 1011 0010 nnnn 1111 dddd 0001 mmmm   | halves 0 1            | smlad   | spOrPc dnm
SMLADX T1  | 1111 1011 0010 nnnn aaaa dddd 0001 mmmm   | halves 0 1            | smlad   | spOrPc dnm, sp a
SMUSDX T1  | 1111 1011 0100 nnnn 1111 dddd 0001 mmmm   | halves 0 1            | smlsd   | spOrPc dnm
SMLSDX T1  | 1111 1011 0100 nnnn aaaa dddd 0001 mmmm   | halves 0 1            | smlsd   | spOrPc dnm, sp a
SMLALDX T1 | 1111 1011 1100 nnnn llll hhhh 1101 mmmm   | longHalves 0 1        | smlald  | spOrPc lhnm, same l h
SMLSLDX T1 | 1111 1011 1101 nnnn llll hhhh 1101 mmmm   | longHalves 0 1        | smlsld  | spOrPc lhnm, same l h
SMMUL T1   | 1111 1011 0101 nnnn 1111 dddd 0000 mmmm   | mostSignificant false | smmla   | spOrPc dnm
SMMLA T1   | 1111 1011 0101 nnnn aaaa dddd 0000 mmmm   | mostSignificant false | smmla   | spOrPc dnm, sp a
SMMLS T1   | 1111 1011 0110 nnnn aaaa dddd 0000 mmmm   | mostSignificant false | smmls   | spOrPc dnma
SMMULR T1  | 1111 1011 0101 nnnn 1111 dddd 0001 mmmm   | mostSignificant true  | smmla   | spOrPc dnm
SMMLAR T1  | 1111 1011 0101 nnnn aaaa dddd 0001 mmmm   | mostSignificant true  | smmla   | spOrPc dnm, sp a
SMMLSR T1  | 1111 1011 0110 nnnn aaaa dddd 0001 mmmm   | mostSignificant true  | smmls   | spOrPc dnma
USAD8 T1   | 1111 1011 0111 nnnn 1111 dddd 0000 mmmm   | fourRegisters         | usada8  | spOrPc dnm
USADA8 T1  | 1111 1011 0111 nnnn aaaa dddd 0000 mmmm   | fourRegisters         | usada8  | spOrPc dnm, sp a
SMULL T1   | 1111 1011 1000 nnnn llll hhhh 0000 mmmm   | longMultiply          | smull   | spOrPc lhnm, same l h
UMULL T1   | 1111 1011 1010 nnnn llll hhhh 0000 mmmm   | longMultiply          | umull   | spOrPc lhnm, same l h
SMLAL T1   | 1111 1011 1100 nnnn llll hhhh 0000 mmmm   | longMultiply          | smlal   | spOrPc lhnm, same l h
UMLAL T1   | 1111 1011 1110 nnnn llll hhhh 0000 mmmm   | longMultiply          | umlal   | spOrPc lhnm, same l h
UMAAL T1   | 1111 1011 1110 nnnn llll hhhh 0110 mmmm   | longMultiply          | umaal   | spOrPc lhnm, same l h
SDIV T1    | 1111 1011 1001 nnnn (1111) dddd 1111 mmmm | multiply              | sdiv    | spOrPc dnm
UDIV T1    | 1111 1011 1011 nnnn (1111) dddd 1111 mmmm | multiply              | udiv    | spOrPc dnm
`;

/** A6.3.12 to A6.3.15. */
const MEDIA = `
SADD16 T1  | 1111 1010 1001 nnnn 1111 dddd 0000 mmmm     | threeRegisters        | parallel s add16  | spOrPc dnm
SASX T1    | 1111 1010 1010 nnnn 1111 dddd 0000 mmmm     | threeRegisters        | parallel s asx    | spOrPc dnm
SSAX T1    | 1111 1010 1110 nnnn 1111 dddd 0000 mmmm     | threeRegisters        | parallel s sax    | spOrPc dnm
SSUB16 T1  | 1111 1010 1101 nnnn 1111 dddd 0000 mmmm     | threeRegisters        | parallel s sub16  | spOrPc dnm
SADD8 T1   | 1111 1010 1000 nnnn 1111 dddd 0000 mmmm     | threeRegisters        | parallel s add8   | spOrPc dnm
SSUB8 T1   | 1111 1010 1100 nnnn 1111 dddd 0000 mmmm     | threeRegisters        | parallel s sub8   | spOrPc dnm
QADD16 T1  | 1111 1010 1001 nnnn 1111 dddd 0001 mmmm     | threeRegisters        | parallel q add16  | spOrPc dnm
QASX T1    | 1111 1010 1010 nnnn 1111 dddd 0001 mmmm     | threeRegisters        | parallel q asx    | spOrPc dnm
QSAX T1    | 1111 1010 1110 nnnn 1111 dddd 0001 mmmm     | threeRegisters        | parallel q sax    | spOrPc dnm
QSUB16 T1  | 1111 1010 1101 nnnn 1111 dddd 0001 mmmm     | threeRegisters        | parallel q sub16  | spOrPc dnm
QADD8 T1   | 1111 1010 1000 nnnn 1111 dddd 0001 mmmm     | threeRegisters        | parallel q add8   | spOrPc dnm
QSUB8 T1   | 1111 1010 1100 nnnn 1111 dddd 0001 mmmm     | threeRegisters        | parallel q sub8   | spOrPc dnm
SHADD16 T1 | 1111 1010 1001 nnnn 1111 dddd 0010 mmmm     | threeRegisters        | parallel sh add16 | spOrPc dnm
SHASX T1   | 1111 1010 1010 nnnn 1111 dddd 0010 mmmm     | threeRegisters        | parallel sh asx   | spOrPc dnm
SHSAX T1   | 1111 1010 1110 nnnn 1111 dddd 0010 mmmm     | threeRegisters        | parallel sh sax   | spOrPc dnm
SHSUB16 T1 | 1111 1010 1101 nnnn 1111 dddd 0010 mmmm     | threeRegisters        | parallel sh sub16 | spOrPc dnm
SHADD8 T1  | 1111 1010 1000 nnnn 1111 dddd 0010 mmmm     | threeRegisters        | parallel sh add8  | spOrPc dnm
SHSUB8 T1  | 1111 1010 1100 nnnn 1111 dddd 0010 mmmm     | threeRegisters        | parallel sh sub8  | spOrPc dnm
UADD16 T1  | 1111 1010 1001 nnnn 1111 dddd 0100 mmmm     | threeRegisters        | parallel u add16  | spOrPc dnm
UASX T1    | 1111 1010 1010 nnnn 1111 dddd 0100 mmmm     | threeRegisters        | parallel u asx    | spOrPc dnm
USAX T1    | 1111 1010 1110 nnnn 1111 dddd 0100 mmmm     | threeRegisters        | parallel u sax    | spOrPc dnm
USUB16 T1  | 1111 1010 1101 nnnn 1111 dddd 0100 mmmm     | threeRegisters        | parallel u sub16  | spOrPc dnm
UADD8 T1   | 1111 1010 1000 nnnn 1111 dddd 0100 mmmm     | threeRegisters        | parallel u add8   | spOrPc dnm
USUB8 T1   | 1111 1010 1100 nnnn 1111 dddd 0100 mmmm     | threeRegisters        | parallel u sub8   | spOrPc dnm
UQADD16 T1 | 1111 1010 1001 nnnn 1111 dddd 0101 mmmm     | threeRegisters        | parallel uq add16 | spOrPc dnm
UQASX T1   | 1111 1010 1010 nnnn 1111 dddd 0101 mmmm     | threeRegisters        | parallel uq asx   | spOrPc dnm
UQSAX T1   | 1111 1010 1110 nnnn 1111 dddd 0101 mmmm     | threeRegisters        | parallel uq sax   | spOrPc dnm
UQSUB16 T1 | 1111 1010 1101 nnnn 1111 dddd 0101 mmmm     | threeRegisters        | parallel uq sub16 | spOrPc dnm
UQADD8 T1  | 1111 1010 1000 nnnn 1111 dddd 0101 mmmm     | threeRegisters        | parallel uq add8  | spOrPc dnm
UQSUB8 T1  | 1111 1010 1100 nnnn 1111 dddd 0101 mmmm     | threeRegisters        | parallel uq sub8  | spOrPc dnm
UHADD16 T1 | 1111 1010 1001 nnnn 1111 dddd 0110 mmmm     | threeRegisters        | parallel uh add16 | spOrPc dnm
UHASX T1   | 1111 1010 1010 nnnn 1111 dddd 0110 mmmm     | threeRegisters        | parallel uh asx   | spOrPc dnm
UHSAX T1   | 1111 1010 1110 nnnn 1111 dddd 0110 mmmm     | threeRegisters        | parallel uh sax   | spOrPc dnm
UHSUB16 T1 | 1111 1010 1101 nnnn 1111 dddd 0110 mmmm     | threeRegisters        | parallel uh sub16 | spOrPc dnm
UHADD8 T1  | 1111 1010 1000 nnnn 1111 dddd 0110 mmmm     | threeRegisters        | parallel uh add8  | spOrPc dnm
UHSUB8 T1  | 1111 1010 1100 nnnn 1111 dddd 0110 mmmm     | threeRegisters        | parallel uh sub8  | spOrPc dnm
SXTH T2    | 1111 1010 0000 1111 1111 dddd 1(0)rr mmmm   | extend                | sxth              | spOrPc dm
SXTAH T1   | 1111 1010 0000 nnnn 1111 dddd 1(0)rr mmmm   | extend                | sxth              | spOrPc dm, sp n
UXTH T2    | 1111 1010 0001 1111 1111 dddd 1(0)rr mmmm   | extend                | uxth              | spOrPc dm
UXTAH T1   | 1111 1010 0001 nnnn 1111 dddd 1(0)rr mmmm   | extend                | uxth              | spOrPc dm, sp n
SXTB16 T1  | 1111 1010 0010 1111 1111 dddd 1(0)rr mmmm   | extend                | sxtb16            | spOrPc dm
SXTAB16 T1 | 1111 1010 0010 nnnn 1111 dddd 1(0)rr mmmm   | extend                | sxtb16            | spOrPc dm, sp n
UXTB16 T1  | 1111 1010 0011 1111 1111 dddd 1(0)rr mmmm   | extend                | uxtb16            | spOrPc dm
UXTAB16 T1 | 1111 1010 0011 nnnn 1111 dddd 1(0)rr mmmm   | extend                | uxtb16            | spOrPc dm, sp n
SXTB T2    | 1111 1010 0100 1111 1111 dddd 1(0)rr mmmm   | extend                | sxtb              | spOrPc dm
SXTAB T1   | 1111 1010 0100 nnnn 1111 dddd 1(0)rr mmmm   | extend                | sxtb              | spOrPc dm, sp n
UXTB T2    | 1111 1010 0101 1111 1111 dddd 1(0)rr mmmm   | extend                | uxtb              | spOrPc dm
UXTAB T1   | 1111 1010 0101 nnnn 1111 dddd 1(0)rr mmmm   | extend                | uxtb              | spOrPc dm, sp n
QADD T1    | 1111 1010 1000 nnnn 1111 dddd 1000 mmmm     | threeRegistersSwapped | qadd              | spOrPc dnm
QDADD T1   | 1111 1010 1000 nnnn 1111 dddd 1001 mmmm     | threeRegistersSwapped | qdadd             | spOrPc dnm
QSUB T1    | 1111 1010 1000 nnnn 1111 dddd 1010 mmmm     | threeRegistersSwapped | qsub              | spOrPc dnm
QDSUB T1   | 1111 1010 1000 nnnn 1111 dddd 1011 mmmm     | threeRegistersSwapped | qdsub             | spOrPc dnm
REV T2     | 1111 1010 1001 kkkk 1111 dddd 1000 mmmm     | twoRegisters          | rev               | spOrPc dm, differ k m
REV16 T2   | 1111 1010 1001 kkkk 1111 dddd 1001 mmmm     | twoRegisters          | rev16             | spOrPc dm, differ k m
RBIT T1    | 1111 1010 1001 kkkk 1111 dddd 1010 mmmm     | twoRegisters          | rbit              | spOrPc dm, differ k m
REVSH T2   | 1111 1010 1001 kkkk 1111 dddd 1011 mmmm     | twoRegisters          | revsh             | spOrPc dm, differ k m
CLZ T1     | 1111 1010 1011 kkkk 1111 dddd 1000 mmmm     | twoRegisters          | clz               | spOrPc dm, differ k m
SEL T1     | 1111 1010 1010 nnnn 1111 dddd 1000 mmmm     | threeRegisters        | sel               | spOrPc dnm
PKHBT T1   | 1110 1010 1100 nnnn (0)iii dddd ii00 mmmm   | packBottom            | pkhbt             | spOrPc dnm
PKHTB T1   | 1110 1010 1100 nnnn (0)iii dddd ii10 mmmm   | packTop               | pkhtb             | spOrPc dnm
SSAT T1    | 1111 0(0)11 00y0 nnnn 0iii dddd ii(0)w wwww | saturateSigned        | ssat              | spOrPc dn
SSAT16 T1  | 1111 0(0)11 0010 nnnn 0000 dddd 00(00) wwww | saturateSigned        | ssat16            | spOrPc dn
SBFX T1    | 1111 0(0)11 0100 nnnn 0iii dddd ii(0)w wwww | bitFieldExtract       | sbfx              | spOrPc dn, badExtract
BFC T1     | 1111 0(0)11 0110 1111 0iii dddd ii(0)w wwww | bitFieldClear         | bfc               | spOrPc d, badInsert
BFI T1     | 1111 0(0)11 0110 nnnn 0iii dddd ii(0)w wwww | bitFieldInsert        | bfi               | spOrPc d, badInsert, sp n
USAT T1    | 1111 0(0)11 10y0 nnnn 0iii dddd ii(0)w wwww | saturateUnsigned      | usat              | spOrPc dn
USAT16 T1  | 1111 0(0)11 1010 nnnn 0000 dddd 00(00) wwww | saturateUnsigned      | usat16            | spOrPc dn
UBFX T1    | 1111 0(0)11 1100 nnnn 0iii dddd ii(0)w wwww | bitFieldExtract       | ubfx              | spOrPc dn, badExtract
`;

/** A6.3.5 to A6.3.10. */
const TRANSFERS = `
STRB (immediate) T2                | 1111 1000 1000 nnnn tttt iiii iiii iiii     | offsetImmediate                | strb   | spOrPc t
STRB (immediate) T3                | 1111 1000 0000 nnnn tttt 1PUW iiii iiii     | offsetImmediate                | strb   | spOrPc t, baseWriteBack
STRBT T1                           | 1111 1000 0000 nnnn tttt 1110 iiii iiii     | offsetImmediate                | strb   | spOrPc t
STRB (register) T2                 | 1111 1000 0000 nnnn tttt 0000 00ii mmmm     | offsetRegister                 | strb   | spOrPc t, spOrPc m
LDRB (immediate) T2                | 1111 1000 1001 nnnn tttt iiii iiii iiii     | offsetImmediate {notPc}        | ldrb   | spOrPc t
LDRB (immediate) T3                | 1111 1000 0001 nnnn tttt 1PUW iiii iiii     | offsetImmediate {notPc}        | ldrb   | spOrPc t, baseWriteBack
LDRBT T1                           | 1111 1000 0001 nnnn tttt 1110 iiii iiii     | offsetImmediate {notPc}        | ldrb   | spOrPc t
LDRB (register) T2                 | 1111 1000 0001 nnnn tttt 0000 00ii mmmm     | offsetRegister {notPc}         | ldrb   | spOrPc t, spOrPc m
LDRB (literal) T1                  | 1111 1000 U001 1111 tttt iiii iiii iiii     | offsetImmediate {n=15 notPc}   | ldrb   | spOrPc t
STRH (immediate) T2                | 1111 1000 1010 nnnn tttt iiii iiii iiii     | offsetImmediate                | strh   | spOrPc t
STRH (immediate) T3                | 1111 1000 0010 nnnn tttt 1PUW iiii iiii     | offsetImmediate                | strh   | spOrPc t, baseWriteBack
STRHT T1                           | 1111 1000 0010 nnnn tttt 1110 iiii iiii     | offsetImmediate                | strh   | spOrPc t
STRH (register) T2                 | 1111 1000 0010 nnnn tttt 0000 00ii mmmm     | offsetRegister                 | strh   | spOrPc t, spOrPc m
LDRH (immediate) T2                | 1111 1000 1011 nnnn tttt iiii iiii iiii     | offsetImmediate {notPc}        | ldrh   | spOrPc t
LDRH (immediate) T3                | 1111 1000 0011 nnnn tttt 1PUW iiii iiii     | offsetImmediate {notPc}        | ldrh   | spOrPc t, baseWriteBack
LDRHT T1                           | 1111 1000 0011 nnnn tttt 1110 iiii iiii     | offsetImmediate {notPc}        | ldrh   | spOrPc t
LDRH (register) T2                 | 1111 1000 0011 nnnn tttt 0000 00ii mmmm     | offsetRegister {notPc}         | ldrh   | spOrPc t, spOrPc m
LDRH (literal) T1                  | 1111 1000 U011 1111 tttt iiii iiii iiii     | offsetImmediate {n=15 notPc}   | ldrh   | spOrPc t
STR (immediate) T3                 | 1111 1000 1100 nnnn tttt iiii iiii iiii     | offsetImmediate                | str    | pc t
STR (immediate) T4                 | 1111 1000 0100 nnnn tttt 1PUW iiii iiii     | offsetImmediate                | str    | pc t, baseWriteBack
STRT T1                            | 1111 1000 0100 nnnn tttt 1110 iiii iiii     | offsetImmediate                | str    | spOrPc t
STR (register) T2                  | 1111 1000 0100 nnnn tttt 0000 00ii mmmm     | offsetRegister                 | str    | pc t, spOrPc m
LDR (immediate) T3                 | 1111 1000 1101 nnnn tttt iiii iiii iiii     | offsetImmediate                | ldr    | loadsPc
LDR (immediate) T4                 | 1111 1000 0101 nnnn tttt 1PUW iiii iiii     | offsetImmediate                | ldr    | loadsPc, baseWriteBack
LDRT T1                            | 1111 1000 0101 nnnn tttt 1110 iiii iiii     | offsetImmediate                | ldr    | spOrPc t
LDR (register) T2                  | 1111 1000 0101 nnnn tttt 0000 00ii mmmm     | offsetRegister                 | ldr    | loadsPc, spOrPc m
LDR (literal) T2                   | 1111 1000 U101 1111 tttt iiii iiii iiii     | offsetImmediate {n=15}         | ldr    | loadsPc
LDRSB (immediate) T1               | 1111 1001 1001 nnnn tttt iiii iiii iiii     | offsetImmediate {notPc}        | ldrsb  | spOrPc t
LDRSB (immediate) T2               | 1111 1001 0001 nnnn tttt 1PUW iiii iiii     | offsetImmediate {notPc}        | ldrsb  | spOrPc t, baseWriteBack
LDRSBT T1                          | 1111 1001 0001 nnnn tttt 1110 iiii iiii     | offsetImmediate {notPc}        | ldrsb  | spOrPc t
LDRSB (register) T2                | 1111 1001 0001 nnnn tttt 0000 00ii mmmm     | offsetRegister {notPc}         | ldrsb  | spOrPc t, spOrPc m
LDRSB (literal) T1                 | 1111 1001 U001 1111 tttt iiii iiii iiii     | offsetImmediate {n=15 notPc}   | ldrsb  | spOrPc t
LDRSH (immediate) T1               | 1111 1001 1011 nnnn tttt iiii iiii iiii     | offsetImmediate {notPc}        | ldrsh  | spOrPc t
LDRSH (immediate) T2               | 1111 1001 0011 nnnn tttt 1PUW iiii iiii     | offsetImmediate {notPc}        | ldrsh  | spOrPc t, baseWriteBack
LDRSHT T1                          | 1111 1001 0011 nnnn tttt 1110 iiii iiii     | offsetImmediate {notPc}        | ldrsh  | spOrPc t
LDRSH (register) T2                | 1111 1001 0011 nnnn tttt 0000 00ii mmmm     | offsetRegister {notPc}         | ldrsh  | spOrPc t, spOrPc m
LDRSH (literal) T1                 | 1111 1001 U011 1111 tttt iiii iiii iiii     | offsetImmediate {n=15 notPc}   | ldrsh  | spOrPc t
POP T3                             | 1111 1000 0101 1101 tttt 1011 0000 0100     | stackSingle false              | ldr    | loadsPc, sp t
PUSH T3                            | 1111 1000 0100 1101 tttt 1101 0000 0100     | stackSingle true               | str    | spOrPc t
PLD (immediate) T1                 | 1111 1000 1001 nnnn 1111 iiii iiii iiii     | preload (offsetImmediate)        | nop
PLD (immediate) T2                 | 1111 1000 0001 nnnn 1111 1100 iiii iiii     | preload (offsetNegative)         | nop
PLD (register) T1                  | 1111 1000 0001 nnnn 1111 0000 00ii mmmm     | preload (offsetRegister)         | nop    | spOrPc m
PLDW (immediate) T1                | 1111 1000 1011 nnnn 1111 iiii iiii iiii     | preload (offsetImmediate)        | nop
PLDW (immediate) T2                | 1111 1000 0011 nnnn 1111 1100 iiii iiii     | preload (offsetNegative)         | nop
PLDW (register) T1                 | 1111 1000 0011 nnnn 1111 0000 00ii mmmm     | preload (offsetRegister)         | nop    | spOrPc m
PLI (immediate) T1                 | 1111 1001 1001 nnnn 1111 iiii iiii iiii     | preload (offsetImmediate)        | nop
PLI (immediate) T2                 | 1111 1001 0001 nnnn 1111 1100 iiii iiii     | preload (offsetNegative)         | nop
PLI (register) T1                  | 1111 1001 0001 nnnn 1111 0000 00ii mmmm     | preload (offsetRegister)         | nop    | spOrPc m
Unallocated memory hint (immediate) T1 =hint | 1111 1001 1011 nnnn 1111 iiii iiii iiii     | preload (offsetImmediate)        | nop
Unallocated memory hint (immediate) T2 =hint | 1111 1001 0011 nnnn 1111 1100 iiii iiii     | preload (offsetNegative)         | nop
Unallocated memory hint (register) T1 =hint | 1111 1001 0011 nnnn 1111 0000 00ii mmmm     | preload (offsetRegister)         | nop    | spOrPc m
PLD (literal) T1                   | 1111 1000 U0(0)1 1111 1111 iiii iiii iiii   | preload (offsetImmediate {n=15}) | nop
PLI (literal) T3                   | 1111 1001 U001 1111 1111 iiii iiii iiii     | preload (offsetImmediate {n=15}) | nop
Unallocated memory hint (literal) T1 =hint | 1111 1001 U011 1111 1111 iiii iiii iiii     | preload (offsetImmediate {n=15}) | nop
LDRD (immediate) T1                | 1110 100P U1W1 nnnn tttt uuuu iiii iiii     | offsetImmediate {pair scale=4} | ldrd   | spOrPc tu, pairIsBase, same t u, pcWriteBack
STRD (immediate) T1                | 1110 100P U1W0 nnnn tttt uuuu iiii iiii     | offsetImmediate {pair scale=4} | strd   | spOrPc tu, pairIsBase, pc n
LDM T2 =ldmia                      | 1110 1000 10W1 nnnn rrrr rrrr rrrr rrrr     | block ia                       | ldm    | badLoadBlock
LDMDB T1                           | 1110 1001 00W1 nnnn rrrr rrrr rrrr rrrr     | block db                       | ldm    | badLoadBlock
STM T2 =stmia                      | 1110 1000 10W0 nnnn rrrr rrrr rrrr rrrr     | block ia                       | stm    | badStoreBlock
STMDB T1                           | 1110 1001 00W0 nnnn rrrr rrrr rrrr rrrr     | block db                       | stm    | badStoreBlock
POP T2                             | 1110 1000 1011 1101 rrrr rrrr rrrr rrrr     | block ia {n=13 wback stack}    | ldm    | badLoadBlock
PUSH T2                            | 1110 1001 0010 1101 rrrr rrrr rrrr rrrr     | block db {n=13 wback stack}    | stm    | badStoreBlock
STREX T1                           | 1110 1000 0100 nnnn tttt dddd iiii iiii     | storeExclusive                 | strex  | spOrPc dt, pc n, same d nt
LDREX T1                           | 1110 1000 0101 nnnn tttt (1111) iiii iiii   | loadExclusive                  | ldrex  | spOrPc t, pc n
STREXB T1                          | 1110 1000 1100 nnnn tttt (1111) 0100 dddd   | storeExclusive                 | strexb | spOrPc dt, pc n, same d nt
STREXH T1                          | 1110 1000 1100 nnnn tttt (1111) 0101 dddd   | storeExclusive                 | strexh | spOrPc dt, pc n, same d nt
STREXD T1                          | 1110 1000 1100 nnnn tttt uuuu 0111 dddd     | storeExclusivePair             | strexd | spOrPc dtu, pc n, same d ntu
LDREXB T1                          | 1110 1000 1101 nnnn tttt (1111) 0100 (1111) | loadExclusive                  | ldrexb | spOrPc t, pc n
LDREXH T1                          | 1110 1000 1101 nnnn tttt (1111) 0101 (1111) | loadExclusive                  | ldrexh | spOrPc t, pc n
LDREXD T1                          | 1110 1000 1101 nnnn tttt uuuu 0111 (1111)   | loadExclusivePair              | ldrexd | spOrPc tu, pc n, same t u
`;

/** A6.3.4, A6.3.6, A6.3.18. */
const CONTROL = `
B T3                     | 1111 0Scc ccii iiii 10j0 kiii iiii iiii      | branchT32Conditional | b             | inIT
B T4                     | 1111 0Sii iiii iiii 10j1 kiii iiii iiii      | branchT32            | b             | notLastInIT
BL T1                    | 1111 0Sii iiii iiii 11j1 kiii iiii iiii      | branchT32            | bl            | notLastInIT
BLX (immediate) T2       | 1111 0Sii iiii iiii 11j0 kiii iiii iiii      | branchT32ToArm       | bl            | notLastInIT
BXJ T1                   | 1111 0011 1100 mmmm 10(0)0 (1111) (0000) (0000) | branchRegister       | bx            | spOrPc m, notLastInIT
TBB T1                   | 1110 1000 1101 nnnn (1111) (0000) 0000 mmmm  | tableBranch false    | tbb           | spOrPc m, sp n, notLastInIT
TBH T1                   | 1110 1000 1101 nnnn (1111) (0000) 0001 mmmm  | tableBranch true     | tbh           | spOrPc m, sp n, notLastInIT
UDF T2                   | 1111 0111 1111 iiii 1010 iiii iiii iiii      | immediate            | udf
MRS T1                   | 1111 0011 1110 (1111) 10(0)0 dddd (00)0(0) (0000) | readStatus           | mrs           | spOrPc d
MSR (register) T1        | 1111 0011 1000 nnnn 10(0)0 kkkk (00)0(0) (0000) | writeStatus          | msr           | noMask, spOrPc n
CPS T2                   | 1111 0011 1010 (1111) 10(0)0 (0)ppM iiik kkkk | changeState          | nop           | badChangeT32, inIT
NOP T2                   | 1111 0011 1010 (1111) 10(0)0 (0)000 0000 0000 | none                 | nop
YIELD T2                 | 1111 0011 1010 (1111) 10(0)0 (0)000 0000 0001 | none                 | yieldHint
WFE T2                   | 1111 0011 1010 (1111) 10(0)0 (0)000 0000 0010 | none                 | yieldHint
WFI T2                   | 1111 0011 1010 (1111) 10(0)0 (0)000 0000 0011 | none                 | yieldHint
SEV T2                   | 1111 0011 1010 (1111) 10(0)0 (0)000 0000 0100 | none                 | nop
DBG T1                   | 1111 0011 1010 (1111) 10(0)0 (0)000 1111 iiii | immediate            | nop
Unallocated hint T2 =nop | 1111 0011 1010 (1111) 10(0)0 (0)000 iiii iiii | hintNumber           | nop
CLREX T1                 | 1111 0011 1011 (1111) 10(0)0 (1111) 0010 (1111) | none                 | clrex
DSB T1                   | 1111 0011 1011 (1111) 10(0)0 (1111) 0100 iiii | barrier              | nop
DMB T1                   | 1111 0011 1011 (1111) 10(0)0 (1111) 0101 iiii | barrier              | nop
ISB T1                   | 1111 0011 1011 (1111) 10(0)0 (1111) 0110 iiii | instructionBarrier   | isb
`;

const arithmetic = { ...mul, ...media, ...signed, parallel, usada8 };
const { nop } = system;

export const t32Rows: Row[] = [
  ...rowsOf(DATA, ofOneIsa, { shapes: dataShapes, ops: data, predicates }),
  ...rowsOf(MULTIPLY + MEDIA, ofOneIsa, { shapes: multiplyShapes, ops: arithmetic, predicates }),
  ...rowsOf(TRANSFERS, ofOneIsa, {
    shapes: transferShapes,
    ops: { ...transfer, ...block, ...exclusive, nop },
    predicates,
  }),
  ...rowsOf(CONTROL, ofOneIsa, {
    shapes: controlShapes,
    ops: { ...branch, ...system, clrex: exclusive.clrex },
    predicates,
  }),
];
