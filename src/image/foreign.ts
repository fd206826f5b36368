import type { Source } from './contents.ts';
import type { Architecture } from './launcher.ts';

export function foreignSource(architecture: Architecture, _project: string, _dist: string): Source {
  throw new Error(`--arch ${architecture}: not on this machine`);
}
