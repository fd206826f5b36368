/**
 * /proc/sys: values that programs look at and, as root, set (proc(5); kernel/sysctl.c). Those that nothing here depends on keep
 * what is written.
 */
import { fail } from '../../abi/errno.ts';
import { IPCMNI } from '../../abi/ipc.ts';
import { PID_MAX_LIMIT, PID_MAX_MIN } from '../../abi/limits.ts';
import { CAP, capable } from '../core/creds.ts';
import { NAMESPACE_KINDS, type NamespaceKind } from '../core/namespace.ts';
import { UNLIMITED } from '../core/user-namespace.ts';
import { MQ } from '../ipc/mqueue.ts';
import { randomUuid } from '../memory/random.ts';
import { directory, type Entry, fixed, type TextOptions, text } from './nodes.ts';
import type { ProcSource, SysvSettings } from './source.ts';

const INT_MAX = 0x7fff_ffff;

/**
 * Integers between tabs (proc_dointvec_minmax): what is written sets as many as it has, from the first on. EINVAL for what is no
 * number or beyond the bounds.
 */
function integers(
  get: () => readonly number[],
  set: (values: number[]) => void,
  min = -INT_MAX - 1,
  max = INT_MAX,
  options: Pick<TextOptions, 'isOwn'> = {},
): Entry {
  return text(() => `${get().join('\t')}\n`, {
    ...options,
    write(written) {
      const values = [...get()];
      const words = written.split(/[\s\0]+/).filter((word) => word !== '');
      words.slice(0, values.length).forEach((word, i) => {
        const value = /^-?(0[xX][\da-fA-F]+|\d+)$/.test(word) ? Number(word) : Number.NaN;
        if (!(value >= min && value <= max)) fail('EINVAL');
        values[i] = value;
      });
      set(values);
    },
  });
}

function number<K extends string>(of: Record<K, number>, name: K, min?: number, max?: number): Entry {
  return integers(
    () => [of[name]],
    ([value]) => {
      of[name] = value!;
    },
    min,
    max,
  );
}

function flag<K extends string>(of: Record<K, boolean>, name: K, min?: number, max?: number): Entry {
  return integers(
    () => [+of[name]],
    ([value]) => {
      of[name] = value !== 0;
    },
    min,
    max,
  );
}

/** Integers that nothing here depends on. */
function kept(...initial: number[]): Entry {
  let now: readonly number[] = initial;
  return integers(
    () => now,
    (values) => {
      now = values;
    },
    Math.min(0, ...initial),
    Math.max(INT_MAX, ...initial),
  );
}

const constant = (make: () => string | number): Entry => text(() => `${make()}\n`);

/** The limits of System V IPC (ipc/ipc_sysctl.c). */
function sysv(settings: SysvSettings): Record<string, Entry> {
  const { limits } = settings;
  const limit = (name: Exclude<keyof typeof limits, 'sem'>, max = INT_MAX) => number(limits, name, 0, max);
  const nextId = (table: { nextId: number }) => number(table, 'nextId', 0);
  return {
    auto_msgmni: kept(0),
    msg_next_id: nextId(settings.messages),
    msgmax: limit('msgmax'),
    msgmnb: limit('msgmnb'),
    msgmni: limit('msgmni', IPCMNI),
    sem: integers(
      () => limits.sem,
      (values) => {
        if (values[3]! < 0 || values[3]! > IPCMNI) fail('EINVAL');
        limits.sem = values;
      },
    ),
    sem_next_id: nextId(settings.semaphores),
    shm_next_id: nextId(settings.segments),
    shm_rmid_forced: flag(settings, 'removeUnused', 0, 1),
    shmall: limit('shmall', 0xffff_ffff),
    shmmax: limit('shmmax', 0xffff_ffff),
    shmmni: limit('shmmni', IPCMNI),
  };
}

