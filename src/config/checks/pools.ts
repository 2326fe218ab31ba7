import { patternMatches } from '../../jsonrpc/index.ts';
import type { NetworkConfig } from '../config.ts';
import { cheapMethods } from '../ethereum-methods.ts';
import { deniedOf } from '../network-compiler.ts';
import { NETWORK_SLOTS, UPSTREAM_SLOTS } from '../registries.ts';
import type { CheckContext } from './context.ts';
import { hides } from './methods.ts';

/** What the upstreams of one network are together, and how many there are in all. */
export function checkPools(context: CheckContext): void {
  const { networks } = context.config;
  for (const network of networks) {
    checkTiers(context, network);
    checkCoverage(context, network);
  }
  checkDenied(context);
  if (networks.length > NETWORK_SLOTS) {
    context.error(
      ['networks'],
      `${networks.length} networks: there is room for ${NETWORK_SLOTS}`,
      undefined,
      'key',
    );
  }
  const total = networks.reduce((sum, { upstreams }) => sum + upstreams.length, 0);
  if (total > UPSTREAM_SLOTS) {
    const message = `${total} upstreams in all: there is room for ${UPSTREAM_SLOTS}`;
    context.error(['networks'], message, 'run a second gateway for some networks', 'key');
  }
}

function checkTiers({ upstreamsPath, error, warn }: CheckContext, { name, upstreams }: NetworkConfig): void {
  const base = upstreamsPath(name);
  if (upstreams.every(({ tier }) => tier === 'fallback')) {
    error(
      [...base, 0, 'tier'],
      `network ${name} has fallback upstreams only`,
      'leave tier out where it is the one to call',
    );
  }
  for (const [index, { tier, weight }] of upstreams.entries()) {
    const others = upstreams.some((other, at) => at !== index && other.tier === tier);
    if (weight !== 1 && !others) {
      warn([...base, index, 'weight'], `has no effect: it is the only ${tier} upstream`);
    }
  }
}

/** Methods that any wallet calls, and that fell between the `allowed` of the upstreams. */
function checkCoverage(context: CheckContext, { name, kind, upstreams }: NetworkConfig): void {
  if (kind !== 'ethereum') return;
  const { blocked } = context.config.methods;
  const missing = cheapMethods.filter((method) => {
    const fits = (pattern: string): boolean => patternMatches(pattern, method);
    const willing = upstreams.filter((upstream) => !deniedOf(upstream).some(fits));
    if (willing.length === 0 || blocked.some(fits)) return false;
    return !willing.some(({ methods: { allowed } }) => allowed.length === 0 || allowed.some(fits));
  });
  if (missing.length === 0) return;
  const more = missing.length > 2 ? ` and ${missing.length - 2} more` : '';
  context.warn(
    context.upstreamsPath(name),
    `network ${name}: no upstream may be called for ${missing.slice(0, 2).join(', ')}${more}`,
    'allow it for one of them, or put it into methods.blocked',
    'key',
  );
}

/** A call that no upstream of any network is asked for gets 503, which clients take for passing and repeat. */
function checkDenied({ config, warn, upstreamsPath }: CheckContext): void {
  const [network] = config.networks;
  const [first] = network?.upstreams ?? [];
  if (!network || !first) return;
  const all = config.networks.flatMap(({ upstreams }) => upstreams);
  const everywhere = deniedOf(first).filter(
    (pattern) =>
      all.every((upstream) => deniedOf(upstream).some((one) => hides(one, pattern))) &&
      !config.methods.blocked.some((one) => hides(one, pattern)),
  );
  if (everywhere.length === 0) return;
  const written = first.lacks.some((part) => part !== 'archive') ? ['lacks'] : ['methods', 'denied'];
  warn(
    [...upstreamsPath(network.name), 0, ...written],
    `no upstream is called for ${everywhere.join(', ')}: callers get 503, which most libraries repeat`,
    'put it into methods.blocked, too',
    'key',
  );
}
