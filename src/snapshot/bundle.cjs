'use strict';
/**
 * Loads armrun.cjs, so that V8 takes code that another process has compiled of it: with the same text, and the same flags.
 */
const v8 = require('node:v8');
const { Script } = require('node:vm');

/**
 * Gives the script and the bundle's exports, among them `locate`, which is to be told where the bundle is: that may change after
 * a snapshot was made. Compiled are functions that are called, and those that `code` has (createCachedData of the script); all,
 * if V8 does not take it.
 */
function loadBundle(text, code) {
  const script = compile(text, code);
  const exports = {};
  script.runInThisContext()(exports, process.getBuiltinModule);
  return { script, exports };
}

function compile(text, cachedData) {
  const whole = `(function (exports, require) {let __filename; exports.locate = (name) => { __filename = name; };${text}\n})`;
  const options = { filename: 'armrun.cjs' };
  // What is compiled stays in this process, whether it is used or not; V8 takes only code that was made under this flag.
  v8.setFlagsFromString('--no-flush-bytecode');
  try {
    const script = new Script(whole, { ...options, cachedData });
    if (script.cachedDataRejected !== true) return script;
    v8.setFlagsFromString('--no-lazy');
    // Of the same text V8 would remember that it is not compiled.
    return new Script(`${whole}\n`, options);
  } finally {
    v8.setFlagsFromString('--lazy');
  }
}

module.exports = { loadBundle };
