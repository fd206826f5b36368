/** `armrun doctor`: what works on this machine, what is missing, and what to do about it. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { PooledMemory } from '../../emu/memory/pool.ts';

interface Finding {
  /** false: armrun does not work; null: something armrun can do without. */
  ok: boolean | null;
  what: string;
  /** What to do about it. */
  fix?: string;
}

/** Prints all findings, and gives 1 when armrun cannot work here. */
export function doctor(): number {
  const findings = [platform(), nodeVersion(), memory(), start(), proc(), random(), binfmt(), ...tools()];
  for (const { ok, what, fix } of findings) {
    const mark = ok ? 'ok     ' : ok === null ? 'note   ' : 'MISSING';
    process.stdout.write(`${mark} ${what}${fix === undefined ? '' : `: ${fix}`}\n`);
  }
  return findings.some(({ ok }) => ok === false) ? 1 : 0;
}

function platform(): Finding {
  const what = `${process.platform} on ${process.arch}, kernel ${os.release()}`;
  if (process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)) return { ok: true, what };
  return { ok: false, what, fix: 'armrun runs on Linux for x86-64 and arm64' };
}

function nodeVersion(): Finding {
  return { ok: true, what: `Node ${process.versions.node} (${process.execPath})` };
}

/** Each guest process takes 4 GiB of address space, though not of memory. */
function memory(): Finding {
  try {
    new PooledMemory();
    return {
      ok: true,
      what: `4 GiB of address space for a process (${gib(os.freemem())} of memory are free)`,
    };
  } catch {
    const fix = 'take the limit away (ulimit -v unlimited), or set vm.overcommit_memory to 0 or 1';
    return { ok: false, what: 'no 4 GiB of address space for a process', fix };
  }
}

function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

function start(): Finding {
  if (process.execArgv.includes('--snapshot-blob')) return { ok: true, what: 'starts from the snapshot' };
  const fix = 'npm run build makes one; each start takes 50 ms more without';
  return { ok: null, what: 'does not start from a snapshot', fix };
}

function proc(): Finding {
  if (fs.existsSync('/proc/self/fd')) return { ok: true, what: '/proc is mounted' };
  return {
    ok: null,
    what: 'no /proc',
    fix: 'guests have one all the same; the limits of this process are not known',
  };
}

function random(): Finding {
  try {
    fs.accessSync('/dev/urandom', fs.constants.R_OK);
    return { ok: true, what: '/dev/urandom can be read' };
  } catch {
    return { ok: null, what: 'no /dev/urandom', fix: 'starts take a little longer' };
  }
}

/** armrun needs none; but with one, what seems to be run by it may be run by the kernel. */
function binfmt(): Finding {
  const directory = '/proc/sys/fs/binfmt_misc';
  const names = fs.existsSync(directory) ? fs.readdirSync(directory) : [];
  const isArm = (name: string) => {
    try {
      // e_machine 40 in the magic of an ELF file of 32 bits.
      return /^magic 7f454c4601.*2800$/m.test(fs.readFileSync(`${directory}/${name}`, 'latin1'));
    } catch {
      return false;
    }
  };
  const name = names.find(isArm);
  if (name === undefined)
    return { ok: true, what: 'no binfmt_misc handler for ARM is registered, and none is needed' };
  const fix = `the kernel runs ARM programs itself; echo -1 > ${directory}/${name} ends that`;
  return { ok: null, what: `the binfmt_misc handler ${name} is registered for ARM`, fix };
}

/** What only `armrun pack` and builds need. */
function tools(): Finding[] {
  const has = (name: string) => spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined;
  const xz: Finding = has('xz')
    ? { ok: true, what: 'xz, for armrun pack' }
    : {
        ok: null,
        what: 'no xz',
        fix: 'apt-get install xz-utils, or have armrun pack write .tar.gz or .tar.zst',
      };
  const builders = ['docker', 'buildah', 'podman'].filter(has);
  const builder: Finding =
    builders.length > 0
      ? { ok: true, what: `builds images: ${builders.join(', ')}` }
      : { ok: null, what: 'no docker, buildah or podman', fix: 'install one to build images here' };
  return [xz, builder];
}
