'use strict';
/**
 * Makes what lets armrun start fast (docs/STARTUP.md): from the sources dist/armrun.cjs, all of armrun in one file; from that
 * dist/armrun.blob, a startup snapshot of Node; and dist/start.sh, by which src/armrun uses it. Also dist/armrun.mjs and
 * dist/types, by which others import the library from there.
 *
 *   build.cjs            all of it; fails when something does (npm run build)
 *   build.cjs --prepare  the same, but what cannot be made here is left out: armrun runs without (npm ci)
 *   build.cjs --install  only the snapshot of a published package, likewise (postinstall)
 *
 * CommonJS and plain JavaScript: in a package under node_modules Node runs nothing else, and any Node may start it.
 */
const { spawnSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { root, sources } = require('./sources.cjs');
const { NODE_MAJOR, bundledNode } = require('../node.cjs');
const flags = require('../v8-flags.json');

/** What is made is made here and then takes the place of dist/ at once: what is used is never half made. */
let directory;
const at = (name) => path.join(directory, name);
const isCheckout = fs.existsSync(path.join(root, 'src/cli.ts'));

/** All that a start needs, and what makes archives for images. */
const BUNDLES = [
  ['armrun.cjs', 'src/bundle.ts'],
  ['pack.cjs', 'src/image/pack.ts'],
  // The thread that translates.
  ['translator.cjs', 'src/translator-worker.ts'],
];

/** How the library is imported: src/index.ts as a module of ECMAScript, and the types of these sources. */
const LIBRARY = ['armrun.mjs', 'types'];
const TYPED = ['index', 'api', 'errors', 'run'];

/** Besides those that armrun always runs with. Rehashing would protect Node's hash tables from names chosen to collide. */
const SNAPSHOT_FLAGS = [...flags, ...require('./flags.json')];

/**
 * Threads for V8's compilers and collectors. As many as V8 itself would choose; Node takes four on any machine, which then
 * mostly wait for each other (a sixth of the time of a short run on two processors).
 */
const THREADS = Math.min(Math.max(os.availableParallelism() - 1, 1), 4);

/** Of Node's own modules that cannot be part of a snapshot those that most runs load. */
const LOADED_LATER = /^(internal\/)?ffi\b/;

/** What V8 has compiled of the bundle in a rehearsal. */
const USED_CODE = 'used.code';

/** Lines of /proc/cpuinfo that say what a processor can do, on x86 and on ARM. */
const PROCESSOR = ['vendor_id', 'cpu family', 'model', 'stepping', 'flags', 'Features', 'CPU '];

const mode = process.argv[2];
if (mode === '--install' && isCheckout) process.exit();
main().catch((error) => {
  process.stderr.write(`armrun: not built, starts will take longer: ${error.message}\n`);
  process.exit(mode === undefined ? 1 : 0);
});

async function main() {
  if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR) {
    const { status } = spawnSync(bundledNode(), process.argv.slice(1), { stdio: 'inherit' });
    process.exit(status ?? 1);
  }
  // Everything gets the time at which its sources were read, so that a change during the build counts as one after it.
  const started = new Date();
  const dist = path.join(root, 'dist');
  directory = fs.mkdtempSync(`${dist}-`);
  fs.chmodSync(directory, 0o755);
  try {
    if (isCheckout) {
      for (const [name, source] of BUNDLES) await bundle(name, source);
      await library();
    } else {
      for (const name of [...BUNDLES.map(([name]) => name), ...LIBRARY])
        fs.cpSync(path.join(dist, name), at(name), { recursive: true });
    }
    handlers();
    handlersCode();
    try {
      usedCode();
    } catch (error) {
      // Starts have more to compile without.
      if (mode === undefined) throw error;
    }
    snapshot();
    fs.writeFileSync(at('start.sh'), startScript());
    for (const name of fs.readdirSync(directory, { recursive: true }))
      fs.utimesSync(at(name), started, started);
    fs.rmSync(dist, { recursive: true, force: true });
    fs.renameSync(directory, dist);
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

async function bundle(name, source) {
  const { build } = await import('rolldown');
  await build({
    input: path.join(root, source),
    platform: 'node',
    external: ['koffi'],
    logLevel: 'warn',
    // What translated code depends on: translations of another armrun are not used.
    transform: { define: { __BUILD_ID__: JSON.stringify(buildId()) } },
    plugins: [
      {
        name: 'static imports',
        transform: (code, id) => (id.endsWith('.ts') ? importsMadeStatic(code) : undefined),
      },
    ],
    output: {
      file: at(name),
      format: 'cjs',
      codeSplitting: false,
      comments: false,
      // Constants are put in where they are used. Names and lines stay, for stack traces: without them it starts no faster.
      minify: { compress: true, mangle: false, codegen: false },
    },
  });
}

/** One instance for both kinds of module: what is imported is what require gives. */
async function library() {
  const { main, decodeUsual, isCodeUsed, writeCode, ...names } = require(at('armrun.cjs'));
  const list = Object.keys(names).sort().join(', ');
  fs.writeFileSync(
    at('armrun.mjs'),
    `import library from './armrun.cjs';\n\nexport const { ${list} } = library;\n`,
  );
  const { isolatedDeclarationSync } = await import('rolldown/experimental');
  fs.mkdirSync(at('types'));
  for (const name of TYPED) {
    const file = `src/${name}.ts`;
    const { code, errors } = isolatedDeclarationSync(file, fs.readFileSync(path.join(root, file), 'utf8'));
    if (errors.length > 0) throw new Error(`${file}: ${errors[0].message}`);
    for (const [extension, imported] of [
      ['d.ts', 'js'],
      ['d.cts', 'cjs'],
    ]) {
      const text = code.replace(/(from "\.\/\w+)\.ts"/g, `$1.${imported}"`);
      fs.writeFileSync(at(`types/${name}.${extension}`), `/// <reference types="node" />\n${text}`);
    }
  }
}

/** The interpreter's handlers, which are generated. */
function handlers() {
  const name = 'handlers.bin';
  if (!isCheckout) {
    fs.copyFileSync(path.join(root, 'dist', name), at(name));
    return;
  }
  run(...flags, '--no-warnings', path.join(__dirname, 'handlers.ts'), at(name));
}

/** V8's code of the usual handlers. Only a process with the flags of every start can make it, and another one must take it. */
function handlersCode() {
  const call = (script, ...args) =>
    run(...SNAPSHOT_FLAGS, '--no-warnings', '-e', script, at('armrun.cjs'), ...args);
  // V8 has something to do still, and nobody waits for it.
  call('require(process.argv[1]).writeCode(process.argv[2]).then(() => process.exit())', at('handlers.code'));
  if (fs.existsSync(at('handlers.code')))
    call('if (!require(process.argv[1]).isCodeUsed()) throw new Error("V8 does not take its own code")');
}

/** What V8 compiles of the bundle in a start: twice, because a second one has translations of the first. */
function usedCode() {
  if (!isCheckout) {
    fs.copyFileSync(path.join(root, 'dist', USED_CODE), at(USED_CODE));
    return;
  }
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'armrun-'));
  try {
    for (let i = 0; i < 2; i++)
      run(
        ...SNAPSHOT_FLAGS,
        // Code is taken only by a process that began from the same snapshot: the one that makes ours begins from V8's.
        '--no-node-snapshot',
        '--no-warnings',
        path.join(__dirname, 'rehearsal.ts'),
        at('armrun.cjs'),
        at(USED_CODE),
        work,
      );
  } finally {
    fs.rmSync(work, { recursive: true });
  }
}

/** Runs this Node; throws when it fails. */
function run(...args) {
  const { status, signal, stdout, stderr, error } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: {},
    timeout: 600_000,
  });
  if (status !== 0)
    throw error ?? new Error(stderr || `a step of it ends with ${signal ?? `status ${status}`}`);
  return stdout;
}

