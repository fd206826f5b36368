/**
 * The A32 encodings (ARM ARM A5) but for floating point and Advanced SIMD, in the form of table.ts.
 *
 * ADR is ADD or SUB (immediate) with Rn = PC, whose value is word aligned here; literal loads are those with Rn = PC. Without
 * rows, so UNDEFINED: what User mode cannot do (RFE, SRS, SMC, HVC, ERET, banked MRS and MSR, SPSR) and every other coprocessor
 * access.
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

/** A5.2.1 to A5.2.4. */
const DATA = `
AND (immediate) A1                 | cccc 0010 000S nnnn dddd iiii iiii iiii   | immediate dn S @armExpandImm    | and  | exceptionReturn
AND (register) A1                  | cccc 0000 000S nnnn dddd iiii iyy0 mmmm   | shifted dn S                   | and  | exceptionReturn
AND (register-shifted register) A1 | cccc 0000 000S nnnn dddd ssss 0yy1 mmmm   | registerShifted dn             | and  | pc dnms
EOR (immediate) A1                 | cccc 0010 001S nnnn dddd iiii iiii iiii   | immediate dn S @armExpandImm    | eor  | exceptionReturn
EOR (register) A1                  | cccc 0000 001S nnnn dddd iiii iyy0 mmmm   | shifted dn S                   | eor  | exceptionReturn
EOR (register-shifted register) A1 | cccc 0000 001S nnnn dddd ssss 0yy1 mmmm   | registerShifted dn             | eor  | pc dnms
SUB (immediate) A1                 | cccc 0010 010S nnnn dddd iiii iiii iiii   | immediate dn S @armExpandImm    | sub  | exceptionReturn
SUB (register) A1                  | cccc 0000 010S nnnn dddd iiii iyy0 mmmm   | shifted dn S                   | sub  | exceptionReturn
SUB (register-shifted register) A1 | cccc 0000 010S nnnn dddd ssss 0yy1 mmmm   | registerShifted dn             | sub  | pc dnms
RSB (immediate) A1                 | cccc 0010 011S nnnn dddd iiii iiii iiii   | immediate dn S @armExpandImm    | rsb  | exceptionReturn
RSB (register) A1                  | cccc 0000 011S nnnn dddd iiii iyy0 mmmm   | shifted dn S                   | rsb  | exceptionReturn
RSB (register-shifted register) A1 | cccc 0000 011S nnnn dddd ssss 0yy1 mmmm   | registerShifted dn             | rsb  | pc dnms
ADD (immediate) A1                 | cccc 0010 100S nnnn dddd iiii iiii iiii   | immediate dn S @armExpandImm    | add  | exceptionReturn
ADD (register) A1                  | cccc 0000 100S nnnn dddd iiii iyy0 mmmm   | shifted dn S                   | add  | exceptionReturn
ADD (register-shifted register) A1 | cccc 0000 100S nnnn dddd ssss 0yy1 mmmm   | registerShifted dn             | add  | pc dnms
ADC (immediate) A1                 | cccc 0010 101S nnnn dddd iiii iiii iiii   | immediate dn S @armExpandImm    | adc  | exceptionReturn
ADC (register) A1                  | cccc 0000 101S nnnn dddd iiii iyy0 mmmm   | shifted dn S                   | adc  | exceptionReturn
ADC (register-shifted register) A1 | cccc 0000 101S nnnn dddd ssss 0yy1 mmmm   | registerShifted dn             | adc  | pc dnms
SBC (immediate) A1                 | cccc 0010 110S nnnn dddd iiii iiii iiii   | immediate dn S @armExpandImm    | sbc  | exceptionReturn
SBC (register) A1                  | cccc 0000 110S nnnn dddd iiii iyy0 mmmm   | shifted dn S                   | sbc  | exceptionReturn
SBC (register-shifted register) A1 | cccc 0000 110S nnnn dddd ssss 0yy1 mmmm   | registerShifted dn             | sbc  | pc dnms
RSC (immediate) A1                 | cccc 0010 111S nnnn dddd iiii iiii iiii   | immediate dn S @armExpandImm    | rsc  | exceptionReturn
RSC (register) A1                  | cccc 0000 111S nnnn dddd iiii iyy0 mmmm   | shifted dn S                   | rsc  | exceptionReturn
RSC (register-shifted register) A1 | cccc 0000 111S nnnn dddd ssss 0yy1 mmmm   | registerShifted dn             | rsc  | pc dnms
TST (immediate) A1                 | cccc 0011 0001 nnnn (0000) iiii iiii iiii | immediate n always @armExpandImm | tst  | exceptionReturn
TST (register) A1                  | cccc 0001 0001 nnnn (0000) iiii iyy0 mmmm | shifted n always               | tst  | exceptionReturn
TST (register-shifted register) A1 | cccc 0001 0001 nnnn (0000) ssss 0yy1 mmmm | registerShifted n              | tst  | pc dnms
TEQ (immediate) A1                 | cccc 0011 0011 nnnn (0000) iiii iiii iiii | immediate n always @armExpandImm | teq  | exceptionReturn
TEQ (register) A1                  | cccc 0001 0011 nnnn (0000) iiii iyy0 mmmm | shifted n always               | teq  | exceptionReturn
TEQ (register-shifted register) A1 | cccc 0001 0011 nnnn (0000) ssss 0yy1 mmmm | registerShifted n              | teq  | pc dnms
CMP (immediate) A1                 | cccc 0011 0101 nnnn (0000) iiii iiii iiii | immediate n always @armExpandImm | cmp  | exceptionReturn
CMP (register) A1                  | cccc 0001 0101 nnnn (0000) iiii iyy0 mmmm | shifted n always               | cmp  | exceptionReturn
CMP (register-shifted register) A1 | cccc 0001 0101 nnnn (0000) ssss 0yy1 mmmm | registerShifted n              | cmp  | pc dnms
CMN (immediate) A1                 | cccc 0011 0111 nnnn (0000) iiii iiii iiii | immediate n always @armExpandImm | cmn  | exceptionReturn
CMN (register) A1                  | cccc 0001 0111 nnnn (0000) iiii iyy0 mmmm | shifted n always               | cmn  | exceptionReturn
CMN (register-shifted register) A1 | cccc 0001 0111 nnnn (0000) ssss 0yy1 mmmm | registerShifted n              | cmn  | pc dnms
ORR (immediate) A1                 | cccc 0011 100S nnnn dddd iiii iiii iiii   | immediate dn S @armExpandImm    | orr  | exceptionReturn
ORR (register) A1                  | cccc 0001 100S nnnn dddd iiii iyy0 mmmm   | shifted dn S                   | orr  | exceptionReturn
ORR (register-shifted register) A1 | cccc 0001 100S nnnn dddd ssss 0yy1 mmmm   | registerShifted dn             | orr  | pc dnms
MOV (immediate) A1                 | cccc 0011 101S (0000) dddd iiii iiii iiii | immediate d S @armExpandImm     | mov  | exceptionReturn
BIC (immediate) A1                 | cccc 0011 110S nnnn dddd iiii iiii iiii   | immediate dn S @armExpandImm    | bic  | exceptionReturn
BIC (register) A1                  | cccc 0001 110S nnnn dddd iiii iyy0 mmmm   | shifted dn S                   | bic  | exceptionReturn
BIC (register-shifted register) A1 | cccc 0001 110S nnnn dddd ssss 0yy1 mmmm   | registerShifted dn             | bic  | pc dnms
MVN (immediate) A1                 | cccc 0011 111S (0000) dddd iiii iiii iiii | immediate d S @armExpandImm     | mvn  | exceptionReturn
MVN (register) A1                  | cccc 0001 111S (0000) dddd iiii iyy0 mmmm | shifted d S                    | mvn  | exceptionReturn
MVN (register-shifted register) A1 | cccc 0001 111S (0000) dddd ssss 0yy1 mmmm | registerShifted d              | mvn  | pc dnms
MOV (immediate) A2 =movw           | cccc 0011 0000 jjjj dddd iiii iiii iiii   | immediate16                    | mov  | pc d
MOVT A1                            | cccc 0011 0100 jjjj dddd iiii iiii iiii   | immediate16                    | movt | pc d
MOV (register) A1                  | cccc 0001 101S (0000) dddd 0000 0000 mmmm | shifted d S                    | mov  | exceptionReturn
LSL (immediate) A1                 | cccc 0001 101S (0000) dddd iiii i000 mmmm | shiftMove S 0                  | mov  | exceptionReturn
LSR (immediate) A1                 | cccc 0001 101S (0000) dddd iiii i010 mmmm | shiftMove S 1                  | mov  | exceptionReturn
ASR (immediate) A1                 | cccc 0001 101S (0000) dddd iiii i100 mmmm | shiftMove S 2                  | mov  | exceptionReturn
RRX A1                             | cccc 0001 101S (0000) dddd 0000 0110 mmmm | shiftMove S 4                  | mov  | exceptionReturn
ROR (immediate) A1                 | cccc 0001 101S (0000) dddd iiii i110 mmmm | shiftMove S 3                  | mov  | exceptionReturn
LSL (register) A1                  | cccc 0001 101S (0000) dddd mmmm 0001 nnnn | shiftByRegister S 0            | mov  | pc dnm
LSR (register) A1                  | cccc 0001 101S (0000) dddd mmmm 0011 nnnn | shiftByRegister S 1            | mov  | pc dnm
ASR (register) A1                  | cccc 0001 101S (0000) dddd mmmm 0101 nnnn | shiftByRegister S 2            | mov  | pc dnm
ROR (register) A1                  | cccc 0001 101S (0000) dddd mmmm 0111 nnnn | shiftByRegister S 3            | mov  | pc dnm
`;

