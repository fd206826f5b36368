/**
 * What armrun's folder in an image has in it: Node with the libraries it loads, armrun with its startup snapshot, and the
 * launchers.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CODE_FILE, HANDLERS_FILE } from '../handlers-file.ts';
import snapshotFlags from '../snapshot/flags.json' with { type: 'json' };
import flags from '../v8-flags.json' with { type: 'json' };
import { dynamicOf, withoutSymbols } from './elf64.ts';
import { FILES } from './folder.ts';
import { withoutLanguages } from './icu.ts';
import { type Architecture, type LauncherOptions, launcher } from './launcher.ts';
import { withoutTypeScript } from './typescript.ts';

/** A file of the folder. */
export interface PackedFile {
  /** Path below the folder. */
  name: string;
  mode: number;
  content: Uint8Array;
}

/** Where the parts of armrun are on this machine. */
export interface Source {
  architecture: Architecture;
  /** A Node of that architecture. */
  node: string;
  /** The dynamic linker and the libraries Node loads. */
  libraries: readonly string[];
  /** dist/ of this package. */
  dist: string;
  /** armrun's licence and Node's. */
  licences: readonly { name: string; file: string }[];
}

const START = `'use strict';
require('./armrun.cjs').main(process.argv.slice(2));
`;

/** All files, in the order of their names; the same for the same sources. */
export function contents(source: Source): PackedFile[] {
  const { architecture, libraries, dist } = source;
  const linker = libraries.map((file) => path.basename(file)).find((name) => name.startsWith('ld-'));
  if (linker === undefined) throw new Error(`${source.node} has no dynamic linker`);
  // A snapshot can only be made by a Node that runs here.
  const isHost = architecture === process.arch;
  const start = (shell: boolean, processor: LauncherOptions['processor']) =>
    launcher({ architecture, linker, flags, snapshotFlags, processor, shell });
  const processor = isHost ? askProcessor(start(false, 'ask')) : null;
  const read = (file: string) => fs.readFileSync(file);
  const files: PackedFile[] = [
    { name: FILES.command, mode: 0o755, content: start(false, processor) },
    { name: FILES.wrapper, mode: 0o755, content: start(true, processor) },
    { name: 'node', mode: 0o755, content: lessOf(read(source.node)) },
    { name: 'armrun.cjs', mode: 0o644, content: read(path.join(dist, 'armrun.cjs')) },
    { name: 'translator.cjs', mode: 0o644, content: read(path.join(dist, 'translator.cjs')) },
    { name: HANDLERS_FILE, mode: 0o644, content: read(path.join(dist, HANDLERS_FILE)) },
    { name: 'start.cjs', mode: 0o644, content: Buffer.from(START) },
    ...libraries.map((file) => ({
      name: `lib/${path.basename(file)}`,
      mode: 0o755,
      content: withoutSymbols(read(file)),
    })),
    ...source.licences.map(({ name, file }) => ({ name, mode: 0o644, content: read(file) })),
  ];
  if (isHost) {
    const made = (name: string) => ({ name, mode: 0o644, content: read(path.join(dist, name)) });
    files.push(made('armrun.blob'));
    if (fs.existsSync(path.join(dist, CODE_FILE))) files.push(made(CODE_FILE));
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Node without what armrun has no use for (test/image/pack.test.ts). */
function lessOf(node: Buffer): Uint8Array {
  return withoutTypeScript(withoutLanguages(withoutSymbols(node)));
}

/** What a launcher sees of the processor, on which the snapshot was made. */
function askProcessor(file: Uint8Array): Uint8Array {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'armrun-'));
  try {
    const program = path.join(directory, 'ask');
    fs.writeFileSync(program, file, { mode: 0o755 });
    const { status, stdout, error } = spawnSync(program);
    if (status !== 0) throw error ?? new Error('the launcher does not run on this machine');
    return stdout;
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

/** The libraries that a program of this machine loads, and its dynamic linker, as that tells them. */
export function librariesOf(program: string): string[] {
  const { interpreter } = dynamicOf(program);
  if (interpreter === undefined) throw new Error(`${program} is linked statically`);
  const list = execFileSync(interpreter, ['--list', program], { encoding: 'utf8' });
  const found = Array.from(list.matchAll(/=> (\/\S+) \(/g), (match) => match[1]!);
  return [interpreter, ...found.filter((file) => file !== interpreter)];
}
