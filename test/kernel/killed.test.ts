/** A few of the moments at which killed.ts kills a run. */
import { expect, test } from 'vitest';
import { killOnce } from './killed.ts';

test('a run that is killed leaves no file half written that is whole on Linux', {
  timeout: 300_000,
}, async () => {
  for (let i = 0; i < 8; i++) expect(await killOnce(300)).toEqual([]);
});