/** A5.2.5 to A5.2.7. */
const MULTIPLY = `
MUL A1     | cccc 0000 000S dddd (0000) mmmm 1001 nnnn | multiply              | mul     | pc dnm
MLA A1     | cccc 0000 001S dddd aaaa mmmm 1001 nnnn   | multiply              | mla     | pc dnma
UMAAL A1   | cccc 0000 0100 hhhh llll mmmm 1001 nnnn   | longMultiply          | umaal   | pc lhnm, same l h
MLS A1     | cccc 0000 0110 dddd aaaa mmmm 1001 nnnn   | multiply              | mls     | pc dnma
UMULL A1   | cccc 0000 100S hhhh llll mmmm 1001 nnnn   | longMultiply          | umull   | pc lhnm, same l h
UMLAL A1   | cccc 0000 101S hhhh llll mmmm 1001 nnnn   | longMultiply          | umlal   | pc lhnm, same l h
SMULL A1   | cccc 0000 110S hhhh llll mmmm 1001 nnnn   | longMultiply          | smull   | pc lhnm, same l h
SMLAL A1   | cccc 0000 111S hhhh llll mmmm 1001 nnnn   | longMultiply          | smlal   | pc lhnm, same l h
SDIV A1    | cccc 0111 0001 dddd (1111) mmmm 0001 nnnn | multiply              | sdiv    | pc dnm
UDIV A1    | cccc 0111 0011 dddd (1111) mmmm 0001 nnnn | multiply              | udiv    | pc dnm
QADD A1    | cccc 0001 0000 nnnn dddd (0000) 0101 mmmm | threeRegistersSwapped | qadd    | pc dnm
QSUB A1    | cccc 0001 0010 nnnn dddd (0000) 0101 mmmm | threeRegistersSwapped | qsub    | pc dnm
QDADD A1   | cccc 0001 0100 nnnn dddd (0000) 0101 mmmm | threeRegistersSwapped | qdadd   | pc dnm
QDSUB A1   | cccc 0001 0110 nnnn dddd (0000) 0101 mmmm | threeRegistersSwapped | qdsub   | pc dnm
SMLABB A1  | cccc 0001 0000 dddd aaaa mmmm 1000 nnnn   | halves 0 0            | smla    | pc dnma
SMULBB A1  | cccc 0001 0110 dddd (0000) mmmm 1000 nnnn | halves 0 0            | smla    | pc dnm
SMLALBB A1 | cccc 0001 0100 hhhh llll mmmm 1000 nnnn   | longHalves 0 0        | smlalxy | pc lhnm, same l h
SMLATB A1  | cccc 0001 0000 dddd aaaa mmmm 1010 nnnn   | halves 1 0            | smla    | pc dnma
SMULTB A1  | cccc 0001 0110 dddd (0000) mmmm 1010 nnnn | halves 1 0            | smla    | pc dnm
SMLALTB A1 | cccc 0001 0100 hhhh llll mmmm 1010 nnnn   | longHalves 1 0        | smlalxy | pc lhnm, same l h
SMLABT A1  | cccc 0001 0000 dddd aaaa mmmm 1100 nnnn   | halves 0 1            | smla    | pc dnma
SMULBT A1  | cccc 0001 0110 dddd (0000) mmmm 1100 nnnn | halves 0 1            | smla    | pc dnm
SMLALBT A1 | cccc 0001 0100 hhhh llll mmmm 1100 nnnn   | longHalves 0 1        | smlalxy | pc lhnm, same l h
SMLATT A1  | cccc 0001 0000 dddd aaaa mmmm 1110 nnnn   | halves 1 1            | smla    | pc dnma
SMULTT A1  | cccc 0001 0110 dddd (0000) mmmm 1110 nnnn | halves 1 1            | smla    | pc dnm
SMLALTT A1 | cccc 0001 0100 hhhh llll mmmm 1110 nnnn   | longHalves 1 1        | smlalxy | pc lhnm, same l h
SMLAWB A1  | cccc 0001 0010 dddd aaaa mmmm 1000 nnnn   | halves 0 0            | smlaw   | pc dnma
SMULWB A1  | cccc 0001 0010 dddd (0000) mmmm 1010 nnnn | halves 0 0            | smlaw   | pc dnm
SMLAWT A1  | cccc 0001 0010 dddd aaaa mmmm 1100 nnnn   | halves 0 1            | smlaw   | pc dnma
SMULWT A1  | cccc 0001 0010 dddd (0000) mmmm 1110 nnnn | halves 0 1            | smlaw   | pc dnm
SMUAD A1   | cccc 0111 0000 dddd 1111 mmmm 0001 nnnn   | halves 0 0            | smlad   | pc dnm
SMLAD A1   | cccc 0111 0000 dddd aaaa mmmm 0001 nnnn   | halves 0 0            | smlad   | pc dnm
SMUSD A1   | cccc 0111 0000 dddd 1111 mmmm 0101 nnnn   | halves 0 0            | smlsd   | pc dnm
SMLSD A1   | cccc 0111 0000 dddd aaaa mmmm 0101 nnnn   | halves 0 0            | smlsd   | pc dnm
SMLALD A1  | cccc 0111 0100 hhhh llll mmmm 0001 nnnn   | longHalves 0 0        | smlald  | pc lhnm, same l h
SMLSLD A1  | cccc 0111 0100 hhhh llll mmmm 0101 nnnn   | longHalves 0 0        | smlsld  | pc lhnm, same l h
SMUADX A1  | cccc 0111 0000 dddd 1111 mmmm 0011 nnnn   | halves 0 1            | smlad   | pc dnm
SMLADX A1  | cccc 0111 0000 dddd aaaa mmmm 0011 nnnn   | halves 0 1            | smlad   | pc dnm
SMUSDX A1  | cccc 0111 0000 dddd 1111 mmmm 0111 nnnn   | halves 0 1            | smlsd   | pc dnm
SMLSDX A1  | cccc 0111 0000 dddd aaaa mmmm 0111 nnnn   | halves 0 1            | smlsd   | pc dnm
SMLALDX A1 | cccc 0111 0100 hhhh llll mmmm 0011 nnnn   | longHalves 0 1        | smlald  | pc lhnm, same l h
SMLSLDX A1 | cccc 0111 0100 hhhh llll mmmm 0111 nnnn   | longHalves 0 1        | smlsld  | pc lhnm, same l h
SMMUL A1   | cccc 0111 0101 dddd 1111 mmmm 0001 nnnn   | mostSignificant false | smmla   | pc dnm
SMMLA A1   | cccc 0111 0101 dddd aaaa mmmm 0001 nnnn   | mostSignificant false | smmla   | pc dnm
SMMLS A1   | cccc 0111 0101 dddd aaaa mmmm 1101 nnnn   | mostSignificant false | smmls   | pc dnma
SMMULR A1  | cccc 0111 0101 dddd 1111 mmmm 0011 nnnn   | mostSignificant true  | smmla   | pc dnm
SMMLAR A1  | cccc 0111 0101 dddd aaaa mmmm 0011 nnnn   | mostSignificant true  | smmla   | pc dnm
SMMLSR A1  | cccc 0111 0101 dddd aaaa mmmm 1111 nnnn   | mostSignificant true  | smmls   | pc dnma
USAD8 A1   | cccc 0111 1000 dddd 1111 mmmm 0001 nnnn   | fourRegisters         | usada8  | pc dnm
USADA8 A1  | cccc 0111 1000 dddd aaaa mmmm 0001 nnnn   | fourRegisters         | usada8  | pc dnm
`;

