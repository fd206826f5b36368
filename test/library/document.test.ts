/** docs/API.md says what the types say. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { apiDocument } from '../../src/api-document.ts';

test('docs/API.md is what node src/api-document.ts makes', () => {
  const document = readFileSync(new URL('../../docs/API.md', import.meta.url), 'utf8');
  expect(document).toBe(apiDocument());
  for (const name of ['run', 'capture', 'RunOptions', 'StartError'])
    expect(document).toContain(`</a>${name}\n`);
  expect(document).toContain('`stdin?: Input`');
});