/** A hash of the sources. */
function buildId() {
  const hash = crypto.createHash('sha256');
  for (const file of sources()) {
    const name = path.join(root, file);
    if (fs.statSync(name).isFile()) hash.update(file).update(fs.readFileSync(name));
  }
  return hash.digest('hex').slice(0, 16);
}

/**
 * Everything is in one file, so that there is nothing to load later. As dynamic imports they would have each module that can be
 * reached through them wrapped in a function, and its constants made variables (3 to 10 % slower).
 */
function importsMadeStatic(code) {
  const imports = [];
  const rest = code.replace(/\bawait import\(('[^']+')\)/g, (_, name) => {
    imports.push(`import * as import${imports.length} from ${name};`);
    return `import${imports.length - 1}`;
  });
  return imports.join('') + rest;
}

function snapshot() {
  const blob = at('armrun.blob');
  const entry = path.join(__dirname, 'entry.cjs');
  run(
    ...SNAPSHOT_FLAGS,
    '--no-warnings',
    '--snapshot-blob',
    blob,
    '--build-snapshot',
    entry,
    at('armrun.cjs'),
    at(USED_CODE),
    path.join(__dirname, 'bundle.cjs'),
  );
  fs.writeFileSync(blob, withoutNodesCode(fs.readFileSync(blob)));
  run(...SNAPSHOT_FLAGS, '--snapshot-blob', blob, '--', '--version');
}

