/**
 * What is to be mounted, before it is (struct fs_context; fs/fs_context.c, fs/fsopen.c): the kind of file system and its
 * parameters, which mount(2) gets as one string and fsconfig(2) one by one.
 */
import { Errno, fail } from '../abi/errno.ts';
import { O_RDWR } from '../abi/fcntl.ts';
import { ObjectInode } from '../vfs/core/anonymous.ts';
import { bound } from '../vfs/core/bind.ts';
import { CAP, capable } from '../vfs/core/creds.ts';
import type { FileSystem, Inode } from '../vfs/core/inode.ts';
import { OpenFile } from '../vfs/core/open-file.ts';
import { FIRST_USER_NAMESPACE, type IdMap, type UserNamespace } from '../vfs/core/user-namespace.ts';
import { createDev } from '../vfs/memory/dev.ts';
import { TmpFs } from '../vfs/memory/tmpfs.ts';
import { ProcFs } from '../vfs/proc/proc.ts';
import { SysFs, system } from '../vfs/proc/sys.ts';
import { DevPts } from '../vfs/tty/pty.ts';
import { isWritten } from './mount-use.ts';
import { procSource } from './proc.ts';
import type { Task } from './task.ts';

/** By name; '' for one without a value. */
type Parameters = ReadonlyMap<string, string>;

interface Type {
  /** What values are; of one without a value, the empty string. Of others there is none, but with `any` they mean nothing. */
  readonly parameters: Readonly<Record<string, RegExp>>;
  readonly any?: boolean;
  create(t: Task, parameters: Parameters): FileSystem;
  /** Who must administer what it shows (FS_USERNS_MOUNT, s_user_ns). */
  owner(t: Task): UserNamespace | undefined;
}

const OCTAL = /^[0-7]+$/;
const U32 = /^(0x[0-9a-f]{1,8}|\d{1,10})$/i;
const BYTES = /^(0x[0-9a-f]+|\d+)[kmgtpe]?%?$/i;
const COUNT = /^(0x[0-9a-f]+|\d+)[kmgtpe]?$/i;
/** Without transparent huge pages there are none, ever. */
const TMPFS = {
  gid: U32,
  huge: /^never$/,
  inode32: /^$/,
  mode: OCTAL,
  nr_blocks: COUNT,
  nr_inodes: COUNT,
  size: BYTES,
  uid: U32,
};

/** kstrtouint with base 0. */
function number(text: string | undefined): number | undefined {
  return text === undefined
    ? undefined
    : Number.parseInt(text, /^0\d/.test(text) ? 8 : /^0x/i.test(text) ? 16 : 10);
}
/** A user or group as the caller's namespace has them. EINVAL. */
function owner(map: IdMap, text: string | undefined): number | undefined {
  const id = number(text);
  return id === undefined ? undefined : (map.toKernel(id) ?? fail('EINVAL'));
}
const octal = (text: string | undefined) => (text === undefined ? undefined : Number.parseInt(text, 8));
/** memparse. */
function amount(text: string | undefined): number | undefined {
  const unit = /([kmgtpe])$/i.exec(text ?? '')?.[1];
  if (text === undefined) return undefined;
  return number(text)! * 1024 ** (unit ? 'kmgtpe'.indexOf(unit.toLowerCase()) + 1 : 0);
}

/** Bytes and files that a tmpfs may have (tmpfs(5)). */
function limits(t: Task, parameters: Parameters): { size: number | undefined; nodes: number | undefined } {
  const size = parameters.get('size');
  const blocks = amount(parameters.get('nr_blocks'));
  const percent = size?.endsWith('%');
  return {
    size: percent
      ? (number(size)! * t.kernel.vfs.memory.total) / 100
      : (amount(size) ?? (blocks === undefined ? undefined : blocks * 4096)),
    nodes: amount(parameters.get('nr_inodes')),
  };
}

const ofMaker = (t: Task) => t.creds.user;

