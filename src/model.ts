/**
 * The CPU model of a run. The decoder knows one at a time, for the whole process: so runs at the same time must have the same.
 */
import { type CpuModel, cpuModelNamed, DEFAULT_MODEL } from '../emu/cpu-model.ts';
import { selectModel } from '../emu/decode/features.ts';
import { OptionError } from './errors.ts';

let inUse: CpuModel | undefined;
let runs = 0;

export function modelNamed(name: string = DEFAULT_MODEL.name): CpuModel {
  const model = cpuModelNamed(name);
  if (model === undefined) throw new OptionError('ERR_ARMRUN_CPU', `no CPU model ${name}`);
  return model;
}

/** A run begins. Gives what ends its claim. Throws an OptionError while runs of another model are under way. */
export function claimModel(model: CpuModel): () => void {
  if (runs > 0 && model !== inUse)
    throw new OptionError('ERR_ARMRUN_CPU', `another run in this process has the CPU model ${inUse!.name}`);
  inUse = model;
  runs++;
  selectModel(model);
  return () => {
    runs--;
  };
}
