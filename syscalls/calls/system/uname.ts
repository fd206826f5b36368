/** Names of the system: uname(2), sethostname(2) (kernel/sys.c). */
import { fail } from '../../abi/errno.ts';
import { chars, struct } from '../../abi/struct.ts';
import { VERSION } from '../../kernel/kernel.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { int, ptr, structOut } from '../args.ts';
import { type Call, call } from '../declare.ts';

const utsname = struct('new_utsname', {
  sysname: chars(65),
  nodename: chars(65),
  release: chars(65),
  version: chars(65),
  machine: chars(65),
  domainname: chars(65),
});

const UNAME26 = 0x002_0000;

function uname(t: Task, at: number): number {
  const { kernel } = t;
  const { release, model } = kernel.options;
  t.mm.put(utsname, at, {
    sysname: 'Linux',
    nodename: t.ns.uts.hostname,
    release:
      t.personality & UNAME26
        ? release.replace(/^(\d+)\.(\d+)/, (_all, _major, minor) => `2.6.${60 + Number(minor)}`)
        : release,
    version: VERSION,
    machine: model.machine,
    domainname: t.ns.uts.domainname,
  });
  return 0;
}

function setName(t: Task, at: number, length: number, put: (name: string) => void): number {
  if (!capable(t.creds, CAP.SYS_ADMIN, t.ns.uts.owner)) fail('EPERM');
  if (length > 64) fail('EINVAL');
  put(Buffer.from(t.mm.readable(at, length)).toString('latin1'));
  return 0;
}

export const unameCalls: readonly Call[] = [
  call(122, 'uname', [structOut(utsname)], uname),
  call(74, 'sethostname', [ptr, int], (t, at, length) =>
    setName(t, at, length, (name) => {
      t.ns.uts.hostname = name;
    }),
  ),
  call(121, 'setdomainname', [ptr, int], (t, at, length) =>
    setName(t, at, length, (name) => {
      t.ns.uts.domainname = name;
    }),
  ),
];
