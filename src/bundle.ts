/**
 * All of armrun, for dist/armrun.cjs: what cli.ts would load when it is needed is here from the beginning, because a startup
 * snapshot holds what was loaded when it was made (docs/STARTUP.md).
 */
export { main } from './cli.ts';
export { decodeUsual, isCodeUsed, writeCode } from './handlers-file.ts';
export * from './index.ts';
