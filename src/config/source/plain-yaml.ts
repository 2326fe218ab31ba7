import { FlowReader, type ScalarText } from './plain-flow.ts';
import { isNameCharacter, outside, quotedEnd, startsPlain } from './plain-tokens.ts';
import { plainScalar } from './scalar.ts';

/** Entries of the top-level list `keys` by their text, so that those known need no reading. */
export interface EntryMemo {
  get(text: string): object | undefined;
  read(entry: object, text: string): void;
}

/**
 * The values of a YAML text of the plain kind configs are written in: block maps and lists, `{ }` and `[ ]` on one
 * line, scalars on one line, comments. Undefined for anything else, and for anything doubtful: tabs, anchors, tags,
 * block scalars, escapes, several lines, duplicate keys, documents. A strict subset of the yaml library, which reads what
 * this gives up and knows the places of problems; a property test holds the two together. It is here because a config of
 * 10,000 keys (2.4 MB) takes the library 1.5–2 s to read, js-yaml 0.15–0.3 s and this 0.04 s, and a reload must be done in
 * 0.1 s (Node 26).
 */
export function readPlainYaml(text: string, scalarText: ScalarText = (t) => t, memo?: EntryMemo): unknown {
  if (/[\t\r\uFEFF\u0085\u2028\u2029]|^(?:---|\.\.\.|%)/m.test(text)) return undefined;
  try {
    const reader = new PlainReader(text, scalarText, memo);
    return reader.document();
  } catch (error) {
    if (error === outside) return undefined;
    throw error;
  }
}

class PlainReader {
  private readonly text: string;
  private readonly scalarText: ScalarText;
  /** The line at hand: `content` of it stands at [from, to) without comment and white space around; `indent` = from - line start. */
  private from = 0;
  private to = 0;
  private indent = -1;
  private next = 0;
  private readonly memo: EntryMemo | undefined;
  private root = 0;

  constructor(text: string, scalarText: ScalarText, memo: EntryMemo | undefined) {
    this.text = text;
    this.scalarText = scalarText;
    this.memo = memo;
    this.advance();
  }

  document(): unknown {
    if (this.indent < 0) return null;
    this.root = this.indent;
    const value = this.block(this.indent);
    if (this.indent >= 0) throw outside;
    return value;
  }

  /** Moves to the next line that holds anything. */
  private advance(): void {
    const { text } = this;
    while (this.next < text.length) {
      const start = this.next;
      let end = text.indexOf('\n', start);
      if (end < 0) end = text.length;
      this.next = end + 1;
      let from = start;
      while (from < end && text.charCodeAt(from) === 32) from += 1;
      if (from === end || text.charCodeAt(from) === 35) continue;
      while (text.charCodeAt(end - 1) === 32) end -= 1;
      this.from = from;
      this.to = end;
      this.indent = from - start;
      return;
    }
    this.indent = -1;
  }

  /** The map or list whose entries stand at column `indent`. */
  private block(indent: number): unknown {
    return this.isItem() ? this.list(indent) : this.map(indent);
  }

  private isItem(): boolean {
    return (
      this.text.charCodeAt(this.from) === 45 &&
      (this.from + 1 === this.to || this.text.charCodeAt(this.from + 1) === 32)
    );
  }

  /** A list whose entries may be known by their text. */
  private rememberedList(indent: number, memo: EntryMemo): unknown[] {
    const items: unknown[] = [];
    while (this.indent === indent && this.isItem()) {
      const start = this.from - indent;
      const end = this.entryEnd(indent);
      const text = this.text.slice(start, end);
      // What the environment holds may have changed since.
      const known = text.includes('${') ? undefined : memo.get(text);
      if (known) {
        items.push(known);
        this.next = end;
        this.advance();
        continue;
      }
      const [item] = this.list(indent, 1);
      items.push(item);
      if (typeof item === 'object' && item !== null && !text.includes('${')) memo.read(item, text);
    }
    if (this.indent > indent) throw outside;
    return items;
  }

  /** Start of the first line after the entry at hand that is not its own. */
  private entryEnd(indent: number): number {
    const { text } = this;
    let start = this.next;
    while (start < text.length) {
      let at = start;
      while (text.charCodeAt(at) === 32) at += 1;
      const code = text.charCodeAt(at);
      if (at - start <= indent && at < text.length && code !== 10 && code !== 35) return start;
      const end = text.indexOf('\n', at);
      if (end < 0) break;
      start = end + 1;
    }
    return text.length;
  }

