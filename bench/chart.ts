/** A bar chart of ratios as SVG: one group of bars for each program, on a logarithmic scale around 1. */

export interface Bar {
  readonly label: string;
  /** Class of the bar, which is also its colour. */
  readonly color: string;
  /** Time as a multiple of the reference's; null where there is none. */
  readonly ratio: number | null;
  /** Text at the bar's end. */
  readonly text: string;
}

const ROW = 16;
const GAP = 12;
const LEFT = 130;
const WIDTH = 620;
const TOP = 56;

/** `groups` by program; `reference` is what ratio 1 stands for. */
export function barChart(
  title: string,
  reference: string,
  groups: readonly { name: string; bars: readonly Bar[] }[],
): string {
  const ratios = groups.flatMap((group) => group.bars.flatMap((bar) => bar.ratio ?? []));
  const low = Math.floor(Math.log10(Math.min(0.1, ...ratios)));
  const high = Math.ceil(Math.log10(Math.max(10, ...ratios)));
  const x = (ratio: number) => LEFT + ((Math.log10(ratio) - low) / (high - low)) * WIDTH;
  const out: string[] = [];
  let y = TOP;
  for (const group of groups) {
    const height = group.bars.length * ROW;
    out.push(text(LEFT - 8, y + height / 2 + 4, group.name, 'end'));
    for (const bar of group.bars) {
      if (bar.ratio !== null) {
        const [from, to] = [Math.min(x(1), x(bar.ratio)), Math.max(x(1), x(bar.ratio))];
        out.push(
          `<rect x="${from.toFixed(1)}" y="${y + 2}" width="${Math.max(1, to - from).toFixed(1)}"
  height="${ROW - 4}" fill="${bar.color}"/>`,
        );
        const right = bar.ratio >= 1;
        out.push(
          text(
            right ? to + 4 : from - 4,
            y + ROW - 4,
            `${bar.label} ${bar.text}`,
            right ? 'start' : 'end',
            10,
          ),
        );
      }
      y += ROW;
    }
    y += GAP;
  }
  const lines: string[] = [];
  for (let power = low; power <= high; power++) {
    const at = x(10 ** power).toFixed(1);
    lines.push(
      `<line x1="${at}" y1="${TOP - 8}" x2="${at}" y2="${y}" stroke="${power === 0 ? '#444' : '#ddd'}"/>`,
    );
    lines.push(text(Number(at), TOP - 12, power === 0 ? reference : `${10 ** power}x`, 'middle', 10));
  }
  const [width, height] = [LEFT + WIDTH + 130, y + 10];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"
  viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(LEFT, 20, title, 'start', 14),
    ...lines,
    ...out,
    '</svg>\n',
  ].join('\n');
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end', size = 12): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}" font-size="${size}">${escaped}</text>`;
}
