/** The list of usual instructions (emu/tier0/usual.ts) names what there is. */
import { expect, test } from 'vitest';
import { namesOfHandlers } from '../../emu/tier0/generate.ts';
import { usualForms } from '../../emu/tier0/usual.ts';

test('each usual form has a handler', { timeout: 300_000 }, () => {
  const names = new Set(namesOfHandlers());
  expect(usualForms().size).toBeGreaterThan(300);
  expect([...usualForms()].filter((name) => !names.has(name))).toEqual([]);
});
