/**
 * The 16-bit Thumb encodings (ARM ARM A6.2), in the form of table.ts. Data-processing instructions set the flags outside IT
 * blocks only.
 */
import * as block from '../ops/block.ts';
import * as branch from '../ops/branch.ts';
import * as data from '../ops/data-processing.ts';
import * as transfer from '../ops/load-store.ts';
import * as media from '../ops/media.ts';
import { mul } from '../ops/multiply.ts';
import * as system from '../ops/system.ts';
import * as predicates from './predicates.ts';
import type { Row } from './row.ts';
import * as controlShapes from './shapes/branch-system.ts';
import * as dataShapes from './shapes/data-processing.ts';
import * as transferShapes from './shapes/load-store.ts';
import * as multiplyShapes from './shapes/multiply.ts';
import { ofOneIsa, rowsOf } from './table.ts';

const DATA = `
MOV (register) T2           | 0000 0000 00mm mddd   | shifted d outsideIT            | mov       | inIT
LSL (immediate) T1          | 0000 0iii iimm mddd   | shiftMove outsideIT 0          | mov
LSR (immediate) T1          | 0000 1iii iimm mddd   | shiftMove outsideIT 1          | mov
ASR (immediate) T1          | 0001 0iii iimm mddd   | shiftMove outsideIT 2          | mov
ADD (register) T1           | 0001 100m mmnn nddd   | shifted dn outsideIT           | add
SUB (register) T1           | 0001 101m mmnn nddd   | shifted dn outsideIT           | sub
ADD (immediate) T1          | 0001 110i iinn nddd   | immediate dn outsideIT (plain)   | add
SUB (immediate) T1          | 0001 111i iinn nddd   | immediate dn outsideIT (plain)   | sub
MOV (immediate) T1          | 0010 0ddd iiii iiii   | immediate d outsideIT (plain)    | mov
CMP (immediate) T1          | 0010 1nnn iiii iiii   | immediate n always (plain)       | cmp
ADD (immediate) T2          | 0011 0ddd iiii iiii   | immediateInPlace               | add
SUB (immediate) T2          | 0011 1ddd iiii iiii   | immediateInPlace               | sub
AND (register) T1           | 0100 0000 00mm mddd   | registerInPlace outsideIT      | and
EOR (register) T1           | 0100 0000 01mm mddd   | registerInPlace outsideIT      | eor
ADC (register) T1           | 0100 0001 01mm mddd   | registerInPlace outsideIT      | adc
SBC (register) T1           | 0100 0001 10mm mddd   | registerInPlace outsideIT      | sbc
ORR (register) T1           | 0100 0011 00mm mddd   | registerInPlace outsideIT      | orr
BIC (register) T1           | 0100 0011 10mm mddd   | registerInPlace outsideIT      | bic
LSL (register) T1           | 0100 0000 10mm mddd   | shiftInPlace 0                 | mov
LSR (register) T1           | 0100 0000 11mm mddd   | shiftInPlace 1                 | mov
ASR (register) T1           | 0100 0001 00mm mddd   | shiftInPlace 2                 | mov
ROR (register) T1           | 0100 0001 11mm mddd   | shiftInPlace 3                 | mov
TST (register) T1           | 0100 0010 00mm mnnn   | shifted n always               | tst
CMP (register) T1           | 0100 0010 10mm mnnn   | shifted n always               | cmp
CMN (register) T1           | 0100 0010 11mm mnnn   | shifted n always               | cmn
RSB (immediate) T1          | 0100 0010 01nn nddd   | negate                         | rsb
MUL T1                      | 0100 0011 01nn nddd   | multiplyT16                    | mul
MVN (register) T1           | 0100 0011 11mm mddd   | shifted d outsideIT            | mvn
ADD (register) T2           | 0100 0100 dmmm mddd   | registerInPlace never          | add       | bothPc, branchToPc
CMP (register) T2           | 0100 0101 nmmm mnnn   | shifted n always               | cmp       | bothLow, pc nm
MOV (register) T1           | 0100 0110 dmmm mddd   | shifted d never                | mov       | branchToPc
ADR T1 =add                 | 1010 0ddd iiii iiii   | literalAddress 1 4             | adr
ADD (SP plus immediate) T1  | 1010 1ddd iiii iiii   | stackPointer d                 | add
ADD (SP plus immediate) T2  | 1011 0000 0iii iiii   | stackPointer sp                | add
SUB (SP minus immediate) T1 | 1011 0000 1iii iiii   | stackPointer sp                | sub
SXTH T1                     | 1011 0010 00mm mddd   | extend                         | sxth
SXTB T1                     | 1011 0010 01mm mddd   | extend                         | sxtb
UXTH T1                     | 1011 0010 10mm mddd   | extend                         | uxth
UXTB T1                     | 1011 0010 11mm mddd   | extend                         | uxtb
REV T1                      | 1011 1010 00mm mddd   | twoRegisters                   | rev
REV16 T1                    | 1011 1010 01mm mddd   | twoRegisters                   | rev16
REVSH T1                    | 1011 1010 11mm mddd   | twoRegisters                   | revsh
`;

