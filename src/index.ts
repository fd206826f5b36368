/** The library: `import { run, capture } from 'armrun'`. See docs/API.md. */
export type * from './api.ts';
export * from './errors.ts';
export { capture, run } from './run.ts';
