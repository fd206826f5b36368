import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import flags from './src/v8-flags.json' with { type: 'json' };

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Child processes, as many as a small machine has cores: address spaces of 4 GiB each are not for more.
    pool: 'forks',
    maxWorkers: 2,
    execArgv: flags,
    env: {
      // Not the user's.
      ARMRUN_CACHE: fileURLToPath(new URL('.cache/translations', import.meta.url)),
      // A failure of armrun's own does not pass for an error of the guest's.
      ARMRUN_STRICT: '1',
    },
    globalSetup: ['test/handlers.ts'],
    setupFiles: ['test/setup.ts'],
    // Against hangs only: on a busy machine everything takes its time.
    testTimeout: 180_000,
    hookTimeout: 300_000,
  },
});
