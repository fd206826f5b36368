/** What the README promises. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const project = fileURLToPath(new URL('..', import.meta.url));
const read = (name: string) => readFileSync(project + name, 'utf8');

describe('README', () => {
  const commands = Array.from(read('README.md').matchAll(/^ {4}(npm ci .*)$/gm), (match) => match[1]!);

  test('has two set-up commands, of scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json'));
    expect(commands).toHaveLength(2);
    for (const command of commands) {
      const script = /^npm ci && npm (?:run )?(\w+)$/.exec(command)?.[1];
      expect(scripts).toHaveProperty(script ?? 'none');
    }
  });

  test('names the command that the CI runs', () => {
    expect(read('.ci/run').trimEnd().split('\n').at(-1)).toBe(commands[1]);
  });

  test('links to files that exist', () => {
    const links = Array.from(read('README.md').matchAll(/\]\(([^):]+)\)/g), (match) => match[1]!);
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter((link) => !existsSync(project + link))).toEqual([]);
  });
});
