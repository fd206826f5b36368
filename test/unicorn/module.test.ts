/** unicorn.js as the engine: a stand-in of the same surface (stand-in.ts). */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import * as uc from '../../emu/unicorn/api.ts';
import { UnicornBackend } from '../../emu/unicorn/backend.ts';
import { loadModule, ModuleUnicorn, type UnicornModule } from '../../emu/unicorn/module.ts';
import { assemble } from './assemble.ts';
import { contract } from './contract.ts';
import MUnicorn from './stand-in.ts';

const module = (await MUnicorn()) as unknown as UnicornModule;

describe('the CPU', () => {
  contract((space, options) => new UnicornBackend(space, options, () => new ModuleUnicorn(module)));
});

describe('the module', () => {
  const directory = mkdtempSync(join(tmpdir(), 'armrun-module-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  let files = 0;
  const load = (source: string) => {
    const name = `${files++}.cjs`;
    writeFileSync(join(directory, name), source);
    return loadModule(name, directory);
  };
  const good = `arch_supported: () => true, version: () => 0x020104ff, Unicorn: function () {},
    ARM_REG_R0: 66, ARM_REG_D0: 14, ARM_REG_SP: 12, ARM_REG_PC: 11, HOOK_CODE: 4, ARCH_ARM: 1`;

  test.each([
    `module.exports = async () => ({ ${good} })`,
    `module.exports = { default: async () => ({ ${good} }) }`,
    `exports.MUnicorn = () => ({ ${good} })`,
    `module.exports = { ${good} }`,
  ])('its export is found: %s', async (source) => {
    expect((await load(source)).ARM_REG_R0).toBe(66);
  });

  test.each([
    ['is no build of unicorn.js', 'module.exports = { hello: 1 }'],
    ['is not version 2', `module.exports = { ${good}, version: () => 0x100 }`],
    ['was built without ARM', `module.exports = { ${good}, arch_supported: () => false }`],
    ['has ARM_REG_PC 7 where Unicorn 2 has 11', `module.exports = { ${good}, ARM_REG_PC: 7 }`],
    ['does not start: no memory', `module.exports = async () => { throw Error('no memory') }`],
    ['does not load: ', 'a syntax error'],
  ])('one that does not fit is told of: %s', async (message, source) => {
    await expect(load(source)).rejects.toThrow(
      new RegExp(`^Unicorn cannot be used: .*\\d+\\.cjs ${message}.*\\(set ARMRUN_UNICORN_JS to `),
    );
  });

  test('there is none', async () => {
    await expect(loadModule(null, directory)).rejects.toThrow(
      'Unicorn cannot be used: no package unicorn.js or @alexaltea/unicorn-js (set ARMRUN_UNICORN_JS to the file or package of a build of version 2 with ARM)',
    );
    await expect(loadModule('./nothing.js', directory)).rejects.toThrow('./nothing.js does not load: ');
  });

  test('a package where the program is started', async () => {
    const folder = join(directory, 'node_modules', '@alexaltea', 'unicorn-js');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'index.js'), `module.exports = async () => ({ ${good} })`);
    expect((await loadModule(null, directory)).HOOK_CODE).toBe(4);
  });
});

test('an exception of a hook passes by the module', () => {
  const engine = new ModuleUnicorn(module);
  engine.mem_map(0x1_0000, 0x1000, uc.PROT_ALL);
  engine.mem_write(0x1_0000, assemble('1: add r0, r0, #1\n b 1b'));
  engine.hook_add(uc.HOOK_CODE, () => {
    throw new Error('from the hook');
  });
  expect(() => engine.emu_start(0x1_0000, 0, 0, 0)).toThrow('from the hook');
  expect(() => engine.mem_read(0x5_0000, 4)).toThrow(uc.UnicornError);
  engine.close();
});
