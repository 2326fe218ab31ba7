import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';

/**
 * A receiver of webhooks for test_advanced.sh, as a customer would write one: it verifies with the library of the standard's
 * authors and the secret of argv[2], and prints of each delivery `verified` or `forged`, the status it answered, the event's id and
 * the event. The first argv[3] deliveries are answered with 500, so that they have to come again. Its address is its first line.
 */
const [, , secret, refusals = '0'] = process.argv;
if (secret === undefined) throw new Error('usage: webhook-receiver SECRET [REFUSALS]');
const webhook = new Webhook(secret);
let refuse = Number(refusals);

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (text: string) => (body += text));
  request.on('end', () => {
    const headers = request.headers as Record<string, string>;
    const status = verifies(body, headers) ? (refuse-- > 0 ? 500 : 204) : 401;
    console.log(
      `${status === 401 ? 'forged' : 'verified'} ${status} ${headers['webhook-id'] ?? 'no-id'} ${body}`,
    );
    response.writeHead(status).end();
  });
});

function verifies(body: string, headers: Record<string, string>): boolean {
  try {
    webhook.verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') console.log(`http://127.0.0.1:${address.port}`);
});
