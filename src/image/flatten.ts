/**
 * `armrun flatten`: an image as `docker save` and `podman save` write it, in which the layers from armrun's on are one. What
 * came and went in them, as armrun does, is in none; the layers of the base image, and all of the configuration, stay.
 *
 * A layer is an archive of what has changed; `.wh.NAME` in it takes a name away from the layers below, `.wh..wh..opq` all that
 * they have in its directory (OCI image specification, "Image Layer Filesystem Changeset").
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import zlib from 'node:zlib';
import { FOLDER } from './folder.ts';
import { padding, TAR_END, type TarEntry, tarHeader } from './tar.ts';
import { type ReadEntry, readTar } from './tar-read.ts';

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

interface History {
  created_by?: string;
  empty_layer?: boolean;
}
interface Config {
  rootfs: { diff_ids: string[] };
  history?: History[];
}
interface Manifest {
  Config: string;
  RepoTags: string[] | null;
  Layers: string[];
}

/** Reads an image archive, and writes the other to a descriptor. Throws an Error for the user. */
export function flatten(archive: Uint8Array, output: number): void {
  const files = new Map(Array.from(readTar(archive), (entry) => [entry.name.replace(/^\.\//, ''), entry]));
  const read = (name: string): Uint8Array => {
    const file = files.get(name);
    // Docker writes a layer that it has written already as a link.
    if (file?.type === '2') return read(new URL(file.linkName!, `file:///${name}`).pathname.slice(1));
    if (file === undefined) throw new Error(`${name} is not in the archive: is it one of docker save?`);
    return file.content;
  };
  const json = <T>(name: string): T => JSON.parse(Buffer.from(read(name)).toString());
  const [manifest, another] = json<Manifest[]>('manifest.json');
  if (manifest === undefined || another !== undefined) throw new Error('not an archive of one image');
  const config = json<Config>(manifest.Config);
  const layers = manifest.Layers.map((name) => inflated(read(name)));
  const first = layers.findIndex((layer) =>
    Array.from(readTar(layer)).some((entry) => isArmrun(pathOf(entry.name))),
  );
  if (first < 0) throw new Error(`no layer has ${FOLDER}: there is nothing to be left out`);

  const base = new Set<string>();
  for (const layer of layers.slice(0, first)) for (const { name } of readTar(layer)) base.add(pathOf(name));
  const merged = new Layer(base);
  for (const layer of layers.slice(first)) merged.add(Array.from(readTar(layer)));
  if (merged.has(isArmrun))
    throw new Error(`${FOLDER} is still there: let the last line be RUN ${FOLDER}/armrun clean`);
  const layer = merged.bytes();
  const hash = createHash('sha256').update(layer).digest('hex');
  config.rootfs.diff_ids = [...config.rootfs.diff_ids.slice(0, first), `sha256:${hash}`];
  if (config.history) config.history = historyOf(config.history, first);

  const bytes = Buffer.from(JSON.stringify(config));
  const name = `${createHash('sha256').update(bytes).digest('hex')}.json`;
  const kept = layers.slice(0, first).map((content, i) => ({ name: `${i}.tar`, content }));
  const all = [...kept, { name: `${first}.tar`, content: layer }];
  const fresh: Manifest[] = [
    { Config: name, RepoTags: manifest.RepoTags, Layers: all.map((file) => file.name) },
  ];
  const parts = [
    ...all,
    { name, content: bytes },
    { name: 'manifest.json', content: Buffer.from(JSON.stringify(fresh)) },
  ];
  const common = { type: '0', mode: 0o644, uid: 0, gid: 0, mtime: 0n } as const;
  const write = (part: Uint8Array) => {
    for (let done = 0; done < part.length; ) done += fs.writeSync(output, part, done);
  };
  for (const { name: file, content } of parts) {
    write(tarHeader({ ...common, name: file, size: content.length }));
    write(content);
    write(padding(content.length));
  }
  write(TAR_END);
}

function inflated(layer: Uint8Array): Uint8Array {
  return layer[0] === 0x1f && layer[1] === 0x8b ? zlib.gunzipSync(layer) : layer;
}

const pathOf = (name: string) => name.replace(/^(\.?\/)+/, '').replace(/\/+$/, '');
const isArmrun = (path: string) => path === FOLDER.slice(1) || path.startsWith(`${FOLDER.slice(1)}/`);
const isBelow = (path: string, directory: string) => directory === '' || path.startsWith(`${directory}/`);

/** The lines that are left: of those whose layers are one, the last has it. */
function historyOf(history: readonly History[], first: number): History[] {
  let layer = 0;
  const all = history.map((line) => ({ line, of: line.empty_layer ? -1 : layer++ }));
  const isOurs = ({ line, of }: (typeof all)[number]) =>
    of === first || (of > first && line.created_by?.includes(`${FOLDER}/armrun`));
  const left = all.filter((line) => !isOurs(line));
  const last = left.findLast(({ of }) => of > first) ?? { line: { created_by: 'armrun flatten' }, of: layer };
  if (!left.includes(last)) left.push(last);
  return left.map((entry) =>
    entry.of > first && entry !== last ? { ...entry.line, empty_layer: true } : entry.line,
  );
}

/** A file; several names may be of one. */
interface Node {
  entry: ReadEntry;
}

class Layer {
  /** Names in the layers below. */
  readonly #base: ReadonlySet<string>;
  readonly #nodes = new Map<string, Node>();
  readonly #gone = new Set<string>();
  readonly #opaque = new Set<string>();

  constructor(base: ReadonlySet<string>) {
    this.#base = base;
  }

  has(which: (path: string) => boolean): boolean {
    return [...this.#nodes.keys()].some(which);
  }

  /** Lays a layer over what there is. */
  add(entries: readonly ReadEntry[]): void {
    // What is taken away is from the layers below, wherever the entry stands.
    for (const { name } of entries) {
      const path = pathOf(name);
      const [directory, last] = [
        path.slice(0, Math.max(0, path.lastIndexOf('/'))),
        path.slice(path.lastIndexOf('/') + 1),
      ];
      if (last === OPAQUE) {
        this.#removeBelow(directory);
        this.#opaque.add(directory);
      } else if (last.startsWith(WHITEOUT)) {
        const gone =
          directory === '' ? last.slice(WHITEOUT.length) : `${directory}/${last.slice(WHITEOUT.length)}`;
        this.#remove(gone);
        if (this.#base.has(gone)) this.#gone.add(gone);
      }
    }
    const before = new Map<string, Node>();
    for (const entry of entries) {
      const path = pathOf(entry.name);
      if (path.slice(path.lastIndexOf('/') + 1).startsWith(WHITEOUT)) continue;
      const there = this.#nodes.get(path)?.entry.type;
      if (there !== undefined && (there === '5') !== (entry.type === '5')) this.#remove(path);
      // A directory in the place of one that went has nothing of it.
      if (this.#gone.delete(path) && entry.type === '5') this.#opaque.add(path);
      let node: Node = { entry };
      if (entry.type === '1') {
        const target = before.get(pathOf(entry.linkName!));
        if (target === undefined) throw new Error(`${path} is a name of a file that its layer does not have`);
        node = target;
      }
      before.set(path, node);
      this.#nodes.set(path, node);
    }
  }

  #remove(path: string): void {
    this.#nodes.delete(path);
    this.#opaque.delete(path);
    this.#removeBelow(path);
  }

  #removeBelow(directory: string): void {
    for (const set of [this.#nodes, this.#gone, this.#opaque])
      for (const path of [...set.keys()])
        if (isBelow(path, directory) && path !== directory) set.delete(path);
  }

  bytes(): Buffer {
    const parts: Uint8Array[] = [];
    const mark = (name: string) => {
      const entry = { type: '0', mode: 0o600, uid: 0, gid: 0, size: 0, mtime: 0n } as const;
      parts.push(tarHeader({ ...entry, name }));
    };
    for (const path of [...this.#gone].sort()) mark(path.replace(/[^/]*$/, (last) => WHITEOUT + last));
    const first = new Map<Node, string>();
    // By name: a directory is before what is in it.
    for (const [path, node] of [...this.#nodes].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const { content, ...entry } = node.entry;
      const isDirectory = entry.type === '5';
      const name = isDirectory ? `${path}/` : path;
      const other = first.get(node);
      if (other !== undefined) {
        const link: TarEntry = { ...entry, name, type: '1', size: 0, linkName: other };
        parts.push(tarHeader(link));
        continue;
      }
      first.set(node, path);
      parts.push(tarHeader({ ...entry, name }));
      if (isDirectory && this.#opaque.has(path)) mark(`${path}/${OPAQUE}`);
      if (entry.size > 0) parts.push(content, padding(entry.size));
    }
    return Buffer.concat([...parts, TAR_END]);
  }
}
