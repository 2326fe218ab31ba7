import { formatCidr } from '../../identity/index.ts';
import { networksIn } from '../blocklist-compiler.ts';
import type { Config } from '../config.ts';
import { some } from './words.ts';

type Say = (sentence: string) => void;

const effects = {
  deny: ['refused, unless allow names it', 'no longer refused by it'],
  allow: ['never refused or banned', 'refused again where it is denied or banned'],
} as const;

/** Entries of the lists, wherever they are written: what is refused, not which file says so. */
export function planBlocklist({ blocklist: from }: Config, { blocklist: to }: Config, say: Say): void {
  const entries = (one: Config['blocklist'], list: 'deny' | 'allow'): Set<string> =>
    new Set(networksIn(one[list], one[`${list}_files`]).map(formatCidr));
  for (const list of ['deny', 'allow'] as const) {
    const [before, after] = [entries(from, list), entries(to, list)];
    const added = [...after].filter((entry) => !before.has(entry));
    const gone = [...before].filter((entry) => !after.has(entry));
    const [effect, end] = effects[list];
    if (added.length > 0) say(`blocklist.${list} gains ${some(added)}: ${effect}.`);
    if (gone.length > 0) say(`blocklist.${list} loses ${some(gone)}: ${end}.`);
  }
}
