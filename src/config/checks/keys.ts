import { looksLikeKey } from '../../identity/index.ts';
import type { KeyConfig, KeyLimitsConfig } from '../config.ts';
import { limitsText } from '../keys/terms.ts';
import type { Path } from '../problem.ts';
import type { CheckContext } from './context.ts';
import { checkRuleSet } from './limits.ts';

export function checkKeys(context: CheckContext): void {
  const { config, parsed, error, warn } = context;
  const names = new Map<string, number>();
  const digests = new Map<string, number>();
  const checkLimits = createSetCheck(context);
  for (const [index, key] of parsed.keys.entries()) {
    const path = ['keys', index];
    if (key.key !== null && key.sha256 !== null) {
      error([...path, 'sha256'], 'both key and sha256 are given', 'keep one', 'key');
      continue;
    }
    const digest = key.key ?? key.sha256;
    if (digest === null) {
      error(path, `key ${key.name} has neither key nor sha256`, 'add key: ${A_VARIABLE}');
      continue;
    }
    const sameName = names.get(key.name);
    if (sameName === undefined) names.set(key.name, index);
    else {
      error(
        [...path, 'name'],
        (lineOf) => `a second key named ${key.name}, the first is on ${lineOf(['keys', sameName, 'name'])}`,
        'give them different names',
      );
    }
    const same = digests.get(digest.sha256);
    if (same === undefined) digests.set(digest.sha256, index);
    else {
      error(
        [...path, key.key ? 'key' : 'sha256'],
        (lineOf) => `the same key as that of ${parsed.keys[same]?.name}, on ${lineOf(['keys', same])}`,
        'give each its own',
      );
    }
    checkKey(context, key, path, digest.sha256);
    checkLimits(key.limits, [...path, 'limits']);
    if (digest.badChecksum) {
      warn([...path, 'key'], 'begins with pp_live_, but its checksum is wrong', 'was it copied whole?');
    }
  }
  const { quota_slots: slots } = config.limits;
  const quotas = config.keys.filter(({ quota }) => quota !== null).length;
  if (quotas > slots)
    error(['limits', 'quota_slots'], `${quotas} keys with a quota, and room to count those of ${slots}`);
}

function checkKey(
  context: CheckContext,
  key: Pick<KeyConfig, 'name' | 'quota'>,
  path: (string | number)[],
  sha256: string,
): void {
  const { config, error } = context;
  if (
    key.name.length >= 22 &&
    looksLikeKey(key.name) &&
    /\d/.test(key.name) &&
    /[A-Za-z]/.test(key.name) &&
    !/[-.@]/.test(key.name)
  ) {
    error(
      [...path, 'name'],
      'the name looks like a key itself: names are shown in logs',
      'choose another name',
    );
  }
  if (config.admin.token?.sha256 === sha256) {
    error([...path, 'key'], 'the same text as admin.token', 'a caller must not hold the admin token');
  }
  const { quota } = key;
  if (!quota) return;
  if (quota.requests === null && quota.cost === null) {
    error([...path, 'quota'], 'the quota has neither requests nor cost', 'add requests: 1000000', 'key');
  } else if (quota.requests !== null && quota.cost !== null) {
    error([...path, 'quota', 'cost'], 'the quota has both requests and cost', 'keep one', 'key');
  }
}

/** Many keys have the same few sets of limits: one that nothing is said of is looked at once. */
function createSetCheck(context: CheckContext): (limits: KeyLimitsConfig, path: Path) => void {
  const sound = new Set(['']);
  return (limits, path) => {
    const text = limitsText(limits);
    if (sound.has(text)) return;
    const before = context.count();
    checkRuleSet(context, limits, path);
    if (context.count() === before) sound.add(text);
  };
}
