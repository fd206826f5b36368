/** The tests of groups: each case shows what it showed on Linux, and no process is left behind. */
import { beforeAll, describe, expect, test } from 'vitest';
import { makeRoot } from '../programs/engines.ts';
import { Group } from './suite.ts';

export function checkGroups(...files: string[]): void {
  describe.each(files.map((file) => new Group(file)))('$name', (group) => {
    const { recording } = group;
    let result: Awaited<ReturnType<Group['run']>>;
    beforeAll(async () => {
      expect(recording.source, 'recorded for other cases: run test/processes/record.ts').toBe(group.source);
      result = await group.run(makeRoot('full'));
    }, 1_800_000);
    test.each(group.cases)('%s', (name) => {
      expect(result.cases[name]).toEqual(recording.cases[name]);
    });
    test('nothing is left', () => {
      expect(result.left).toBe('');
      expect(result.problem).toBe('');
    });
  });
}
