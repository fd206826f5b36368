/** What /proc and /sys tell of the CPUs: /proc/cpuinfo, and /sys/devices/system/cpu. */
import { featureWords } from '../../../emu/cpu-model.ts';
import { NR_CPUS } from '../../abi/limits.ts';
import { type DirectoryContent, directory, type Entry, fixed, text } from './nodes.ts';
import type { ProcSource } from './source.ts';

/** The lines of all cores (c_show of arch/arm/kernel/setup.c). */
export function cpuinfo({ model, cpus }: ProcSource): string {
  const { midr } = model;
  const hex = (x: number, digits = 1) => `0x${x.toString(16).padStart(digits, '0')}`;
  const core = (number: number) => [
    `processor\t: ${number}`,
    `model name\t: ${model.description}`,
    'BogoMIPS\t: 100.00',
    `Features\t: ${featureWords(model)}`,
    `CPU implementer\t: ${hex(midr.implementer, 2)}`,
    `CPU architecture: ${midr.architecture}`,
    `CPU variant\t: ${hex(midr.variant)}`,
    `CPU part\t: ${hex(midr.part, 3)}`,
    `CPU revision\t: ${midr.revision}`,
    '',
  ];
  return [
    ...numbers(cpus).flatMap(core),
    'Hardware\t: Generic DT based system',
    'Revision\t: 0000',
    'Serial\t\t: 0000000000000000',
    '',
  ].join('\n');
}

export const numbers = (cpus: number): number[] => Array.from({ length: cpus }, (_, i) => i);

/** A mask as a list of ranges (bitmap_list_string): 0-1,3. */
export function cpuList(mask: number): string {
  const ranges: [number, number][] = [];
  for (let i = 0; i < NR_CPUS; i++) {
    if (!((mask >>> i) & 1)) continue;
    const last = ranges.at(-1);
    if (last?.[1] === i - 1) last[1] = i;
    else ranges.push([i, i]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

/** /sys/devices/system/cpu. */
export function cpuDirectory(cpus: number): DirectoryContent {
  const all = text(() => `${cpuList(2 ** cpus - 1)}\n`);
  const one = (number: number): [string, Entry] => [
    `cpu${number}`,
    directory({
      online: text(() => '1\n'),
      topology: directory({
        core_id: text(() => `${number}\n`),
        thread_siblings_list: text(() => `${number}\n`),
      }),
    }),
  ];
  return fixed({
    ...Object.fromEntries(numbers(cpus).map(one)),
    kernel_max: text(() => `${NR_CPUS - 1}\n`),
    offline: text(() => '\n'),
    online: all,
    possible: all,
    present: all,
  });
}
