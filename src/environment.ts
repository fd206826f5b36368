/**
 * The environment that armrun was given. A shell starts it (src/armrun), and shells change it: they set PWD and SHLVL, drop
 * variables with odd names and put the rest into another order. So the shell passes on what it was given in one more variable.
 */

/** A byte that stands for NUL, which cannot be in a variable; as in src/armrun. */
const SEPARATOR = '\x16';

/** Gives process.env back what src/armrun was started with. */
export function restoreEnvironment(): void {
  const { env } = process;
  const given = env.ARMRUN_ENVIRON;
  if (given === undefined) return;
  for (const name of Object.keys(env)) delete env[name];
  for (const setting of given.split(SEPARATOR)) {
    const equals = setting.indexOf('=');
    if (equals > 0) env[setting.slice(0, equals)] = setting.slice(equals + 1);
  }
}
