import { callText, send, type TestAnswer } from '../../src/gateway/testing/client.ts';
import { type Program, startProgram } from '../program.ts';
import { quiet } from '../quiet.ts';

/** A real program with a store, and what its operators and callers ask of it. */
export interface StoreGateway {
  readonly program: Program;
  /** A page of its admin listener. */
  page(path: string): Promise<Response>;
  /** An operation by the admin listener, as the commands do; rejects where it was refused. */
  operate<T = Record<string, any>>(name: string, input?: object): Promise<T>;
  call(key?: string, method?: string): Promise<TestAnswer>;
  /** Whether calls of the key with this name are served, without making one. */
  knows(keyName: string): Promise<boolean>;
  /** The named check of `/readyz`. */
  check(name: string): Promise<Record<string, unknown>>;
  readiness(): Promise<string>;
  /** Calls in the ledger that were not refused, of a key or all; of this month. */
  ledgerCalls(key?: string): Promise<number>;
  /** What its quota counts for the key, or that of its user. */
  quotaUsed(keyName: string, which?: 'quota' | 'userQuota'): Promise<number>;
  /** A user with this plan and a key of theirs. */
  createKey(input?: object): Promise<{ id: string; key: string; name: string }>;
}

/** `folder` keeps its state for a program after it. */
export async function startStoreGateway(options: {
  node: string;
  folder: string;
  /** Default: the embedded store in the folder. */
  store?: string;
  config?: object;
  env?: Record<string, string>;
  /** See {@link startProgram}. */
  group?: boolean;
  /** `admin.token` of the config. */
  adminToken?: string;
}): Promise<StoreGateway> {
  const { node, folder, store, config = {}, env, group = false, adminToken } = options;
  const headers: Record<string, string> =
    adminToken === undefined ? {} : { authorization: `Bearer ${adminToken}` };
  const program = await startProgram({
    folder,
    group,
    ...(env && { env }),
    config: {
      ...quiet,
      server: { workers: 2, drain_timeout: '5s' },
      upstreams: [{ url: node }],
      limits: { default: 'none' },
      ...(store !== undefined && { store }),
      ...config,
    },
  });
  const ready = async () =>
    (await (await fetch(`${program.adminUrl}/readyz`, { headers })).json()) as Readiness;
  const operate: StoreGateway['operate'] = async (name, input = {}) => {
    const answer = await fetch(`${program.adminUrl}/operations/${name}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(input),
    });
    const body: any = await answer.json();
    if (!answer.ok) throw new Error(`${name}: ${JSON.stringify(body)}`);
    return body;
  };
  const explain = (keyName: string) =>
    fetch(`${program.adminUrl}/explain`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ method: 'm', keyName }),
    });
  let users = 0;
  return {
    program,
    page: (path) => fetch(`${program.adminUrl}${path}`, { headers }),
    operate,
    call: (key, method = 'm') =>
      send(program.port, { headers: key === undefined ? {} : { 'x-api-key': key }, body: callText(method) }),
    knows: async (keyName) => (await explain(keyName)).ok,
    async check(name) {
      return (await ready()).checks.find((check) => check['name'] === name) ?? {};
    },
    readiness: async () => (await ready()).status,
    async ledgerCalls(key) {
      const { totals } = await operate('usage.query', key === undefined ? {} : { key });
      return totals.calls;
    },
    async quotaUsed(keyName, which = 'quota') {
      const answer = await explain(keyName);
      const { records } = (await answer.json()) as { records: Record<typeof which, { used: number }>[] };
      // A dry run adds the call that it decides.
      return records[0]![which].used - 1;
    },
    async createKey(input = {}) {
      users += 1;
      const user = await operate('users.create', {
        email: `user-${process.hrtime.bigint()}@example.com`,
        name: `u${users}`,
      });
      return operate('keys.create', { user: user['id'], ...input });
    },
  };
}

interface Readiness {
  status: string;
  checks: Record<string, unknown>[];
}

/** Waits until `what` holds; rejects after `ms` with what it was last. Returns how long it took, in milliseconds. */
export async function eventually(what: () => unknown, ms: number): Promise<number> {
  const began = performance.now();
  for (let last: unknown; ; ) {
    try {
      last = await what();
      if (last === true) return performance.now() - began;
    } catch (error) {
      last = error;
    }
    if (performance.now() - began > ms) throw new Error(`not in ${ms} ms: ${String(last)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
