import type { Config } from '../config.ts';
import type { Finding } from '../finding.ts';
import type { Path } from '../problem.ts';
import type { ParsedConfig } from '../schema/index.ts';

/** What a check across fields is given. */
export interface CheckContext {
  config: Config;
  parsed: ParsedConfig;
  error(
    path: Path,
    message: Finding['message'],
    suggestion?: string,
    at?: Finding['at'],
    elsewhere?: Path,
  ): void;
  warn(path: Path, message: Finding['message'], suggestion?: string, at?: Finding['at']): void;
  /** How many errors and warnings there are so far. */
  count(): number;
  /** What was said already, so that it is said once. */
  told: Set<string>;
  /** Where a network's, or the one network's, upstreams stand in the file. */
  upstreamsPath(network: string): Path;
  /** Where a network's setting is written: in it, or at the top for all. */
  settingPath(network: string, path: readonly string[]): Path;
}

export function createCheckContext(parsed: ParsedConfig, config: Config, findings: Finding[]): CheckContext {
  const say =
    (severity: Finding['severity']): CheckContext['error'] =>
    (path, message, suggestion, at = 'value', elsewhere) => {
      findings.push({ severity, path, at, elsewhere, message, suggestion });
    };
  return {
    config,
    parsed,
    told: new Set(),
    count: () => findings.length,
    error: say('error'),
    warn: say('warning'),
    upstreamsPath: (network) => upstreamsPathOf(parsed, network),
    settingPath(network, path) {
      let at: unknown = parsed.upstreams.length > 0 ? undefined : parsed.networks[network];
      for (const segment of path.slice(0, 2)) at = (at as Record<string, unknown> | undefined)?.[segment];
      return at === undefined ? path : ['networks', network, ...path];
    },
  };
}

/** Where a network's upstreams stand in the file. */
export function upstreamsPathOf(parsed: ParsedConfig, network: string): Path {
  return parsed.upstreams.length > 0 ? ['upstreams'] : ['networks', network, 'upstreams'];
}
