/**
 * `armrun pack`: one archive to ADD to an image; and putting the same files into a root. It is no part of the bundle that every
 * start loads.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { packTar, type TarEntry } from 'modern-tar';

import snapshotFlags from '../snapshot/flags.json' with { type: 'json' };
import { USERS } from '../translation-archive.ts';
import flags from '../v8-flags.json' with { type: 'json' };
import { contents, librariesOf, type PackedFile } from './contents.ts';
import { ARCHIVE_TIME, FILES, FOLDER, SHELL } from './folder.ts';
import { foreignSource } from './foreign.ts';
import type { Architecture } from './launcher.ts';
import { translationsOf } from './warm.ts';

export { flatten } from './flatten.ts';

/** Archives of the same files are the same bytes. */
const MTIME = new Date(ARCHIVE_TIME * 1000);

/**
 * The image's own /bin/sh by a way that is none until it is written as one: Docker gives a hard link's file the entry's time
 * and mode when it finds it by these words, and it is to keep its own.
 */
const IMAGE_SHELL = `${FOLDER.slice(1)}/none/../..${SHELL}`;

/** Compression by file name. */
const COMPRESS: [pattern: RegExp, compress: (tar: Uint8Array) => Uint8Array][] = [
  [/\.tar$/, (tar) => tar],
  [/\.(tar\.gz|tgz)$/, (tar) => zlib.gzipSync(tar, { level: 9 })],
  [
    /\.(tar\.zst|tzst)$/,
    (tar) =>
      zlib.zstdCompressSync(tar, {
        params: { [zlib.constants.ZSTD_c_compressionLevel]: 19, [zlib.constants.ZSTD_c_checksumFlag]: 1 },
      }),
  ],
  [/\.(tar\.xz|txz)$/, xz],
];

export interface PackOptions {
  output: string;
  architecture: Architecture;
  /** Root of this package. */
  project: string;
  /** A root directory whose programs' translations are packed as well. */
  warm?: string | undefined;
  /** The folder alone; else the wrapper takes the place of the image's /bin/sh when the archive is unpacked. */
  folderOnly: boolean;
}

/** Writes the archive. Throws an Error for the user. */
export async function pack({ output, architecture, project, warm, folderOnly }: PackOptions): Promise<void> {
  const compress = COMPRESS.find(([pattern]) => pattern.test(output))?.[1];
  if (compress === undefined) throw new Error(`${output}: give a name in .tar, .tar.gz, .tar.xz or .tar.zst`);
  const files = contentsFor(architecture, project);
  if (warm !== undefined) files.push(...translationsOf(warm, path.join(project, 'dist')));
  const tar = await packTar(entries(files, folderOnly));
  const fresh = `${output}.${process.pid}`;
  try {
    fs.writeFileSync(fresh, compress(tar));
    fs.renameSync(fresh, output);
  } finally {
    fs.rmSync(fresh, { force: true });
  }
}

/** Writes armrun's folder into a root directory. */
export function writeFolder(root: string, architecture: Architecture, project: string): void {
  const folder = path.join(root, FOLDER);
  for (const { name, mode, content } of contentsFor(architecture, project)) {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
    fs.writeFileSync(file, content);
    fs.chmodSync(file, mode);
  }
}

/**
 * What is unpacked does what `install` does: the image's own /bin/sh gets a second name in the folder, then the wrapper takes its
 * place. /bin has no entry, which would replace it where it is a link.
 */
function entries(files: readonly PackedFile[], folderOnly: boolean): TarEntry[] {
  const common = { mtime: MTIME, uid: 0, gid: 0, uname: 'root', gname: 'root' };
  const directories = new Set<string>();
  const list: TarEntry[] = [];
  const add = (directory: string, mode = 0o755) => {
    if (directories.has(directory)) return;
    directories.add(directory);
    list.push({ header: { ...common, name: `${directory}/`, type: 'directory', size: 0, mode } });
  };
  const addFile = (name: string, content: Uint8Array, mode: number) => {
    const header = { ...common, name, type: 'file' as const, size: content.length, mode };
    list.push({ header, body: content });
  };
  add(FOLDER.slice(1));
  // Also for a cache to be mounted there, where the rest is read-only.
  add(`${FOLDER.slice(1)}/${FILES.translations}`);
  add(`${FOLDER.slice(1)}/${FILES.translations}/${USERS}`, 0o1777);
  if (!folderOnly) {
    const name = `${FOLDER.slice(1)}/${FILES.shell}`;
    list.push({ header: { ...common, name, type: 'link', linkname: IMAGE_SHELL, size: 0, mode: 0o755 } });
    addFile(`${FOLDER.slice(1)}/${FILES.added}`, new Uint8Array(), 0o644);
  }
  for (const { name, mode, content } of files) {
    const full = `${FOLDER.slice(1)}/${name}`;
    add(path.dirname(full));
    addFile(full, content, mode);
  }
  if (!folderOnly) {
    const { content, mode } = files.find(({ name }) => name === FILES.wrapper)!;
    addFile(SHELL.slice(1), content, mode);
  }
  return list;
}

function contentsFor(architecture: Architecture, project: string): PackedFile[] {
  const dist = build(project);
  if (architecture === process.arch) {
    const node = fs.realpathSync(process.execPath);
    const licences = [{ name: 'LICENSE', file: path.join(project, 'LICENSE') }];
    return contents({ architecture, node, libraries: librariesOf(node), dist, licences });
  }
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'armrun-pack-'));
  try {
    return contents(foreignSource(architecture, project, dist, work));
  } finally {
    fs.rmSync(work, { recursive: true });
  }
}

/** dist/, made anew when it is older than the sources or its snapshot is not for this machine. */
function build(project: string): string {
  const dist = path.join(project, 'dist');
  const { built } = createRequire(import.meta.url)(path.join(project, 'src/snapshot/sources.cjs'));
  const blob = path.join(dist, 'armrun.blob');
  if (built() === undefined || !fs.existsSync(blob) || !starts(blob)) {
    const script = path.join(project, 'src/snapshot/build.cjs');
    const { status, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr.trim() || 'armrun cannot be built');
  }
  return dist;
}

function starts(blob: string): boolean {
  const args = [...flags, ...snapshotFlags, '--snapshot-blob', blob, '--', '--version'];
  return spawnSync(process.execPath, args).status === 0;
}

/** By the command xz, which has no like in Node; with few threads, whose number does not change the output. */
function xz(tar: Uint8Array): Uint8Array {
  const { status, stdout, stderr, error } = spawnSync(
    'xz',
    ['-9', '--extreme', '--threads=1', '--check=crc32', '--stdout'],
    {
      input: tar,
      maxBuffer: tar.length * 2,
    },
  );
  if (error && 'code' in error && error.code === 'ENOENT') {
    throw new Error(
      'the command xz is not installed (apt-get install xz-utils); or give a name in .tar.gz or .tar.zst',
    );
  }
  if (status !== 0) throw error ?? new Error(stderr.toString().trim());
  return stdout;
}
