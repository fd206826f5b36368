/**
 * Pairs of instructions that programs are full of: one handler does both, without the way from one handler to the next, which is
 * half of what most handlers do. By rows: what may be first, and what second.
 *
 * They are the most frequent ones of those that can be a pair, in starts of python3 and perl, a loop in dash and a compilation by
 * cc1 (each counted alike): three tenths of all instructions are the first of one.
 */
const TEXT = `
CMP (immediate) T1 + B T1, B T3
MOV (register) T1 + MOV (register) T1, CMP (immediate) T1, LDR (immediate) T1, ADD (register) T2, EOR (register) T2,
  STR (immediate) T2, MOV (immediate) T1, B T2, LDR (literal) T1, STR (immediate) T1, ADD (SP plus immediate) T2,
  SUB (SP minus immediate) T1, LDR (immediate) T2, CBZ T1, ADD (immediate) T2, LDRB (immediate) T1, MOV (immediate) T2,
  LDR (immediate) T3
CMP (register) T1 + B T1, B T3, LDR (register) T2, AND (register) T2
MOV (immediate) T3 + MOVT T1
LDR (immediate) T1 + CMP (immediate) T1, LDR (immediate) T1, CMP (register) T1, MOV (register) T1, ADD (register) T2, CBZ T1,
  ADD (immediate) T2, STR (immediate) T2, LSL (immediate) T1, STR (immediate) T1, CMP (register) T2, LDR (immediate) T2,
  SUB (immediate) T2, MOV (immediate) T3, LDR (immediate) T3
SUB (immediate) A1 + STRB (immediate) A1, B A1
ADD (register) T2 + LDR (immediate) T1, LDR (register) T1, STR (immediate) T1, STR (register) T2, ADD (register) T2,
  MOV (register) T1, LDRB (immediate) T1, CMP (register) T1
LDR (literal) T1 + ADD (register) T2, LDR (literal) T1, MOV (register) T1, LDR (immediate) T1
CMP (register) T2 + B T1, B T3, MLA T1, BIC (register) T2
LSL (immediate) T1 + B T1, B T3
ADD (immediate) A1 + ADD (immediate) A1, LDR (immediate) A1
LDRB (immediate) T1 + CMP (immediate) T1, LDRB (immediate) T1
CMP (immediate) T2 + B T1, B T3
LDR (immediate) T4 + LDR (immediate) T4, CMP (register) T1, CBZ T1, CMP (register) T2, CMP (immediate) T1
LDR (register) T1 + LDR (immediate) T1
ORR (register) T2 + B T1
SEL T1 + CBNZ T1, UADD8 T1
LDR (immediate) T3 + CMP (immediate) T1, LDR (immediate) T1, LDR (immediate) T3, MOV (register) T1
TST (immediate) T1 + B T1, B T3
LDR (immediate) T2 + MOV (register) T1, CMP (immediate) T1, LDR (immediate) T1, EOR (register) T1, LDR (immediate) T2
MOV (immediate) T1 + MOV (register) T1, MOV (immediate) T1, STR (immediate) T1, STR (immediate) T2
CMP (immediate) A1 + B A1
MOV (register) A1 + CMP (immediate) A1, SUB (immediate) A1
UADD8 T1 + EOR (register) T2, SEL T1
EOR (register) T2 + SEL T1, EOR (register) T1, EOR (register) T2, STR (immediate) T4, TST (immediate) T1
LDR (register) T2 + ADD (register) T2, CMP (immediate) T1, LDR (immediate) T1
LDRB (immediate) T3 + STRB (register) T1, SUB (immediate) T3, CMP (immediate) T1, SUB (immediate) T2
SUB (SP minus immediate) T1 + MOV (register) T1
REV T1 + CLZ T1
ADD (immediate) T2 + CBZ T1, CMP (immediate) T1, STR (immediate) T1, CMP (register) T1, SUB (register) T1
AND (immediate) T1 + B T1, BIC (immediate) T1, AND (immediate) T1
SUB (immediate) T2 + STR (immediate) T1, CMP (immediate) T1
EOR (register) T1 + MOV (immediate) T2, MOV (register) T1
TST (immediate) A1 + STRB (immediate) A1
AND (immediate) A1 + ORR (register) A1, SUB (immediate) A1
ORR (register) A1 + ORR (register) A1, MOV (register) A1
ADD (immediate) T3 + MOV (register) T1
MOVT T1 + CMP (register) T1, LDR (immediate) T3, MOV (register) T1, LDR (immediate) T1
AND (register) T2 + ORR (register) T2
BIC (register) T2 + ORR (register) T2
ADD (register) T3 + LDR (immediate) T1, LDR (immediate) T3
LSR (register) T2 + AND (immediate) T1
LSL (immediate) T2 + CBZ T1
MVN (immediate) T1 + LSL (immediate) T2
LDR (literal) T2 + ADD (register) T2
CLZ T1 + BIC (immediate) T1
BIC (immediate) T1 + LSR (register) T2
ORN (register) T1 + MOV (register) T1
LDRB (immediate) T2 + CMP (immediate) T1
MLA T1 + B T1
ADD (SP plus immediate) T1 + MOV (register) T1
SUB (immediate) T3 + CMP (register) T2
SUB (register) T1 + B T1
LDRSB (register) T1 + CMP (immediate) T1
MOV (immediate) T2 + B T3
`;

/** Names of rows. */
export const PAIRS: readonly (readonly [first: string, second: string])[] = TEXT.trim()
  .split(/\n(?! )/)
  .flatMap((line) => {
    const [first, rest] = line.split(' + ') as [string, string];
    return rest.split(/,\s+/).map((second) => [first, second] as const);
  });