/**
 * A snapshot with less in its last part, the compiled code of those of Node's own modules that are not loaded: 4 MB that Node
 * would read at each start. (It can be told to leave that out, but then it leaves out all compiled code.) The form is of Node's
 * src/node_snapshotable.cc: a count, and for each module its name and its code, each after its length; all numbers of 64 bits.
 */
function withoutNodesCode(blob) {
  for (let start = 0; start + 8 <= blob.length; start++) {
    const count = blob.readUInt32LE(start);
    if (count < 100 || count > 1000 || blob.readUInt32LE(start + 4) !== 0) continue;
    const modules = modulesIn(blob, start + 8, count);
    if (modules === undefined) continue;
    const kept = modules.filter(({ name }) => LOADED_LATER.test(name));
    const head = Buffer.alloc(start + 8);
    blob.copy(head, 0, 0, start);
    head.writeUInt32LE(kept.length, start);
    return Buffer.concat([head, ...kept.map(({ bytes }) => bytes)]);
  }
  return blob;
}

/** A list of that many names and codes, when one begins at `at` and ends with the file; else undefined. */
function modulesIn(blob, at, count) {
  const modules = [];
  const field = () => {
    if (at + 8 > blob.length || blob.readUInt32LE(at + 4) !== 0) return undefined;
    const begin = at + 8;
    at = begin + blob.readUInt32LE(at);
    return blob.subarray(begin, at);
  };
  for (let i = 0; i < count; i++) {
    const begin = at;
    const name = field();
    if (name === undefined || name.length === 0 || name.length > 100 || field() === undefined)
      return undefined;
    modules.push({ name: name.toString('latin1'), bytes: blob.subarray(begin, at) });
  }
  return at === blob.length ? modules : undefined;
}

/**
 * The part of src/armrun that depends on what was built: starts Node from the snapshot, or does nothing when that must not be.
 */
function startScript() {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  // npm puts the Node of an optional dependency below this package or beside it, and may be all moved together.
  const name = `node-${process.platform}-${process.arch}/bin/node`;
  const near = [`node_modules/${name}`, `../${name}`].find((place) =>
    isSame(path.join(root, place), process.execPath),
  );
  const node = near ? `$root/${near}` : quote(process.execPath);
  return `# Made by src/snapshot/build.cjs; read by src/armrun.
node=${node}
blob=$root/dist/armrun.blob

# Nothing is newer than the snapshot, and this is the processor that it was made on: Node refuses it on one with other features,
# and then it is too late for another way.
fresh() {
  [ -x "$node" ] && [ -r "$blob" ] || return 1
  [ "$node" -nt "$blob" ] && return 1
  for file in ${sources().map(quote).join(' ')}; do
    [ "$root/$file" -nt "$blob" ] && return 1
  done
  processor=
  while IFS= read -r line; do
    case $line in
      ${PROCESSOR.map((key) => `${quote(key)}*`).join(' | ')}) processor="$processor$line
" ;;
      '') break ;;
    esac
  done 2>/dev/null </proc/cpuinfo
  [ "$processor" = ${quote(processor())} ]
}

if fresh; then
  exec "$node" ${SNAPSHOT_FLAGS.join(' ')} --v8-pool-size=${THREADS} --snapshot-blob "$blob" -- "$@"
fi
`;
}

function isSame(a, b) {
  return fs.existsSync(a) && fs.realpathSync(a) === fs.realpathSync(b);
}

/** What /proc/cpuinfo says of the first processor, in the lines that begin so. */
function processor() {
  let text = '';
  try {
    text = fs.readFileSync('/proc/cpuinfo', 'latin1');
  } catch {
    // Then it will not be there later either.
  }
  const lines = text.split('\n\n')[0].split('\n');
  const chosen = lines.filter((line) => PROCESSOR.some((key) => line.startsWith(key)));
  return chosen.map((line) => `${line}\n`).join('');
}
