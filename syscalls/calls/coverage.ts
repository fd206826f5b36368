/**
 * docs/SYSCALLS.md: every system call of ARM Linux, and whether it is here. Made from the declarations; run this file to write it
 * anew:
 *
 *   node syscalls/calls/coverage.ts
 */
import { writeFileSync } from 'node:fs';
import { ARM_NR_BASE, SYSCALL_NAMES } from '../abi/unistd.ts';
import type { Call } from './declare.ts';
import { allCalls } from './table.ts';

export function coverageDocument(calls: readonly Call[] = allCalls): string {
  const here = new Set(calls.map((call) => call.number));
  const numbers = [...SYSCALL_NAMES.keys()].sort((a, b) => a - b);
  const count = numbers.filter((n) => here.has(n)).length;
  const rows = numbers.map((n) => {
    const shown = n >= ARM_NR_BASE ? `0x${n.toString(16)}` : String(n);
    return `| ${shown} | ${SYSCALL_NAMES.get(n)} | ${here.has(n) ? 'yes' : ''} |`;
  });
  return `# System calls

Made by \`node syscalls/calls/coverage.ts\` from the declarations in syscalls/calls. ${count} of ${numbers.length} calls
of 32-bit ARM Linux (EABI) are implemented; the others give ENOSYS, and \`--warn\` names them when a program asks.

| number | name | implemented |
| -----: | ---- | ----------- |
${rows.join('\n')}
`;
}

if (import.meta.main) {
  writeFileSync(new URL('../../docs/SYSCALLS.md', import.meta.url), coverageDocument());
}
