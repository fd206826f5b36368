/** koffi and libunicorn are optional: without them one line says what to install. */
import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => {
  vi.doUnmock('node:module');
  vi.resetModules();
});

async function engineWith(
  require: (name: string) => unknown,
): Promise<typeof import('../../emu/unicorn/engine.ts')> {
  vi.resetModules();
  vi.doMock('node:module', () => ({ createRequire: () => require }));
  return import('../../emu/unicorn/engine.ts');
}

test('koffi is missing', async () => {
  const { version } = await engineWith(() => {
    throw new Error("Cannot find module 'koffi'\nRequire stack:\n- here");
  });
  expect(version).toThrow(/^Unicorn cannot be used: .*Cannot find module 'koffi' \(npm install koffi\)$/);
});

test('libunicorn is missing', async () => {
  const { Unicorn, UnicornMissing } = await engineWith(() => ({
    load: (file: string) => {
      throw new Error(`${file}: cannot open shared object file`);
    },
  }));
  expect(() => new Unicorn(1, 0)).toThrow(UnicornMissing);
  expect(() => new Unicorn(1, 0)).toThrow(
    /libunicorn\.so\.2: cannot open .* \(on Debian: apt-get install libunicorn2\)$/,
  );
});
