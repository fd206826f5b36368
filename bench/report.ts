/**
 * The results of bench/first.ts as one HTML file that needs nothing else: how many times qemu-arm's time each program takes, as
 * dots on one scale, and under it each program's times, every run as a mark. The table is there too, folded away.
 */
import type { Result, Results } from './measure.ts';

export type Goals = Readonly<Record<string, { readonly first: number; readonly later: number } | undefined>>;

const SERIES = [
  { engine: 'first', label: 'armrun, first run', short: 'first' },
  { engine: 'later', label: 'armrun, later runs', short: 'later' },
] as const;
const TIMES = [{ engine: 'qemu-arm', label: 'qemu-arm', short: 'qemu-arm' }, ...SERIES];

const STYLE = `
:root { color-scheme: light dark; --ground: #fbfaf8; --card: #fff; --ink: #22242a; --soft: #6b6f7a; --line: #dcdad5;
  --good: #eaf3ea;
  --qemu-arm: #8d8f98; --first: #d9822b; --later: #2a6fc9; }
@media (prefers-color-scheme: dark) { :root { --ground: #17181c; --card: #1f2126; --ink: #e8e6e1; --soft: #9a9ca6;
  --line: #383b43; --good: #1d2b21;
  --qemu-arm: #8d8f98; --first: #f0a04b; --later: #6aa5f2; } }
body { margin: 0 auto; padding: 2rem 1rem 4rem; max-width: 60rem; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem; } p { margin: .25rem 0; }
  .soft { color: var(--soft); }
svg { display: block; width: 100%; height: auto; font: 12px system-ui, sans-serif; } svg text { fill: var(--ink); }
  svg .soft { fill: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1rem; }
.tile, .wide { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .75rem 1rem; }
  .tile h3 { margin: 0; font-size: 1rem; }
.tile p { font-size: .8rem; color: var(--soft); margin: 0 0 .5rem; min-height: 2.4em; }
.numbers { display: flex; gap: 2rem; margin: 1rem 0; flex-wrap: wrap; } .numbers b { display: block; font-size: 2rem;
  line-height: 1.2; }
.key span { margin-right: 1.25rem; white-space: nowrap; } .key i { display: inline-block; width: .7em; height: .7em;
  border-radius: 50%; margin-right: .4em; }
table { border-collapse: collapse; margin-top: .5rem; } td, th { padding: .2rem .75rem; text-align: right;
  border-bottom: 1px solid var(--line); } td:first-child, th:first-child { text-align: left; }
summary { cursor: pointer; } details { margin-top: 2.5rem; }
`;

function multiples(compared: readonly Result[], goals: Goals): string {
  const key = SERIES.map(
    ({ engine, label }) => `<span><i style="background: var(--${engine})"></i>${label}</span>`,
  );
  return `<h2>Time as a multiple of qemu-arm’s</h2><p class="key soft">${key.join('')}
<span>│ what is aimed at</span><span>left of the line 1: faster than qemu-arm</span></p>
<div class="wide">${ratioChart(compared, goals)}</div>`;
}

export function report(results: Results, goals: Goals): string {
  const { date, machine, rounds, bareNode } = results;
  const compared = results.results.filter((result) => ratio(result, 'first') !== undefined);
  const numbers = SERIES.map(({ engine, label }) => {
    const ratios = compared.flatMap((result) => ratio(result, engine) ?? []);
    return ratios.length === 0
      ? ''
      : `<div><b style="color: var(--${engine})">${times(geometricMean(ratios))}</b>
qemu-arm’s time, ${label.replace('armrun, ', '')}<br>
<span class="soft">geometric mean of ${ratios.length} programs</span></div>`;
  });
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>armrun: first and later runs</title><style>${STYLE}</style>
<h1>How programs start under armrun</h1>
<p class="soft">${escaped(date.slice(0, 16).replace('T', ' '))} UTC ·
${escaped(machine.cpu)}, ${machine.cores} processors ·
Node ${escaped(machine.node)}, which alone takes ${milliseconds(bareNode)} ·
medians of ${rounds} interleaved ${rounds === 1 ? 'round' : 'rounds'}</p>
<div class="numbers">${numbers.join('')}</div>
${compared.length === 0 ? '' : multiples(compared, goals)}
<h2>Times</h2><p class="soft">Bars are medians, marks single runs.</p>
<div class="tiles">${results.results.map(tile).join('')}</div>
<details><summary>The same as a table</summary>${table(results.results)}</details>
</html>
`;
}

function ratio({ median }: Result, engine: string): number | undefined {
  const [of, to] = [median[engine], median['qemu-arm']];
  return of === undefined || to === undefined ? undefined : of / to;
}

function geometricMean(list: readonly number[]): number {
  return Math.exp(list.reduce((sum, x) => sum + Math.log(x), 0) / list.length);
}

/** Dots on a logarithmic scale: one line for each program, worst first run on top. */
function ratioChart(results: readonly Result[], goals: Goals): string {
  const [left, right, width, row, top] = [110, 60, 900, 30, 26];
  const all = results.flatMap((result) => SERIES.flatMap(({ engine }) => ratio(result, engine) ?? []));
  const low = Math.log2(Math.min(0.7, ...all) * 0.9);
  const high = Math.log2(Math.max(4, ...all) * 1.1);
  const x = (value: number) => left + ((Math.log2(value) - low) / (high - low)) * (width - left - right);
  const sorted = results.toSorted((a, b) => ratio(b, 'first')! - ratio(a, 'first')!);
  const height = top + sorted.length * row + 8;
  const out = [
    `<rect x="${left}" y="${top - 4}" width="${n(x(1) - left)}" height="${height - top}" fill="var(--good)"/>`,
  ];
  for (const mark of [0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64]) {
    if (x(mark) < left || x(mark) > width - right) continue;
    const line = `stroke="${mark === 1 ? 'var(--ink)' : 'var(--line)'}"`;
    out.push(`<line x1="${n(x(mark))}" x2="${n(x(mark))}" y1="${top - 4}" y2="${height - 4}" ${line}/>`);
    out.push(
      text(x(mark), top - 10, mark === 1 ? 'qemu-arm' : `${mark} ×`, 'middle', mark === 1 ? '' : 'soft'),
    );
  }
  sorted.forEach((result, i) => {
    const y = top + i * row + row / 2;
    const [first, later] = SERIES.map(({ engine }) => ratio(result, engine));
    out.push(text(left - 10, y + 4, result.name, 'end'));
    if (first !== undefined && later !== undefined)
      out.push(
        `<line x1="${n(x(first))}" x2="${n(x(later))}" y1="${n(y)}" y2="${n(y)}" stroke="var(--line)" stroke-width="4"/>`,
      );
    for (const { engine, label, short } of SERIES) {
      const goal = goals[result.name]?.[short];
      const color = `var(--${engine})`;
      if (goal !== undefined)
        out.push(
          `<line x1="${n(x(goal))}" x2="${n(x(goal))}" y1="${n(y - 9)}" y2="${n(y + 9)}"
  stroke="${color}" stroke-width="2"><title>${short} runs: at most ${goal} times is aimed at</title></line>`,
        );
      const of = ratio(result, engine);
      if (of === undefined) continue;
      out.push(
        `<circle cx="${n(x(of))}" cy="${n(y)}" r="6" fill="${color}"><title>${escaped(result.name)}, ${label}:
${times(of)} qemu-arm's time, ${milliseconds(result.median[engine]!)}</title></circle>`,
      );
    }
    const most = Math.max(first ?? 0, later ?? 0);
    out.push(text(x(most) + 12, y + 4, times(most), 'start', 'soft'));
  });
  return svg(width, height, out);
}

