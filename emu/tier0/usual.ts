/**
 * The instructions whose handlers most programs need: their code is compiled when armrun is built (src/handlers-file.ts), and
 * that of the others when they are first run. Pairs are all of these.
 *
 * By rows the forms (form.ts) that at least two of a score of programs run, which bench/usual.ts tells: shells, python3, perl,
 * compilers, and what packages and scripts use; and what starts of these run besides. `-` is a form that has nothing but
 * operands.
 */
const TEXT = `
ADC (immediate) A1
  s=false kind=0 carry=0 type=0 amount=0
  s=true kind=0 carry=0 type=0 amount=0
ADC (register) A1
  s=false kind=1 carry=null type=0
  s=false kind=1 carry=null type=0 amount=0
  s=false kind=1 carry=null type=1
  s=false kind=1 carry=null type=2
  s=true kind=1 carry=null type=0 amount=0
ADC (register) T1
  s=true kind=1 carry=null type=0 amount=0
ADD (immediate) A1
  s=false kind=0 carry=0 type=0 amount=0
  s=false n=15 kind=0 carry=0 type=0 amount=0
  s=true kind=0 carry=0 type=0 amount=0
ADD (immediate) T1
  s=false kind=0 carry=null type=0 amount=0
  s=true kind=0 carry=null type=0 amount=0
ADD (register) A1
  s=false d=15 kind=1 carry=null m=15 type=0 amount=0
  s=false d=15 n=15 kind=1 carry=null type=0
  s=false d=15 n=15 kind=1 carry=null type=0 amount=0
  s=false kind=1 carry=null type=0
  s=false kind=1 carry=null type=0 amount=0
  s=false kind=1 carry=null type=1
  s=false kind=1 carry=null type=2
  s=false kind=1 carry=null type=3
  s=false n=15 kind=1 carry=null type=0 amount=0
  s=true kind=1 carry=null type=0
  s=true kind=1 carry=null type=0 amount=0
  s=true kind=1 carry=null type=2
ADD (register) T1
  s=false kind=1 carry=null type=0 amount=0
  s=true kind=1 carry=null type=0 amount=0
ADD (register) T2
  s=false kind=1 carry=null m=15 type=0 amount=0
ADD (register-shifted register) A1
  s=false kind=2 carry=null type=0
ADR T1
  -
ADR T3
  -
AND (immediate) A1
  s=false kind=0 carry=0 type=0 amount=0
  s=true kind=0 carry=0 type=0 amount=0
  s=true kind=0 carry=1 type=0 amount=0
  s=true kind=0 carry=null type=0 amount=0
AND (register) A1
  s=false kind=1 carry=null type=0
  s=false kind=1 carry=null type=0 amount=0
  s=false kind=1 carry=null type=1
  s=false kind=1 carry=null type=2
  s=false kind=1 carry=null type=3
  s=true kind=1 carry=null type=0 amount=0
  s=true kind=1 carry=null type=1
  s=true kind=1 carry=null type=2 amount=32
AND (register) T1
  s=false kind=1 carry=null type=0 amount=0
  s=true kind=1 carry=null type=0 amount=0
AND (register-shifted register) A1
  s=false kind=2 carry=null type=2
  s=true kind=2 carry=null type=0
ASR (immediate) A1
  s=false kind=1 carry=null type=2
  s=true kind=1 carry=null type=2
ASR (immediate) T1
  s=false kind=1 carry=null type=2
  s=true kind=1 carry=null type=2
ASR (register) A1
  s=false kind=2 carry=null type=2
ASR (register) T1
  s=true kind=2 carry=null type=2
  s=true kind=2 carry=null type=2 amount=0
B A1
  thumb=false?0
  thumb=false?1
  thumb=false?10
  thumb=false?11
  thumb=false?12
  thumb=false?13
  thumb=false?14
  thumb=false?2
  thumb=false?3
  thumb=false?4
  thumb=false?8
  thumb=false?9
B T1
  thumb=true?0
  thumb=true?1
  thumb=true?10
  thumb=true?11
  thumb=true?12
  thumb=true?13
  thumb=true?14
  thumb=true?2
  thumb=true?3
  thumb=true?4
  thumb=true?5
  thumb=true?6
  thumb=true?8
  thumb=true?9
B T3
  thumb=true?0
  thumb=true?1
  thumb=true?10
  thumb=true?11
  thumb=true?12
  thumb=true?13
  thumb=true?14
  thumb=true?2
  thumb=true?3
  thumb=true?4
  thumb=true?5
  thumb=true?6
  thumb=true?7
  thumb=true?8
  thumb=true?9
BFC A1
  -
BFI A1
  -
BIC (immediate) A1
  s=false kind=0 carry=0 type=0 amount=0
  s=true kind=0 carry=0 type=0 amount=0
  s=true kind=0 carry=1 type=0 amount=0
  s=true kind=0 carry=null type=0 amount=0
BIC (register) A1
  s=false kind=1 carry=null type=0 amount=0
  s=false kind=1 carry=null type=2
  s=true kind=1 carry=null type=0 amount=0
  s=true kind=1 carry=null type=2 amount=32
BIC (register) T1
  s=true kind=1 carry=null type=0 amount=0
BL A1
  thumb=false?14
BL T1
  thumb=true?14
BLX (immediate) A2
  thumb=true?14
BLX (immediate) T2
  thumb=false?14
BLX (register) A1
  -
BLX (register) T1
  -
BX T1
  -
  m=14
  m=15
CBNZ T1
  thumb=true
CBZ T1
  thumb=true
CLZ A1
  -
CMN (immediate) A1
  s=true kind=0 carry=0 type=0 amount=0
CMN (register) A1
  s=true kind=1 carry=null type=0 amount=0
CMN (register) T1
  s=true kind=1 carry=null type=0 amount=0
CMP (immediate) A1
  s=true kind=0 carry=0 type=0 amount=0
CMP (immediate) T1
  s=true kind=0 carry=null type=0 amount=0
CMP (register) A1
  s=true kind=1 carry=null type=0
  s=true kind=1 carry=null type=0 amount=0
  s=true kind=1 carry=null type=1
  s=true kind=1 carry=null type=2
  s=true kind=1 carry=null type=3
CMP (register) T1
  s=true kind=1 carry=null type=0 amount=0
CPS T1
  -
EOR (immediate) A1
  s=false kind=0 carry=0 type=0 amount=0
EOR (register) A1
  s=false kind=1 carry=null type=0
  s=false kind=1 carry=null type=0 amount=0
  s=false kind=1 carry=null type=1
  s=false kind=1 carry=null type=2
  s=false kind=1 carry=null type=3
  s=true kind=1 carry=null type=0 amount=0
  s=true kind=1 carry=null type=1
EOR (register) T1
  s=false kind=1 carry=null type=0 amount=0
  s=true kind=1 carry=null type=0 amount=0
LDM A1
  withPC=false count=10 start=0 delta=40 wback=true
  withPC=false count=2 start=0 delta=8 wback=false
  withPC=false count=2 start=0 delta=8 wback=true
  withPC=false count=3 start=0 delta=12 wback=false
  withPC=false count=3 start=0 delta=12 wback=true
  withPC=false count=4 start=0 delta=16 wback=false
  withPC=false count=4 start=0 delta=16 wback=true
  withPC=false count=5 start=0 delta=20 wback=true
  withPC=false count=6 start=0 delta=24 wback=true
  withPC=false count=7 start=0 delta=28 wback=true
  withPC=false count=8 start=0 delta=32 wback=false
  withPC=false count=8 start=0 delta=32 wback=true
  withPC=false count=9 start=0 delta=36 wback=true
LDM T1
  withPC=false count=1 start=0 delta=4 wback=true
  withPC=false count=2 start=0 delta=8 wback=false
  withPC=false count=2 start=0 delta=8 wback=true
  withPC=false count=3 start=0 delta=12 wback=false
  withPC=false count=3 start=0 delta=12 wback=true
  withPC=false count=4 start=0 delta=16 wback=false
  withPC=false count=4 start=0 delta=16 wback=true
LDMDB A1
  withPC=false count=2 start=-8 delta=-8 wback=false
  withPC=false count=4 start=-16 delta=-16 wback=false
  withPC=false count=8 start=-32 delta=-32 wback=true
LDMIB A1
  withPC=false count=2 start=4 delta=8 wback=false
  withPC=false count=4 start=4 delta=16 wback=false
LDR (immediate) A1
  m=-1 type=0 amount=0 add=false index=false wback=true
  m=-1 type=0 amount=0 add=false index=true wback=false
  m=-1 type=0 amount=0 add=false index=true wback=true
  m=-1 type=0 amount=0 add=true index=false wback=true
  m=-1 type=0 amount=0 add=true index=true wback=false
  m=-1 type=0 amount=0 add=true index=true wback=true
  n=15 m=-1 type=0 amount=0 add=false index=true wback=false
  n=15 m=-1 type=0 amount=0 add=true index=true wback=false
  t=15 m=-1 type=0 amount=0 add=true index=true wback=true
LDR (immediate) T1
  m=-1 type=0 amount=0 add=true index=true wback=false
LDR (literal) T1
  n=15 m=-1 type=0 amount=0 add=true index=true wback=false
LDR (literal) T2
  n=15 m=-1 type=0 amount=0 add=false index=true wback=false
  n=15 m=-1 type=0 amount=0 add=true index=true wback=false
LDR (register) A1
  n=15 type=0 amount=0 add=true index=true wback=false
  t=15 m=14 type=0 add=true index=true wback=false
  t=15 n=11 type=0 add=true index=true wback=false
  t=15 type=0 add=true index=true wback=false
  type=0 add=true index=true wback=false
  type=0 amount=0 add=true index=true wback=false
LDR (register) T1
  type=0 amount=0 add=true index=true wback=false
LDRB (immediate) A1
  m=-1 type=0 amount=0 add=false index=false wback=true
  m=-1 type=0 amount=0 add=false index=true wback=false
  m=-1 type=0 amount=0 add=false index=true wback=true
  m=-1 type=0 amount=0 add=true index=false wback=true
  m=-1 type=0 amount=0 add=true index=true wback=false
  m=-1 type=0 amount=0 add=true index=true wback=true
LDRB (immediate) T1
  m=-1 type=0 amount=0 add=true index=true wback=false
LDRB (register) A1
  type=0 add=true index=true wback=false
  type=0 amount=0 add=true index=true wback=false
LDRB (register) T1
  type=0 amount=0 add=true index=true wback=false
LDRD (immediate) A1
  m=-1 type=0 amount=0 add=false index=true wback=false
  m=-1 type=0 amount=0 add=true index=false wback=true
  m=-1 type=0 amount=0 add=true index=true wback=false
  m=-1 type=0 amount=0 add=true index=true wback=true
LDREX A1
  -
LDREXB A1
  -
LDREXD A1
  -
LDRH (immediate) A1
  m=-1 type=0 amount=0 add=false index=false wback=true
  m=-1 type=0 amount=0 add=false index=true wback=false
  m=-1 type=0 amount=0 add=false index=true wback=true
  m=-1 type=0 amount=0 add=true index=false wback=true
  m=-1 type=0 amount=0 add=true index=true wback=false
  m=-1 type=0 amount=0 add=true index=true wback=true
LDRH (immediate) T1
  m=-1 type=0 amount=0 add=true index=true wback=false
LDRH (register) A1
  type=0 amount=0 add=true index=true wback=false
LDRH (register) T1
  type=0 amount=0 add=true index=true wback=false
LDRH (register) T2
  type=0 add=true index=true wback=false
LDRSB (immediate) A1
  m=-1 type=0 amount=0 add=false index=true wback=false
  m=-1 type=0 amount=0 add=false index=true wback=true
  m=-1 type=0 amount=0 add=true index=false wback=true
  m=-1 type=0 amount=0 add=true index=true wback=false
  m=-1 type=0 amount=0 add=true index=true wback=true
LDRSB (register) A1
  type=0 amount=0 add=true index=true wback=false
LDRSB (register) T1
  type=0 amount=0 add=true index=true wback=false
LDRSB (register) T2
  type=0 add=true index=true wback=false
LDRSH (immediate) A1
  m=-1 type=0 amount=0 add=false index=true wback=false
  m=-1 type=0 amount=0 add=false index=true wback=true
  m=-1 type=0 amount=0 add=true index=true wback=false
  m=-1 type=0 amount=0 add=true index=true wback=true
LDRSH (register) A1
  type=0 amount=0 add=true index=true wback=false
LDRSH (register) T1
  type=0 amount=0 add=true index=true wback=false
LDRSH (register) T2
  type=0 add=true index=true wback=false
LSL (immediate) A1
  s=false kind=1 carry=null type=0
  s=true kind=1 carry=null type=0
LSL (immediate) T1
  s=false kind=1 carry=null type=0
  s=true kind=1 carry=null type=0
LSL (register) A1
  s=false kind=2 carry=null type=0
  s=false kind=2 carry=null type=0 amount=0
  s=true kind=2 carry=null type=0
LSL (register) T1
  s=false kind=2 carry=null type=0
  s=true kind=2 carry=null type=0
  s=true kind=2 carry=null type=0 amount=0
LSR (immediate) A1
  s=false kind=1 carry=null type=1
  s=true kind=1 carry=null type=1
LSR (immediate) T1
  s=false kind=1 carry=null type=1
  s=true kind=1 carry=null type=1
LSR (register) A1
  s=false kind=2 carry=null type=1
  s=false kind=2 carry=null type=1 amount=0
LSR (register) T1
  s=true kind=2 carry=null type=1
  s=true kind=2 carry=null type=1 amount=0
MLA A1
  s=false
MLS A1
  s=false
MOV (immediate) A1
  s=false kind=0 carry=0 type=0 amount=0
MOV (immediate) T1
  s=false kind=0 carry=null type=0 amount=0
  s=true kind=0 carry=null type=0 amount=0
MOV (register) A1
  s=false d=15 kind=1 carry=null m=14 type=0 amount=0
  s=false d=15 kind=1 carry=null type=0 amount=0
  s=false kind=1 carry=null type=0 amount=0
MOV (register) T1
  s=false d=15 kind=1 carry=null type=0 amount=0
  s=false kind=1 carry=null type=0 amount=0
MOV (register) T2
  s=true kind=1 carry=null type=0 amount=0
MOVT A1
  s=false kind=0 carry=null type=0 amount=0
MRC (TPIDRURO) A1
  -
MUL A1
  s=false a=-1
MVN (immediate) A1
  s=false kind=0 carry=0 type=0 amount=0
MVN (register) A1
  s=false kind=1 carry=null type=0
  s=false kind=1 carry=null type=0 amount=0
  s=false kind=1 carry=null type=1
MVN (register) T1
  s=false kind=1 carry=null type=0 amount=0
  s=true kind=1 carry=null type=0 amount=0
MVN (register-shifted register) A1
  s=false kind=2 carry=null type=0
ORN (immediate) T1
  s=false kind=0 carry=0 type=0 amount=0
ORN (register) T1
  s=false kind=1 carry=null type=0 amount=0
ORR (immediate) A1
  s=false kind=0 carry=0 type=0 amount=0
ORR (register) A1
  s=false kind=1 carry=null type=0
  s=false kind=1 carry=null type=0 amount=0
  s=false kind=1 carry=null type=1
  s=false kind=1 carry=null type=2
  s=true kind=1 carry=null type=0
  s=true kind=1 carry=null type=0 amount=0
  s=true kind=1 carry=null type=1
  s=true kind=1 carry=null type=2
  s=true kind=1 carry=null type=3
ORR (register) T1
  s=false kind=1 carry=null type=0 amount=0
  s=true kind=1 carry=null type=0 amount=0
ORR (register-shifted register) A1
  s=false kind=2 carry=null type=0
PLD (immediate) A1
  m=-1 type=0 amount=0 add=false index=true wback=false
POP A1
  n=13 withPC=true count=10 start=0 delta=40 wback=true
  n=13 withPC=true count=2 start=0 delta=8 wback=true
  n=13 withPC=true count=3 start=0 delta=12 wback=true
  n=13 withPC=true count=4 start=0 delta=16 wback=true
  n=13 withPC=true count=5 start=0 delta=20 wback=true
  n=13 withPC=true count=6 start=0 delta=24 wback=true
  n=13 withPC=true count=7 start=0 delta=28 wback=true
  n=13 withPC=true count=8 start=0 delta=32 wback=true
  n=13 withPC=true count=9 start=0 delta=36 wback=true
POP A2
  t=15 n=13 m=-1 imm=4 type=0 amount=0 add=true index=false wback=true
POP T1
  n=13 withPC=true count=2 start=0 delta=8 wback=true
  n=13 withPC=true count=3 start=0 delta=12 wback=true
  n=13 withPC=true count=4 start=0 delta=16 wback=true
  n=13 withPC=true count=5 start=0 delta=20 wback=true
  n=13 withPC=true count=6 start=0 delta=24 wback=true
PUSH T1
  withPC=false count=1 start=-4 delta=-4 wback=true
  withPC=false count=2 start=-8 delta=-8 wback=true
  withPC=false count=3 start=-12 delta=-12 wback=true
  withPC=false count=4 start=-16 delta=-16 wback=true
  withPC=false count=5 start=-20 delta=-20 wback=true
  withPC=false count=6 start=-24 delta=-24 wback=true
RBIT A1
  -
REV A1
  -
REV T1
  -
REV16 T1
  -
ROR (immediate) A1
  s=false kind=1 carry=null type=3
RRX A1
  s=false kind=1 carry=null type=4
  s=true kind=1 carry=null type=4
RSB (immediate) A1
  s=false kind=0 carry=0 type=0 amount=0
  s=true kind=0 carry=0 type=0 amount=0
RSB (immediate) T1
  s=false kind=0 carry=null type=0 amount=0
  s=true kind=0 carry=null type=0 amount=0
RSB (register) A1
  s=false kind=1 carry=null type=0
  s=false kind=1 carry=null type=0 amount=0
  s=false kind=1 carry=null type=1
  s=false kind=1 carry=null type=2
  s=false kind=1 carry=null type=3
  s=true kind=1 carry=null type=2
RSC (immediate) A1
  s=false kind=0 carry=0 type=0 amount=0
SBC (immediate) A1
  s=false kind=0 carry=0 type=0 amount=0
  s=true kind=0 carry=0 type=0 amount=0
SBC (register) A1
  s=false kind=1 carry=null type=0
  s=false kind=1 carry=null type=0 amount=0
  s=false kind=1 carry=null type=2
  s=true kind=1 carry=null type=0 amount=0
SBC (register) T1
  s=true kind=1 carry=null type=0 amount=0
SBFX A1
  -
SEL A1
  -
SMLABB A1
  nHigh=0 mHigh=0 round=false
SMLAL A1
  s=false
SMULBB A1
  a=-1 nHigh=0 mHigh=0 round=false
SMULL A1
  s=false
STM A1
  withPC=false count=2 start=0 delta=8 wback=false
  withPC=false count=2 start=0 delta=8 wback=true
  withPC=false count=3 start=0 delta=12 wback=false
  withPC=false count=3 start=0 delta=12 wback=true
  withPC=false count=4 start=0 delta=16 wback=false
  withPC=false count=4 start=0 delta=16 wback=true
  withPC=false count=8 start=0 delta=32 wback=true
STM T1
  withPC=false count=2 start=0 delta=8 wback=true
  withPC=false count=3 start=0 delta=12 wback=true
  withPC=false count=4 start=0 delta=16 wback=true
STMDB A1
  withPC=false count=10 start=-40 delta=-40 wback=true
  withPC=false count=2 start=-8 delta=-8 wback=false
  withPC=false count=2 start=-8 delta=-8 wback=true
  withPC=false count=3 start=-12 delta=-12 wback=false
  withPC=false count=3 start=-12 delta=-12 wback=true
  withPC=false count=4 start=-16 delta=-16 wback=false
  withPC=false count=4 start=-16 delta=-16 wback=true
  withPC=false count=5 start=-20 delta=-20 wback=true
  withPC=false count=6 start=-24 delta=-24 wback=true
  withPC=false count=7 start=-28 delta=-28 wback=true
  withPC=false count=8 start=-32 delta=-32 wback=true
  withPC=false count=9 start=-36 delta=-36 wback=true
STMIB A1
  withPC=false count=2 start=4 delta=8 wback=false
STR (immediate) A1
  m=-1 type=0 amount=0 add=false index=false wback=true
  m=-1 type=0 amount=0 add=false index=true wback=false
  m=-1 type=0 amount=0 add=false index=true wback=true
  m=-1 type=0 amount=0 add=true index=false wback=true
  m=-1 type=0 amount=0 add=true index=true wback=false
  m=-1 type=0 amount=0 add=true index=true wback=true
STR (immediate) T1
  m=-1 type=0 amount=0 add=true index=true wback=false
STR (register) A1
  type=0 add=true index=true wback=false
  type=0 amount=0 add=true index=true wback=false
STR (register) T1
  type=0 amount=0 add=true index=true wback=false
STRB (immediate) A1
  m=-1 type=0 amount=0 add=false index=false wback=true
  m=-1 type=0 amount=0 add=false index=true wback=false
  m=-1 type=0 amount=0 add=false index=true wback=true
  m=-1 type=0 amount=0 add=true index=false wback=true
  m=-1 type=0 amount=0 add=true index=true wback=false
  m=-1 type=0 amount=0 add=true index=true wback=true
STRB (immediate) T1
  m=-1 type=0 amount=0 add=true index=true wback=false
STRB (register) A1
  type=0 add=true index=true wback=false
  type=0 amount=0 add=true index=true wback=false
STRB (register) T1
  type=0 amount=0 add=true index=true wback=false
STRD (immediate) A1
  m=-1 type=0 amount=0 add=false index=true wback=false
  m=-1 type=0 amount=0 add=false index=true wback=true
  m=-1 type=0 amount=0 add=true index=false wback=true
  m=-1 type=0 amount=0 add=true index=true wback=false
  m=-1 type=0 amount=0 add=true index=true wback=true
STREX A1
  -
STREXB A1
  -
STREXD A1
  -
STRH (immediate) A1
  m=-1 type=0 amount=0 add=false index=false wback=true
  m=-1 type=0 amount=0 add=false index=true wback=false
  m=-1 type=0 amount=0 add=true index=false wback=true
  m=-1 type=0 amount=0 add=true index=true wback=false
  m=-1 type=0 amount=0 add=true index=true wback=true
STRH (immediate) T1
  m=-1 type=0 amount=0 add=true index=true wback=false
STRH (register) A1
  type=0 amount=0 add=true index=false wback=true
  type=0 amount=0 add=true index=true wback=false
STRH (register) T1
  type=0 amount=0 add=true index=true wback=false
STRH (register) T2
  type=0 add=true index=true wback=false
SUB (immediate) A1
  s=false kind=0 carry=0 type=0 amount=0
  s=true kind=0 carry=0 type=0 amount=0
SUB (immediate) T1
  s=false kind=0 carry=null type=0 amount=0
  s=true kind=0 carry=null type=0 amount=0
SUB (register) A1
  s=false kind=1 carry=null type=0
  s=false kind=1 carry=null type=0 amount=0
  s=false kind=1 carry=null type=1
  s=false kind=1 carry=null type=2
  s=false kind=1 carry=null type=3
  s=true kind=1 carry=null type=0 amount=0
SUB (register) T1
  s=false kind=1 carry=null type=0 amount=0
  s=true kind=1 carry=null type=0 amount=0
SVC T1
  -
SXTB A1
  n=-1
SXTB T1
  n=-1
SXTH A1
  n=-1
SXTH T1
  n=-1
TBB T1
  n=15
TBH T1
  n=15
TEQ (immediate) A1
  s=true kind=0 carry=null type=0 amount=0
TEQ (register) A1
  s=true kind=1 carry=null type=0 amount=0
TST (immediate) A1
  s=true kind=0 carry=0 type=0 amount=0
  s=true kind=0 carry=1 type=0 amount=0
  s=true kind=0 carry=null type=0 amount=0
TST (register) A1
  s=true kind=1 carry=null type=0 amount=0
TST (register) T1
  s=true kind=1 carry=null type=0 amount=0
UADD8 A1
  -
UBFX A1
  -
UMLAL A1
  s=false
UMULL A1
  s=false
UQSUB8 A1
  -
UXTAB A1
  -
UXTAH A1
  -
UXTB A1
  n=-1
UXTB T1
  n=-1
UXTH A1
  n=-1
UXTH T1
  n=-1
VABS A2
  size=64
VADD (floating-point) A2
  size=32
  size=64
VADD (integer) A1
  t=10 imm=0
  t=2 imm=0
VAND (register) A1
  t=12 imm=0
VCEQ (register) A1
  t=8 imm=0
VCMP A1
  size=32
  size=64
VCMP A2
  size=32 m=-1
  size=64 m=-1
VCVT (between double-precision and single-precision) A1
  op=f32_f64 fbits=0
  op=f64_f32 fbits=0
VCVT (from integer) A1
  op=f32_i32 fbits=0
  op=f32_u32 fbits=0
  op=f64_i32 fbits=0
  op=f64_u32 fbits=0
VCVT (to integer) A1
  op=i32_f64 fbits=0
  op=u32_f32 fbits=0
  op=u32_f64 fbits=0
VDIV A1
  size=32
  size=64
VDUP (ARM core register) A1
  t=12 imm=0
VEOR A1
  t=12 imm=0
  t=4 imm=0
VEXT A1
  t=12 imm=4
VLD1 (multiple single elements) A1
  size=1 stride=1 count=1 align=1 n=1 quads=false m=13
  size=1 stride=1 count=2 align=1 n=1 quads=true m=13
  size=1 stride=1 count=2 n=1 quads=true m=13
  size=1 stride=1 count=4 align=1 n=1 quads=true m=13
  size=1 stride=1 count=4 n=1 quads=true m=13
VLDMIA A1
  size=64 count=1 before=false wback=true bytes=8
  size=64 count=2 before=false wback=true bytes=16
  size=64 count=3 before=false wback=true bytes=24
  size=64 count=4 before=false wback=true bytes=32
  size=64 count=6 before=false wback=true bytes=48
  size=64 count=8 before=false wback=true bytes=64
VLDR A1
  size=64 add=false
  size=64 n=15 add=false
VLDR A2
  size=32 add=false
VLDR T1
  size=64 n=15 add=true
VLDR T2
  size=32 n=15 add=false
VMLA (floating-point) A2
  size=64
VMLS (floating-point) A2
  size=64
VMOV (ARM core register to single-precision register) A1
  size=32 t2=-1 x=0
VMOV (doubleword register to two ARM core registers) A1
  size=64 x=0
VMOV (immediate) A2
  size=32
  size=64
VMOV (register) A2
  size=32
  size=64
VMOV (scalar to ARM core register) A1
  size=64 t2=-1 x=0
VMOV (single-precision register to ARM core register) A1
  size=32 t2=-1 x=0
VMOV (two ARM core registers to a doubleword register) A1
  size=64 x=0
VMRS A1
  -
  t=15
VMUL (floating-point) A2
  size=32
  size=64
VNEG A2
  size=64
VNMLS A1
  size=64
VORR (register) A1
  t=12 imm=0
  t=4 imm=0
VPADD (integer) A1
  t=0 imm=0
VREV32 A1
  t=12 imm=0
VSHR A1
  t=14
  t=6
VSLI A1
  t=14
  t=6
VSQRT A1
  size=64
VST1 (multiple single elements) A1
  size=1 stride=1 count=1 align=1 n=1 quads=false m=13
  size=1 stride=1 count=2 n=1 quads=true m=13
  size=1 stride=1 count=4 n=1 quads=true m=13
VSTMDB A1
  size=64 count=1 before=true wback=true bytes=8
  size=64 count=2 before=true wback=true bytes=16
  size=64 count=3 before=true wback=true bytes=24
  size=64 count=4 before=true wback=true bytes=32
  size=64 count=5 before=true wback=true bytes=40
  size=64 count=6 before=true wback=true bytes=48
  size=64 count=8 before=true wback=true bytes=64
VSTMIA A1
  size=64 count=1 before=false wback=true bytes=8
  size=64 count=8 before=false wback=true bytes=64
VSTR A1
  size=64 add=false
VSTR A2
  size=32 add=false
VSUB (floating-point) A2
  size=64
`;

let names: ReadonlySet<string> | undefined;

/** Names of the forms, as nameOfForm gives them. */
export function usualForms(): ReadonlySet<string> {
  names ??= namesIn(TEXT);
  return names;
}

function namesIn(text: string): Set<string> {
  const found = new Set<string>();
  let row = '';
  for (const line of text.trim().split('\n'))
    if (line.startsWith('  ')) found.add(`${row}: ${line === '  -' ? '' : line.trim()}`);
    else row = line;
  return found;
}
