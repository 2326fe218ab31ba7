import { type OutgoingHttpHeaders, sensitiveHeaders } from 'node:http2';
import type { UpstreamPolicy } from '../config/index.ts';
import { inOnePiece } from '../http/index.ts';

/**
 * @internal Fields that are ours alone: framing, the connection, and what the pool itself sets. The config refuses the same.
 */
export const ours = new Set([
  'host',
  'content-type',
  'content-length',
  'transfer-encoding',
  'content-encoding',
  'accept-encoding',
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
  'http2-settings',
  'expect',
]);

const name = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const value = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Head of every request to this upstream, up to where the Content-Length's digits go. Built from the
 * policy alone: not one byte comes from a caller.
 * @throws TypeError for a field that would break the framing or is the pool's own
 */
export function requestHead(policy: UpstreamPolicy): string {
  let head = `POST ${policy.path} HTTP/1.1\r\n`;
  for (const [field, text] of requestFields(policy)) head += `${field}: ${text}\r\n`;
  return inOnePiece(`${head}Content-Length: `);
}

/** The same for HTTP/2, all but `content-length`. What is secret is never put in a table of the compression. */
export function http2RequestHead(policy: UpstreamPolicy): OutgoingHttpHeaders {
  const head: Record<string, string | string[]> = {
    ':method': 'POST',
    ':scheme': policy.tls ? 'https' : 'http',
    ':authority': policy.hostHeader,
    ':path': policy.path,
  };
  for (const [field, text] of requestFields(policy)) {
    const key = field.toLowerCase();
    if (key === 'host') continue;
    const before = head[key];
    head[key] = before === undefined ? text : [before, text].flat();
  }
  const secret = ['authorization', ...policy.headers.map(([field]) => field.toLowerCase())];
  return { ...head, [sensitiveHeaders]: secret };
}

function requestFields(policy: UpstreamPolicy): [name: string, value: string][] {
  const fields: [string, string][] = [
    ['Host', policy.hostHeader],
    ['Content-Type', 'application/json'],
  ];
  if (policy.authorization !== null) fields.push(['Authorization', policy.authorization]);
  for (const field of policy.headers) {
    if (ours.has(field[0].toLowerCase()))
      throw new TypeError(`upstream ${policy.name}: header ${field[0]} cannot be set`);
    fields.push(field);
  }
  if (!fields.some((field) => field[0].toLowerCase() === 'user-agent'))
    fields.push(['User-Agent', 'polymorph-proxy']);
  if (!/^[\x21-\x7e]+$/.test(policy.path)) throw new TypeError(`upstream ${policy.name}: malformed path`);
  for (const field of fields) {
    if (!name.test(field[0]) || !value.test(field[1])) {
      throw new TypeError(`upstream ${policy.name}: malformed header ${JSON.stringify(field[0])}`);
    }
  }
  return fields;
}
