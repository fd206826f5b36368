#!/usr/bin/env node
'use strict';
/**
 * armrun under whatever Node started this file (20 or newer): goes on in this process as dist/armrun.cjs, or from the sources,
 * when this is Node 26; else in the Node of that version which comes as an optional dependency and takes this process's place.
 *
 * CommonJS and plain JavaScript, because an older Node has to read it. The command `armrun` itself is src/armrun, which has a
 * faster way.
 */
const { NODE_MAJOR, bundledNode } = require('./node.cjs');
/** Exit status of armrun's own failures; also in cli.ts. */
const FAILURE = 125;
/** V8's flags that armrun is to run with; they must be there from the start of the process. */
const flags = require('./v8-flags.json');

const major = Number.parseInt(process.versions.node, 10);
if (major >= NODE_MAJOR && flags.every((flag) => process.execArgv.includes(flag))) {
  keepCompiled();
  const { built } = require('./snapshot/sources.cjs');
  const bundle = built();
  const args = process.argv.slice(2);
  if (bundle) require(bundle).main(args);
  else import('./cli.ts').then((cli) => cli.main(args));
} else {
  become(major >= NODE_MAJOR ? process.execPath : ownNode());
}

/**
 * Has Node keep what it makes of the sources for later runs: without it they take three quarters of a short run. Where the
 * directory cannot be made nothing is kept; and it is made here because Node's own way does not come to an end where that is so
 * in /proc.
 */
function keepCompiled() {
  const { existsSync, mkdirSync } = require('node:fs');
  const { homedir } = require('node:os');
  const base = process.env.XDG_CACHE_HOME || `${homedir()}/.cache`;
  const directory = `${base}/armrun/sources`;
  if (!existsSync(directory))
    for (const part of [base, `${base}/armrun`, directory]) {
      try {
        mkdirSync(part, { mode: 0o700 });
      } catch (error) {
        if (error.code !== 'EEXIST') return;
      }
    }
  require('node:module').enableCompileCache(directory);
}

function ownNode() {
  try {
    return bundledNode();
  } catch (error) {
    process.stderr.write(`armrun: ${error.message}\n`);
    process.exit(FAILURE);
  }
}

/** Goes on in another Node: by execve where this Node can, else as a child whose end is reproduced. */
function become(node) {
  const args = [...flags, __filename, ...process.argv.slice(2)];
  if (typeof process.execve === 'function') process.execve(node, [node, ...args], process.env);

  const { spawn } = require('node:child_process');
  const { constants } = require('node:os');
  const child = spawn(node, args, { stdio: 'inherit' });
  // A terminal sends these two to the child as well, being of the same process group: passed on they would arrive twice.
  const atTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const passedOn = ['SIGHUP', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGCONT', 'SIGWINCH', 'SIGPIPE'];
  for (const signal of [...passedOn, 'SIGINT', 'SIGQUIT']) {
    process.on(signal, () => {
      if (passedOn.includes(signal) || !atTerminal) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    process.stderr.write(`armrun: cannot run ${node}: ${error.message}\n`);
    process.exit(FAILURE);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    // A signal that does not end this process here (SIGKILL and SIGSTOP cannot be caught, the rest have no handler now).
    setTimeout(() => process.exit(128 + constants.signals[signal]), 100);
  });
}
