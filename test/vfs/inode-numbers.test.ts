/** 64-bit inode numbers of the host as a 32-bit guest gets them. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { O_RDONLY } from '../../syscalls/abi/fcntl.ts';
import { hostNumber, InodeNumbers } from '../../syscalls/vfs/core/inode-numbers.ts';
import { Vfs } from '../../syscalls/vfs/core/vfs.ts';
import { type NodeApi, NodeFs } from '../../syscalls/vfs/host/node-fs.ts';

test('small numbers stay, large ones get numbers that nothing else has', () => {
  const large = [2n ** 32n + 5n, 2n ** 63n, 2n ** 64n - 1n, 0x4000_0000n, 0x4000_0001n];
  const given = new InodeNumbers();
  const numbers = large.map((ino) => given.safe(77, hostNumber(ino)));
  expect(new Set(numbers).size).toBe(large.length);
  for (const number of numbers) {
    expect(number).toBeGreaterThanOrEqual(0x4000_0000);
    expect(number).toBeLessThan(2 ** 31);
  }
  expect(large.map((ino) => given.safe(77, hostNumber(ino)))).toEqual(numbers);
  expect([5n, 0x3fff_ffffn].map((ino) => given.safe(77, hostNumber(ino)))).toEqual([5, 0x3fff_ffff]);
});

test('stat and readdir agree on them', () => {
  const directory = fs.mkdtempSync(`${tmpdir()}/armrun-ino-`);
  const shift = 2n ** 45n;
  const look = (...args: Parameters<typeof fs.lstatSync>) => {
    const stats = fs.lstatSync(...args) as unknown as fs.BigIntStats | undefined;
    return (
      stats && Object.assign(Object.create(Object.getPrototypeOf(stats)), stats, { ino: stats.ino + shift })
    );
  };
  const api = { ...fs, lstatSync: look } as unknown as NodeApi;
  try {
    for (const name of ['a', 'b', 'c']) fs.writeFileSync(`${directory}/${name}`, '');
    fs.linkSync(`${directory}/a`, `${directory}/d`);
    const { root } = new NodeFs(new Vfs(), directory, { api });
    const found = new Map<string, number>();
    const file = root.open(O_RDONLY).ref();
    file.readdir((entry) => found.set(entry.name, entry.ino) !== undefined);
    file.release();
    for (const name of ['a', 'b', 'c', 'd']) expect(root.lookup(name)!.stat().ino).toBe(found.get(name));
    expect(found.get('a')).toBe(found.get('d'));
    // a and d are one file; . and .. of a root are one directory.
    expect(new Set(found.values()).size).toBe(found.size - 2);
    for (const ino of found.values()) expect(ino).toBeLessThan(2 ** 31);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
});
