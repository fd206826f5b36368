/**
 * What a pack for the other host architecture is made of: its Node from npm, and the libraries that loads from Debian's packages,
 * by this machine's own npm and apt. apt works on state of its own; the machine's is only read. A snapshot can be made by no
 * other Node than one that runs, so there is none.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import type { Source } from './contents.ts';
import { dynamicOf } from './elf64.ts';
import type { Architecture } from './launcher.ts';

const DEBIAN: Record<Architecture, string> = { x64: 'amd64', arm64: 'arm64' };
const PACKAGES = ['libc6', 'libgcc-s1', 'libstdc++6', 'libatomic1'];

/** @param work a directory for downloads, which the files that are named lie in */
export function foreignSource(
  architecture: Architecture,
  project: string,
  dist: string,
  work: string,
): Source {
  const node = fetchNode(architecture, project, work);
  const root = fetchLibraries(DEBIAN[architecture], work);
  const { interpreter } = dynamicOf(node);
  if (interpreter === undefined) throw new Error(`${node} is linked statically`);
  return {
    architecture,
    node,
    libraries: [find(root, path.basename(interpreter)), ...neededBy(node, root)],
    dist,
    licences: [{ name: 'LICENSE', file: path.join(project, 'LICENSE') }],
  };
}

/** Node of the version that package.json names, unpacked. */
function fetchNode(architecture: Architecture, project: string, work: string): string {
  const { optionalDependencies } = createRequire(import.meta.url)(path.join(project, 'package.json'));
  const name = `node-linux-${architecture}`;
  const wanted = `${name}@${optionalDependencies[name]}`;
  const args = ['pack', '--loglevel=error', '--pack-destination', work, wanted];
  const archive = command('npm', args, project, { ...process.env, PATH: machinesPath() }).trim();
  command('tar', ['-xzf', path.join(work, archive), '-C', work, 'package/bin/node'], work);
  return path.join(work, 'package/bin/node');
}

/** A directory with the unpacked packages. */
function fetchLibraries(architecture: string, work: string): string {
  const apt = path.join(work, 'apt');
  for (const name of ['lists/partial', 'archives/partial', 'debs']) {
    fs.mkdirSync(path.join(apt, name), { recursive: true });
  }
  fs.writeFileSync(path.join(apt, 'status'), '');
  const settings = {
    'APT::Architecture': architecture,
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Dir::State::Lists': `${apt}/lists`,
    'Dir::State::status': `${apt}/status`,
    'Dir::Cache::archives': `${apt}/archives`,
    'Dir::Cache::pkgcache': '',
    'Dir::Cache::srcpkgcache': '',
  };
  const configuration = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
  configuration.push(
    `#clear APT::Architectures;\nAPT::Architectures { "${architecture}"; };\n#clear APT::Update::Post-Invoke;\n`,
  );
  configuration.push('#clear APT::Update::Post-Invoke-Success;\n#clear APT::Update::Pre-Invoke;\n');
  fs.writeFileSync(path.join(apt, 'apt.conf'), configuration.join(''));
  const get = (...args: string[]) =>
    command('apt-get', ['-qq', '-c', path.join(apt, 'apt.conf'), ...args], path.join(apt, 'debs'));
  let updated: unknown;
  try {
    get('update');
  } catch (error) {
    // A third party's source that fails is no matter as long as Debian's answers.
    updated = error;
  }
  try {
    get('download', ...PACKAGES);
  } catch (error) {
    throw updated ?? error;
  }
  const root = path.join(work, 'root');
  for (const deb of fs.readdirSync(path.join(apt, 'debs'))) {
    command('dpkg-deb', ['-x', path.join(apt, 'debs', deb), root], work);
  }
  return root;
}

/** All libraries a file loads, and those load. */
function neededBy(file: string, root: string): string[] {
  const found = new Map<string, string>();
  const add = (of: string) => {
    for (const name of dynamicOf(of).needed) {
      if (found.has(name) || name.startsWith('ld-linux')) continue;
      found.set(name, find(root, name));
      add(found.get(name)!);
    }
  };
  add(file);
  return [...found.values()];
}

function find(root: string, name: string): string {
  const found = fs
    .readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => path.basename(file) === name)
    .map((file) => path.join(root, file))
    .find((file) => fs.existsSync(file) && fs.statSync(file).isFile());
  if (found === undefined) throw new Error(`no ${name} in Debian's ${PACKAGES.join(', ')}`);
  return found;
}

/**
 * PATH without what npm puts before it for scripts and npx: there the Node of a package would run the machine's npm, which looks
 * beside its Node for the machine's configuration.
 */
function machinesPath(): string {
  const all = (process.env.PATH ?? '').split(path.delimiter);
  return all.filter((directory) => !directory.endsWith('node_modules/.bin')).join(path.delimiter);
}

/** Runs a command of this machine; its output. Throws an Error with what it said. */
function command(name: string, args: string[], cwd: string, env = process.env): string {
  try {
    return execFileSync(name, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: string };
    if (code === 'ENOENT') throw new Error(`the command ${name} is not installed`);
    throw new Error(`${name}: ${(stderr ?? '').trim().split('\n')[0]}`);
  }
}
