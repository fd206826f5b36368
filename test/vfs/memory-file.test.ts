/** Files that are only memory: what their holes cost. */
import { expect, test } from 'vitest';
import { MemoryBytes } from '../../syscalls/vfs/memory/memory-file.ts';
import { MachineMemory, MemoryQuota } from '../../syscalls/vfs/memory/quota.ts';

test('a hole takes no memory, also when the file grows and shrinks over it', () => {
  const bytes = new MemoryBytes(new MemoryQuota(new MachineMemory(2 ** 33)));
  bytes.write(Uint8Array.of(1, 2, 3), 0);
  const before = process.memoryUsage.rss();
  bytes.resize(2 ** 29);
  bytes.resize(2 ** 29 + 2 ** 28);
  bytes.resize(1);
  expect(process.memoryUsage.rss() - before).toBeLessThan(2 ** 27);
  bytes.resize(100);
  const content = new Uint8Array(100);
  expect(bytes.read(content, 0)).toBe(100);
  expect(content).toEqual(Uint8Array.from([1, ...new Array(99).fill(0)]));
});

test('what was written behind a hole is gone when the file was shorter', () => {
  const bytes = new MemoryBytes(new MemoryQuota(new MachineMemory(2 ** 33)));
  bytes.write(Uint8Array.of(7), 100_000);
  bytes.resize(50);
  bytes.resize(200_000);
  const content = new Uint8Array(200_000);
  bytes.read(content, 0);
  expect(content.every((byte) => byte === 0)).toBe(true);
});