/** A program's times from 0: bars of medians with the single runs on them. */
function tile(result: Result): string {
  const [left, right, width, row] = [70, 64, 300, 24];
  const most = Math.max(...Object.values(result.runs).flat());
  const x = (ms: number) => left + (ms / most) * (width - left - right);
  const out: string[] = [];
  TIMES.forEach(({ engine, short }, i) => {
    const y = i * row;
    const of = result.median[engine];
    out.push(text(left - 8, y + 15, short, 'end', 'soft'));
    if (of === undefined) {
      out.push(text(left, y + 15, 'not run', 'start', 'soft'));
      return;
    }
    const color = `var(--${engine})`;
    out.push(
      `<rect x="${left}" y="${y + 4}" width="${n(x(of) - left)}" height="15" rx="2" fill="${color}" opacity=".85"/>`,
    );
    for (const ms of result.runs[engine] ?? [])
      out.push(
        `<line x1="${n(x(ms))}" x2="${n(x(ms))}" y1="${y + 2}" y2="${y + 21}" stroke="var(--ink)" opacity=".55"/>`,
      );
    const end = Math.max(of, ...(result.runs[engine] ?? []));
    out.push(text(x(end) + 6, y + 15, milliseconds(of), 'start'));
  });
  const picture = svg(width, TIMES.length * row, out);
  return `<div class="tile"><h3>${escaped(result.name)}</h3><p>${escaped(result.about)}</p>${picture}</div>`;
}

function table(results: readonly Result[]): string {
  const cell = (result: Result, engine: string) =>
    result.median[engine] === undefined ? '' : milliseconds(result.median[engine]);
  const compared = (result: Result, engine: string) => {
    const of = ratio(result, engine);
    return of === undefined ? '' : of.toFixed(2);
  };
  const rows = results.map((result) => [
    result.name,
    ...TIMES.map(({ engine }) => cell(result, engine)),
    ...SERIES.map(({ engine }) => compared(result, engine)),
    ...['qemu-arm', 'later'].map((engine) => megabytes(result.peak?.[engine])),
  ]);
  const head = [
    '',
    ...TIMES.map(({ short }) => short),
    'first / qemu-arm',
    'later / qemu-arm',
    ...['qemu-arm', 'armrun'].map((name) => `memory, ${name}`),
  ];
  const line = (tag: string, cells: readonly string[]) =>
    `<tr>${cells.map((c) => `<${tag}>${escaped(c)}</${tag}>`).join('')}</tr>`;
  return `<table>${line('th', head)}${rows.map((cells) => line('td', cells)).join('')}</table>`;
}

function svg(width: number, height: number, content: readonly string[]): string {
  return `<svg viewBox="0 0 ${width} ${height}" role="img">${content.join('')}</svg>`;
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end', name = ''): string {
  return `<text x="${n(x)}" y="${n(y)}" text-anchor="${anchor}"${name && ` class="${name}"`}>${escaped(content)}</text>`;
}

function n(x: number): string {
  return x.toFixed(1);
}

function times(x: number): string {
  return `${x.toFixed(x < 10 ? 2 : 1)} ×`;
}

function milliseconds(ms: number): string {
  return ms < 10_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function megabytes(kilobytes: number | undefined): string {
  return kilobytes === undefined ? '' : `${(kilobytes / 1024).toFixed(0)} MiB`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
