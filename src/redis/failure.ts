/**
 * What an error of a command says of Redis:
 * `lost`: there is no connection. `timeout`: no answer in time. `refusing`: it answers and does not serve: it loads, is a replica, has no
 * room, a Cluster without all its slots. `answered`: it serves, and this command was wrong.
 */
export type RedisTrouble = 'lost' | 'timeout' | 'refusing' | 'answered';

/** Codes of answers that any command which writes would be given now. In a script's error they may stand behind its words. */
const refusing =
  /(?:^|[\s-])(READONLY|LOADING|CLUSTERDOWN|MASTERDOWN|NOREPLICAS|OOM|MISCONF|BUSY|NOAUTH|WRONGPASS|UNKILLABLE)\b/;
const lost =
  /^(Connection is closed|Stream isn't writeable|Cluster isn't ready|Command aborted due to connection close|Reached the max retries|Too many Cluster redirections|None of startup nodes|Failed to refresh slots|All sentinels are unreachable|Socket timeout|Socket closed)|\b(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)\b/;

/** Only that there is no connection, or no more: it does not say why. */
const ended = /^(Connection is closed|Reached the max retries|Command aborted due to connection close)/;
const unsaid = new RegExp(`${ended.source}|^(Stream isn't writeable|Cluster isn't ready)`);

export function saysWhy(error: unknown): boolean {
  return !unsaid.test(facts(error).message);
}

/** What the driver says of a command that was not answered in time. */
const timedOut = 'Command timed out';

/** The same, of one that was given up before the driver did. */
export const noAnswer = (): Error => new Error(timedOut);

export function troubleOf(error: unknown): RedisTrouble {
  const { message, code } = facts(error);
  if (message === timedOut) return 'timeout';
  if (refusing.test(message)) return 'refusing';
  return lost.test(message) || lost.test(code) ? 'lost' : 'answered';
}

/** Error of Redis or of the way to it, in one line for logs and `/readyz`. */
export function reasonOf(error: unknown): string {
  const { message, code } = facts(error);
  if (message === timedOut) return 'no answer in time';
  if (ended.test(message)) return 'the connection was lost';
  // The driver's plans are different each time.
  const told = message.replace(/ Retrying from scratch after [\d.]+ms\./, '');
  const line = (told || code || 'unknown').split('\n', 1)[0]!.trim();
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}

function facts(error: unknown): { message: string; code: string } {
  if (!(error instanceof Error)) return { message: String(error), code: '' };
  // Several addresses were tried: each has an error of its own.
  if (error instanceof AggregateError && error.message === '' && error.errors.length > 0)
    return facts(error.errors[0]);
  const { code, lastNodeError } = error as Error & { code?: unknown; lastNodeError?: unknown };
  if (lastNodeError instanceof Error && lastNodeError !== error) {
    const inner = facts(lastNodeError);
    return { message: `${error.message} ${inner.message}`, code: inner.code };
  }
  return { message: error.message, code: typeof code === 'string' ? code : '' };
}
