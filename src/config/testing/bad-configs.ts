/** A config that is refused, and the problems told of it, each as one line. */
export interface BadConfig {
  name: string;
  yaml: string[];
  problems: string[];
}

/** Read with `badConfigEnvironment` as `bad.yaml`. */
export const badConfigs: readonly BadConfig[] = [
  {
    name: 'an empty file',
    yaml: [],
    problems: [
      '1:1: error: no upstream: neither upstreams nor networks is given (upstreams: [{ url: "http://127.0.0.1:8545" }])',
    ],
  },
  {
    name: 'only a comment',
    yaml: ['# nothing here'],
    problems: [
      '1:1: error: no upstream: neither upstreams nor networks is given (upstreams: [{ url: "http://127.0.0.1:8545" }])',
    ],
  },
  {
    name: 'a list in place of the config',
    yaml: ['- a', '- b'],
    problems: ['1:1: error: found a list, expected a map'],
  },
  {
    name: 'text in place of the config',
    yaml: ['hello'],
    problems: ['1:1: error: found "hello", expected a map'],
  },
  {
    name: 'an unknown section',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'limit:', '  default: none'],
    problems: ['2:1: error: limit: unknown key "limit" (did you mean limits?)'],
  },
  {
    name: 'an unknown key',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  lisen: 127.0.0.1:1'],
    problems: ['3:3: error: server.lisen: unknown key "lisen" (did you mean listen?)'],
  },
  {
    name: 'a key of another section',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  ceilings: []'],
    problems: ['3:3: error: server.ceilings: unknown key "ceilings" (it belongs to limits)'],
  },
  {
    name: 'a key in camel case',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  maxBodyBytes: 1MiB'],
    problems: ['3:3: error: server.maxBodyBytes: unknown key "maxBodyBytes" (did you mean max_body_bytes?)'],
  },
  {
    name: 'a key without anything near',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'identity:', '  zebra: 1'],
    problems: ['3:3: error: identity.zebra: unknown key "zebra" (known here: anonymous, ipv6_prefix)'],
  },
  {
    name: 'a duplicate key',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  workers: 1', '  workers: 2'],
    problems: ['4:3: error: server: key `workers` is there twice, first on line 3'],
  },
  {
    name: '__proto__ as a key',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  __proto__: { workers: 3 }'],
    problems: ['3:3: error: server: unknown key `__proto__`'],
  },
  {
    name: 'constructor as a key',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'constructor: { prototype: 1 }'],
    problems: [
      '2:1: error: constructor: unknown key "constructor" (known here: server, websocket, admin, kind, chain_id, timeout, max_block_lag, health, breaker, retry, hedge, shed, cache, subscriptions, coalesce, networks, upstreams, identity, blocklist, methods, limits, keys, store, redis, usage, events, alerts, explain, logging)',
    ],
  },
  {
    name: 'a blocklist with bits after a prefix, an odd spelling and a missing file',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'blocklist:',
      '  deny: [10.1.2.3/8, 0177.0.0.1, "fe80::1%eth0"]',
    ],
    problems: [
      '3:10: error: blocklist.deny[0]: "10.1.2.3/8" has bits set after the prefix (did you mean 10.0.0.0/8 or 10.1.2.3?)',
      '3:22: error: blocklist.deny[1]: found "0177.0.0.1", expected a network such as 10.0.0.0/8 or 2001:db8::/32, or an IP address',
      '3:34: error: blocklist.deny[2]: found "fe80::1%eth0", expected a network such as 10.0.0.0/8 or 2001:db8::/32, or an IP address',
    ],
  },
  {
    name: 'a blocklist’s file that is not there',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'blocklist: { deny_files: [gone.txt] }'],
    problems: ['2:27: error: blocklist.deny_files[0]: cannot read /nowhere/gone.txt: no such file'],
  },
  {
    name: 'a longest ban shorter than the first',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'blocklist: { auto_ban: { ban_for: 2h, ban_max: 1h } }',
    ],
    problems: ['2:48: error: blocklist.auto_ban.ban_max: shorter than ban_for (raise ban_max)'],
  },
  {
    name: 'a store without a folder for its journals',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'store: sqlite', 'server:', '  state_dir: none'],
    problems: [
      '2:8: error: store: usage is written to journals in server.state_dir first, and that is none (give server.state_dir a folder, or set store: none)',
    ],
  },
  {
    name: 'a store of another kind',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'store: mysql://db/usage'],
    problems: ['2:8: error: store: found text of 16 characters, expected sqlite, none, or a postgres:// URL'],
  },
  {
    name: 'a PostgreSQL server without a database',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'store: postgres://db'],
    problems: [
      '2:8: error: store: found text of 13 characters, expected sqlite, none, or a postgres:// URL (name the database behind the host)',
    ],
  },
  {
    name: 'a Redis by another scheme',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'redis: http://cache.internal:6379'],
    problems: [
      '2:8: error: redis: found text of 26 characters, expected a URL such as redis://127.0.0.1:6379, or a map',
    ],
  },
  {
    name: 'a Redis with a password that is no part of a URL',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'redis: redis://:a%zz@127.0.0.1:6379'],
    problems: [
      '2:8: error: redis: found text of 28 characters, expected a URL such as redis://127.0.0.1:6379, or a map (write % of the password as %25)',
    ],
  },
  {
    name: 'a Redis that is nowhere',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'redis:', '  prefix: "pp:"'],
    problems: ['2:1: error: redis: does not say where Redis is (give url, sentinels with name, or cluster)'],
  },
  {
    name: 'a Redis in two places, with fields that cannot be read',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'redis:',
      '  url: redis://127.0.0.1',
      '  cluster: [10.0.0.1, "10.0.0.2:70000"]',
      '  prefix: "{pp}"',
      '  command_timeout: 5s',
      '  urls: []',
    ],
    problems: [
      '4:13: error: redis.cluster[0]: found "10.0.0.1", expected host:port such as 10.0.0.5:26379',
      '4:23: error: redis.cluster[1]: found "10.0.0.2:70000", expected host:port such as 10.0.0.5:26379',
      '5:11: error: redis.prefix: found "{pp}", expected 1 to 64 letters, digits, `.`, `_`, `:`, `-`',
      '6:20: error: redis.command_timeout: found "5s", expected a duration from 10ms to 1s (the most is 1s)',
      '7:3: error: redis.urls: unknown key "urls" (did you mean url?)',
    ],
  },
  {
    name: 'a Redis with a password twice, a certificate for nothing and the name of no master',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'redis:',
      '  url: redis://:first-secret@127.0.0.1',
      '  password: other-secret',
      '  name: mymaster',
      '  tls: { ca: nowhere.pem }',
    ],
    problems: [
      '4:3: error: redis.password: the URL says it already (write it once)',
      '5:3: error: redis.name: is for sentinels only (leave it out)',
      '6:3: error: redis.tls: the URL is one without TLS (write rediss://)',
      '6:14: error: redis.tls.ca: cannot read /nowhere/nowhere.pem: no such file',
    ],
  },
  {
    name: 'Sentinels of no master, and a Cluster beside them',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'redis:',
      '  sentinels: ["127.0.0.1:26379"]',
      '  cluster: ["127.0.0.1:6379"]',
    ],
    problems: ['4:3: error: redis.cluster: sentinels says where Redis is already (keep one of them)'],
  },
  {
    name: 'Sentinels of no master',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'redis: { sentinels: ["127.0.0.1:26379"] }'],
    problems: ['2:10: error: redis.sentinels: without name nobody knows which master (add name: mymaster)'],
  },
  {
    name: 'a rule of another consistency',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'limits: { default: { requests: 10, period: 1s, consistency: exactly } }',
    ],
    problems: [
      '2:61: error: limits.default.consistency: found "exactly", expected leased or exact (did you mean exact?)',
    ],
  },
  {
    name: 'a database of a Cluster',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'redis: { cluster: ["127.0.0.1:6379"], db: 1 }'],
    problems: ['2:39: error: redis.db: a Cluster has database 0 only (leave it out)'],
  },
  {
    name: 'usage kept for less than it takes',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'usage:', '  keep_days: 7d', '  when_full: drop'],
    problems: [
      '3:14: error: usage.keep_days: found "7d", expected a duration from 100d to 3650d (the least is 100d)',
      '4:14: error: usage.when_full: found "drop", expected refuse or serve_unmetered',
    ],
  },
  {
    name: 'a tab for indentation',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '\tworkers: 1'],
    problems: [
      '3:1: error: not valid YAML: tabs are not allowed as indentation (indent with spaces, not tabs)',
    ],
  },
  {
    name: 'an unclosed bracket',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  trusted_proxies: [10.0.0.0/8'],
    problems: [
      '4:1: error: not valid YAML: flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
  },
  {
    name: 'an unclosed quote',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  docs_url: "abc'],
    problems: ['4:1: error: not valid YAML: missing closing "quote'],
  },
  {
    name: 'wrong indentation',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'server:',
      '    workers: 1',
      '  listen: 127.0.0.1:1',
    ],
    problems: ['4:1: error: not valid YAML: all mapping items must start at the same column'],
  },
  {
    name: 'two documents',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', '---', 'server: {}'],
    problems: ['2:1: error: a second YAML document: a config is one document (remove the `---` line)'],
  },
  {
    name: 'a custom tag',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  workers: !!int4 3'],
    problems: ['3:12: error: not valid YAML: unresolved tag: tag:yaml.org,2002:int4'],
  },
  {
    name: 'an alias of nothing',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server: *nowhere'],
    problems: ['2:9: error: server: no anchor &nowhere before this alias'],
  },
  {
    name: 'an alias that holds itself',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'methods:', '  groups: &a', '    x: *a'],
    problems: ['4:8: error: methods.groups.x: an alias that holds itself'],
  },
  {
    name: 'a missing variable',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  listen: ${LISTN}'],
    problems: ['3:11: error: server.listen: environment variable LISTN is not set (did you mean LISTEN?)'],
  },
  {
    name: 'a variable of a wrong form',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  listen: ${LISTEN-x}'],
    problems: ['3:11: error: server.listen: `${LISTEN-x}` is not of the form ${NAME} or ${NAME:-default}'],
  },
  {
    name: 'a variable that is not closed',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  docs_url: a${LISTEN'],
    problems: ['3:14: error: server.docs_url: `${` without its `}`; a literal `${` is written `$${`'],
  },
  {
    name: 'a variable inside { } without quotes',
    yaml: ['upstreams: [{ url: ${URL} }]'],
    problems: [
      '1:21: error: not valid YAML: unexpected flow-map-start at node end (inside { } and [ ] put quotes around "${…}")',
    ],
  },
  {
    name: 'a duration without a unit',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  header_timeout: 5'],
    problems: [
      '3:19: error: server.header_timeout: found 5, expected a duration from 100ms to 10m (add a unit, such as 5s)',
    ],
  },
  {
    name: 'a duration of a wrong unit',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  header_timeout: 5sec'],
    problems: [
      '3:19: error: server.header_timeout: found "5sec", expected a duration from 100ms to 10m (did you mean 5s?)',
    ],
  },
  {
    name: 'a duration beyond its bound',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  header_timeout: 24h'],
    problems: [
      '3:19: error: server.header_timeout: found "24h", expected a duration from 100ms to 10m (the most is 10m)',
    ],
  },
  {
    name: 'a duration below its bound',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  header_timeout: 1ms'],
    problems: [
      '3:19: error: server.header_timeout: found "1ms", expected a duration from 100ms to 10m (the least is 100ms)',
    ],
  },
  {
    name: 'a duration from the environment',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  header_timeout: ${BAD_DURATION}'],
    problems: [
      '3:19: error: server.header_timeout: found ${BAD_DURATION} (text of 16 characters), expected a duration from 100ms to 10m',
    ],
  },
  {
    name: 'a size of a doubtful unit',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  max_body_bytes: 1mb'],
    problems: [
      '3:19: error: server.max_body_bytes: found "1mb", expected a size from 1KiB to 64MiB (did you mean 1MB or 1MiB?)',
    ],
  },
  {
    name: 'a size beyond its bound',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  max_body_bytes: 1GiB'],
    problems: [
      '3:19: error: server.max_body_bytes: found "1GiB", expected a size from 1KiB to 64MiB (the most is 64MiB)',
    ],
  },
  {
    name: 'a negative number',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  max_batch_size: -1'],
    problems: ['3:19: error: server.max_batch_size: found -1, expected a whole number from 1 to 10000'],
  },
  {
    name: 'a fraction',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  max_batch_size: 1.5'],
    problems: ['3:19: error: server.max_batch_size: found 1.5, expected a whole number from 1 to 10000'],
  },
  {
    name: 'a number that is text',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  max_batch_size: many'],
    problems: ['3:19: error: server.max_batch_size: found "many", expected a whole number from 1 to 10000'],
  },
  {
    name: 'nothing where a number is due',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  max_batch_size:'],
    problems: ['3:3: error: server.max_batch_size: found nothing, expected a whole number from 1 to 10000'],
  },
  {
    name: 'a list where a section is due',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server: [1]'],
    problems: ['2:9: error: server: found a list, expected a map'],
  },
  {
    name: 'a map where a list is due',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  trusted_proxies: { a: b }'],
    problems: ['3:20: error: server.trusted_proxies: found a map, expected a list'],
  },
  {
    name: 'text where a list is due',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'methods:', '  blocked: admin_*'],
    problems: ['3:12: error: methods.blocked: found "admin_*", expected a list'],
  },
  {
    name: 'a flag in YAML 1.1',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'keys:',
      '  - name: acme',
      '    key: abcdefghij_abcdefghij_01',
      '    enabled: yes',
    ],
    problems: ['5:14: error: keys[0].enabled: found "yes", expected true or false'],
  },
  {
    name: 'a share of two',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'explain:', '  sample: 2'],
    problems: ['3:11: error: explain.sample: found 2, expected a share such as 1% or 0.01, from 0 to 1'],
  },
  {
    name: 'a wrong choice',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'identity:', '  anonymous: allowed'],
    problems: [
      '3:14: error: identity.anonymous: found "allowed", expected allow or deny (did you mean allow?)',
    ],
  },
  {
    name: 'an address without a port',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  listen: 127.0.0.1'],
    problems: [
      '3:11: error: server.listen: found "127.0.0.1", expected an address such as 127.0.0.1:8540 or "[::1]:8540" (add a port)',
    ],
  },
  {
    name: 'a port alone',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  listen: 8540'],
    problems: [
      '3:11: error: server.listen: found 8540, expected an address such as 127.0.0.1:8540 or "[::1]:8540" (name the address too: 127.0.0.1:8540, or 0.0.0.0:8540 for all)',
    ],
  },
  {
    name: 'a listener with a scheme',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  listen: http://127.0.0.1:8540'],
    problems: [
      '3:11: error: server.listen: found "http://127.0.0.1:8540", expected an address such as 127.0.0.1:8540 or "[::1]:8540" (without http://)',
    ],
  },
  {
    name: 'an address in octal',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  listen: 0127.0.0.1:8540'],
    problems: [
      '3:11: error: server.listen: found "0127.0.0.1:8540", expected an address such as 127.0.0.1:8540 or "[::1]:8540"',
    ],
  },
  {
    name: 'a port that is none',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  listen: 127.0.0.1:70000'],
    problems: [
      '3:11: error: server.listen: found "127.0.0.1:70000", expected an address such as 127.0.0.1:8540 or "[::1]:8540"',
    ],
  },
  {
    name: 'an IPv6 listener without quotes',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  listen: [::1]:8540'],
    problems: [
      '3:16: error: not valid YAML: unexpected scalar at node end (put quotes around it: "[::1]:8540")',
    ],
  },
  {
    name: 'a network with bits after the prefix',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'server:',
      '  trusted_proxies:',
      '    - 10.0.0.5/8',
    ],
    problems: [
      '4:7: error: server.trusted_proxies[0]: "10.0.0.5/8" has bits set after the prefix (did you mean 10.0.0.0/8 or 10.0.0.5?)',
    ],
  },
  {
    name: 'a network that is none',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  trusted_proxies: [10.0.0.0/33]'],
    problems: [
      '3:21: error: server.trusted_proxies[0]: found "10.0.0.0/33", expected a network such as 10.0.0.0/8 or 2001:db8::/32, or an IP address',
    ],
  },
  {
    name: 'an origin with a path',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'server:',
      '  cors:',
      '    allow_origins: [https://a.example/]',
    ],
    problems: [
      '4:21: error: server.cors.allow_origins[0]: found "https://a.example/", expected * or an origin such as https://app.example, without a path (without the slash at the end)',
    ],
  },
  {
    name: 'a TLS certificate without its key',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  tls:', '    cert: a.pem'],
    problems: [
      '3:3: error: server.tls.key: is missing (expected the path of a file, absolute or from the config’s folder)',
    ],
  },
  {
    name: 'TLS files that are not there',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'server:',
      '  tls: { cert: no/cert.pem, key: no/key.pem }',
    ],
    problems: [
      '3:16: error: server.tls.cert: cannot read /nowhere/no/cert.pem: no such file',
      '3:34: error: server.tls.key: cannot read /nowhere/no/key.pem: no such file',
    ],
  },
  {
    name: 'request_timeout within header_timeout',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server:', '  request_timeout: 1s'],
    problems: ['3:20: error: server.request_timeout: shorter than header_timeout, which is a part of it'],
  },
  {
    name: 'admin on the listener of callers',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'server: { listen: 127.0.0.1:9540 }'],
    problems: [
      '2:19: error: admin.listen: the same address as server.listen (127.0.0.1:9540): callers would reach the admin pages (give each its own port)',
    ],
  },
  {
    name: 'admin on all addresses of the same port',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'admin:',
      '  listen: 0.0.0.0:8540',
      '  token: 0123456789abcdef',
    ],
    problems: [
      '3:11: error: admin.listen: the same address as server.listen (127.0.0.1:8540): callers would reach the admin pages (give each its own port)',
    ],
  },
  {
    name: 'admin open to the world',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'admin:', '  listen: 0.0.0.0:9540'],
    problems: [
      '3:11: error: admin.listen: 0.0.0.0:9540 is open to other machines, and there is no admin.token (set admin.token, or listen on 127.0.0.1)',
    ],
  },
  {
    name: 'admin open with an empty token',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'admin:',
      '  listen: 192.0.2.1:9540',
      '  token: ${EMPTY:-}',
    ],
    problems: [
      '3:11: error: admin.listen: 192.0.2.1:9540 is open to other machines, and there is no admin.token (set admin.token, or listen on 127.0.0.1)',
    ],
  },
  {
    name: 'a token too short',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'admin:', '  token: hunter2'],
    problems: [
      '3:10: error: admin.token: found text of 7 characters, expected at least 16 visible ASCII characters (openssl rand -hex 32 makes one)',
    ],
  },
  {
    name: 'no upstream',
    yaml: ['server:', '  workers: 1'],
    problems: [
      '1:1: error: no upstream: neither upstreams nor networks is given (upstreams: [{ url: "http://127.0.0.1:8545" }])',
    ],
  },
  {
    name: 'networks and upstreams',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'networks:',
      '  a:',
      '    upstreams: [{ url: http://127.0.0.1:8546 }]',
    ],
    problems: ['1:1: error: upstreams: both networks and upstreams are given (move these into a network)'],
  },
  {
    name: 'a network without upstreams',
    yaml: ['networks:', '  a:', '    path: /a'],
    problems: ['2:3: error: networks.a.upstreams: is missing (expected a list)'],
  },
  {
    name: 'a network with an empty list of upstreams',
    yaml: ['networks:', '  a:', '    upstreams: []'],
    problems: ['3:16: error: networks.a.upstreams: found an empty list, expected at least 1 entry'],
  },
  {
    name: 'two networks on one path',
    yaml: [
      'networks:',
      '  a:',
      '    path: /eth',
      '    upstreams: [{ url: http://127.0.0.1:8545 }]',
      '  b:',
      '    path: /eth',
      '    upstreams: [{ url: http://127.0.0.1:8546 }]',
    ],
    problems: ['6:11: error: networks.b.path: /eth is the path of network a, too (give each its own path)'],
  },
  {
    name: 'a reserved path',
    yaml: [
      'networks:',
      '  a:',
      '    path: /healthz',
      '    upstreams: [{ url: http://127.0.0.1:8545 }]',
      '  b:',
      '    path: /b',
      '    upstreams: [{ url: http://127.0.0.1:8546 }]',
    ],
    problems: [
      '3:11: error: networks.a.path: /healthz is answered by the gateway itself (choose another path)',
    ],
  },
  {
    name: 'a path shaped like a key',
    yaml: [
      'networks:',
      '  a:',
      '    path: /abcdefghijklmnopqrstuvwxyz',
      '    upstreams: [{ url: http://127.0.0.1:8545 }]',
      '  b:',
      '    path: /b',
      '    upstreams: [{ url: http://127.0.0.1:8546 }]',
    ],
    problems: [
      '3:11: error: networks.a.path: a path shaped like a key (22 characters and more): callers of it would be told their key is wrong (choose a shorter path)',
    ],
  },
  {
    name: 'a path without a slash',
    yaml: [
      'networks:',
      '  a:',
      '    path: eth',
      '    upstreams: [{ url: http://127.0.0.1:8545 }]',
      '  b:',
      '    path: /b',
      '    upstreams: [{ url: http://127.0.0.1:8546 }]',
    ],
    problems: [
      '3:11: error: networks.a.path: found "eth", expected / or one segment such as /eth (write /eth)',
    ],
  },
  {
    name: 'a path of two segments',
    yaml: [
      'networks:',
      '  a:',
      '    path: /eth/mainnet',
      '    upstreams: [{ url: http://127.0.0.1:8545 }]',
      '  b:',
      '    path: /b',
      '    upstreams: [{ url: http://127.0.0.1:8546 }]',
    ],
    problems: ['3:11: error: networks.a.path: found "/eth/mainnet", expected / or one segment such as /eth'],
  },
  {
    name: 'a network name with a space',
    yaml: ['networks:', '  main net:', '    upstreams: [{ url: http://127.0.0.1:8545 }]'],
    problems: [
      '2:3: error: networks["main net"]: found "main net", expected a name of a network: letters, digits, `.`, `_`, `-`, at most 64, a letter or digit first',
    ],
  },
  {
    name: 'an upstream without a scheme',
    yaml: ['upstreams:', '  - url: 127.0.0.1:8545'],
    problems: [
      '2:10: error: upstreams[0].url: found text of 14 characters, expected a URL such as http://127.0.0.1:8545 (begin it with http:// or https://)',
    ],
  },
  {
    name: 'an upstream over WebSocket',
    yaml: ['upstreams:', '  - url: ws://127.0.0.1:8545'],
    problems: [
      '2:10: error: upstreams[0].url: found text of 19 characters, expected a URL such as http://127.0.0.1:8545 (give the node’s http address)',
    ],
  },
  {
    name: 'an upstream URL with a password and a bad port',
    yaml: ['upstreams:', '  - url: http://user:hunter2@node:port'],
    problems: [
      '2:10: error: upstreams[0].url: found text of 29 characters, expected a URL such as http://127.0.0.1:8545',
    ],
  },
  {
    name: 'an upstream that is ourselves',
    yaml: ['upstreams:', '  - url: http://127.0.0.1:8540'],
    problems: [
      '2:10: error: upstreams[0].url: is this gateway itself (server.listen): every call would go round in circles (name the node)',
    ],
  },
  {
    name: 'an upstream that is ourselves by name',
    yaml: ['upstreams:', '  - url: http://localhost:9540/'],
    problems: [
      '2:10: error: upstreams[0].url: is this gateway itself (admin.listen): every call would go round in circles (name the node)',
    ],
  },
  {
    name: 'an upstream without url',
    yaml: ['upstreams:', '  - mode: single'],
    problems: ['2:5: error: upstreams[0].url: is missing (expected a URL such as http://127.0.0.1:8545)'],
  },
  {
    name: 'an upstream that is text',
    yaml: ['upstreams:', '  - http://127.0.0.1:8545'],
    problems: ['2:5: error: upstreams[0]: found "http://127.0.0.1:8545", expected a map'],
  },
  {
    name: 'a wrong mode',
    yaml: ['upstreams:', '  - url: http://127.0.0.1:8545', '    mode: pipeline'],
    problems: [
      '3:11: error: upstreams[0].mode: found "pipeline", expected single, pipelined or batched (did you mean pipelined?)',
    ],
  },
  {
    name: 'two upstreams of one name',
    yaml: ['upstreams:', '  - url: http://127.0.0.1:8545', '  - url: http://127.0.0.1:8545'],
    problems: [
      '3:5: error: upstreams[1].name: a second upstream named 127.0.0.1:8545, the first is on line 2 (give them different names)',
    ],
  },
  {
    name: 'a header that is ours',
    yaml: ['upstreams:', '  - url: http://127.0.0.1:8545', '    headers: { Host: x }'],
    problems: [
      '3:16: error: upstreams[0].headers.Host: found "Host", this header is written by the gateway itself',
    ],
  },
  {
    name: 'a header with a line break',
    yaml: ['upstreams:', '  - url: http://127.0.0.1:8545', '    headers:', '      x-a: "secret\\r\\nx: y"'],
    problems: [
      '4:12: error: upstreams[0].headers.x-a: found text of 12 characters, expected at most 4096 visible ASCII characters',
    ],
  },
  {
    name: 'a header twice',
    yaml: ['upstreams:', '  - url: http://127.0.0.1:8545', '    headers: { X-A: a, x-a: b }'],
    problems: ['3:5: error: upstreams[0].headers: header x-a is given twice'],
  },
  {
    name: 'connect_timeout beyond timeout',
    yaml: ['upstreams:', '  - url: http://127.0.0.1:8545', '    timeout: 1s', '    connect_timeout: 2s'],
    problems: ['4:22: error: upstreams[0].connect_timeout: longer than timeout, the time for the whole call'],
  },
  {
    name: 'a batch of one',
    yaml: ['upstreams:', '  - url: http://127.0.0.1:8545', '    mode: batched', '    batch: { max_size: 1 }'],
    problems: ['4:24: error: upstreams[0].batch.max_size: found 1, expected a whole number from 2 to 1000'],
  },
  {
    name: 'a pattern with a space',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'methods:', '  blocked: ["eth get"]'],
    problems: [
      '3:13: error: methods.blocked[0]: found "eth get", expected a method name or a glob such as eth_get*: at most 256 characters, no spaces',
    ],
  },
  {
    name: 'a pattern that blocks everything',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'methods:', '  blocked: ["*"]'],
    problems: ['3:13: error: methods.blocked[0]: "*" blocks every method (name the methods to block)'],
  },
  {
    name: 'a rule without period',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'limits:', '  default: { requests: 5 }'],
    problems: ['3:3: error: limits.default.period: is missing (expected a duration from 1ms to 24h)'],
  },
  {
    name: 'a rule with an unknown key',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'limits:',
      '  default: { requests: 5, period: 1s, burst: 5 }',
    ],
    problems: ['3:39: error: limits.default.burst: unknown key "burst" (did you mean burst_size?)'],
  },
  {
    name: 'a second rule of a list that is wrong',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'limits:',
      '  default:',
      '    - { requests: 5, period: 1s, network: default }',
      '    - { requests: 0, period: 1s }',
    ],
    problems: [
      '5:19: error: limits.default[1].requests: found 0, expected a whole number from 1 to 100000000',
    ],
  },
  {
    name: 'a rule that is text',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'limits:', '  default: 100/s'],
    problems: ['3:12: error: limits.default: found "100/s", expected a map'],
  },
  {
    name: 'an empty list of rules',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'limits:', '  default: []'],
    problems: ['3:12: error: limits.default: found an empty list, expected at least 1 entry'],
  },
  {
    name: 'a group that is not defined',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'methods:',
      '  groups: { read: [eth_get*] }',
      'limits:',
      '  groups:',
      '    reed: { requests: 5, period: 1s }',
    ],
    problems: ['6:5: error: limits.groups.reed: no group reed in methods.groups (did you mean read?)'],
  },
  {
    name: 'a group where none is defined',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'limits:',
      '  groups:',
      '    read: { requests: 5, period: 1s }',
    ],
    problems: [
      '4:5: error: limits.groups.read: no group read in methods.groups (no groups are defined: methods.groups)',
    ],
  },
  {
    name: 'a network that is not there',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'limits:',
      '  default: { requests: 5, period: 1s, network: defualt }',
    ],
    problems: ['3:48: error: limits.default.network: no network defualt (did you mean default?)'],
  },
  {
    name: 'two shadows in one list',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'limits:',
      '  default:',
      '    - { requests: 5, period: 1s, mode: shadow }',
      '    - { requests: 6, period: 1s, mode: shadow }',
      '    - { requests: 7, period: 1s }',
    ],
    problems: [
      '5:40: error: limits.default[1].mode: a second shadow rule in one list, the first is on line 4 (keep one for each network)',
    ],
  },
  {
    name: 'a ceiling without a name',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'limits:',
      '  ceilings:',
      '    - { per: address, requests: 5, period: 1s }',
    ],
    problems: [
      '4:7: error: limits.ceilings[0].name: is missing (expected a name: letters, digits, `.`, `_`, `-`, at most 64)',
    ],
  },
  {
    name: 'two ceilings of one name',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'limits:',
      '  ceilings:',
      '    - { name: a, per: address, requests: 5, period: 1s }',
      '    - { name: a, per: global, requests: 5, period: 1s }',
    ],
    problems: [
      '5:15: error: limits.ceilings[1].name: a second ceiling named a, the first is on line 4 (give them different names)',
    ],
  },
  {
    name: 'a cost beyond the default bucket',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'methods:', '  costs:', '    eth_getLogs: 200'],
    problems: [
      '4:18: error: methods.costs.eth_getLogs: a call of eth_getLogs costs 200, but its bucket (limits.default, built in) holds 150: it would never be let through (give limits.default, or lower the cost)',
    ],
  },
  {
    name: 'a cost beyond the bucket of its group',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'methods:',
      '  groups: { logs: [eth_getLogs] }',
      '  costs: { eth_getLogs: 10 }',
      'limits:',
      '  groups:',
      '    logs: { requests: 5, period: 1s }',
    ],
    problems: [
      '4:25: error: methods.costs.eth_getLogs: a call of eth_getLogs costs 10, but its bucket (line 7) holds 5: it would never be let through (raise burst_size to 5, or lower the cost)',
    ],
  },
  {
    name: 'a glob’s cost beyond the bucket of a method it fits',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'methods:',
      '  costs: { debug_*: 20 }',
      'limits:',
      '  methods:',
      '    debug_traceCall: { requests: 10, period: 1s }',
    ],
    problems: [
      '3:21: error: methods.costs.debug_*: a call of debug_* costs 20, but its bucket (line 6) holds 10: it would never be let through (raise burst_size to 10, or lower the cost)',
    ],
  },
  {
    name: 'a cost beyond a ceiling',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'methods:',
      '  costs: { eth_getLogs: 20 }',
      'limits:',
      '  ceilings:',
      '    - { name: a, per: address, requests: 15, period: 1s }',
    ],
    problems: [
      '3:25: error: methods.costs.eth_getLogs: a call of eth_getLogs costs 20, but its bucket (line 6) holds 15: it would never be let through (raise burst_size to 5, or lower the cost)',
    ],
  },
  {
    name: 'a cost beyond a quota',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'methods:',
      '  costs: { eth_getLogs: 20 }',
      'keys:',
      '  - name: acme',
      '    key: abcdefghij_abcdefghij_01',
      '    quota: { cost: 10, period: day }',
    ],
    problems: ['7:20: error: keys[0].quota.cost: less than one call of eth_getLogs costs (20)'],
  },
  {
    name: 'a key too short',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'keys:',
      '  - name: acme',
      '    key: tooshortSecret',
    ],
    problems: [
      '4:10: error: keys[0].key: found text of 14 characters, expected at least 22 characters of A-Z a-z 0-9 . _ ~ - (it is too short)',
    ],
  },
  {
    name: 'a key with a bad character',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'keys:',
      '  - name: acme',
      '    key: "abcdefghijklmnopqrstuv/xyz"',
    ],
    problems: [
      '4:10: error: keys[0].key: found text of 26 characters, expected at least 22 characters of A-Z a-z 0-9 . _ ~ -',
    ],
  },
  {
    name: 'a key that is a number',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'keys:',
      '  - name: acme',
      '    key: 1234567890123456789012',
    ],
    problems: [
      '4:10: error: keys[0].key: found a number, expected at least 22 characters of A-Z a-z 0-9 . _ ~ - (put it in quotes)',
    ],
  },
  {
    name: 'a key too short from the environment',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'keys:',
      '  - name: acme',
      '    key: ${SHORT_KEY}',
    ],
    problems: [
      '4:10: error: keys[0].key: found ${SHORT_KEY} (text of 11 characters), expected at least 22 characters of A-Z a-z 0-9 . _ ~ - (it is too short)',
    ],
  },
  {
    name: 'a key and its hash',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'keys:',
      '  - name: acme',
      '    key: abcdefghij_abcdefghij_01',
      '    sha256: abababababababababababababababababababababababababababababababab',
    ],
    problems: ['5:5: error: keys[0].sha256: both key and sha256 are given (keep one)'],
  },
  {
    name: 'neither key nor hash',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'keys:', '  - name: acme'],
    problems: ['3:5: error: keys[0]: key acme has neither key nor sha256 (add key: ${A_VARIABLE})'],
  },
  {
    name: 'a hash that is none',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'keys:', '  - name: acme', '    sha256: abc'],
    problems: ['4:13: error: keys[0].sha256: found text of 3 characters, expected 64 hex digits'],
  },
  {
    name: 'a key given twice',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'keys:',
      '  - name: acme',
      '    key: abcdefghij_abcdefghij_01',
      '  - name: other',
      '    key: abcdefghij_abcdefghij_01',
    ],
    problems: ['6:10: error: keys[1].key: the same key as that of acme, on line 3 (give each its own)'],
  },
  {
    name: 'a name given twice',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'keys:',
      '  - name: acme',
      '    key: abcdefghij_abcdefghij_01',
      '  - name: acme',
      '    key: abcdefghij_abcdefghij_02',
    ],
    problems: [
      '5:11: error: keys[1].name: a second key named acme, the first is on line 3 (give them different names)',
    ],
  },
  {
    name: 'a name that is a key',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'keys:',
      '  - name: pp_live_abcdefghijk0123456789012345',
      '    key: abcdefghij_abcdefghij_01',
    ],
    problems: [
      '3:11: error: keys[0].name: the name looks like a key itself: names are shown in logs (choose another name)',
    ],
  },
  {
    name: 'a key that is the admin token',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'admin: { token: abcdefghij_abcdefghij_01 }',
      'keys:',
      '  - name: acme',
      '    key: abcdefghij_abcdefghij_01',
    ],
    problems: [
      '5:10: error: keys[0].key: the same text as admin.token (a caller must not hold the admin token)',
    ],
  },
  {
    name: 'keys as a map',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'keys:',
      '  acme: { key: abcdefghij_abcdefghij_01 }',
    ],
    problems: ['3:3: error: keys: found a map, expected a list'],
  },
  {
    name: 'a day that is none',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'keys:',
      '  - name: acme',
      '    key: abcdefghij_abcdefghij_01',
      '    expires: 2027-02-30',
    ],
    problems: [
      '5:14: error: keys[0].expires: found "2027-02-30", expected a date such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z',
    ],
  },
  {
    name: 'a quota of nothing',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'keys:',
      '  - name: acme',
      '    key: abcdefghij_abcdefghij_01',
      '    quota: { period: day }',
    ],
    problems: ['5:5: error: keys[0].quota: the quota has neither requests nor cost (add requests: 1000000)'],
  },
  {
    name: 'a quota of both',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'keys:',
      '  - name: acme',
      '    key: abcdefghij_abcdefghij_01',
      '    quota: { requests: 5, cost: 5, period: day }',
    ],
    problems: ['5:27: error: keys[0].quota.cost: the quota has both requests and cost (keep one)'],
  },
  {
    name: 'a quota by the week',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'keys:',
      '  - name: acme',
      '    key: abcdefghij_abcdefghij_01',
      '    quota: { requests: 5, period: week }',
    ],
    problems: ['5:35: error: keys[0].quota.period: found "week", expected day or month'],
  },
  {
    name: 'a key’s limit for a group that is not defined',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'keys:',
      '  - name: acme',
      '    key: abcdefghij_abcdefghij_01',
      '    limits:',
      '      groups: { logs: { requests: 5, period: 1s } }',
    ],
    problems: [
      '6:17: error: keys[0].limits.groups.logs: no group logs in methods.groups (no groups are defined: methods.groups)',
    ],
  },
  {
    name: 'a weight of nothing',
    yaml: ['upstreams:', '  - url: http://127.0.0.1:8545', '    weight: 0'],
    problems: ['3:13: error: upstreams[0].weight: found 0, expected a number from 0.01 to 1000'],
  },
  {
    name: 'an unknown tier',
    yaml: ['upstreams:', '  - url: http://127.0.0.1:8545', '    tier: backup'],
    problems: ['3:11: error: upstreams[0].tier: found "backup", expected primary or fallback'],
  },
  {
    name: 'an own CA that is not there',
    yaml: ['upstreams:', '  - url: https://node.internal', '    tls: { ca: ca.pem }'],
    problems: ['3:16: error: upstreams[0].tls.ca: cannot read /nowhere/ca.pem: no such file'],
  },
  {
    name: 'an own CA for http',
    yaml: ['upstreams:', '  - url: http://127.0.0.1:8545', '    tls: { ca: /dev/null }'],
    problems: [
      '3:5: error: upstreams[0].tls: the URL is http: no TLS is spoken with this node (write https:// in url)',
      '3:16: error: upstreams[0].tls.ca: /dev/null holds no PEM certificate',
    ],
  },
  {
    name: 'TLS without a CA',
    yaml: ['upstreams:', '  - url: https://node.internal', '    tls: {}'],
    problems: [
      '3:5: error: upstreams[0].tls.ca: is missing (expected the path of a file, absolute or from the config’s folder)',
    ],
  },
  {
    name: 'basic and bearer',
    yaml: [
      'upstreams:',
      '  - url: https://node.internal',
      '    auth: { bearer: hunter2, basic: { user: a, password: hunter2 } }',
    ],
    problems: ['3:5: error: upstreams[0].auth: both basic and bearer are given (keep one)'],
  },
  {
    name: 'auth of nothing',
    yaml: ['upstreams:', '  - url: https://node.internal', '    auth: {}'],
    problems: [
      '3:5: error: upstreams[0].auth: neither basic nor bearer is given (add bearer: ${A_VARIABLE})',
    ],
  },
  {
    name: 'auth beside the URL',
    yaml: ['upstreams:', '  - url: https://me:hunter2@node.internal', '    auth: { bearer: hunter2 }'],
    problems: ['3:5: error: upstreams[0].auth: credentials are given both here and in the URL (keep one)'],
  },
  {
    name: 'auth beside a header',
    yaml: [
      'upstreams:',
      '  - url: https://node.internal',
      '    auth: { bearer: hunter2 }',
      '    headers: { Authorization: hunter2 }',
    ],
    problems: ['4:5: error: upstreams[0].headers: authorization is given both here and in auth (keep one)'],
  },
  {
    name: 'an empty bearer',
    yaml: ['upstreams:', '  - url: https://node.internal', '    auth: { bearer: "${EMPTY:-}" }'],
    problems: [
      '3:21: error: upstreams[0].auth.bearer: found ${EMPTY} (text of 0 characters), expected 1 to 4096 visible ASCII characters',
    ],
  },
  {
    name: 'a bearer with a space',
    yaml: ['upstreams:', '  - url: https://node.internal', '    auth:', '      bearer: "hunter2 hunter2"'],
    problems: [
      '4:15: error: upstreams[0].auth.bearer: found text of 15 characters, expected 1 to 4096 visible ASCII characters',
    ],
  },
  {
    name: 'a user with a colon',
    yaml: [
      'upstreams:',
      '  - url: https://node.internal',
      '    auth: { basic: { user: "a:hunter2", password: x } }',
    ],
    problems: [
      '3:28: error: upstreams[0].auth.basic.user: found text of 9 characters, expected at most 1024 characters without a colon',
    ],
  },
  {
    name: 'basic without a password',
    yaml: ['upstreams:', '  - url: https://node.internal', '    auth: { basic: { user: a } }'],
    problems: [
      '3:13: error: upstreams[0].auth.basic.password: is missing (expected at most 1024 characters)',
    ],
  },
  {
    name: 'a budget below nothing',
    yaml: ['upstreams:', '  - url: http://127.0.0.1:8545', '    requests_per_second: -1'],
    problems: [
      '3:26: error: upstreams[0].requests_per_second: found -1, expected a number from 0 to 10000000',
    ],
  },
  {
    name: 'an unknown part',
    yaml: ['upstreams:', '  - url: http://127.0.0.1:8545', '    lacks: [traces]'],
    problems: [
      '3:13: error: upstreams[0].lacks[0]: found "traces", expected archive, trace or debug (did you mean trace?)',
    ],
  },
  {
    name: 'a pattern allowed and denied',
    yaml: [
      'upstreams:',
      '  - url: http://127.0.0.1:8545',
      '    methods: { allowed: [eth_*], denied: [eth_*] }',
      '  - url: http://127.0.0.1:8546',
    ],
    problems: ['3:43: error: upstreams[0].methods.denied[0]: eth_* is allowed and denied (keep one)'],
  },
  {
    name: 'HTTP/2 in mode pipelined',
    yaml: ['upstreams:', '  - url: http://127.0.0.1:8545', '    http2: true', '    mode: pipelined'],
    problems: [
      '4:11: error: upstreams[0].mode: HTTP/2 carries calls side by side without it: pipelined is of HTTP/1.1 (set mode: single)',
    ],
  },
  {
    name: 'only fallback upstreams',
    yaml: ['upstreams:', '  - url: http://127.0.0.1:8545', '    tier: fallback'],
    problems: [
      '3:11: error: upstreams[0].tier: network default has fallback upstreams only (leave tier out where it is the one to call)',
    ],
  },
  {
    name: 'a max_wait of minutes',
    yaml: [
      'upstreams:',
      '  - url: http://127.0.0.1:8545',
      '    mode: batched',
      '    batch: { max_wait: 1m }',
    ],
    problems: [
      '4:24: error: upstreams[0].batch.max_wait: found "1m", expected a duration from 0 to 1s (the most is 1s)',
    ],
  },
  {
    name: 'a chain id that is text',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'chain_id: mainnet'],
    problems: ['2:11: error: chain_id: found "mainnet", expected a chain id such as 1'],
  },
  {
    name: 'a chain id of a generic network',
    yaml: [
      'networks:',
      '  a:',
      '    kind: generic',
      '    upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'chain_id: 5',
    ],
    problems: [
      '5:11: error: chain_id: kind: generic has no chain id to check (leave it out, or set kind: ethereum)',
    ],
  },
  {
    name: 'an unknown kind',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'kind: evm'],
    problems: ['2:7: error: kind: found "evm", expected ethereum or generic'],
  },
  {
    name: 'checks too often',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'health: { interval: 10ms }'],
    problems: ['2:21: error: health.interval: shorter than 100ms (write 100ms or more, or 0 for no checks)'],
  },
  {
    name: 'a health call without a method',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'health: { call: { params: [] } }'],
    problems: ['2:11: error: health.call.method: is missing (expected a method name)'],
  },
  {
    name: 'a health call with params that are none',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'health: { call: { method: getHealth, params: "[1" } }',
    ],
    problems: ['2:46: error: health.call.params: found "[1", expected a list or a map of params'],
  },
  {
    name: 'a health call of a pattern',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'health: { call: { method: get*, params: [] } }'],
    problems: ['2:27: error: health.call.method: found "get*", expected a method name'],
  },
  {
    name: 'a failure rate of nothing',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'breaker: { failure_rate: 0% }'],
    problems: [
      '2:26: error: breaker.failure_rate: found "0%", expected a share such as 1% or 0.01, from 1% to 100%',
    ],
  },
  {
    name: 'a backoff beyond its bound',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'retry: { backoff: 2s }'],
    problems: ['2:19: error: retry.backoff: longer than max_backoff (raise max_backoff)'],
  },
  {
    name: 'a budget of two',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'retry: { budget: 200% }'],
    problems: ['2:18: error: retry.budget: found "200%", expected a share such as 1% or 0.01, from 0 to 1'],
  },
  {
    name: 'a hedge that ends before it begins',
    yaml: [
      'networks:',
      '  a:',
      '    hedge: { enabled: true, min_delay: 1s }',
      '    upstreams: [{ url: "http://127.0.0.1:8545" }, { url: "http://127.0.0.1:8546" }]',
      'hedge: { max_delay: 500ms }',
    ],
    problems: ['3:40: error: networks.a.hedge.min_delay: longer than max_delay (raise max_delay)'],
  },
  {
    name: 'a hedge after all',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'hedge: { quantile: 100% }'],
    problems: [
      '2:20: error: hedge.quantile: found "100%", expected a share such as 1% or 0.01, from 50% to 99.9%',
    ],
  },
  {
    name: 'everything in reserve',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'shed: { reserve: 100% }'],
    problems: [
      '2:18: error: shed.reserve: found "100%", expected a share such as 1% or 0.01, from 0% to 90%',
    ],
  },
  {
    name: 'an entry larger than the cache',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'cache: { max_bytes: 1MiB, max_entry_bytes: 2MiB }',
    ],
    problems: ['2:44: error: cache.max_entry_bytes: more than max_bytes, the whole cache'],
  },
  {
    name: 'a shared cache without Redis',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'cache: { shared: true }'],
    problems: [
      '2:18: error: cache.shared: there is no Redis to share by (give redis: redis://host:6379, or leave it out)',
    ],
  },
  {
    name: 'a cache of a time without a unit',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'cache: { methods: { eth_call: 5 } }'],
    problems: [
      '2:31: error: cache.methods.eth_call: found 5, expected off, forever or a duration up to 365d (add a unit, such as 5s)',
    ],
  },
  {
    name: 'a cache of a write',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'cache: { methods: { eth_sendRawTransaction: 5s } }',
    ],
    problems: [
      '2:21: error: cache.methods.eth_sendRawTransaction: fits eth_sendRawTransaction, eth_send*: what changes something is answered once for each call (name the reads only)',
    ],
  },
  {
    name: 'a cache of writes among reads',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'cache:', '  methods: { eth_get*: 5s }'],
    problems: [
      '3:14: error: cache.methods.eth_get*: fits eth_getFilterChanges: what changes something is answered once for each call (name the reads only, or add "eth_getFilterChanges": off)',
    ],
  },
  {
    name: 'a cache of a method that config calls unsafe',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'methods: { unsafe: [acme_*] }',
      'cache: { methods: { acme_get: forever } }',
    ],
    problems: [
      '3:21: error: cache.methods.acme_get: fits acme_*: what changes something is answered once for each call (name the reads only)',
    ],
  },
  {
    name: 'an unknown key of a network’s section',
    yaml: [
      'networks:',
      '  a:',
      '    retry: { attemps: 2 }',
      '    upstreams: [{ url: "http://127.0.0.1:8545" }]',
    ],
    problems: ['3:14: error: networks.a.retry.attemps: unknown key "attemps" (did you mean attempts?)'],
  },
  {
    name: 'a wrong value in a network’s section',
    yaml: [
      'networks:',
      '  a:',
      '    retry:',
      '      attempts: 0',
      '    upstreams: [{ url: "http://127.0.0.1:8545" }]',
    ],
    problems: ['4:17: error: networks.a.retry.attempts: found 0, expected a whole number from 1 to 10'],
  },
  {
    name: 'a retry section that is a number',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'retry: 3'],
    problems: ['2:8: error: retry: found 3, expected a map'],
  },
  {
    name: 'a sink of no kind',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'events:',
      '  sinks:',
      '    - { name: a, type: webhok }',
      '    - { name: b }',
      '    - webhook',
    ],
    problems: [
      '4:24: error: events.sinks[0].type: found "webhok", expected webhook, stdout, database, redis-stream, slack, discord, pagerduty, email or module (did you mean webhook?)',
      '5:7: error: events.sinks[1].type: is missing (expected webhook, stdout, database, redis-stream, slack, discord, pagerduty, email or module)',
      '6:7: error: events.sinks[2]: found "webhook", expected a map',
    ],
  },
  {
    name: 'sinks with wrong fields',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'events:',
      '  sinks:',
      '    - { name: a, type: stdout, url: "https://example.com" }',
      '    - name: b',
      '      type: webhook',
      '      url: https://user:hunter2@example.com/',
      '      events: [quota.*, ip.baned]',
      '      secrets: [whsec_c2hvcnQ=]',
      '      rate: -1',
    ],
    problems: [
      '4:32: error: events.sinks[0].url: unknown key "url" (known here: type, name, events, min_severity, keys, users, concurrency, rate, timeout, retries)',
      '7:12: error: events.sinks[1].url: found text of 33 characters, expected a URL such as https://example.com/hooks (give credentials in headers)',
      '8:25: error: events.sinks[1].events[1]: found "ip.baned", expected a type of event (rate_limit.exceeded, burst.used, burst.depleted, method.blocked, quota.warning, quota.exceeded, config.reloaded, ip.banned, ip.unbanned, upstream.down, upstream.up, redis.down, redis.up, alert.firing, alert.resolved) or a pattern such as quota.* (did you mean ip.banned?)',
      '9:17: error: events.sinks[1].secrets[0]: found text of 14 characters, expected whsec_ and base64 of 24 to 64 bytes, or whsk_ and base64 of an ed25519 private key (it holds 5 bytes after whsec_)',
      '10:13: error: events.sinks[1].rate: found -1, expected a number from 0 to 100000',
    ],
  },
  {
    name: 'two sinks of one name, and a table without a database',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'store: none',
      'events:',
      '  sinks:',
      '    - { name: a, type: stdout }',
      '    - { name: a, type: database }',
    ],
    problems: [
      '6:15: error: events.sinks[1].name: a is the sink at line 5 already (give each a name of its own)',
      '6:24: error: events.sinks[1].type: there is no database: store is none (set store: sqlite)',
    ],
  },
  {
    name: 'a cached share of two',
    yaml: ['upstreams: [{ url: "http://127.0.0.1:8545" }]', 'limits: { charge_cached: 2 }'],
    problems: [
      '2:26: error: limits.charge_cached: found 2, expected a share such as 1% or 0.01, from 0 to 1',
    ],
  },
  {
    name: 'alerts that cannot be read',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'alerts:',
      '  - { name: a, when: refuse_ratio > 0.2 }',
      '  - { name: b, when: latency_p99 > 2 for 1m }',
      '  - { name: c }',
    ],
    problems: [
      '3:22: error: alerts[0].when: unknown metric "refuse_ratio" (did you mean refused_ratio? known: refused_ratio, error_ratio, latency_p50, latency_p99, calls_per_second, quota_used, spend_forecast, upstreams_down, journal_lag)',
      '4:22: error: alerts[1].when: found "2" as the threshold of latency_p99, expected a duration (add a unit, such as 2s)',
      '5:5: error: alerts[2].when: is missing (expected a condition such as refused_ratio > 0.2 for 5m)',
    ],
  },
  {
    name: 'alerts that ask for what is not there',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'store: none',
      'alerts:',
      '  - { name: a, when: latency_p50 > 20ms, network: default, sinks: [team] }',
      '  - { name: a, when: spend_forecast > 5 }',
      '  - { name: c, when: spend_forecast > 5, user: me@example.com }',
      '  - { name: d, when: upstreams_down > 0, network: mainet, user: me@example.com }',
    ],
    problems: [
      '4:51: error: alerts[0].network: latency_p50 is not counted by network (leave it out)',
      '4:68: error: alerts[0].sinks[0]: there is no sink team (events.sinks is empty)',
      '5:13: error: alerts[1].name: a is the alert at line 4 already (give each a name of its own)',
      '5:22: error: alerts[1].when: spend_forecast is of one user (add user: with an e-mail address or id)',
      '6:22: error: alerts[2].when: there is no ledger: store is none (set store: sqlite)',
      '7:51: error: alerts[3].network: there is no network mainet (networks: default)',
      '7:65: error: alerts[3].user: upstreams_down is not counted by user (leave it out)',
    ],
  },
  {
    name: 'sinks that cannot be read',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'events:',
      '  sinks:',
      '    - { name: a, type: pagerduty, routing_key: sesame-0451 }',
      '    - { name: b, type: slack, url: "ftp://chat.example/sesame-0451" }',
      '    - { name: c, type: redis-stream, url: "redis://:sesame@127.0.0.1/events" }',
      '    - { name: d, type: module, path: sink.py, settings: [1] }',
      '    - { name: e, type: email, url: "https://mail.example", body: "{{titel}}" }',
      '    - { name: f, type: teams }',
    ],
    problems: [
      '4:48: error: events.sinks[0].routing_key: found text of 11 characters, expected an integration key of 32 letters and digits',
      '5:36: error: events.sinks[1].url: found text of 30 characters, expected a URL such as https://hooks.example.com/services/…',
      '6:43: error: events.sinks[2].url: found text of 32 characters, expected a URL such as redis://127.0.0.1:6379',
      '7:38: error: events.sinks[3].path: found "sink.py", expected the path of a JavaScript or TypeScript module, such as ./my-sink.js',
      '7:57: error: events.sinks[3].settings: found a list, expected a map',
      '8:66: error: events.sinks[4].body: unknown placeholder {{titel}} (did you mean {{title}}? known: title, text, html, title_html, text_html, event, id, type, subject, severity, tenant, time, sequence, source)',
      '9:24: error: events.sinks[5].type: found "teams", expected webhook, stdout, database, redis-stream, slack, discord, pagerduty, email or module',
    ],
  },
  {
    name: 'a mail that is no JSON',
    yaml: [
      'upstreams: [{ url: "http://127.0.0.1:8545" }]',
      'events:',
      '  sinks:',
      '    - { name: a, type: email, url: "https://mail.example", body: "{{title}}" }',
    ],
    problems: [
      '4:66: error: events.sinks[0].body: is no JSON with its placeholders filled in (each placeholder stands inside quotes: "subject": "{{title}}")',
    ],
  },
];

/** The values of the first two are secrets in the wrong place: no message may show them. */
export const badConfigEnvironment = {
  BAD_DURATION: 'sesame-open-0451',
  SHORT_KEY: 'sesame-0451',
  LISTEN: '127.0.0.1:0',
};
