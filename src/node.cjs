'use strict';
/** The Node that armrun runs on. */

/** Runs TypeScript as it is, and has a V8 that compiles small wasm modules fast. */
const NODE_MAJOR = 26;

/** The path of the Node that npm installed with armrun. Throws when there is none; the message is for the user. */
function bundledNode() {
  const name = `node-${process.platform}-${process.arch}`;
  try {
    return require.resolve(`${name}/bin/node`);
  } catch {
    throw new Error(
      `needs Node ${NODE_MAJOR} (this is ${process.versions.node}), and the package ${name} that carries it ` +
        'is not installed: run npm ci, without --omit=optional',
    );
  }
}

module.exports = { NODE_MAJOR, bundledNode };