function fsDirectory(source: ProcSource): Entry {
  return directory({
    'file-max': kept(524288),
    'file-nr': constant(() => '1024\t0\t524288'),
    inotify: directory({
      max_queued_events: kept(16384),
      max_user_instances: kept(128),
      max_user_watches: kept(65536),
    }),
    'lease-break-time': number(source.leases, 'breakTime', 0),
    mqueue: directory(Object.fromEntries(Object.entries(MQ).map(([name, n]) => [name, constant(() => n)]))),
    nr_open: number(source.settings, 'nrOpen', 64),
    overflowgid: kept(65534),
    overflowuid: kept(65534),
    'pipe-max-size': kept(1048576),
    protected_fifos: kept(0),
    protected_hardlinks: kept(0),
    protected_regular: kept(0),
    protected_symlinks: kept(0),
    suid_dumpable: kept(0),
  });
}

function kernelDirectory(source: ProcSource): Entry {
  let bootId: string | undefined;
  const own = fixed({
    cap_last_cap: constant(() => 40),
    core_pattern: text(() => `${source.settings.corePattern}\n`, {
      write(written) {
        source.settings.corePattern = written.replace(/\n.*$/s, '').slice(0, 127);
      },
    }),
    core_uses_pid: flag(source.settings, 'coreUsesPid'),
    domainname: constant(() => source.domainname),
    hostname: text(() => `${source.hostname}\n`, { write: (name) => source.setHostname(name.trim()) }),
    ngroups_max: constant(() => 65536),
    osrelease: constant(() => source.release),
    ostype: constant(() => 'Linux'),
    overflowgid: kept(65534),
    overflowuid: kept(65534),
    pid_max: number(source.settings, 'pidMax', PID_MAX_MIN, PID_MAX_LIMIT),
    random: directory({
      boot_id: constant(() => (bootId ??= randomUuid())),
      entropy_avail: constant(() => 256),
      poolsize: constant(() => 256),
      uuid: constant(randomUuid),
    }),
    randomize_va_space: kept(2),
    tainted: kept(0),
    'threads-max': kept(32768),
    version: constant(() => source.version),
  });
  // Of the IPC namespace of who looks.
  const ofIpc = () => fixed(sysv(source.sysv.settings));
  return directory({
    entry: (name: string) => own.entry(name) ?? ofIpc().entry(name),
    names: () => [...own.names(), ...ofIpc().names()],
  });
}

/** net.ipv4.ping_group_range of the network of who looks; one that ends before it begins is none (ipv4_ping_group_range). */
function pingGroups(source: ProcSource): Entry {
  const gids = () => source.viewer().user.gids;
  return integers(
    () => source.network.pingGroups.map((gid) => gids().shown(gid)),
    ([first, last]) => {
      const [low, high] = [first, last].map((gid) => gids().toKernel(gid!) ?? fail('EINVAL')) as [
        number,
        number,
      ];
      source.network.pingGroups = low > high ? [1, 0] : [low, high];
    },
    0,
  );
}

/** /proc/sys/user, of the user namespace of who looks. */
function userDirectory(source: ProcSource): Entry {
  const user = () => source.viewer().user;
  const isOwn = () => capable(source.viewer(), CAP.SYS_RESOURCE, user());
  const limit = (kind: NamespaceKind) =>
    integers(
      () => [user().limits[kind] ?? UNLIMITED],
      ([value]) => {
        user().limits[kind] = value!;
      },
      0,
      INT_MAX,
      { isOwn },
    );
  const entries = NAMESPACE_KINDS.map((kind) => [`max_${kind}_namespaces`, limit(kind)] as const);
  return directory(Object.fromEntries(entries));
}

export function sysctls(source: ProcSource): Entry {
  return directory({
    fs: fsDirectory(source),
    kernel: kernelDirectory(source),
    net: directory({
      core: directory({ somaxconn: kept(4096) }),
      ipv4: directory({
        ip_local_port_range: kept(32768, 60999),
        ip_forward: kept(0),
        ping_group_range: pingGroups(source),
        ip_unprivileged_port_start: number(source.settings, 'unprivilegedPorts', 0, 65535),
      }),
    }),
    user: userDirectory(source),
    vm: directory({
      max_map_count: kept(65530),
      mmap_min_addr: kept(65536),
      // With a limit no more is promised than that, and nothing changes it.
      overcommit_memory: source.isMemoryLimited ? constant(() => 2) : kept(0),
      overcommit_ratio: source.isMemoryLimited ? constant(() => 100) : kept(50),
      swappiness: kept(60),
    }),
  });
}
