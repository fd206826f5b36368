/**
 * Holds two trees of a whole system against each other: names, types, modes, owners, device numbers, link targets, hard links,
 * extended attributes, times that are the packages', and contents but for what can't be equal.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

/** Files whose contents tell when or where they were made. All else about them is compared. */
const OWN_CONTENT = [
  /^\/var\/log\//,
  /^\/var\/cache\/(apt|ldconfig|man|fontconfig|debconf)\//,
  /^\/var\/backups\//,
  // Random: keys and names of this very system.
  /^\/(etc|var\/lib\/dbus)\/machine-id$/,
  /^\/etc\/ssh\/ssh_host_/,
  /^\/etc\/ssl\/(private|certs)\/ssl-cert-snakeoil/,
  /^\/etc\/ssl\/certs\/java\/cacerts$/,
  // What was done when, to data bases (test/packages asks them what they hold).
  /^\/var\/lib\/postgresql\/\d+\/main\/(global\/pg_control|pg_stat\/pgstat\.stat|pg_wal\/[0-9A-F]{24})$/,
  /^\/var\/lib\/mysql\//,
];
/** What is there or not as the network had it, and what only one of the two ways to run a system puts into it. */
const OWN_NAMES = [
  /^\/(dev|proc|sys)\//,
  /^\/var\/lib\/apt\/lists\//,
  /^\/var\/cache\/(apt|man)\//,
  // Symbolic links to certificates named by their hash.
  /^\/etc\/ssl\/certs\/[0-9a-f]{8}\.\d$/,
];

const TYPES: Record<number, string> = {
  1: 'fifo',
  2: 'character device',
  4: 'directory',
  6: 'block device',
  8: 'file',
  10: 'link',
  12: 'socket',
};

interface Entry {
  /** Everything but the content, as text. */
  readonly what: string;
  readonly file: boolean;
  readonly size: number;
}

/** Extended attributes of all files below a root that have some, by path. */
const XATTRS = `
import os, sys
root = os.fsencode(sys.argv[1])
for top, directories, files in os.walk(root):
    for name in directories + files:
        path = os.path.join(top, name)
        for attribute in sorted(os.listxattr(path, follow_symlinks=False)):
            value = os.getxattr(path, attribute, follow_symlinks=False).hex()
            print(path[len(root):].hex(), attribute, value)
`;
function xattrsOf(root: string): Map<string, string> {
  const found = new Map<string, string>();
  const options = { encoding: 'latin1', maxBuffer: 1 << 28 } as const;
  for (const line of execFileSync('python3', ['-c', XATTRS, root], options).split('\n')) {
    const [path = '', ...attribute] = line.split(' ');
    const name = Buffer.from(path, 'hex').toString('latin1');
    if (path !== '') found.set(name, `${found.get(name) ?? ''} ${attribute.join('=')}`);
  }
  return found;
}

function look(root: string, path: string, since: number, into: Map<string, Entry>): void {
  for (const name of fs.readdirSync(root + path, 'latin1')) {
    const below = `${path}/${name}`;
    if (OWN_NAMES.some((pattern) => pattern.test(below))) continue;
    const host = Buffer.from(root + below, 'latin1');
    const s = fs.lstatSync(host);
    const type = TYPES[(s.mode >> 12) & 15] ?? '?';
    const target = s.isSymbolicLink() ? ` -> ${fs.readlinkSync(host, 'latin1')}` : '';
    const links = s.isDirectory() ? '' : ` links ${s.nlink}`;
    const device = s.isCharacterDevice() || s.isBlockDevice() ? ` device ${s.rdev}` : '';
    const time = s.mtimeMs < since ? ` of ${fs.lstatSync(host, { bigint: true }).mtimeNs}` : '';
    const owner = `${s.uid}:${s.gid}`;
    const what = `${type} ${(s.mode & 0o7777).toString(8)} ${owner}${links}${device}${time}${target}`;
    into.set(below, { what, file: s.isFile(), size: s.size });
    if (s.isDirectory()) look(root, below, since, into);
  }
}

/**
 * What is different between two roots, one line each; none when they are equal.
 * @param since milliseconds: what has changed later has a time of its own; none is compared when it is left out
 */
export function differences(actual: string, expected: string, since = 0): string[] {
  const [a, b] = [actual, expected].map((root) => {
    const entries = new Map<string, Entry>();
    look(root, '', since, entries);
    for (const [path, attributes] of xattrsOf(root)) {
      const entry = entries.get(path);
      if (entry) entries.set(path, { ...entry, what: entry.what + attributes });
    }
    return entries;
  }) as [Map<string, Entry>, Map<string, Entry>];
  const found: string[] = [];
  for (const path of [...new Set([...a.keys(), ...b.keys()])].sort()) {
    const [x, y] = [a.get(path), b.get(path)];
    if (x?.what !== y?.what) found.push(`${path}: ${x?.what ?? 'missing'}, expected ${y?.what ?? 'nothing'}`);
    else if (x!.file && !OWN_CONTENT.some((pattern) => pattern.test(path))) {
      const [p, q] = [actual, expected].map((root) => Buffer.from(root + path, 'latin1')) as [Buffer, Buffer];
      if (x!.size !== y!.size || !fs.readFileSync(p).equals(fs.readFileSync(q)))
        found.push(`${path}: content`);
    }
  }
  return found;
}
