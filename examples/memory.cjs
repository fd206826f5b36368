'use strict';
/**
 * Runs an ARM program in a root that is only in memory: nothing that it does reaches the disk, and all of it can be looked at
 * afterwards.
 *
 *   node examples/memory.cjs PROGRAM [ARGUMENT ...]      PROGRAM: a statically linked ARM program
 */
const { readFileSync } = require('node:fs');
const { run } = require('armrun');
const { Volume } = require('memfs');

async function main([program, ...args]) {
  const volume = Volume.fromJSON({ '/etc/hostname': 'in-memory\n', '/tmp/.keep': '' });
  volume.writeFileSync('/program', readFileSync(program), { mode: 0o755 });
  const { exitCode } = await run({
    program: '/program',
    argv: ['program', ...args],
    fs: volume,
    cwd: '/tmp',
    uid: 1000,
    gid: 1000,
    stdin: 'what it reads\n',
    stdout: process.stdout,
    stderr: process.stderr,
    on: {
      process: (event) => {
        if (event.type !== 'exit') return;
        console.log(`process ${event.comm}: ${event.signal ?? event.exitCode}`);
      },
    },
  });
  console.log('files:', volume.readdirSync('/tmp').join(' '));
  process.exitCode = exitCode;
}

main(process.argv.slice(2));
