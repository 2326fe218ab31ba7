/** What a terminal of this size shows after these bytes, as far as our own programs use one. */
export interface Screen {
  write(text: string): void;
  resize(rows: number, columns: number): void;
  /** Lines without the blanks at their end. */
  lines(): string[];
  /** The other screen is shown, which leaves what was there alone. */
  readonly alternate: boolean;
  readonly cursor: boolean;
  /** A character was put beyond the last column or line. */
  readonly overflowed: boolean;
  /** Colours that were asked for. */
  readonly colours: ReadonlySet<string>;
}

export function createScreen(rows: number, columns: number): Screen {
  let size = { rows, columns };
  let cells: string[][] = [];
  let [row, column] = [0, 0];
  let rest = '';
  const state = { alternate: false, cursor: true, overflowed: false, colours: new Set<string>() };

  function put(character: string): void {
    if (row >= size.rows || column >= size.columns) state.overflowed = true;
    ((cells[row] ??= [])[column] as string) = character;
    column++;
  }

  /** Where the cursor stands: without wrapping, on the last column once that is written. */
  const at = (): number => Math.min(column, size.columns - 1);

  function obey(parameters: string, final: string): void {
    if (final === 'H') [row, column] = [0, 0];
    else if (final === 'K') cells[row]?.splice(at());
    else if (final === 'J') {
      cells[row]?.splice(at());
      cells = cells.slice(0, row + 1);
    } else if (final === 'm') {
      if (/(?:^|;)(?:3|4|9)\d|(?:^|;)38/.test(parameters)) state.colours.add(parameters);
    } else if (parameters === '?1049') {
      state.alternate = final === 'h';
      cells = [];
    } else if (parameters === '?25') state.cursor = final === 'h';
  }

  return {
    write(text) {
      const all = rest + text;
      // A sequence that is not whole yet waits for the rest of it.
      const open = /\u001b(?:\[[?\d;]*)?$/.exec(all);
      rest = open === null ? '' : open[0];
      const whole = all.slice(0, all.length - rest.length);
      for (const [, parameters = '', final = '', character = ''] of whole.matchAll(
        /\u001b\[([?\d;]*)([A-Za-z])|([^])/gu,
      )) {
        if (final !== '') obey(parameters, final);
        else if (character === '\r') column = 0;
        else if (character === '\n') row++;
        else put(character);
      }
    },
    resize(newRows, newColumns) {
      size = { rows: newRows, columns: newColumns };
      cells = [];
    },
    lines: () =>
      Array.from(cells, (line) =>
        Array.from(line ?? [], (cell) => cell ?? ' ')
          .join('')
          .trimEnd(),
      ),
    get alternate() {
      return state.alternate;
    },
    get cursor() {
      return state.cursor;
    },
    get overflowed() {
      return state.overflowed;
    },
    get colours() {
      return state.colours;
    },
  };
}
