/** Imports go one way: the rule of docs/ARCHITECTURE.md, read from the sources. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const project = fileURLToPath(new URL('..', import.meta.url));

/** What everything in emu and above may use. */
const COMMON = ['emu/cpu.ts', 'emu/cpu-model.ts', 'emu/cpu-state.ts', 'emu/memory/layout.ts', 'emu/work.ts'];

/** Part (a folder or a file, the longest that fits a file) and what it may use beside itself and COMMON. */
const RULES: Record<string, readonly string[]> = {
  src: ['syscalls', 'emu'],
  'syscalls/calls': ['syscalls/kernel', 'syscalls/vfs', 'syscalls/abi', 'emu'],
  'syscalls/kernel': ['syscalls/vfs', 'syscalls/abi', 'emu'],
  'syscalls/vfs': ['syscalls/abi', 'emu'],
  'syscalls/abi': [],
  'emu/backend.ts': ['emu'],
  'emu/cpu.ts': ['emu/memory'],
  'emu/cpu-state.ts': [],
  'emu/cpu-model.ts': [],
  'emu/work.ts': [],
  'emu/memory': [],
  'emu/machine': [],
  'emu/ops': ['emu/machine'],
  // Decoded instructions by page of an address space.
  'emu/decode/insn-cache.ts': ['emu/decode', 'emu/memory'],
  'emu/decode': ['emu/ops', 'emu/machine'],
  'emu/evaluator': ['emu/decode', 'emu/ops', 'emu/machine', 'emu/memory'],
  'emu/jit': [
    'emu/decode',
    'emu/ops',
    'emu/machine',
    'emu/evaluator',
    'emu/memory',
    'emu/tier0',
    'emu/stencils',
  ],
  'emu/stencils': ['emu/decode', 'emu/machine', 'emu/evaluator', 'emu/jit', 'emu/memory', 'emu/tier0'],
  'emu/tier0': ['emu/decode', 'emu/machine', 'emu/evaluator', 'emu/jit', 'emu/memory', 'emu/stencils'],
  'emu/unicorn': ['emu/memory'],
  // BackendFactory is the only thing of emu/backend.ts.
  'emu/verify': ['emu/backend.ts', 'emu/decode', 'emu/memory'],
  'emu/elf': ['emu/memory'],
};

const within = (file: string, part: string) => file === part || file.startsWith(`${part}/`);

function partOf(file: string): string | undefined {
  return Object.keys(RULES)
    .filter((part) => within(file, part))
    .sort((a, b) => b.length - a.length)[0];
}

/** The modules a source names in import, export ... from and import(), comments left out. */
function imports(file: string): string[] {
  const source = readFileSync(join(project, file), 'utf8').replaceAll(
    /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm,
    '',
  );
  return Array.from(source.matchAll(/\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g), (match) => match[1]!);
}

/** Sources of the project from which a source takes values, not only types, when it is loaded. */
function values(file: string): string[] {
  const source = readFileSync(join(project, file), 'utf8');
  const found: string[] = [];
  for (const [, what, name] of source.matchAll(/^(?:import|export)\s+([^;]*?)\s*from\s*'(\.[^']+\.ts)'/gm)) {
    const names = /^\{([^}]*)\}$/
      .exec(what!)?.[1]
      ?.split(',')
      .filter((word) => word.trim() !== '');
    if (what!.startsWith('type ') || names?.every((word) => word.trim().startsWith('type '))) continue;
    found.push(relative(project, join(project, dirname(file), name!)));
  }
  return found;
}

/** A way from a file along `next` that comes back to it. */
function circle(from: string, next: (file: string) => readonly string[]): string[] | undefined {
  const ways = [[from]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const file of next(way.at(-1)!)) {
      if (file === from) return way;
      if (seen.has(file)) continue;
      seen.add(file);
      ways.push([...way, file]);
    }
  }
  return undefined;
}

const files = ['src', 'syscalls', 'emu'].flatMap((folder) =>
  readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /(?<!\.d)\.[cm]?ts$/.test(name))
    .map((name) => join(folder, name)),
);

describe('imports', () => {
  test('every source is in a part that has a rule', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(files.filter((file) => partOf(file) === undefined)).toEqual([]);
  });

  test('go only where the rule allows', () => {
    const forbidden = files.flatMap((file) => {
      const part = partOf(file)!;
      const allowed = [part, ...RULES[part]!, ...(within(file, 'syscalls/abi') ? [] : COMMON)];
      return imports(file)
        .filter((name) => name.startsWith('.'))
        .map((name) => relative(project, join(project, dirname(file), name)))
        .filter((target) => target !== 'package.json' && !allowed.some((part) => within(target, part)))
        .map((target) => `${file} imports ${target}`);
    });
    expect(forbidden).toEqual([]);
  });

  test('have no circle of values', () => {
    const graph = new Map(files.map((file) => [file, values(file)]));
    expect(graph.get('src/cli.ts')).toContain('src/options.ts');
    expect(graph.get('syscalls/vfs/core/inode.ts')).not.toContain('syscalls/vfs/core/vfs.ts');
    const circles = files
      .map((file) => circle(file, (of) => graph.get(of) ?? []))
      .filter((way) => way !== undefined);
    expect(circles.map((way) => way.join(' -> '))).toEqual([]);
    expect(circle('a', (of) => ({ a: ['b'], b: ['c', 'a'] })[of] ?? [])).toEqual(['a', 'b']);
  });

  test('emu opens no file and starts no process', () => {
    const forbidden = /^(node:)?(fs|child_process|net|worker_threads|process)(\/|$)/;
    const found = files.filter(
      (file) => within(file, 'emu') && imports(file).some((name) => forbidden.test(name)),
    );
    expect(found).toEqual([]);
  });

  test('the reader of imports sees all their forms', () => {
    expect(imports('test/imports.test.ts')).toEqual(['node:fs', 'node:path', 'node:url', 'vitest']);
    expect(imports('src/cli.ts')).toContain('./run.ts');
  });
});
