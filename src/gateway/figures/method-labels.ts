import type { PolicySnapshot } from '../../config/index.ts';
import { matchMethod } from '../../jsonrpc/index.ts';
import { METHOD_LABELS_MAX, OTHER_METHODS, wellKnownMethods } from '../../metrics/index.ts';

/** What methods are called in metrics: callers make names up, and each label kept is a time series. */
export interface MethodLabels {
  /** Its name if it is well known or named by the config, else the config's pattern that it matches, else `other`. */
  labelOf(method: string): string;
  /** The same without looking at patterns: for calls of which nothing is remembered. */
  named(method: string): string;
}

export function createMethodLabels({
  methods: { groups, costs, blocked },
  defaults,
}: Pick<PolicySnapshot, 'methods' | 'defaults'>): MethodLabels {
  const configured = [
    ...groups.flatMap(({ patterns }) => patterns),
    ...costs.map(({ pattern }) => pattern),
    ...defaults.methods.map(([pattern]) => pattern),
    ...blocked,
  ];
  const all = [...new Set([...wellKnownMethods, ...configured])].slice(0, METHOD_LABELS_MAX - 1);
  const patterns = all.filter((label) => label.includes('*'));
  const names = new Set(all.filter((label) => !label.includes('*')));
  const named = (method: string): string => (names.has(method) ? method : OTHER_METHODS);
  return {
    named,
    labelOf(method) {
      if (names.has(method)) return method;
      return matchMethod(method, patterns, (pattern) => pattern) ?? OTHER_METHODS;
    },
  };
}
