/** A picture of a terminal as SVG: what stands in each cell, in its colour, in whatever monospaced font the reader has. */

interface Style {
  bold: boolean;
  dim: boolean;
  reverse: boolean;
  colour: string | null;
}

interface Run {
  text: string;
  style: Style;
}

const cell = { width: 8.4, height: 19 };
const margin = 16;
const background = '#0d1117';
const foreground = '#e6edf3';
const dimmed = '#8b949e';
const colours = ['#484f58', '#ff7b72', '#3fb950', '#d29922', '#58a6ff', '#bc8cff', '#39c5cf', '#b1bac4'];
/** Of the 256 colours those that the program uses. */
const others: Readonly<Record<string, string>> = { '208': '#f0883e' };

const plain: Style = { bold: false, dim: false, reverse: false, colour: null };

/** `rows` as `tmux capture-pane -e -p` gives them: text with escape sequences for colour and weight (SGR), and no others. */
export function terminalSvg(rows: readonly string[], columns: number, title: string): string {
  const width = Math.ceil(columns * cell.width + 2 * margin);
  const height = rows.length * cell.height + 2 * margin;
  let style = plain;
  const lines = rows.map((row, n) => {
    const [runs, after] = runsOf(row, style);
    style = after;
    return lineSvg(runs, margin + n * cell.height);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;fill:${foreground}}</style>`,
    `<rect width="${width}" height="${height}" rx="8" fill="${background}"/>`,
    ...lines.filter((line) => line !== ''),
    '</svg>\n',
  ].join('\n');
}

/** The text of such a picture, row by row, without what stands at the ends of rows. */
export function textOfSvg(svg: string): string[] {
  const rows: string[] = [];
  for (const [, x, y, text] of svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)<\/text>/g)) {
    const row = Math.round((Number(y) - margin) / cell.height - 0.74);
    const column = Math.round((Number(x) - margin) / cell.width);
    rows[row] = (rows[row] ?? '').padEnd(column) + unescaped(text ?? '');
  }
  return Array.from(rows, (row) => (row ?? '').trimEnd());
}

function runsOf(row: string, before: Style): [Run[], Style] {
  let style = before;
  const runs: Run[] = [];
  // Text and sequences take turns.
  for (const [n, part] of row.split(/\u001b\[([\d;]*)m/).entries()) {
    if (n % 2 === 1) style = styled(style, part);
    else if (part !== '') runs.push({ text: part, style });
  }
  if (runs.some(({ text }) => text.includes('\u001b')))
    throw new Error(`not known what this is: ${JSON.stringify(row)}`);
  return [runs, style];
}

function styled(before: Style, sequence: string): Style {
  let style = before;
  const codes = sequence.split(';');
  for (let code = codes.shift(); code !== undefined; code = codes.shift()) {
    if (code === '' || code === '0') style = plain;
    else if (code === '1') style = { ...style, bold: true };
    else if (code === '2') style = { ...style, dim: true };
    else if (code === '7') style = { ...style, reverse: true };
    else if (code === '22') style = { ...style, bold: false, dim: false };
    else if (code === '27') style = { ...style, reverse: false };
    else if (code === '39') style = { ...style, colour: null };
    // No background but the reversed one.
    else if (code === '49') continue;
    else if (code === '38' && codes[0] === '5')
      style = { ...style, colour: others[codes.splice(0, 2)[1] ?? ''] ?? null };
    else if (/^3[0-7]$/.test(code)) style = { ...style, colour: colours[Number(code) - 30] ?? null };
    else throw new Error(`a style that no picture has so far: ${sequence}`);
  }
  return style;
}

function lineSvg(runs: readonly Run[], top: number): string {
  let column = 0;
  const parts: string[] = [];
  for (const { text, style } of runs) {
    const [x, length] = [margin + column * cell.width, text.length * cell.width];
    column += text.length;
    const ink = style.colour ?? (style.dim ? dimmed : foreground);
    if (style.reverse)
      parts.push(
        `<rect x="${fixed(x)}" y="${fixed(top)}" width="${fixed(length)}" height="${cell.height}" fill="${ink}"/>`,
      );
    if (text.trim() === '') continue;
    const fill = style.reverse ? background : ink;
    const attributes = [
      `x="${fixed(x)}" y="${fixed(top + 0.74 * cell.height)}" textLength="${fixed(length)}"`,
      ...(fill === foreground ? [] : [`style="fill:${fill}"`]),
      ...(style.bold ? ['font-weight="bold"'] : []),
    ];
    parts.push(`<text ${attributes.join(' ')}>${escaped(text)}</text>`);
  }
  return parts.join('');
}

function fixed(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function unescaped(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
