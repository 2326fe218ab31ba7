import { InvalidArgumentError } from 'commander';
import { formatDuration, parseDuration } from '../../config/index.ts';

/** A limit as operations take and give it. */
export interface Limit {
  method: string;
  requests: number;
  periodMs: number;
  burstSize: number;
}

/** `eth_call=100/1s+50`: 100 tokens a second and 50 on top. For commander: adds to those given before. */
export function limitArgument(text: string, before: Limit[] | undefined): Limit[] {
  const [, method = '', requests, period = '', burst] =
    /^(.+)=(\d{1,9})\/(\d*[a-z.\d]+)(?:\+(\d{1,9}))?$/.exec(text) ?? [];
  // `1000/s` is what people say: once each second.
  const periodMs = parseDuration(/^\d/.test(period) ? period : `1${period}`);
  if (requests === undefined || periodMs === undefined)
    throw new InvalidArgumentError(
      'Expected <method>=<requests>/<period>, with +<burst> where wanted, such as eth_call=100/1s+50, group:read=20/s or *=1000/1m.',
    );
  const limit = { method, requests: Number(requests), periodMs, burstSize: Number(burst ?? 0) };
  return [...(before ?? []), limit];
}

/** The same form back. */
export function limitText({ method, requests, periodMs, burstSize }: Limit): string {
  return `${method}=${requests}/${formatDuration(periodMs)}${burstSize > 0 ? `+${burstSize}` : ''}`;
}
