/**
 * The environment that armrun was given. What starts armrun changes it, and here it is made good:
 *
 * - A shell (src/armrun) sets PWD and SHLVL, drops variables with odd names and puts the rest into another order. So it passes on
 *   what it was given in one more variable. And it tells which signals were ignored, which a process cannot find out once Node
 *   has started.
 * - The launcher of images (image/launcher.ts) changes the first byte of each variable, so that none means something to Node or
 *   the host's dynamic linker.
 */

/** A byte that stands for NUL, which cannot be in a variable; as in src/armrun. */
const SEPARATOR = '\x16';

/** The bit that the launcher changes in the first byte of each variable, if that is ASCII and does not become NUL. */
export const FLIPPED_BIT = 0x40;
const FLIPPED_MARK = 'ARMRUN_FLIPPED';

/** What the launcher adds: the mark, and huge pages for the snapshot where the host gives them when asked (docs/STARTUP.md). */
export const LAUNCHER_ENVIRONMENT = [`${FLIPPED_MARK}=1`, 'GLIBC_TUNABLES=glibc.malloc.hugetlb=1'];

/**
 * Gives process.env back what armrun was started with. Gives the set of signals that were ignored then, bit n - 1 for signal n.
 */
export function restoreEnvironment(): bigint {
  const { env } = process;
  const ignored = BigInt(`0x${env.ARMRUN_IGNORED ?? 0}`);
  let given: string[] | undefined;
  if (env[FLIPPED_MARK] !== undefined) given = flipped(env);
  else if (env.ARMRUN_ENVIRON !== undefined) given = env.ARMRUN_ENVIRON.split(SEPARATOR);
  if (given === undefined) return 0n;
  for (const name of Object.keys(env)) delete env[name];
  for (const setting of given) {
    const equals = setting.indexOf('=');
    if (equals > 0) env[setting.slice(0, equals)] = setting.slice(equals + 1);
  }
  return ignored;
}

function flipped(env: NodeJS.ProcessEnv): string[] {
  const added = new Set(LAUNCHER_ENVIRONMENT);
  return Object.entries(env)
    .map(([name, value]) => `${name}=${value}`)
    .filter((setting) => !added.has(setting))
    .map((setting) => {
      const first = setting.charCodeAt(0);
      if (first >= 0x80 || first === FLIPPED_BIT) return setting;
      return String.fromCharCode(first ^ FLIPPED_BIT) + setting.slice(1);
    });
}
