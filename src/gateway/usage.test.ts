import { afterEach, describe, expect, it } from 'vitest';
import { callText, send } from './testing/client.ts';
import { closeGateways, startTestGateway } from './testing/gateway.ts';

afterEach(closeGateways);

describe('usage', () => {
  it('counts every answer that a caller received, before it received it', async () => {
    const gateway = await startTestGateway(
      { limits: { default: 'none' } },
      {
        vice: {
          request(x) {
            const failing = x.body.includes('"bad"');
            const id = /"id":(\d+)/.exec(x.body)?.[1];
            x.send(
              x.http(failing ? `{"jsonrpc":"2.0","id":${id},"error":{"code":3,"message":"no"}}` : x.answer),
            );
          },
        },
      },
    );
    const results = () => gateway.counted('allowed') - gateway.counted('failed') - gateway.counted('errors');
    for (let k = 1; k <= 20; k++) {
      await gateway.call(k % 4 === 0 ? 'bad' : 'm');
      expect(results() + gateway.counted('errors')).toBe(k);
    }
    await gateway.send({ body: `[${callText('m', '1')},${callText('bad', '2')},${callText('m', '3')}]` });
    expect([results(), gateway.counted('errors')]).toEqual([17, 6]);
    await Promise.all(Array.from({ length: 50 }, () => send(gateway.port, { body: callText() })));
    expect(results()).toBe(67);
    expect(gateway.counted('allowed')).toBe(73);
  });
});
