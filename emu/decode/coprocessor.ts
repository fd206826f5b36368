/**
 * What User mode reaches of coprocessor 15 (ARM ARM B3.17, A8.8.98, A8.8.107), in the form of table.ts: thread registers, the
 * barriers of ARMv6, and whether the performance counters are for it, which they are not. A32 and T32 differ in the condition
 * alone.
 */
import * as ops from '../ops/system.ts';
import * as predicates from './predicates.ts';
import type { Row } from './row.ts';
import * as shapes from './shapes/branch-system.ts';
import { rowsOf } from './table.ts';

const TABLE = `
MRC (TPIDRURO) 1  | 1110 0001 1101 tttt 1111 0111 0000 | cp15Register 13 0 3 | readTpidruro  | pcOrThumbSp t
MRC (TPIDRURW) 1  | 1110 0001 1101 tttt 1111 0101 0000 | cp15Register 13 0 2 | readTpidrurw  | pcOrThumbSp t
MCR (TPIDRURW) 1  | 1110 0000 1101 tttt 1111 0101 0000 | cp15Register 13 0 2 | writeTpidrurw | pcOrThumbSp t
MRC (PMUSERENR) 1 | 1110 0001 1001 tttt 1111 0001 1110 | cp15Register 9 14 0 | readZero      | pcOrThumbSp t
MCR (CP15ISB) 1   | 1110 0000 0111 tttt 1111 1001 0101 | cp15Barrier 5 4     | isb           | pcOrThumbSp t
MCR (CP15DSB) 1   | 1110 0000 0111 tttt 1111 1001 1010 | cp15Barrier 10 4    | nop           | pcOrThumbSp t
MCR (CP15DMB) 1   | 1110 0000 0111 tttt 1111 1011 1010 | cp15Barrier 10 5    | nop           | pcOrThumbSp t
`;

export const coprocessorRows: Row[] = rowsOf(TABLE, (bits) => [`cccc ${bits}`, `1110 ${bits}`], {
  shapes,
  ops,
  predicates,
});