const TYPES: Readonly<Record<string, Type>> = {
  tmpfs: {
    parameters: TMPFS,
    owner: ofMaker,
    create: (t, parameters) =>
      new TmpFs(t.kernel.vfs, {
        mode: octal(parameters.get('mode')) ?? 0o1777,
        uid: owner(t.creds.user.uids, parameters.get('uid')) ?? t.creds.fsuid,
        gid: owner(t.creds.user.gids, parameters.get('gid')) ?? t.creds.fsgid,
        ...limits(t, parameters),
      }),
  },
  ramfs: {
    parameters: { mode: OCTAL },
    any: true,
    owner: ofMaker,
    create: (t, parameters) =>
      new TmpFs(t.kernel.vfs, { type: 'ramfs', mode: octal(parameters.get('mode')) ?? 0o755 }),
  },
  proc: {
    parameters: {},
    owner: (t) => t.process.pids.owner,
    create: (t) => new ProcFs(t.kernel.vfs, procSource(t.kernel, t.process.pids), () => treeRoot(t)),
  },
  sysfs: {
    parameters: {},
    owner: (t) => t.network.owner,
    create: (t) => new SysFs(t.kernel.vfs, system(t.kernel.cpus, t.network)),
  },
  devtmpfs: { parameters: TMPFS, create: (t) => createDev(t.kernel.vfs), owner: () => FIRST_USER_NAMESPACE },
  mqueue: { parameters: {}, create: (t) => t.ns.ipc.mqueues, owner: (t) => t.ns.ipc.owner },
  devpts: {
    parameters: { gid: U32, max: U32, mode: OCTAL, newinstance: /^$/, ptmxmode: OCTAL, uid: U32 },
    owner: ofMaker,
    create: (t, parameters) =>
      new DevPts(t.kernel.vfs, {
        uid: number(parameters.get('uid')),
        gid: number(parameters.get('gid')),
        mode: octal(parameters.get('mode')) ?? 0o600,
        // Linux's is 0, but there is /dev/ptmx no link to it.
        ptmxMode: octal(parameters.get('ptmxmode')) ?? 0o666,
      }),
  },
};

function treeRoot(t: Task): Inode {
  let at = t.fs.root;
  while (at.parent !== undefined) at = at.parent;
  return at;
}

/** Parameters that all file systems have (fs_sb_flags of vfs_parse_sb_flag): whether they say read-only; others mean nothing. */
const FLAGS: Readonly<Record<string, boolean | undefined>> = {
  ro: true,
  rw: false,
  ...{ sync: undefined, async: undefined, dirsync: undefined, lazytime: undefined, nolazytime: undefined },
  ...{ mand: undefined, nomand: undefined },
};

export class MountContext {
  readonly type: string;
  readonly #type: Type;
  /** The file system that is to be changed (fspick, MS_REMOUNT). */
  readonly #existing: FileSystem | undefined;
  source: string | null = null;
  /** Of the file system, not of its mount; undefined: as it is. */
  readOnly: boolean | undefined;
  readonly #parameters = new Map<string, string>();
  /** What went wrong, for who reads the descriptor. */
  readonly log: string[] = [];

