/**
 * A Debian base system as packages leave it, unpacked and not configured, and the two ways to run it: armrun, and qemu-arm-static
 * with binfmt_misc as the oracle.
 */
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import flags from '../../src/v8-flags.json' with { type: 'json' };

const own = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const armrun = [process.execPath, ...flags, own('../../src/bin.cjs')];
const oracleProgram = [own('./binfmt.sh')];

export interface System {
  readonly root: string;
  /** The user of the host who runs it. */
  readonly uid: number;
  /** Runs a script with the system's /bin/sh; gives its whole output. Rejects when it fails. `options` are armrun's. */
  run(script: string, options?: readonly string[]): Promise<string>;
}

/**
 * Equal systems below a directory of their own: one for each user of the host (uid) that runs armrun, and owns all of it, and one
 * for the oracle.
 */
export function makeSystems(uids: readonly number[] = [0]): {
  directory: string;
  systems: System[];
  oracle: System;
  /** When they were made, in milliseconds. */
  since: number;
} {
  const since = Date.now();
  const base = execFileSync(own('../../fixtures/root.sh'), ['debian'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
  const directory = fs.mkdtempSync(`${tmpdir()}/armrun-apt-`);
  fs.chmodSync(directory, 0o755);
  const make = (name: string): string => {
    const root = `${directory}/${name}/root`;
    fs.mkdirSync(`${directory}/${name}`);
    execFileSync('cp', ['-a', base, root]);
    fs.copyFileSync(own('./second-stage.sh'), `${root}/second-stage.sh`);
    useSources(root);
    return root;
  };
  const shell = (script: string) => ['/bin/sh', '-ec', script];
  const systems = uids.map((uid) => {
    const name = `armrun-${uid}`;
    const root = make(name);
    if (uid !== 0) giveTo(uid, root, base);
    return {
      root,
      uid,
      run: (script: string, options: readonly string[] = []) =>
        run([...asUser(uid), ...armrun, ...options, '--root', root, ...shell(script)]),
    };
  });
  const model = make('qemu');
  const oracle = {
    root: model,
    uid: 0,
    run: (script: string) => run([...oracleProgram, model, ...shell(script)]),
  };
  return { directory, systems, oracle, since };
}

const asUser = (uid: number) =>
  uid === 0 ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];

/** Makes all of a root a user's on the host; who owns what inside, and the bits that are lost with it, are as in another root. */
function giveTo(uid: number, root: string, model: string): void {
  execFileSync('chown', ['-hR', `${uid}:${uid}`, `${root}/..`]);
  const special = [
    '!',
    '-type',
    'l',
    '(',
    '!',
    '-uid',
    '0',
    '-o',
    '!',
    '-gid',
    '0',
    '-o',
    '-perm',
    '/7000',
    ')',
  ];
  const restore = 'chown %U:%G "/%P"\\nchmod %m "/%P"\\n';
  const script = execFileSync('find', [model, ...special, '-printf', restore], { encoding: 'latin1' });
  const [program, ...args] = [...asUser(uid), ...armrun, '--root', root, '/bin/sh', '-e'];
  execFileSync(program!, args, { input: script, env: ENVIRONMENT });
}

/** What a user's root holds, with the owners that those inside see: exported, and unpacked in an empty directory. */
export function unpackExported(root: string, uid: number, into: string): void {
  fs.mkdirSync(into);
  const archive = `${into}.tar`;
  const command = [...asUser(uid), ...armrun, 'export', root];
  execFileSync('sh', ['-c', 'exec "$@" >"$0"', archive, ...command]);
  execFileSync('tar', ['-C', into, '-xpf', archive, '--numeric-owner', '--xattrs', '--xattrs-include=*']);
  fs.rmSync(archive);
}

/** Gives a root this machine's way to packages: sources, public keys, settings of downloads, and the resolver. */
function useSources(root: string): void {
  for (const name of ['sources.list', 'sources.list.d', 'trusted.gpg.d', 'keyrings']) {
    if (fs.existsSync(`/etc/apt/${name}`)) {
      fs.cpSync(`/etc/apt/${name}`, `${root}/etc/apt/${name}`, { recursive: true, dereference: true });
    }
  }
  // Not what else than packages this machine downloads (IndexTargets).
  const settings = execFileSync('apt-config', ['dump', 'Acquire'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => !line.includes('IndexTargets') && !line.endsWith(' "";'));
  fs.writeFileSync(`${root}/etc/apt/apt.conf.d/99acquire`, settings.join('\n'));
  for (const name of ['resolv.conf', 'hosts']) fs.copyFileSync(`/etc/${name}`, `${root}/etc/${name}`);
  // No service is started by its installation.
  fs.writeFileSync(`${root}/usr/sbin/policy-rc.d`, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
}

const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  DEBIAN_FRONTEND: 'noninteractive',
  LC_ALL: 'C',
  TZ: 'UTC',
  HOME: '/root',
};

function run([program, ...args]: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'], env: ENVIRONMENT });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('latin1').on('data', (text: string) => (output += text));
    }
    child.on('error', reject);
    child.on('close', (status, signal) => {
      if (status === 0) resolve(output);
      else reject(new Error(`${program} ${args.join(' ')}: ${signal ?? status}\n${output.slice(-4000)}`));
    });
  });
}
