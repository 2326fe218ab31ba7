import { formatDuration, formatSize } from '../quantity.ts';
import { formatListen, type ListenAddress } from '../schema/addresses.ts';

/** One sentence on a field whose value changes. `type` is the field's in the reference. */
export function changeText(path: string, before: unknown, after: unknown, type = ''): string {
  if (Array.isArray(before) && Array.isArray(after)) return listChange(path, before, after);
  if (isObject(before) && isObject(after) && !('port' in after)) return mapChange(path, before, after);
  return `${path} changes from ${shown(before, type)} to ${shown(after, type)}.`;
}

export function listChange(path: string, before: readonly unknown[], after: readonly unknown[]): string {
  const texts = after.map(String);
  const old = before.map(String);
  const added = texts.filter((one) => !old.includes(one));
  const removed = old.filter((one) => !texts.includes(one));
  if (added.length + removed.length === 0) return `${path} has another order.`;
  const parts = [added.length > 0 && `gains ${some(added)}`, removed.length > 0 && `loses ${some(removed)}`];
  return `${path} ${parts.filter(Boolean).join(' and ')}.`;
}

function mapChange(path: string, before: object, after: object): string {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const parts: string[] = [];
  for (const name of names) {
    const [a, b] = [before, after].map((map) =>
      Object.hasOwn(map, name) ? (map as Record<string, unknown>)[name] : undefined,
    );
    if (JSON.stringify(a) === JSON.stringify(b)) continue;
    if (a === undefined) parts.push(`gains ${name} (${shown(b)})`);
    else if (b === undefined) parts.push(`loses ${name}`);
    else parts.push(`changes ${name} from ${shown(a)} to ${shown(b)}`);
  }
  if (parts.length === 0) return `${path} has another order.`;
  return `${path} ${some(parts, ', ')}.`;
}

/** At most eight, then how many more. */
export function some(names: readonly string[], separator = ', '): string {
  const more = names.length - 8;
  return more > 0 ? `${names.slice(0, 8).join(separator)} and ${more} more` : names.join(separator);
}

export function shown(value: unknown, type = ''): string {
  if (value === null) return 'none';
  if (typeof value === 'number' && type === 'duration') return formatDuration(value);
  if (typeof value === 'number' && type === 'size') return formatSize(value);
  if (typeof value === 'number' && type === 'share') return `${Number((value * 100).toFixed(6))}%`;
  if (isObject(value) && 'port' in value) return formatListen(value as ListenAddress);
  if (Array.isArray(value)) return `[${some(value.map(String))}]`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
