/**
 * Which encodings the CPU model of the run has (emu/cpu-model.ts). The decoder is one for all of the process, and so is the
 * model.
 *
 * Rows that came with ARMv8 name their feature (Row.needs); what older models lack goes by the rows' names here, and is asked
 * for only with such a model.
 */
import { type CpuModel, DEFAULT_MODEL, type Feature } from '../cpu-model.ts';
import type { Row } from './row.ts';

/** By row names with the instruction set before them; the first that matches says it. */
const NEEDS: readonly (readonly [RegExp, Feature | null])[] = [
  [/^T32:(BL T1|BLX \(immediate\) T2)$/, null],
  [/^T32:|^T16:(CBN?Z|IT|NOP|YIELD|WFE|WFI|SEV|Unallocated hint) /, 'v6t2'],
  [/^A32:(MOVT|MOV \(immediate\) A2|MLS|RBIT|[SU]BFX|BF[CI]|(LDRH|LDRSB|LDRSH|STRH)T) ?/, 'v6t2'],
  [/^A32:(PLDW|Unallocated memory hint)/, 'multiprocessing'],
  [/^A32:(DSB|DMB|ISB|DBG|PLI|MRC \(PMUSERENR)/, 'v7'],
];
const VFP_NEEDS: readonly (readonly [RegExp, Feature])[] = [
  [/^[SU]DIV/, 'division'],
  [/^VFN?M[AS]/, 'vfp4'],
  [/^VCVT[BT]|^VCVT \((to|from) half/, 'half'],
  [/^VMOV \(immediate\) [AT]2|^VCVT \((to|from) fixed-point\)/, 'vfp3'],
];

function featureOf(row: Row): Feature | null {
  if (row.needs !== undefined && row.needs !== 'neon') return row.needs;
  for (const [pattern, feature] of VFP_NEEDS) if (pattern.test(row.name)) return feature;
  if (row.needs !== undefined) return row.needs;
  for (const [pattern, feature] of NEEDS) if (pattern.test(`${row.isa}:${row.name}`)) return feature;
  return null;
}

let model: CpuModel = DEFAULT_MODEL;
let isOlder = false;
/** What is to forget all it knows when the model changes. */
const caches: (() => void)[] = [];

export function onModelChange(forget: () => void): void {
  caches.push(forget);
}

/** Has the decoder know this model's instructions. All runs of a process that go on at the same time must be of one model. */
export function selectModel(chosen: CpuModel): void {
  if (chosen === model) return;
  model = chosen;
  isOlder = [...DEFAULT_MODEL.features].some((feature) => !chosen.features.has(feature));
  for (const forget of caches) forget();
}

/** Calls with the decoder for a model, whatever that of the run is. */
export function withModel<T>(wanted: CpuModel, call: () => T): T {
  const chosen = model;
  selectModel(wanted);
  try {
    return call();
  } finally {
    selectModel(chosen);
  }
}

/** Whether the run's model is the default. */
export function isDefaultModel(): boolean {
  return model === DEFAULT_MODEL;
}

export function hasRow(row: Row): boolean {
  if (!isOlder) return row.needs === undefined || model.features.has(row.needs);
  const feature = featureOf(row);
  return feature === null || model.features.has(feature);
}

/** Whether operands are registers that the model does not have: D16 to D31. */
export function lacksRegisters(args: unknown): boolean {
  if (!isOlder || model.features.has('doubles32')) return false;
  const { size, op, dt, d = 0, n = 0, m = 0, count = 1 } = args as Partial<Record<string, number | string>>;
  const isDouble = (type: string | undefined) => type === 'f64';
  if (typeof op === 'string') {
    const [to, from] = [String(dt).split('.')[1], String(dt).split('.')[2]];
    return (isDouble(to) && Number(d) > 15) || (isDouble(from) && Number(m) > 15);
  }
  if (size !== 64) return false;
  return Number(d) + Number(count) > 16 || Number(n) > 15 || Number(m) > 15;
}
