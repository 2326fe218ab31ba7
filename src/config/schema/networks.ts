import { list, nameOf, namedMap, record } from './containers.ts';
import { text, wrong } from './fields.ts';
import { inherited } from './inherited.ts';
import { networkSettings } from './network-settings.ts';
import { upstream } from './upstream.ts';

const UPSTREAMS_MAX = 100;

const upstreams = (about: string, min: number) =>
  list(upstream, { type: 'list of upstreams', about, max: UPSTREAMS_MAX, min });

const network = record('One network.', {
  path: text<string>({
    type: 'path',
    about: 'Where callers find it: `<path>` and `<path>/<key>`.',
    expected: '/ or one segment such as /eth',
    default: { written: '/<name>', value: '' },
    pattern: '^/([A-Za-z0-9._~-]{1,64})?$',
    parse(path) {
      if (/^\/([A-Za-z0-9._~-]{1,64})?$/.test(path) && path !== '/.' && path !== '/..') return path;
      const bare = path.replace(/^\/+|\/+$/g, '');
      return wrong({ suggestion: /^[A-Za-z0-9._~-]{1,64}$/.test(bare) ? `write /${bare}` : undefined });
    },
  }),
  ...inherited(networkSettings),
  upstreams: upstreams('Its nodes.', 1),
});

export const networksMap = namedMap(nameOf('a network'), network, {
  type: 'map of networks',
  about: 'Networks by name, each with a path of its own. Either this or `upstreams`.',
});

export const upstreamsList = upstreams(
  'The nodes of the one network `default`, at `/`. Either this or `networks`.',
  0,
);
