/**
 * Makes docs/API.md from the types and comments of what src/index.ts exports.
 *
 *   node src/api-document.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseSync } from 'rolldown/utils';

const HEAD = `# The library

Made by \`node src/api-document.ts\` from src/run.ts, src/api.ts and src/errors.ts.

    npm install armrun

    import { capture, run } from 'armrun';            // or: const { capture, run } = require('armrun')
    const { stdout } = await capture({ program: '/bin/date', root: 'path/to/an/armhf/root' });

It needs Node 24 or newer; the package brings a Node 26, which npm scripts and npx find first. A program runs inside this process
and shares its main thread: callbacks, timers and streams of this process go on while it runs. Several runs at once share nothing.
Programs compute fastest when Node is started with the flags of \`armrun/v8-flags.json\`. There are [examples](../examples).

Text that goes to a program (arguments, environment, paths) is UTF-8.
`;

const WIDTH = 130;

/** The nodes that are looked at, as far as they are. */
interface Node {
  type: string;
  start: number;
  end: number;
  id?: { name: string; end: number };
  declaration?: Node;
  body?: { body: Node[]; start: number };
  key?: { name: string };
  static?: boolean;
}

class Source {
  readonly #text: string;
  readonly #comments: { start: number; end: number; value: string }[];
  readonly declarations: Node[];

  constructor(file: string) {
    this.#text = readFileSync(new URL(file, import.meta.url), 'utf8');
    const { program, comments } = parseSync(file, this.#text);
    this.#comments = comments;
    this.declarations = (program.body as unknown as Node[])
      .filter(({ type, declaration }) => type === 'ExportNamedDeclaration' && declaration)
      .map((node) => ({ ...node.declaration!, start: node.start }));
  }

  text({ start, end }: { start: number; end: number }): string {
    return this.#text.slice(start, end).replace(/^export (async )?/, '');
  }

  /** The comment right before a node. */
  comment({ start }: Node): string {
    const before = this.#comments.findLast(
      (c) => c.end <= start && this.#text.slice(c.end, start).trim() === '',
    );
    return before ? plain(before.value) : '';
  }
}

/** A comment as a paragraph: tags are words. */
function plain(comment: string): string {
  return comment
    .replace(/^\*/, '')
    .replace(/^\s*\* ?/gm, '')
    .replace(/\{@link (\w+)\}/g, '[$1](#$1)')
    .trim();
}

/** Breaks a line where it is too long, and indents the rest by two. */
function wrapped(text: string): string {
  if (text.length <= WIDTH) return text;
  const at = text.lastIndexOf(' ', WIDTH);
  return `${text.slice(0, at)}\n${wrapped(`  ${text.slice(at + 1)}`)}`;
}

const line = (text: string) => text.replace(/\s+/g, ' ').replace(/[;,]$/, '').trim();
const code = (text: string) => `\n    ${text.trim().replaceAll('\n', '\n    ')}\n`;

/** Members with a line each: `name: type`, and what is said of it. */
function members(source: Source, body: readonly Node[]): string {
  return body
    .filter(({ type }) => !type.startsWith('MethodDefinition'))
    .map((member) => {
      const said = line(source.comment(member));
      const name = line(source.text(member)).replace(/^readonly /, '');
      return `${wrapped(`- \`${name}\`${said ? `: ${said}` : ''}`)}\n`;
    })
    .join('');
}

function section(source: Source, node: Node): string {
  const name = node.id!.name;
  const said = source.comment(node);
  const head = `\n## <a id="${name}"></a>${name}\n${said ? `\n${said}\n` : ''}`;
  switch (node.type) {
    case 'FunctionDeclaration': {
      const signature = source.text({ start: node.start, end: node.body!.start });
      return `${head}${code(line(signature))}`;
    }
    case 'TSInterfaceDeclaration': {
      const { body } = node.body!;
      const extended = line(source.text({ start: node.id!.end, end: node.body!.start }));
      return `${head}${extended ? `\n${extended}\n` : ''}\n${members(source, body)}`;
    }
    case 'ClassDeclaration': {
      const extended = line(source.text({ start: node.id!.end, end: node.body!.start }));
      const list = members(source, node.body!.body);
      return `${head}${code(`class ${name} ${extended}`)}${list ? `\n${list}` : ''}`;
    }
    default:
      return `${head}${code(source.text(node))}`;
  }
}

export function apiDocument(): string {
  const parts = ['./run.ts', './api.ts', './errors.ts'].flatMap((file) => {
    const source = new Source(file);
    return source.declarations.map((node) => section(source, node));
  });
  return HEAD + parts.join('');
}

if (import.meta.main) writeFileSync(new URL('../docs/API.md', import.meta.url), apiDocument());
