/**
 * Builds of images by buildah, which needs no daemon, in a storage of its own; also with a binfmt_misc handler for ARM that only
 * the build sees.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';

import { makeFixtures } from '../programs/engines.ts';

/** Throws when the host's kernel runs ARM programs: builds would show nothing of armrun. */
export function refuseBinfmt(): void {
  const { error, status } = spawnSync(`${makeFixtures()}/hello.static`);
  if (error && 'code' in error && (error.code === 'ENOEXEC' || error.code === 'EACCES')) return;
  // Node's spawn goes on with /bin/sh when a file is no program.
  if (status === 126 || status === 2 || status === 127) return;
  throw new Error(
    'a binfmt_misc handler for ARM is registered on this machine: these tests would show nothing',
  );
}

/**
 * Registers qemu-arm in binfmt_misc of a user namespace, and runs a command there. The mask leaves out the byte that says which
 * system a file is for.
 */
const REGISTER = `read -r go
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
head='\\x7fELF\\x01\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x28\\x00'
mask='\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff'
printf ':qemu-arm:M::%s:%s:/usr/bin/qemu-arm-static:FP' "$head" "$mask" >/proc/sys/fs/binfmt_misc/register
exec "$@" </dev/null`;

export interface Build {
  status: number;
  /** What the build printed: both streams. */
  output: string;
}

export interface BuildOptions {
  /** Files of the context beside the Dockerfile: what is in them. */
  files?: Record<string, string | Buffer>;
  /** Others, by where they are. */
  links?: Record<string, string>;
  /** The docker format knows SHELL and ONBUILD. */
  format?: 'oci' | 'docker';
  /** chroot needs no privileges; oci is runc. */
  isolation?: 'chroot' | 'oci';
  /** With qemu-arm registered in binfmt_misc. */
  binfmt?: boolean;
  args?: readonly string[];
  /** Is told what the build prints, when it does. */
  printed?: (text: string) => void;
}

/** The files that a build is given. */
export function writeContext(
  context: string,
  dockerfile: string,
  { files = {}, links = {} }: BuildOptions,
): void {
  for (const [name, file] of Object.entries(links))
    if (!existsSync(`${context}/${name}`)) linkSync(file, `${context}/${name}`);
  for (const [name, content] of Object.entries(files)) writeFileSync(`${context}/${name}`, content);
  writeFileSync(`${context}/Dockerfile`, dockerfile);
}

/** buildah, or podman, whose builds are buildah's. */
export class Buildah {
  readonly #program: 'buildah' | 'podman';
  readonly #options: string[];
  readonly context: string;

  constructor(directory: string, program: 'buildah' | 'podman' = 'buildah', driver = 'vfs') {
    this.#program = program;
    this.context = `${directory}/context`;
    mkdirSync(this.context, { recursive: true });
    this.#options = ['--root', `${directory}/storage`, '--runroot', `${directory}/run`];
    this.#options.push('--storage-driver', driver);
    if (program === 'podman') this.#options.push('--cgroup-manager', 'cgroupfs', '--events-backend', 'file');
  }

  /** Takes the image of an archive, under the name that has in it. */
  load(archive: string): void {
    const command =
      this.#program === 'podman' ? ['load', '--input', archive] : ['pull', `docker-archive:${archive}`];
    execFileSync(this.#program, [...this.#options, ...command], { stdio: 'pipe' });
  }

  async build(tag: string, dockerfile: string, options: BuildOptions = {}): Promise<Build> {
    writeContext(this.context, dockerfile, options);
    const command = [this.#program, ...this.#options, 'build', '--isolation', options.isolation ?? 'chroot'];
    if (this.#program === 'podman') command.push('--no-cache');
    // Not the default everywhere, and not one that needs a bridge.
    if (options.isolation === 'oci') command.push('--runtime', 'runc', '--network', 'host');
    command.push('--format', options.format ?? 'oci', '--tag', tag, ...(options.args ?? []), this.context);
    const { printed } = options;
    return options.binfmt ? withBinfmt(command, printed) : run(command[0]!, command.slice(1), { printed });
  }

  /** As `buildah inspect` tells it of a docker image. */
  config(tag: string): Record<string, unknown> {
    const out = execFileSync('buildah', [...this.#options, 'inspect', '--type', 'image', tag], {
      encoding: 'utf8',
    });
    return JSON.parse(out).Docker.config;
  }

  /** The directory of an image's files. */
  mount(tag: string): string {
    const text = (...args: string[]) =>
      execFileSync(this.#program, [...this.#options, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      }).trim();
    if (this.#program === 'podman') return text('image', 'mount', tag);
    return text('mount', text('from', '--pull-never', tag));
  }

  /** What `podman ARGS` or `buildah ARGS` does. */
  command(...args: string[]): Promise<Build> {
    return run(this.#program, [...this.#options, ...args]);
  }

  /** Undoes what `mount` has mounted. */
  end(): void {
    const all = this.#program === 'podman' ? ['image', 'umount', '--all', '--force'] : ['umount', '--all'];
    spawnSync(this.#program, [...this.#options, ...all]);
  }
}

export function run(
  file: string,
  args: string[],
  {
    env,
    cwd,
    started,
    printed,
  }: {
    env?: NodeJS.ProcessEnv;
    cwd?: string;
    started?: (child: ReturnType<typeof spawn>) => void;
    printed?: BuildOptions['printed'];
  } = {},
): Promise<Build> {
  return new Promise((resolve, reject) => {
    // One pipe for both: of two, who reads late cannot tell which line was first.
    const together = ['-c', 'exec "$@" 2>&1', 'sh', file, ...args];
    const child = spawn('sh', together, {
      env,
      cwd,
      stdio: [started ? 'pipe' : 'ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout!.setEncoding('utf8').on('data', (text) => {
      output += text;
      printed?.(text);
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status: status ?? -1, output }));
    started?.(child);
  });
}

/** In a user namespace with all users, where root may mount. */
function withBinfmt(command: readonly string[], printed?: BuildOptions['printed']): Promise<Build> {
  const started = ({ pid, stdin }: ReturnType<typeof spawn>) => {
    const namespace = () => readlinkSync(`/proc/${pid}/ns/user`);
    const own = readlinkSync('/proc/self/ns/user');
    const wait = setInterval(() => {
      if (namespace() === own) return;
      clearInterval(wait);
      for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${pid}/${map}`, '0 0 65536\n');
      stdin!.end('go\n');
    }, 20);
  };
  const unshare = ['--user', '--mount', 'sh', '-ec', REGISTER, 'sh', ...command];
  return run('unshare', unshare, { started, printed });
}

/** All files of a tree: type, mode, owner, number of links, and content or target; no times. */
export function filesOf(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (path: string) => {
    for (const name of readdirSync(`${root}${path}`)) {
      const at = `${path}/${name}`;
      const file = `${root}${at}`;
      const s = lstatSync(file);
      const facts: (string | number)[] = [s.mode.toString(8), s.uid, s.gid];
      if (s.isSymbolicLink()) facts.push(readlinkSync(file));
      else if (s.isFile()) facts.push(s.nlink, createHash('md5').update(readFileSync(file)).digest('hex'));
      else if (!s.isDirectory()) facts.push(s.rdev);
      found[at] = facts.join(' ');
      if (s.isDirectory()) walk(at);
    }
  };
  walk('');
  return found;
}

/** Removes a storage, whose files may be of any owner and mode. */
export function removeStorage(directory: string): void {
  execFileSync('rm', ['-rf', directory]);
}