/** A5.4. */
const MEDIA = `
SADD16 A1  | cccc 0110 0001 nnnn dddd (1111) 0001 mmmm   | threeRegisters   | parallel s add16  | pc dnm
SASX A1    | cccc 0110 0001 nnnn dddd (1111) 0011 mmmm   | threeRegisters   | parallel s asx    | pc dnm
SSAX A1    | cccc 0110 0001 nnnn dddd (1111) 0101 mmmm   | threeRegisters   | parallel s sax    | pc dnm
SSUB16 A1  | cccc 0110 0001 nnnn dddd (1111) 0111 mmmm   | threeRegisters   | parallel s sub16  | pc dnm
SADD8 A1   | cccc 0110 0001 nnnn dddd (1111) 1001 mmmm   | threeRegisters   | parallel s add8   | pc dnm
SSUB8 A1   | cccc 0110 0001 nnnn dddd (1111) 1111 mmmm   | threeRegisters   | parallel s sub8   | pc dnm
QADD16 A1  | cccc 0110 0010 nnnn dddd (1111) 0001 mmmm   | threeRegisters   | parallel q add16  | pc dnm
QASX A1    | cccc 0110 0010 nnnn dddd (1111) 0011 mmmm   | threeRegisters   | parallel q asx    | pc dnm
QSAX A1    | cccc 0110 0010 nnnn dddd (1111) 0101 mmmm   | threeRegisters   | parallel q sax    | pc dnm
QSUB16 A1  | cccc 0110 0010 nnnn dddd (1111) 0111 mmmm   | threeRegisters   | parallel q sub16  | pc dnm
QADD8 A1   | cccc 0110 0010 nnnn dddd (1111) 1001 mmmm   | threeRegisters   | parallel q add8   | pc dnm
QSUB8 A1   | cccc 0110 0010 nnnn dddd (1111) 1111 mmmm   | threeRegisters   | parallel q sub8   | pc dnm
SHADD16 A1 | cccc 0110 0011 nnnn dddd (1111) 0001 mmmm   | threeRegisters   | parallel sh add16 | pc dnm
SHASX A1   | cccc 0110 0011 nnnn dddd (1111) 0011 mmmm   | threeRegisters   | parallel sh asx   | pc dnm
SHSAX A1   | cccc 0110 0011 nnnn dddd (1111) 0101 mmmm   | threeRegisters   | parallel sh sax   | pc dnm
SHSUB16 A1 | cccc 0110 0011 nnnn dddd (1111) 0111 mmmm   | threeRegisters   | parallel sh sub16 | pc dnm
SHADD8 A1  | cccc 0110 0011 nnnn dddd (1111) 1001 mmmm   | threeRegisters   | parallel sh add8  | pc dnm
SHSUB8 A1  | cccc 0110 0011 nnnn dddd (1111) 1111 mmmm   | threeRegisters   | parallel sh sub8  | pc dnm
UADD16 A1  | cccc 0110 0101 nnnn dddd (1111) 0001 mmmm   | threeRegisters   | parallel u add16  | pc dnm
UASX A1    | cccc 0110 0101 nnnn dddd (1111) 0011 mmmm   | threeRegisters   | parallel u asx    | pc dnm
USAX A1    | cccc 0110 0101 nnnn dddd (1111) 0101 mmmm   | threeRegisters   | parallel u sax    | pc dnm
USUB16 A1  | cccc 0110 0101 nnnn dddd (1111) 0111 mmmm   | threeRegisters   | parallel u sub16  | pc dnm
UADD8 A1   | cccc 0110 0101 nnnn dddd (1111) 1001 mmmm   | threeRegisters   | parallel u add8   | pc dnm
USUB8 A1   | cccc 0110 0101 nnnn dddd (1111) 1111 mmmm   | threeRegisters   | parallel u sub8   | pc dnm
UQADD16 A1 | cccc 0110 0110 nnnn dddd (1111) 0001 mmmm   | threeRegisters   | parallel uq add16 | pc dnm
UQASX A1   | cccc 0110 0110 nnnn dddd (1111) 0011 mmmm   | threeRegisters   | parallel uq asx   | pc dnm
UQSAX A1   | cccc 0110 0110 nnnn dddd (1111) 0101 mmmm   | threeRegisters   | parallel uq sax   | pc dnm
UQSUB16 A1 | cccc 0110 0110 nnnn dddd (1111) 0111 mmmm   | threeRegisters   | parallel uq sub16 | pc dnm
UQADD8 A1  | cccc 0110 0110 nnnn dddd (1111) 1001 mmmm   | threeRegisters   | parallel uq add8  | pc dnm
UQSUB8 A1  | cccc 0110 0110 nnnn dddd (1111) 1111 mmmm   | threeRegisters   | parallel uq sub8  | pc dnm
UHADD16 A1 | cccc 0110 0111 nnnn dddd (1111) 0001 mmmm   | threeRegisters   | parallel uh add16 | pc dnm
UHASX A1   | cccc 0110 0111 nnnn dddd (1111) 0011 mmmm   | threeRegisters   | parallel uh asx   | pc dnm
UHSAX A1   | cccc 0110 0111 nnnn dddd (1111) 0101 mmmm   | threeRegisters   | parallel uh sax   | pc dnm
UHSUB16 A1 | cccc 0110 0111 nnnn dddd (1111) 0111 mmmm   | threeRegisters   | parallel uh sub16 | pc dnm
UHADD8 A1  | cccc 0110 0111 nnnn dddd (1111) 1001 mmmm   | threeRegisters   | parallel uh add8  | pc dnm
UHSUB8 A1  | cccc 0110 0111 nnnn dddd (1111) 1111 mmmm   | threeRegisters   | parallel uh sub8  | pc dnm
SXTB16 A1  | cccc 0110 1000 1111 dddd rr(00) 0111 mmmm   | extend           | sxtb16            | pc dm
SXTAB16 A1 | cccc 0110 1000 nnnn dddd rr(00) 0111 mmmm   | extend           | sxtb16            | pc dm
SXTB A1    | cccc 0110 1010 1111 dddd rr(00) 0111 mmmm   | extend           | sxtb              | pc dm
SXTAB A1   | cccc 0110 1010 nnnn dddd rr(00) 0111 mmmm   | extend           | sxtb              | pc dm
SXTH A1    | cccc 0110 1011 1111 dddd rr(00) 0111 mmmm   | extend           | sxth              | pc dm
SXTAH A1   | cccc 0110 1011 nnnn dddd rr(00) 0111 mmmm   | extend           | sxth              | pc dm
UXTB16 A1  | cccc 0110 1100 1111 dddd rr(00) 0111 mmmm   | extend           | uxtb16            | pc dm
UXTAB16 A1 | cccc 0110 1100 nnnn dddd rr(00) 0111 mmmm   | extend           | uxtb16            | pc dm
UXTB A1    | cccc 0110 1110 1111 dddd rr(00) 0111 mmmm   | extend           | uxtb              | pc dm
UXTAB A1   | cccc 0110 1110 nnnn dddd rr(00) 0111 mmmm   | extend           | uxtb              | pc dm
UXTH A1    | cccc 0110 1111 1111 dddd rr(00) 0111 mmmm   | extend           | uxth              | pc dm
UXTAH A1   | cccc 0110 1111 nnnn dddd rr(00) 0111 mmmm   | extend           | uxth              | pc dm
PKHBT A1   | cccc 0110 1000 nnnn dddd iiii i001 mmmm     | packBottom       | pkhbt             | pc dnm
PKHTB A1   | cccc 0110 1000 nnnn dddd iiii i101 mmmm     | packTop          | pkhtb             | pc dnm
SEL A1     | cccc 0110 1000 nnnn dddd (1111) 1011 mmmm   | threeRegisters   | sel               | pc dnm
SSAT A1    | cccc 0110 101w wwww dddd iiii iy01 nnnn     | saturateSigned   | ssat              | pc dn
SSAT16 A1  | cccc 0110 1010 wwww dddd (1111) 0011 nnnn   | saturateSigned   | ssat16            | pc dn
USAT A1    | cccc 0110 111w wwww dddd iiii iy01 nnnn     | saturateUnsigned | usat              | pc dn
USAT16 A1  | cccc 0110 1110 wwww dddd (1111) 0011 nnnn   | saturateUnsigned | usat16            | pc dn
REV A1     | cccc 0110 1011 (1111) dddd (1111) 0011 mmmm | twoRegisters     | rev               | pc dm
REV16 A1   | cccc 0110 1011 (1111) dddd (1111) 1011 mmmm | twoRegisters     | rev16             | pc dm
RBIT A1    | cccc 0110 1111 (1111) dddd (1111) 0011 mmmm | twoRegisters     | rbit              | pc dm
REVSH A1   | cccc 0110 1111 (1111) dddd (1111) 1011 mmmm | twoRegisters     | revsh             | pc dm
CLZ A1     | cccc 0001 0110 (1111) dddd (1111) 0001 mmmm | twoRegisters     | clz               | pc dm
SBFX A1    | cccc 0111 101w wwww dddd iiii i101 nnnn     | bitFieldExtract  | sbfx              | pc dn, badExtract
UBFX A1    | cccc 0111 111w wwww dddd iiii i101 nnnn     | bitFieldExtract  | ubfx              | pc dn, badExtract
BFC A1     | cccc 0111 110w wwww dddd iiii i001 1111     | bitFieldClear    | bfc               | pc d, badInsert
BFI A1     | cccc 0111 110w wwww dddd iiii i001 nnnn     | bitFieldInsert   | bfi               | pc d, badInsert
`;

