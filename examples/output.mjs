/**
 * Runs a program of a root file system, and does something with its output.
 *
 *   node examples/output.mjs ROOT [PROGRAM [ARGUMENT ...]]
 */
import { capture, StartError } from 'armrun';

const [root, ...argv] = process.argv.slice(2);
if (argv.length === 0) argv.push('/bin/uname', '-mrs');

try {
  const { stdout, stderr, exitCode, signal } = await capture({
    program: argv[0],
    argv,
    root,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    // It has five seconds.
    signal: AbortSignal.timeout(5000),
  });
  for (const line of stdout.trimEnd().split('\n')) console.log(`> ${line}`);
  process.stderr.write(stderr);
  console.log(signal ? `killed by ${signal}` : `ended with ${exitCode}`);
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  console.error(`cannot be run: ${error.message} (${error.code})`);
  process.exitCode = error.exitCode;
}
