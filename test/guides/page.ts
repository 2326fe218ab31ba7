import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A page of `docs/`, by what stands in it. */
export interface Page {
  /** Contents of the blocks of this language in the section of this heading, in order. Throws where there is none. */
  blocks(heading: string, language: string): string[];
}

export function readPage(name: string): Page {
  const text = readFileSync(join(import.meta.dirname, '../../docs', name), 'utf8');
  return {
    blocks(heading, language) {
      const section = text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
      const found = [...section.matchAll(/^```(\S+)[^\n]*\n([\s\S]*?)^```$/gm)]
        .filter(([, word]) => word === language)
        .map(([, , contents = '']) => contents);
      if (found.length === 0) throw new Error(`docs/${name} has no ${language} under ${heading}`);
      return found;
    },
  };
}

/** Puts what is there in place of each of the texts, which must all be there. */
export function replaced(text: string, places: Readonly<Record<string, string>>): string {
  return Object.entries(places).reduce((now, [from, to]) => {
    if (!now.includes(from)) throw new Error(`no ${from} in:\n${now}`);
    return now.replaceAll(from, to);
  }, text);
}