/** A5.2.8 to A5.2.10, A5.3, A5.5, A5.7. */
const TRANSFERS = `
LDR (immediate) A1                 | cccc 010P U0W1 nnnn tttt iiii iiii iiii     | offsetImmediate              | ldr    | badWriteBack
LDR (register) A1                  | cccc 011P U0W1 nnnn tttt iiii iyy0 mmmm     | offsetRegister               | ldr    | badWriteBack, pc m
LDRT A1                            | cccc 0100 U011 nnnn tttt iiii iiii iiii     | offsetImmediate {post}       | ldr    | pc tn, same n t
LDRT A2                            | cccc 0110 U011 nnnn tttt iiii iyy0 mmmm     | offsetRegister {post}        | ldr    | pc tn, same n t, pc m
LDRB (immediate) A1                | cccc 010P U1W1 nnnn tttt iiii iiii iiii     | offsetImmediate {notPc}      | ldrb   | badWriteBack, pc t
LDRB (register) A1                 | cccc 011P U1W1 nnnn tttt iiii iyy0 mmmm     | offsetRegister {notPc}       | ldrb   | badWriteBack, pc t, pc m
LDRBT A1                           | cccc 0100 U111 nnnn tttt iiii iiii iiii     | offsetImmediate {post notPc} | ldrb   | pc tn, same n t
LDRBT A2                           | cccc 0110 U111 nnnn tttt iiii iyy0 mmmm     | offsetRegister {post notPc}  | ldrb   | pc tn, same n t, pc m
STR (immediate) A1                 | cccc 010P U0W0 nnnn tttt iiii iiii iiii     | offsetImmediate              | str    | badWriteBack
STR (register) A1                  | cccc 011P U0W0 nnnn tttt iiii iyy0 mmmm     | offsetRegister               | str    | badWriteBack, pc m
STRT A1                            | cccc 0100 U010 nnnn tttt iiii iiii iiii     | offsetImmediate {post}       | str    | pc tn, same n t
STRT A2                            | cccc 0110 U010 nnnn tttt iiii iyy0 mmmm     | offsetRegister {post}        | str    | pc tn, same n t, pc m
STRB (immediate) A1                | cccc 010P U1W0 nnnn tttt iiii iiii iiii     | offsetImmediate              | strb   | badWriteBack, pc t
STRB (register) A1                 | cccc 011P U1W0 nnnn tttt iiii iyy0 mmmm     | offsetRegister               | strb   | badWriteBack, pc t, pc m
STRBT A1                           | cccc 0100 U110 nnnn tttt iiii iiii iiii     | offsetImmediate {post}       | strb   | pc tn, same n t
STRBT A2                           | cccc 0110 U110 nnnn tttt iiii iyy0 mmmm     | offsetRegister {post}        | strb   | pc tn, same n t, pc m
LDRH (immediate) A1                | cccc 000P U1W1 nnnn tttt iiii 1011 iiii     | offsetImmediate {notPc}      | ldrh   | badWriteBack, pc t
LDRH (register) A1                 | cccc 000P U0W1 nnnn tttt (0000) 1011 mmmm   | offsetRegister {notPc}       | ldrh   | badWriteBack, pc t, pc m
LDRHT A1                           | cccc 0000 U111 nnnn tttt iiii 1011 iiii     | offsetImmediate {post notPc} | ldrh   | pc tn, same n t
LDRHT A2                           | cccc 0000 U011 nnnn tttt (0000) 1011 mmmm   | offsetRegister {post notPc}  | ldrh   | pc tn, same n t, pc m
LDRSB (immediate) A1               | cccc 000P U1W1 nnnn tttt iiii 1101 iiii     | offsetImmediate {notPc}      | ldrsb  | badWriteBack, pc t
LDRSB (register) A1                | cccc 000P U0W1 nnnn tttt (0000) 1101 mmmm   | offsetRegister {notPc}       | ldrsb  | badWriteBack, pc t, pc m
LDRSBT A1                          | cccc 0000 U111 nnnn tttt iiii 1101 iiii     | offsetImmediate {post notPc} | ldrsb  | pc tn, same n t
LDRSBT A2                          | cccc 0000 U011 nnnn tttt (0000) 1101 mmmm   | offsetRegister {post notPc}  | ldrsb  | pc tn, same n t, pc m
LDRSH (immediate) A1               | cccc 000P U1W1 nnnn tttt iiii 1111 iiii     | offsetImmediate {notPc}      | ldrsh  | badWriteBack, pc t
LDRSH (register) A1                | cccc 000P U0W1 nnnn tttt (0000) 1111 mmmm   | offsetRegister {notPc}       | ldrsh  | badWriteBack, pc t, pc m
LDRSHT A1                          | cccc 0000 U111 nnnn tttt iiii 1111 iiii     | offsetImmediate {post notPc} | ldrsh  | pc tn, same n t
LDRSHT A2                          | cccc 0000 U011 nnnn tttt (0000) 1111 mmmm   | offsetRegister {post notPc}  | ldrsh  | pc tn, same n t, pc m
STRH (immediate) A1                | cccc 000P U1W0 nnnn tttt iiii 1011 iiii     | offsetImmediate              | strh   | badWriteBack, pc t
STRH (register) A1                 | cccc 000P U0W0 nnnn tttt (0000) 1011 mmmm   | offsetRegister               | strh   | badWriteBack, pc t, pc m
STRHT A1                           | cccc 0000 U110 nnnn tttt iiii 1011 iiii     | offsetImmediate {post}       | strh   | pc tn, same n t
STRHT A2                           | cccc 0000 U010 nnnn tttt (0000) 1011 mmmm   | offsetRegister {post}        | strh   | pc tn, same n t, pc m
LDRD (immediate) A1                | cccc 000P U1W0 nnnn tttt iiii 1101 iiii     | offsetImmediate {pair}       | ldrd   | badPair, badPairWriteBack
LDRD (register) A1                 | cccc 000P U0W0 nnnn tttt (0000) 1101 mmmm   | offsetRegister {pair}        | ldrd   | badPair, badPairWriteBack, pc m, loadsOffset
STRD (immediate) A1                | cccc 000P U1W0 nnnn tttt iiii 1111 iiii     | offsetImmediate {pair}       | strd   | badPair, badPairWriteBack
STRD (register) A1                 | cccc 000P U0W0 nnnn tttt (0000) 1111 mmmm   | offsetRegister {pair}        | strd   | badPair, badPairWriteBack, pc m
LDM A1                             | cccc 1000 10W1 nnnn rrrr rrrr rrrr rrrr     | block ia                     | ldm    | loadBlock
LDMDA A1                           | cccc 1000 00W1 nnnn rrrr rrrr rrrr rrrr     | block da                     | ldm    | loadBlock
LDMDB A1                           | cccc 1001 00W1 nnnn rrrr rrrr rrrr rrrr     | block db                     | ldm    | loadBlock
LDMIB A1                           | cccc 1001 10W1 nnnn rrrr rrrr rrrr rrrr     | block ib                     | ldm    | loadBlock
STM A1                             | cccc 1000 10W0 nnnn rrrr rrrr rrrr rrrr     | block ia                     | stm    | pc n
STMDA A1                           | cccc 1000 00W0 nnnn rrrr rrrr rrrr rrrr     | block da                     | stm    | pc n
STMDB A1                           | cccc 1001 00W0 nnnn rrrr rrrr rrrr rrrr     | block db                     | stm    | pc n
STMIB A1                           | cccc 1001 10W0 nnnn rrrr rrrr rrrr rrrr     | block ib                     | stm    | pc n
POP A1                             | cccc 1000 1011 1101 rrrr rrrr rrrr rrrr     | block ia {n=13 wback stack}  | ldm    | spInList
POP A2                             | cccc 0100 1001 1101 tttt 0000 0000 0100     | stackSingle false            | ldr    | sp t
PUSH A1                            | cccc 1001 0010 1101 rrrr rrrr rrrr rrrr     | block db {n=13 wback stack}  | stm
PUSH A2                            | cccc 0101 0010 1101 tttt 0000 0000 0100     | stackSingle true             | str    | sp t
SWP A1                             | cccc 0001 0000 nnnn tttt (0000) 1001 uuuu   | swap                         | swp    | pc ntu, same n tu
SWPB A1                            | cccc 0001 0100 nnnn tttt (0000) 1001 uuuu   | swap                         | swpb   | pc ntu, same n tu
STREX A1                           | cccc 0001 1000 nnnn dddd (1111) 1001 tttt   | storeExclusive               | strex  | pc dtn, same d nt
LDREX A1                           | cccc 0001 1001 nnnn tttt (1111) 1001 (1111) | loadExclusive                | ldrex  | pc nt
STREXD A1                          | cccc 0001 1010 nnnn dddd (1111) 1001 tttt   | storeExclusivePair           | strexd | pc dnt, same d nt, oddPair, statusInPair
LDREXD A1                          | cccc 0001 1011 nnnn tttt (1111) 1001 (1111) | loadExclusivePair            | ldrexd | oddPair, pc n
STREXB A1                          | cccc 0001 1100 nnnn dddd (1111) 1001 tttt   | storeExclusive               | strexb | pc dtn, same d nt
LDREXB A1                          | cccc 0001 1101 nnnn tttt (1111) 1001 (1111) | loadExclusive                | ldrexb | pc nt
STREXH A1                          | cccc 0001 1110 nnnn dddd (1111) 1001 tttt   | storeExclusive               | strexh | pc dtn, same d nt
LDREXH A1                          | cccc 0001 1111 nnnn tttt (1111) 1001 (1111) | loadExclusive                | ldrexh | pc nt
PLD (immediate) A1                 | 1111 0101 U101 nnnn (1111) iiii iiii iiii   | preload (offsetImmediate)      | nop
PLDW (immediate) A1                | 1111 0101 U001 nnnn (1111) iiii iiii iiii   | preload (offsetImmediate)      | nop    | pc n
PLI (immediate) A1                 | 1111 0100 U101 nnnn (1111) iiii iiii iiii   | preload (offsetImmediate)      | nop
PLD (register) A1                  | 1111 0111 U101 nnnn (1111) iiii iyy0 mmmm   | preload (offsetRegister)       | nop    | pc m
PLDW (register) A1                 | 1111 0111 U001 nnnn (1111) iiii iyy0 mmmm   | preload (offsetRegister)       | nop    | pc mn
PLI (register) A1                  | 1111 0110 U101 nnnn (1111) iiii iyy0 mmmm   | preload (offsetRegister)       | nop    | pc m
Unallocated memory hint (immediate) A1 =hint | 1111 0100 U001 nnnn ---- iiii iiii iiii     | preload (offsetImmediate)      | nop
Unallocated memory hint (register) A1 =hint | 1111 0110 U001 nnnn ---- iiii iyy0 mmmm     | preload (offsetRegister)       | nop
`;

