import { describe, expect, it } from 'vitest';
import { PREFERRED_END, PREFERRED_START, PreferredAddresses } from '../../emu/memory/preferred-addresses.ts';

describe('sticky addresses', () => {
  it('are the same for the same file, in a run and in the next', () => {
    const a = new PreferredAddresses();
    const b = new PreferredAddresses();
    const at = a.propose('libc.so.6', 0x180000);
    b.propose('something else', 0x1000);
    expect(at % 0x10000).toBe(0);
    expect(a.propose('libc.so.6', 0x180000)).toBe(at);
    expect(b.propose('libc.so.6', 0x180000)).toBe(at);
  });

  it('never overlap, lie in their part, and end with 0 when it is full', () => {
    const s = new PreferredAddresses();
    const ranges: [number, number][] = [];
    for (let i = 0; i < 600; i++) {
      const length = 0x1000 * (1 + ((i * 37) % 500));
      const at = s.propose(`file ${i}`, length);
      if (at === 0) continue;
      expect(at).toBeGreaterThanOrEqual(PREFERRED_START);
      expect(at + length).toBeLessThanOrEqual(PREFERRED_END);
      expect(ranges.some(([start, end]) => at < end && at + length > start)).toBe(false);
      ranges.push([at, at + length]);
    }
    expect(ranges.length).toBeGreaterThan(300);
    expect(ranges.length).toBeLessThan(600);
  });

  it('are not proposed without room', () => {
    expect(new PreferredAddresses().propose('huge', 0x4000_0000)).toBe(0);
  });
});
