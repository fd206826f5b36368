/**
 * A Docker daemon of a test's own: data, sockets and containers in a directory, no bridge and no firewall rules, so that
 * nothing of the host's is touched. It is ended with its directory removed, also when the test's process dies.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { type Build, type BuildOptions, run, writeContext } from './buildah.ts';

/** The client that belongs to dockerd; another one may come first in PATH. */
const CLIENT = '/usr/bin/docker';
const START_MS = 30_000;

export class Docker {
  readonly #directory: string;
  readonly #daemon: ReturnType<typeof spawn>;
  readonly context: string;

  private constructor(directory: string, daemon: ReturnType<typeof spawn>) {
    this.#directory = directory;
    this.#daemon = daemon;
    this.context = `${directory}/context`;
    mkdirSync(this.context);
  }

  /**
   * Starts a daemon; gives undefined where none can run: without root, docker.io, or what it needs of the kernel.
   */
  static async start(directory: string): Promise<Docker | undefined> {
    if (process.geteuid?.() !== 0 || !existsSync(CLIENT)) return undefined;
    mkdirSync(directory);
    const log = openSync(`${directory}/log`, 'w');
    const options = ['--data-root', `${directory}/data`, '--exec-root', `${directory}/exec`];
    options.push('--host', `unix://${directory}/socket`, '--pidfile', `${directory}/pid`);
    options.push('--iptables=false', '--bridge=none');
    const daemon = spawn('setpriv', ['--pdeathsig', 'TERM', 'dockerd', ...options], {
      stdio: ['ignore', log, log],
    });
    let failed = false;
    daemon.on('error', () => {
      failed = true;
    });
    const docker = new Docker(directory, daemon);
    for (const end = Date.now() + START_MS; Date.now() < end && !failed && daemon.exitCode === null; ) {
      if (docker.#client('version').status === 0) return docker;
      await sleep(100);
    }
    await docker.end();
    return undefined;
  }

  async end(): Promise<void> {
    if (this.#daemon.pid !== undefined && this.#daemon.exitCode === null) {
      const ended = new Promise((resolve) => this.#daemon.on('exit', resolve));
      this.#daemon.kill('SIGTERM');
      await ended;
    }
    const mounts = readFileSync('/proc/self/mounts', 'utf8').matchAll(/^\S+ (\S+)/gm);
    const below = Array.from(mounts, (match) => match[1]!).filter((at) =>
      at.startsWith(`${this.#directory}/`),
    );
    for (const at of below.reverse()) spawnSync('umount', ['--lazy', at]);
    execFileSync('rm', ['-rf', this.#directory]);
  }

  #client(...args: string[]) {
    return spawnSync(CLIENT, args, { env: this.#environment(), encoding: 'utf8', maxBuffer: 1 << 28 });
  }

  #environment(buildKit?: boolean): NodeJS.ProcessEnv {
    const { PATH, HOME } = process.env;
    const host = `unix://${this.#directory}/socket`;
    return {
      PATH,
      HOME,
      DOCKER_HOST: host,
      ...(buildKit !== undefined && { DOCKER_BUILDKIT: buildKit ? '1' : '0' }),
    };
  }

  /** What `docker ARGS` prints; throws when it fails. */
  command(...args: string[]): string {
    const { status, stdout, stderr } = this.#client(...args);
    if (status !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  /** What it prints; both streams when it fails. */
  run(...args: string[]): Build {
    const { status, stdout, stderr } = this.#client(...args);
    return { status: status ?? -1, output: status === 0 ? stdout : stdout + stderr };
  }

  build(tag: string, dockerfile: string, buildKit: boolean, options: BuildOptions = {}): Promise<Build> {
    writeContext(this.context, dockerfile, options);
    const command = ['build', '--network', 'host', '--platform', 'linux/arm/v7', '--tag', tag, '--force-rm'];
    if (buildKit) command.push('--progress', 'plain');
    return run(CLIENT, [...command, ...(options.args ?? []), this.context], {
      env: this.#environment(buildKit),
    });
  }

  /** Runs a line of shell as somebody would type it there, with this daemon and its client. */
  shell(line: string, cwd: string): Promise<Build> {
    const env = this.#environment(true);
    return run('sh', ['-ec', line], { env: { ...env, PATH: `/usr/bin:${env.PATH}` }, cwd });
  }

  /** An image's files, unpacked into a directory that is made. */
  unpack(tag: string, to: string): string {
    const id = this.command('create', tag, 'none').trim();
    try {
      mkdirSync(to);
      const script = '"$1" export "$2" | tar --extract --same-owner --preserve-permissions --directory "$3"';
      execFileSync('sh', ['-c', script, 'sh', CLIENT, id, to], { env: this.#environment() });
    } finally {
      this.command('rm', id);
    }
    return to;
  }

  size(tag: string): number {
    return Number(this.command('image', 'inspect', '--format', '{{.Size}}', tag));
  }
}

/** An image archive, as `docker load` and its like read it, of one layer for 32-bit ARM. */
export function imageArchive(
  root: string,
  file: string,
  tag: string,
  config: Record<string, unknown> = {},
): void {
  const work = `${file}.parts`;
  mkdirSync(work);
  execFileSync('tar', ['--numeric-owner', '-C', root, '-cf', `${work}/layer.tar`, '.']);
  const hash = createHash('sha256')
    .update(readFileSync(`${work}/layer.tar`))
    .digest('hex');
  const environment = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'];
  const image = {
    architecture: 'arm',
    variant: 'v7',
    os: 'linux',
    config: { Env: environment, Cmd: ['sh'], ...config },
    rootfs: { type: 'layers', diff_ids: [`sha256:${hash}`] },
    history: [{ created: new Date(statSync(root).mtimeMs).toISOString(), created_by: 'a test' }],
  };
  writeFileSync(`${work}/config.json`, JSON.stringify(image));
  const manifest = [{ Config: 'config.json', RepoTags: [tag], Layers: ['layer.tar'] }];
  writeFileSync(`${work}/manifest.json`, JSON.stringify(manifest));
  execFileSync('tar', ['-C', work, '-cf', file, 'manifest.json', 'config.json', 'layer.tar']);
  execFileSync('rm', ['-r', work]);
}