/** A5.2.11, A5.2.12, A5.5, A5.6, A5.7. */
const CONTROL = `
B A1                     | cccc 1010 iiii iiii iiii iiii iiii iiii      | branchA32          | b
BL A1                    | cccc 1011 iiii iiii iiii iiii iiii iiii      | branchA32          | bl
BLX (immediate) A2       | 1111 101H iiii iiii iiii iiii iiii iiii      | branchA32ToThumb   | bl
BX A1                    | cccc 0001 0010 (1111) (1111) (1111) 0001 mmmm | branchRegister     | bx
BXJ A1                   | cccc 0001 0010 (1111) (1111) (1111) 0010 mmmm | branchRegister     | bx            | pc m
BLX (register) A1        | cccc 0001 0010 (1111) (1111) (1111) 0011 mmmm | branchRegister     | blx           | pc m
SVC A1                   | cccc 1111 iiii iiii iiii iiii iiii iiii      | supervisorCall     | svc
BKPT A1                  | cccc 0001 0010 iiii iiii iiii 0111 iiii      | hexImmediate       | bkpt          | notAlways
UDF A1                   | cccc 0111 1111 iiii iiii iiii 1111 iiii      | immediate          | udf           | notAlways
MRS A1                   | cccc 0001 0000 (1111) dddd (00)0(0) 0000 (0000) | readStatus         | mrs           | pc d
MSR (register) A1        | cccc 0001 0010 kkkk (1111) (00)0(0) 0000 nnnn | writeStatus        | msr           | noMask, pc n
MSR (immediate) A1       | cccc 0011 0010 kkkk (1111) iiii iiii iiii    | writeStatus        | msr
SETEND A1                | 1111 0001 0000 (000)1 (0000) (00)E(0) 0000 (0000) | setEndianness      | setend
CPS A1                   | 1111 0001 0000 ppM0 (0000) (000)i ii0k kkkk  | changeState        | nop           | badChangeA32
NOP A1                   | cccc 0011 0010 0000 (1111) (0000) 0000 0000  | none               | nop
YIELD A1                 | cccc 0011 0010 0000 (1111) (0000) 0000 0001  | none               | yieldHint
WFE A1                   | cccc 0011 0010 0000 (1111) (0000) 0000 0010  | none               | yieldHint
WFI A1                   | cccc 0011 0010 0000 (1111) (0000) 0000 0011  | none               | yieldHint
SEV A1                   | cccc 0011 0010 0000 (1111) (0000) 0000 0100  | none               | nop
DBG A1                   | cccc 0011 0010 0000 (1111) (0000) 1111 iiii  | immediate          | nop
Unallocated hint A1 =nop | cccc 0011 0010 0000 (1111) (0000) iiii iiii  | hintNumber         | nop
CLREX A1                 | 1111 0101 0111 (1111) (1111) (0000) 0001 (1111) | none               | clrex
DSB A1                   | 1111 0101 0111 (1111) (1111) (0000) 0100 iiii | barrier            | nop
DMB A1                   | 1111 0101 0111 (1111) (1111) (0000) 0101 iiii | barrier            | nop
ISB A1                   | 1111 0101 0111 (1111) (1111) (0000) 0110 iiii | instructionBarrier | isb
`;

const arithmetic = { ...mul, ...media, ...signed, parallel, usada8 };
const { nop } = system;

export const a32Rows: Row[] = [
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
