/** Writes the interpreter's handlers into a file: `node handlers.ts FILE`. Part of the build. */
import { writeFileSync } from 'node:fs';
import { generate } from '../../emu/tier0/generate.ts';

writeFileSync(process.argv[2]!, generate().file);
