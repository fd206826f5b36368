/**
 * Records what the groups of the process suite do on real Linux: `node test/processes/record.ts [GROUP ...]`, as root on an amd64
 * Debian machine.
 *
 * They run on the kernel of the machine, in a root of the same Debian packages as the tests', in PID, IPC and mount namespaces of
 * their own, so that they see no process but theirs.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ENVIRONMENT } from '../programs/engines.ts';
import { Group, groupFiles } from './suite.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));

/** Process 1 is a shell that waits for whatever is left to it. */
const INIT = `
for fd in /proc/$$/fd/*; do
  fd=\${fd##*/}
  if ((fd > 2)); then eval "exec $fd>&-"; fi
done
root=$1
shift
mount --make-rprivate /
mount -t tmpfs dev "$root/dev"
for name in null zero full random urandom tty; do touch "$root/dev/$name"; mount --bind /dev/$name "$root/dev/$name"; done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue"
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
mount -t mqueue mqueue "$root/dev/mqueue"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
exec chroot "$root" /bin/sh -c 'cd /; "$@"; exit $?' init "$@"
`;

const root = execFileSync(`${project}fixtures/root.sh`, ['full', 'amd64'], { encoding: 'utf8' }).trim();
const wanted = process.argv.slice(2);
for (const file of groupFiles()) {
  const group = new Group(file);
  if (wanted.length > 0 && !wanted.includes(group.name)) continue;
  const argv = group.install(root, 'gcc');
  const command = [
    '--mount',
    '--pid',
    '--ipc',
    '--fork',
    '--kill-child',
    'setsid',
    '-w',
    'bash',
    '-c',
    INIT,
    'bash',
    root,
  ];
  const run = spawnSync('unshare', [...command, ...argv], {
    env: { ...ENVIRONMENT, PATH: process.env.PATH },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const outcome = group.outcome(root);
  const missing = group.cases.filter((name) => outcome.cases[name] === undefined);
  if (run.status !== 0 || missing.length > 0)
    throw new Error(`${group.name}: status ${run.status}, missing: ${missing}`);
  mkdirSync(`${project}test/processes/recorded`, { recursive: true });
  writeFileSync(group.recordingFile, `${JSON.stringify({ source: group.source, ...outcome }, null, 2)}\n`);
  console.log(`${group.name}: ${group.cases.length} cases`);
}
