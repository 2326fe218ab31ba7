/** A node's address, with what a URL may hide taken out. */
export interface UpstreamUrl {
  tls: boolean;
  /** Without brackets. */
  host: string;
  port: number;
  /** Path and query. May hold a provider's key: not for logs. */
  path: string;
  /** What `Host` says: the port only where it is not the scheme's own. */
  hostHeader: string;
  /** `https://host:port`: fit for logs. */
  origin: string;
  /** `Basic …` of the URL's user and password; secret. */
  authorization: string | null;
}

/** undefined if it is no http(s) URL. */
export function parseUpstreamUrl(written: string): UpstreamUrl | undefined {
  if (/[\s\p{Cc}\\]/u.test(written) || !/^https?:\/\/[^/]/i.test(written) || !URL.canParse(written))
    return undefined;
  const url = new URL(written);
  if (url.hash !== '') return undefined;
  const tls = url.protocol === 'https:';
  const port = url.port === '' ? (tls ? 443 : 80) : Number(url.port);
  if (port === 0) return undefined;
  let authorization: string | null = null;
  if (url.username !== '' || url.password !== '') {
    try {
      const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
      authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
    } catch {
      return undefined;
    }
  }
  return {
    tls,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    path: url.pathname + url.search,
    hostHeader: url.host,
    origin: url.origin,
    authorization,
  };
}
