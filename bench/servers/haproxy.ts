import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Context, freePort } from '../context.ts';
import { type Server, whenReady } from './server.ts';

/** One haproxy thread that does this job: a stick table counts by key, connections to the node are reused. */
export async function startHaproxy(context: Context, upstreamPort: number): Promise<Server> {
  const port = await freePort();
  const file = join(context.directory, 'haproxy.cfg');
  writeFileSync(file, config(port, upstreamPort));
  const started = context.processes.start('haproxy', 'haproxy', ['-db', '-f', file], context.cores.proxy);
  return whenReady(started, port);
}

const config = (port: number, upstreamPort: number) => `
global
  nbthread 1
  maxconn 4096

defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 60s
  http-reuse always

frontend calls
  bind 127.0.0.1:${port} backlog 4096
  stick-table type string len 64 size 100k expire 10s store http_req_rate(1s)
  http-request track-sc0 req.hdr(X-API-Key)
  http-request deny deny_status 429 if { sc_http_req_rate(0) gt 1000000 }
  default_backend node

backend node
  server node 127.0.0.1:${upstreamPort}
`;
