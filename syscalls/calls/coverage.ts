/**
 * docs/SYSCALLS.md: every system call of ARM Linux, and whether it is here. Made from the declarations; run this file to write it
 * anew:
 *
 *   node syscalls/calls/coverage.ts
 */
import { writeFileSync } from 'node:fs';
import { ARM_NR_BASE, SYSCALL_NAMES } from '../abi/unistd.ts';
import type { Call } from './declare.ts';
import { PARTIAL, reasonFor } from './missing.ts';
import { allCalls } from './table.ts';

export function coverageDocument(calls: readonly Call[] = allCalls): string {
  const here = new Set(calls.map((call) => call.number));
  const numbers = [...SYSCALL_NAMES.keys()].sort((a, b) => a - b);
  const count = numbers.filter((n) => here.has(n)).length;
  const rows = numbers.map((n) => {
    const shown = n >= ARM_NR_BASE ? `0x${n.toString(16)}` : String(n);
    const name = SYSCALL_NAMES.get(n)!;
    const text = here.has(n) ? (PARTIAL[name] ?? 'whole') : `ENOSYS: ${reasonFor(n, name)}`;
    return `| ${shown} | ${name} | ${text} |`;
  });
  return `# System calls

Made by \`node syscalls/calls/coverage.ts\` from the declarations in syscalls/calls and what missing.ts says of them. ${count} of
${numbers.length} calls of 32-bit ARM Linux (EABI) are implemented. The others give ENOSYS, as in a Linux 6.1 that was built
without them, and \`--warn\` names them when a program asks. "Whole" is what is as in Linux as far as a guest can see.

| number | name | what there is |
| -----: | ---- | ------------- |
${rows.join('\n')}
`;
}

if (import.meta.main) {
  writeFileSync(new URL('../../docs/SYSCALLS.md', import.meta.url), coverageDocument());
}
