'use strict';
/**
 * Runs in the Node process that makes the startup snapshot (`node --build-snapshot entry.cjs BUNDLE CODE LOADER`): loads all
 * of armrun, so that the heap which is saved has its modules evaluated, its tables built and the functions that starts need
 * compiled (rehearsal.ts); and sets what is to happen in a process that starts from it.
 *
 * Nothing of this process may be kept in the snapshot: modules that look at the machine or the clock while they are loaded make
 * this script fail, and the environment is empty for them. (V8's flags are the same in every start.) There is no
 * SharedArrayBuffer and no WebAssembly here.
 */
const { existsSync, readFileSync } = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const util = require('node:util');
const v8 = require('node:v8');
const { compileFunction } = require('node:vm');

const { main, locate } = load(...process.argv.slice(2));

v8.startupSnapshot.setDeserializeMainFunction(() => {
  const { execArgv } = process;
  const blob = execArgv[execArgv.indexOf('--snapshot-blob') + 1];
  locate(path.join(path.dirname(path.resolve(blob)), 'armrun.cjs'));
  main(process.argv.slice(1));
});

/** Evaluates the bundle, with the functions compiled of which the file `code` tells. Gives its exports. */
function load(bundle, code, loader) {
  const text = readFileSync(bundle, 'utf8');
  // Nothing but Node's own modules can be required here.
  const loading = { exports: {} };
  compileFunction(readFileSync(loader, 'utf8'), ['module', 'require'])(loading, process.getBuiltinModule);
  // What the bundle uses of Node may look at the machine: Node knows what it must do again when a process starts.
  for (const [, name] of text.matchAll(/\brequire\("([a-z_:/]+)"\)/g)) process.getBuiltinModule(name);
  util.parseArgs({ args: [] });
  const { loadBundle } = loading.exports;
  let loaded;
  withoutMachine(() => {
    loaded = loadBundle(text, existsSync(code) ? readFileSync(code) : undefined);
  });
  return loaded.exports;
}

/** Runs something for which there is no machine, no time and no environment. */
function withoutMachine(body) {
  const hidden = [
    [process, ['argv', 'argv0', 'cwd', 'execPath', 'pid', 'ppid', 'title', 'umask', 'uptime']],
    [
      process,
      ['getuid', 'geteuid', 'getgid', 'getegid', 'getgroups', 'hrtime', 'memoryUsage', 'resourceUsage'],
    ],
    [process, ['stdin', 'stdout', 'stderr']],
    [os, Object.keys(os).filter((name) => typeof os[name] === 'function')],
    [Date, ['now']],
    [Math, ['random']],
    [performance, ['now', 'timeOrigin']],
  ];
  const undo = [];
  for (const [object, names] of hidden) {
    for (const name of names) {
      const own = Object.getOwnPropertyDescriptor(object, name);
      const get = () => {
        throw new Error(
          `${name} is asked for while modules are loaded: a startup snapshot would keep the answer`,
        );
      };
      Object.defineProperty(object, name, { get, configurable: true });
      undo.push(() => {
        delete object[name];
        if (own) Object.defineProperty(object, name, own);
      });
    }
  }
  try {
    body();
  } finally {
    for (const restore of undo) restore();
  }
}
