import { expect, it } from 'vitest';
import { AddressSpace } from '../../emu/memory/address-space.ts';
import { WRITE } from '../../emu/memory/layout.ts';
import { poolStats } from '../../emu/memory/pool.ts';

const MB = 1 << 20;

function used(bytes: number): AddressSpace {
  const space = AddressSpace.create();
  const start = 0x1000_0000;
  const more = { prot: 3, shared: false, source: null, offset: 0, growsDown: false, name: '' };
  space.map({ start, end: start + bytes, ...more });
  // Present is enough for the pool's account; the host need not provide the pages for this test.
  expect(space.check(start, bytes, WRITE)).toBe(true);
  return space;
}

it('keeps memories for the next process, up to a number and an amount', () => {
  const small = Array.from({ length: 40 }, () => used(MB));
  for (const space of small) space.close();
  expect(poolStats().memories).toBe(32);
  const again = used(MB);
  expect(poolStats().memories).toBe(31);
  again.close();
  expect(poolStats().memories).toBe(32);
  const large = Array.from({ length: 4 }, () => used(100 * MB));
  for (const space of large) space.close();
  const { memories, touchedBytes } = poolStats();
  expect(touchedBytes).toBeLessThanOrEqual(256 * MB);
  // The fullest went, not the many small ones.
  expect(memories).toBeGreaterThan(24);
});