const TRANSFERS = `
LDR (literal) T1            | 0100 1ttt iiii iiii   | offsetImmediate {n=15 scale=4} | ldr
STR (register) T1           | 0101 000m mmnn nttt   | offsetRegister                 | str
STRH (register) T1          | 0101 001m mmnn nttt   | offsetRegister                 | strh
STRB (register) T1          | 0101 010m mmnn nttt   | offsetRegister                 | strb
LDRSB (register) T1         | 0101 011m mmnn nttt   | offsetRegister                 | ldrsb
LDR (register) T1           | 0101 100m mmnn nttt   | offsetRegister                 | ldr
LDRH (register) T1          | 0101 101m mmnn nttt   | offsetRegister                 | ldrh
LDRB (register) T1          | 0101 110m mmnn nttt   | offsetRegister                 | ldrb
LDRSH (register) T1         | 0101 111m mmnn nttt   | offsetRegister                 | ldrsh
STR (immediate) T1          | 0110 0iii iinn nttt   | offsetImmediate {scale=4}      | str
LDR (immediate) T1          | 0110 1iii iinn nttt   | offsetImmediate {scale=4}      | ldr
STRB (immediate) T1         | 0111 0iii iinn nttt   | offsetImmediate                | strb
LDRB (immediate) T1         | 0111 1iii iinn nttt   | offsetImmediate                | ldrb
STRH (immediate) T1         | 1000 0iii iinn nttt   | offsetImmediate {scale=2}      | strh
LDRH (immediate) T1         | 1000 1iii iinn nttt   | offsetImmediate {scale=2}      | ldrh
STR (immediate) T2          | 1001 0ttt iiii iiii   | offsetImmediate {n=13 scale=4} | str
LDR (immediate) T2          | 1001 1ttt iiii iiii   | offsetImmediate {n=13 scale=4} | ldr
STM T1 =stmia               | 1100 0nnn rrrr rrrr   | block ia {wback}               | stm
LDM T1 =ldmia               | 1100 1nnn rrrr rrrr   | ldmT16                         | ldm
PUSH T1                     | 1011 010M rrrr rrrr   | block db {n=13 wback stack extra=16384} | stm
POP T1                      | 1011 110M rrrr rrrr   | block ia {n=13 wback stack extra=32768} | ldm       | popsPc
`;

const CONTROL = `
BX T1                       | 0100 0111 0mmm m(000) | branchRegister                 | bx        | notLastInIT
BLX (register) T1           | 0100 0111 1mmm m(000) | branchRegister                 | blx       | pc m, notLastInIT
CBZ T1                      | 1011 00i1 iiii innn   | compareBranch                  | cbz       | inIT
CBNZ T1                     | 1011 10i1 iiii innn   | compareBranch                  | cbnz      | inIT
SETEND T1                   | 1011 0110 0101 E(000) | setEndianness                  | setend    | inIT
CPS T1                      | 1011 0110 011p (0)iii | changeState                    | nop       | changesNothing, inIT
BKPT T1                     | 1011 1110 iiii iiii   | hexImmediate                   | bkpt
NOP T1                      | 1011 1111 0000 0000   | none                           | nop
YIELD T1                    | 1011 1111 0001 0000   | none                           | yieldHint
WFE T1                      | 1011 1111 0010 0000   | none                           | yieldHint
WFI T1                      | 1011 1111 0011 0000   | none                           | yieldHint
SEV T1                      | 1011 1111 0100 0000   | none                           | nop
Unallocated hint T1 =nop    | 1011 1111 iiii 0000   | hintNumber                     | nop
IT T1                       | 1011 1111 ffff mmmm   | it                             | nop       | badIT, inIT
B T1                        | 1101 cccc iiii iiii   | branchT16 8                    | b         | inIT
UDF T1                      | 1101 1110 iiii iiii   | immediate                      | udf
SVC T1                      | 1101 1111 iiii iiii   | supervisorCallT16              | svc
B T2                        | 1110 0iii iiii iiii   | branchT16 11                   | b         | notLastInIT
`;

export const t16Rows: Row[] = [
  ...rowsOf(DATA, ofOneIsa, {
    shapes: { ...multiplyShapes, ...dataShapes },
    ops: { ...data, ...media, mul },
    predicates,
  }),
  ...rowsOf(TRANSFERS, ofOneIsa, { shapes: transferShapes, ops: { ...transfer, ...block }, predicates }),
  ...rowsOf(CONTROL, ofOneIsa, { shapes: controlShapes, ops: { ...branch, ...system }, predicates }),
];

export const itRow: Row = t16Rows.find((row) => row.name === 'IT T1')!;
