/** Lengths that a reader can take in: of lines everywhere, of classes, of files; functions are biome's (biome.json). */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const project = fileURLToPath(new URL('..', import.meta.url));
const COLUMNS = 130;
const CLASS_LINES = 400;
/** What is bigger was not written by anybody: a core dump, something built. */
const FILE_BYTES = 500_000;

const files = execFileSync('git', ['ls-files'], { cwd: project, encoding: 'utf8' }).trim().split('\n');
const linesOf = (file: string) => readFileSync(project + file, 'utf8').split('\n');

/** What is read by people; fixtures and the guest's programs in tests are as their languages have them. */
const TEXT = /^(?!test\/|fixtures\/).*\.(ts|[cm]js|md|json|yml)$|^\.ci\/|^src\/armrun$/;
const GENERATED = new Set(['package-lock.json']);

/** A row of a table is one line: Markdown's, and those of encodings (emu/decode). */
function isRow(file: string, line: string): boolean {
  return file.endsWith('.md')
    ? line.startsWith('|')
    : file.startsWith('emu/decode/') && / \| .* \| /.test(line);
}

test(`lines have at most ${COLUMNS} columns`, () => {
  const texts = files.filter((file) => TEXT.test(file) && !GENERATED.has(file));
  expect(texts.length).toBeGreaterThan(400);
  const comments = files.filter((file) => /^(test|fixtures)\/.*\.ts$/.test(file));
  const tooLong = (file: string, lines: readonly string[], isMeant: (line: string) => boolean) =>
    lines.flatMap((line, i) => ([...line].length > COLUMNS && isMeant(line) ? [`${file}:${i + 1}`] : []));
  const found = [
    ...texts.flatMap((file) => tooLong(file, linesOf(file), (line) => !isRow(file, line))),
    ...comments.flatMap((file) => tooLong(file, linesOf(file), (line) => /^\s*(\/\/|\/?\*)/.test(line))),
  ];
  expect(found).toEqual([]);
});

test('no file is so big that nobody can have written it', () => {
  const big = files.filter((file) => statSync(project + file).size > FILE_BYTES);
  expect(big).toEqual([]);
});

/** Classes by name, with the number of their lines. */
function classes(lines: readonly string[]): [name: string, length: number][] {
  return lines.flatMap((line, i) => {
    const [, indent, name] = /^(\s*)(?:export )?(?:default )?(?:abstract )?class (\w+)/.exec(line) ?? [];
    if (indent === undefined || /\}$/.test(line)) return [];
    const end = lines.indexOf(`${indent}}`, i);
    return [[name!, end - i + 1] as [string, number]];
  });
}

test(`classes have at most ${CLASS_LINES} lines`, () => {
  const all = files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => classes(linesOf(file)).map(([name, length]) => ({ file, name, length })));
  expect(all.length).toBeGreaterThan(100);
  expect(all.filter(({ length }) => length > CLASS_LINES)).toEqual([]);
  expect(classes(['class A {', '  x = 1;', '}', 'class B {}'])).toEqual([['A', 3]]);
});
