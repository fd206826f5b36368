/** Every group of cases belongs to one of the test files, and has a recording of each of its cases. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Group, groupFiles } from './suite.ts';

test('every group is checked once', () => {
  const directory = new URL('.', import.meta.url);
  const checks = readdirSync(directory).filter((f) => f.endsWith('.test.ts') && f !== 'groups.test.ts');
  const named = checks.flatMap((f) =>
    readFileSync(new URL(f, directory), 'utf8').match(/[\w-]+\.(?:sh|pl|py|c)\b/g),
  );
  expect(named.sort()).toEqual(groupFiles());
});

test.each(groupFiles())('%s is recorded', (file) => {
  const group = new Group(file);
  expect(group.recording.source).toBe(group.source);
  expect(Object.keys(group.recording.cases).sort()).toEqual([...group.cases].sort());
  expect(group.recording.left).toBe('');
});