  private list(indent: number, most = Infinity): unknown[] {
    const items: unknown[] = [];
    while (this.indent === indent && this.isItem() && items.length < most) {
      let at = this.from + 1;
      while (at < this.to && this.text.charCodeAt(at) === 32) at += 1;
      if (at === this.to || this.text.charCodeAt(at) === 35) {
        this.advance();
        items.push(this.indent > indent ? this.block(this.indent) : null);
        continue;
      }
      if (this.text.charCodeAt(at) === 45 && (at + 1 === this.to || this.text.charCodeAt(at + 1) === 32))
        throw outside;
      const key = this.keyEnd(at);
      if (key >= 0) {
        // `- name: x`: a map whose entries stand where its first key does.
        this.indent += at - this.from;
        this.from = at;
        items.push(this.map(this.indent));
      } else items.push(this.inline(at));
    }
    // A line further in than the items belongs to none of them.
    if (this.indent > indent) throw outside;
    return items;
  }

  private map(indent: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    while (this.indent === indent && !this.isItem()) {
      const end = this.keyEnd(this.from);
      if (end < 0) throw outside;
      const name = this.key(this.from, end);
      if (name in map) throw outside;
      let at = end + 1;
      while (at < this.to && this.text.charCodeAt(at) === 32) at += 1;
      if (at === this.to || this.text.charCodeAt(at) === 35) {
        this.advance();
        const nested = this.indent > indent || (this.indent === indent && this.isItem());
        const { memo } = this;
        if (nested && memo && name === 'keys' && indent === this.root && this.isItem()) {
          map[name] = this.rememberedList(this.indent, memo);
        } else map[name] = nested ? this.block(this.indent) : null;
      } else map[name] = this.inline(at);
    }
    if (this.indent > indent) throw outside;
    return map;
  }

  /** Index of the colon that ends a block map's key at `at`, or -1. Keys are simple names. */
  private keyEnd(at: number): number {
    const { text, to } = this;
    let end = at;
    while (end < to && isNameCharacter(text.charCodeAt(end))) end += 1;
    if (end === at || text.charCodeAt(end) !== 58 || end >= to) return -1;
    return end + 1 === to || text.charCodeAt(end + 1) === 32 ? end : -1;
  }

  private key(from: number, to: number): string {
    const name = this.text.slice(from, to);
    const first = name.charCodeAt(0);
    // `*name` is an alias, `-` may be an item; 1, true and null are not strings.
    if (first === 42 || first === 45 || name === '__proto__' || typeof plainScalar(name) !== 'string')
      throw outside;
    return name;
  }

  /** A value that begins and ends on this line. */
  private inline(at: number): unknown {
    const { text } = this;
    const first = text.charCodeAt(at);
    let value: unknown;
    if (first === 123 || first === 91) {
      const flow = new FlowReader(text, at, this.to, this.scalarText);
      value = flow.value();
      this.endOfLine(flow.at);
    } else if (first === 34 || first === 39) {
      const end = quotedEnd(text, at, this.to);
      value = this.expanded(text.slice(at + 1, end));
      this.endOfLine(end + 1);
    } else value = this.plain(at);
    const { indent } = this;
    this.advance();
    // A scalar may go on in further lines that stand further in: not here.
    if (this.indent > indent) throw outside;
    return value;
  }

  private plain(at: number): unknown {
    const { text } = this;
    if (!startsPlain(text.charCodeAt(at))) throw outside;
    let end = at;
    for (; end < this.to; end += 1) {
      const code = text.charCodeAt(end);
      if (code === 35 && text.charCodeAt(end - 1) === 32) break;
      if (code === 58 && (end + 1 === this.to || text.charCodeAt(end + 1) === 32)) throw outside;
      if (code < 32 || code > 126) throw outside;
    }
    while (text.charCodeAt(end - 1) === 32) end -= 1;
    const raw = text.slice(at, end);
    return raw.includes('${') ? this.expanded(raw) : plainScalar(raw);
  }

  private expanded(raw: string): string {
    if (!raw.includes('${')) return raw;
    const value = this.scalarText(raw);
    if (value === undefined) throw outside;
    return value;
  }

  private endOfLine(at: number): void {
    let rest = at;
    while (rest < this.to && this.text.charCodeAt(rest) === 32) rest += 1;
    if (rest < this.to && (this.text.charCodeAt(rest) !== 35 || rest === at)) throw outside;
  }
}
