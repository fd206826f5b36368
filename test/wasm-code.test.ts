/** V8's code of wasm modules, through V8's own functions: in processes of their own, which a mistake would end. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import flags from '../src/v8-flags.json' with { type: 'json' };
import { needs } from './needs.ts';

/** Modules with one function that returns n. */
const PREAMBLE = `
  import { codeNow, codeOf, moduleWithCode } from ${JSON.stringify(new URL('../src/wasm-code.ts', import.meta.url).href)};
  import { setTimeout } from 'node:timers/promises';
  import { setFlagsFromString } from 'node:v8';
  const moduleOf = (n) => Uint8Array.of(
    0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 6, 1, 4, 0, 65, n, 11);
  const codeOfOne = await codeOf(moduleOf(1));
  const held = [];
  function optimized(wasm) {
    setFlagsFromString('--no-liftoff');
    held.push(new WebAssembly.Instance(new WebAssembly.Module(wasm)));
    held.at(-1).exports.f();
    setFlagsFromString('--liftoff');
  }
  optimized(moduleOf(1));
  const given = codeOfOne();
`;

function run(body: string): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      ...flags,
      '--no-warnings',
      '--input-type=module-typescript',
      '-e',
      `${PREAMBLE}${body}\nprocess.exit();`,
    ],
    { encoding: 'utf8', cwd: fileURLToPath(new URL('..', import.meta.url)), timeout: 60_000 },
  );
  return { status, output: stdout + stderr };
}

// Elsewhere there is no code (src/wasm-code.ts).
const x64 = needs('x64');
x64.describe(x64.name("V8's code"), () => {
  test('code of a module that V8 has not optimized is none, and not that of another', () => {
    const { status, output } = run(`
      console.log(moduleWithCode(moduleOf(1), given) !== null);
      for (let n = 2; n < 60; n++) if (codeNow(moduleOf(n)) !== null) console.log('code of', n);
      console.log(new WebAssembly.Instance(new WebAssembly.Module(moduleOf(2))).exports.f());
    `);
    expect(output).toBe('true\n2\n');
    expect(status).toBe(0);
  });

  test('code of a module that V8 has optimized is had at once', () => {
    const { status, output } = run(`
      moduleWithCode(moduleOf(1), given);
      optimized(moduleOf(7));
      console.log(codeNow(moduleOf(7)) !== null);
    `);
    expect(output).toBe('true\n');
    expect(status).toBe(0);
  });

  test('V8 may refuse code, and make the module when nobody waits for it any more', () => {
    // Code made under other flags is not taken.
    const { status, output } = run(`
      moduleWithCode(moduleOf(1), given);
      setFlagsFromString('--allow-natives-syntax');
      for (let n = 2; n < 60; n++) if (codeNow(moduleOf(n)) !== null) console.log('code of', n);
      await setTimeout(500);
      console.log('done');
    `);
    expect(output).toBe('done\n');
    expect(status).toBe(0);
  });
});
