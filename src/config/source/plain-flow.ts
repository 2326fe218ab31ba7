import { isNameCharacter, outside, quotedEnd, startsPlain } from './plain-tokens.ts';
import { plainScalar } from './scalar.ts';

/** What is given to each scalar's text; undefined from it gives the whole up. */
export type ScalarText = (text: string) => string | undefined;

/** Reads one `{ }` or `[ ]` that ends on its line, at `to` at the latest. Throws `outside`. */
export class FlowReader {
  at: number;
  private readonly text: string;
  private readonly to: number;
  private readonly scalarText: ScalarText;
  private depth = 0;

  constructor(text: string, at: number, to: number, scalarText: ScalarText) {
    this.text = text;
    this.at = at;
    this.to = to;
    this.scalarText = scalarText;
  }

  value(): unknown {
    if (++this.depth > 32) throw outside;
    const value = this.any();
    this.depth -= 1;
    return value;
  }

  private any(): unknown {
    const { text } = this;
    const first = text.charCodeAt(this.at);
    if (this.at >= this.to) throw outside;
    if (first === 123) return this.map();
    if (first === 91) return this.list();
    if (first === 34 || first === 39) return this.quoted();
    const raw = this.plain();
    return raw.includes('${') ? this.expanded(raw) : plainScalar(raw);
  }

  private map(): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    this.step();
    while (this.peek() !== 125) {
      const start = this.at;
      while (isNameCharacter(this.text.charCodeAt(this.at))) this.at += 1;
      const name = this.text.slice(start, this.at);
      const first = name.charCodeAt(0);
      if (name === '' || first === 42 || first === 45 || name === '__proto__' || name in map) throw outside;
      if (typeof plainScalar(name) !== 'string' || this.text.charCodeAt(this.at) !== 58) throw outside;
      // `{a:b}` is one scalar, not an entry.
      if (this.text.charCodeAt(this.at + 1) !== 32) throw outside;
      this.step();
      if (this.peek() === 44 || this.peek() === 125) throw outside;
      map[name] = this.value();
      this.separator(125);
    }
    this.at += 1;
    return map;
  }

  private list(): unknown[] {
    const items: unknown[] = [];
    this.step();
    while (this.peek() !== 93) {
      items.push(this.value());
      this.separator(93);
    }
    this.at += 1;
    return items;
  }

  private separator(close: number): void {
    this.spaces();
    if (this.peek() === close) return;
    if (this.peek() !== 44) throw outside;
    this.step();
  }

  private quoted(): string {
    const end = quotedEnd(this.text, this.at, this.to);
    const raw = this.text.slice(this.at + 1, end);
    this.at = end + 1;
    // `"a": 1` inside a list is a map of one entry; `"a"#` and the like are for the library.
    const next = this.text.charCodeAt(this.at);
    if (this.at >= this.to || (next !== 32 && next !== 44 && next !== 125 && next !== 93)) throw outside;
    return raw.includes('${') ? this.expanded(raw) : raw;
  }

  private plain(): string {
    const { text } = this;
    const start = this.at;
    if (!startsPlain(text.charCodeAt(start))) throw outside;
    for (; this.at < this.to; this.at += 1) {
      const code = text.charCodeAt(this.at);
      if (code === 44 || code === 125 || code === 93) break;
      const next = text.charCodeAt(this.at + 1);
      if (code === 123 || code === 91 || code === 35 || code < 32 || code > 126) throw outside;
      if (
        code === 58 &&
        (next === 32 || next === 44 || next === 125 || next === 93 || this.at + 1 >= this.to)
      ) {
        throw outside;
      }
    }
    let end = this.at;
    while (text.charCodeAt(end - 1) === 32) end -= 1;
    return text.slice(start, end);
  }

  private expanded(raw: string): string {
    const value = this.scalarText(raw);
    if (value === undefined) throw outside;
    return value;
  }

  private peek(): number {
    if (this.at >= this.to) throw outside;
    return this.text.charCodeAt(this.at);
  }

  private step(): void {
    this.at += 1;
    this.spaces();
  }

  private spaces(): void {
    while (this.at < this.to && this.text.charCodeAt(this.at) === 32) this.at += 1;
  }
}
