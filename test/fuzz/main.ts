/**
 * Hunts for instructions that behave differently from qemu-arm:
 *
 *   node test/fuzz/main.ts --cpu interp --rows '^LDR' --count 200 --seed 1 --chains 0 --programs 0
 *
 * --model is one of emu/cpu-model.ts (cortex-a15 when not given; max for what is ARMv8's). --cpu may be given several times;
 * --rows is a regular expression over row names ('ADD (immediate) A1') or, with 'isa:', such as 'T32:VADD'; --rounds N repeats
 * with the next seeds. Prints each difference as a minimal report, and at the end how many cases each row had; exit status 1
 * when there are differences.
 */
import { parseArgs } from 'node:util';
import { cpuModelNamed } from '../../emu/cpu-model.ts';
import { ROWS } from '../../emu/decode/decoder.ts';
import { hasRow, selectModel } from '../../emu/decode/features.ts';
import type { Row } from '../../emu/decode/row.ts';
import { useHandlersFile } from '../../src/handlers-file.ts';
import { BACKENDS } from './backends.ts';
import { describeCase } from './compare.ts';
import { fuzz } from './fuzz.ts';
import type { BackendFactory } from './runner.ts';

const { values } = parseArgs({
  options: {
    cpu: { type: 'string', multiple: true, default: ['interp'] },
    model: { type: 'string', default: 'cortex-a15' },
    rows: { type: 'string', default: '.' },
    count: { type: 'string', default: '100' },
    chains: { type: 'string', default: '0' },
    programs: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '1' },
    verbose: { type: 'boolean', default: false },
  },
});

useHandlersFile();
selectModel(cpuModelNamed(values.model)!);
const pattern = new RegExp(values.rows);
const rows = ROWS.filter(
  (row: Row) => hasRow(row) && (pattern.test(row.name) || pattern.test(`${row.isa}:${row.name}`)),
);
const backends = new Map<string, BackendFactory>();
for (const name of values.cpu) {
  const factory = BACKENDS.get(name);
  if (factory === undefined)
    throw new Error(`no such CPU: ${name} (there are ${[...BACKENDS.keys()].join(', ')})`);
  backends.set(name, factory);
}

let failed = false;
/** Cases by row, over all rounds. */
const made = new Map<Row, number>(rows.map((row) => [row, 0]));
const first = Number(values.seed);
for (let seed = first; seed < first + Number(values.rounds); seed++) {
  const report = fuzz({
    rows,
    count: Number(values.count),
    chains: Number(values.chains),
    programs: Number(values.programs),
    cpu: values.model,
    seed,
    backends,
  });
  for (const failure of report.failures) {
    console.log(`${failure.backend}, seed ${seed}:`);
    console.log(`${describeCase(failure.case, failure.oracle, failure.differences)}\n`);
  }
  failed ||= report.failures.length > 0;
  const names = new Set(report.failures.map((f) => f.case.insns.map((insn) => insn.row.name).join(' + ')));
  console.log(
    `seed ${seed}: ${report.cases} cases of ${rows.length} rows, ${names.size} rows or chains differ`,
  );
  for (const [row, n] of report.made) made.set(row, made.get(row)! + n);
  if (values.verbose) console.log(report.rejected, report.ms);
}
const wanted = Number(values.count) * Number(values.rounds);
const fewer = rows.filter((row) => made.get(row)! < wanted).map((row) => `${row.name} ${made.get(row)}`);
console.log(
  `${wanted} cases of each of ${rows.length - fewer.length} rows; fewer of: ${fewer.join(', ') || 'none'}`,
);
process.exitCode = failed ? 1 : 0;
