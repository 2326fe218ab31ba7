import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Anvil, noAnvil } from '../anvil.ts';
import { type Program, startProgram } from '../program.ts';
import { modes } from './modes.ts';
import { postAll } from './raw-client.ts';
import { post, startRecordedChain } from './record.ts';
import { quiet } from '../quiet.ts';

describe.skipIf(noAnvil)(`a real node's answers, byte for byte${noAnvil ? `: ${noAnvil}` : ''}`, () => {
  let anvil: Anvil;
  let program: Program;
  let bodies: string[];
  let direct: string[];

  beforeAll(async () => {
    const chain = await startRecordedChain();
    ({ anvil, bodies } = chain);
    direct = [];
    for (const body of bodies) direct.push(await post(anvil.url, body));
    const networks = modes.map((mode) => [mode, { path: `/${mode}`, upstreams: [{ url: anvil.url, mode }] }]);
    program = await startProgram({
      config: {
        ...quiet,
        networks: Object.fromEntries(networks) as object,
        methods: { cheap: ['*'] },
        limits: { default: 'none' },
      },
    });
  });
  afterAll(async () => {
    await program?.stop();
    await anvil?.stop();
  });

  test.each(modes)('%s: as without the gateway', async (mode) => {
    const answers = await postAll(program.port, bodies, { path: `/${mode}` });
    expect(answers.map(({ body }) => body)).toEqual(direct);
    const [batch] = await postAll(program.port, [`[${bodies.join(',')}]`], { path: `/${mode}` });
    expect(batch?.body).toBe(`[${direct.join(',')}]`);
  });

  test('its errors are the node’s own, with their data', () => {
    expect(direct.some((answer) => answer.includes('"code":3,'))).toBe(true);
    expect(bodies.length).toBeLessThanOrEqual(100);
  });
});