  /** ENODEV when there is no such kind of file system. */
  constructor(of: string | FileSystem) {
    this.type = typeof of === 'string' ? of : of.type;
    this.#existing = typeof of === 'string' ? undefined : of;
    // Of the host's file systems nobody knows the parameters.
    const any = { parameters: {}, any: true, create: () => fail('ENODEV'), owner: ofMaker };
    this.#type =
      (Object.hasOwn(TYPES, this.type) && TYPES[this.type]) || (this.#existing ? any : fail('ENODEV'));
  }

  /** One parameter (vfs_parse_fs_param); null for one without a value, undefined for a file or bytes. EINVAL. */
  set(key: string, value: string | null | undefined): void {
    if (Object.hasOwn(FLAGS, key)) {
      this.readOnly = FLAGS[key] ?? this.readOnly;
      return;
    }
    if (key === 'source') {
      if (typeof value !== 'string') this.#invalid('VFS: Non-string source');
      if (this.source !== null) this.#invalid('VFS: Multiple sources');
      this.source = value;
      return;
    }
    const { parameters, any } = this.#type;
    const values = Object.hasOwn(parameters, key) ? parameters[key] : undefined;
    if (values === undefined) {
      if (any) return;
      this.#invalid(`${this.type}: Unknown parameter '${key}'`);
    }
    if (values.test('') && value !== null) this.#invalid(`${this.type}: Unexpected value for '${key}'`);
    if (!values.test(value ?? '')) this.#invalid(`${this.type}: Bad value for '${key}'`);
    this.#parameters.set(key, value ?? '');
  }

  /** All of them, as mount(2) gets them (generic_parse_monolithic). */
  setAll(data: string): void {
    for (const each of data.split(',')) {
      const [, key, value] = /^([^=]*)(?:=(.*))?$/s.exec(each)!;
      if (key) this.set(key, value ?? null);
    }
  }

  #invalid(message: string): never {
    this.log.push(`e ${message}\n`);
    if (this.log.length > MOST_MESSAGES) this.log.shift();
    return fail('EINVAL');
  }

  /** The file system, mounted nowhere (vfs_get_tree). EPERM. */
  create(t: Task): FileSystem {
    const owner = this.#type.owner(t);
    if (!capable(t.creds, CAP.SYS_ADMIN, owner)) fail('EPERM');
    const made = this.#type.create(t, this.#parameters);
    // Of some there is one; it may be mounted somewhere.
    const fs = t.kernel.vfs.mounts.has(made) ? bound(made.root) : made;
    fs.owner = owner!;
    fs.source = this.source ?? 'none';
    fs.superReadOnly = this.readOnly ?? false;
    return fs;
  }

  /** Gives the existing file system what has been set (reconfigure_super). EINVAL, EPERM. */
  reconfigure(t: Task): void {
    const fs = this.#existing;
    if (this.readOnly && fs && !fs.readOnly && isWritten(t.kernel, fs)) fail('EBUSY');
    if (fs instanceof TmpFs && fs.type === 'tmpfs') {
      const { size, nodes } = limits(t, this.#parameters);
      try {
        fs.resize(size, nodes);
      } catch (error) {
        if (error instanceof Errno) this.#invalid('tmpfs: Too small a size for current use');
        throw error;
      }
    }
    if (fs && this.readOnly !== undefined) {
      if (fs.keptReadOnly && !this.readOnly) fail('EPERM');
      fs.superReadOnly = this.readOnly;
    }
  }
}

const MOST_MESSAGES = 8;

/** What fsopen and fspick give: FSCONFIG_CMD_* lead it from one phase to the next. */
export class ContextFile extends OpenFile {
  context: MountContext;
  phase: 'create' | 'await-mount' | 'reconfigure' | 'failed';
  /** What was made, and not mounted yet. */
  made: FileSystem | undefined;

  constructor(t: Task, context: MountContext, phase: 'create' | 'reconfigure') {
    super(new ObjectInode(t.kernel.vfs, 'anon_inode:[fscontext]'), O_RDWR);
    this.context = context;
    this.phase = phase;
  }

  /** The file system is there: from now on it may be changed (vfs_clean_context). */
  begin(fs: FileSystem): void {
    const { log } = this.context;
    this.context = new MountContext(fs);
    this.context.log.push(...log);
    this.phase = 'reconfigure';
  }

  /** The oldest message. ENODATA, EMSGSIZE. */
  override read(into: Uint8Array): number {
    const message = this.context.log[0] ?? fail('ENODATA');
    if (message.length > into.length) fail('EMSGSIZE');
    this.context.log.shift();
    into.set(Buffer.from(message, 'latin1'));
    return message.length;
  }
}
