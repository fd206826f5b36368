/** docs/HOSTILE.md, whose list is the rules of differences.ts: `node test/hostile/document.ts` writes it anew. */
import { writeFileSync } from 'node:fs';
import { RULES } from './differences.ts';

export function hostileDocument(): string {
  return `# Hostile calls

test/hostile makes system calls up from their declarations (syscalls/calls): for each argument a value by what it is said to be
(\`Arg.domain\`), more often than not one that a program would not give: addresses of nothing, of what cannot be written,
unaligned, of a structure that ends at or behind the last byte that is mapped; sizes that are huge or negative; descriptors of the
wrong kind; flags that do not go together; paths without end.

    executor.c     makes them, each batch in a process of its own that finds the same files, descriptors and memory, at the same
                   addresses under both kernels; what it writes down, and its stack, are where no call's advice takes anything
                   away; without a C library
    generate.ts    makes them up, from a seed
    run.ts         runs the executor under armrun, and, compiled for 32-bit x86, under the host's kernel; each as an ordinary
                   user, with a root and namespaces of its own
    compare.ts     result, memory that was changed, and all descriptors in the end: flags, offset, and what each is
    differences.ts what may differ, and why; newer.ts what does because the host's kernel is newer than Linux 6.1

    nice node test/hostile/main.ts --calls 1000000 [--seconds N] [--seed 1] [--only NAME] [--alone] [--all]
                                   [--privileged] [--meant] [--before] [--jobs N] [--batch N]

prints each kind of difference once, and each failure of armrun's own (an exception that is no errno, see KERNEL.md). The tests
run what is recorded of Linux (recorded.jsonl, by \`--record\`) and a thousand new calls each day.

Half of the batches are of all calls, the others of one subject (a file of syscalls/calls): there a call meets what others of its
kind have left. \`--only\` has calls by names or subjects: \`splice\`, \`files/splice\`, \`net/.*\`.

Calls that end, replace, copy or trace their process (exit, execve, clone, ptrace, sigreturn ...) are made by a process of their
own.

Measured, two cores that others used as well: 1,030,047 calls with \`--alone\`, two runs of two jobs side by side, in 22 minutes
without a failure, and 106,376 with \`--privileged\`. Held against Linux 6.18, what was found was mended or put on the list each
time, and the next run had another seed: of 239,067 compared calls 4 differed in a way that the list had not, then 3 of 311,682, 8
of 319,522 (from there on offsets of descriptors are compared, too), 10 of 321,414, 4 of 327,594, 4 of 329,695, 2 of
327,960. From there on half of the batches are of one subject, and the rules say what each side gives, where some had let anything
pass (flags of fstatat64, appending at an offset, names with a slash behind them, datagrams without a way ... were behind them):
0 of 312,606, 2 of 340,097, 4 of 340,765, 3 of 340,180, 1 of 339,993, 1 of 339,158. From there on what is written down lies where
no call reaches it, and what each descriptor is is told by the executor, and compared in the end: 1 of 339,918, 0 of 340,052, 6 of
339,315 (the names of open message queues), 2 of 340,786 (a gigabyte's hole that was cleared for seconds was one), 1 of 339,393,
0 of 340,965. 413,094 calls with \`--alone\` had no failure meanwhile. With \`--meant\` the run tells what the list explains.

## What differs

Made by \`node test/hostile/document.ts\` from differences.ts. Calls by regular expression.

| calls | why |
| --- | --- |
${RULES.map(({ calls, reason }) => `| ${calls.source === '.' ? 'all' : `\`${calls.source.replaceAll('|', '\\\\|')}\``} | ${reason} |`).join('\n')}
`;
}

if (import.meta.main) {
  writeFileSync(new URL('../../docs/HOSTILE.md', import.meta.url), hostileDocument());
}
