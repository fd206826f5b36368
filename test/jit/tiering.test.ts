/** When a location is hot enough to be compiled. */
import { expect, test } from 'vitest';
import { Tiering } from '../../emu/jit/tiering.ts';

const HOT = 32768;
/** So many arrivals do not wait for others. */
const ALONE = 1.5 * HOT;

test('early in a run what is hot by its number is compiled when it has a part in the run', () => {
  const early = new Tiering(performance.now());
  expect(early.arrived(0x1000, false, ALONE, 4 * ALONE + 1)).toBe(false);
  expect(early.arrived(0x1000, false, ALONE, 4 * ALONE)).toBe(true);
  expect(early.arrived(0x2000, false, HOT - 1, HOT)).toBe(false);
});

test('later, or where the number is given, its part does not matter', () => {
  const later = new Tiering(-Infinity);
  expect(later.arrived(0x1000, false, 12288, 1e9)).toBe(true);
  const given = new Tiering(performance.now(), 64);
  expect(given.arrived(0x1000, false, 96, 1e9)).toBe(true);
});
