import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Context, freePort } from '../context.ts';
import { type Server, whenReady } from './server.ts';

/** One nginx worker that does this job: limit by key, proxy over kept connections, no access log. */
export async function startNginx(context: Context, upstreamPort: number): Promise<Server> {
  const port = await freePort();
  const prefix = join(context.directory, 'nginx');
  mkdirSync(prefix);
  writeFileSync(join(prefix, 'nginx.conf'), config(port, upstreamPort));
  const args = ['-p', prefix, '-e', join(prefix, 'error.log'), '-c', 'nginx.conf', '-g', 'daemon off;'];
  const started = context.processes.start('nginx', 'nginx', args, context.cores.proxy);
  return whenReady(started, port);
}

const config = (port: number, upstreamPort: number) => `
worker_processes 1;
pid nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;

  limit_req_zone $http_x_api_key zone=keys:10m rate=1000000r/s;
  limit_req_status 429;

  upstream node {
    server 127.0.0.1:${upstreamPort};
    keepalive 128;
    keepalive_requests 1000000000;
    keepalive_timeout 300s;
  }

  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      limit_req zone=keys burst=100000 nodelay;
      proxy_pass http://node;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`;
