import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { withCertificate } from '../framing/certificate.ts';
import { inParallel, type Target } from '../framing/connection.ts';
import { type Program, startProgram } from '../program.ts';
import { quiet } from '../quiet.ts';
import { answerOf, call, callOf, faults, latin1, maxBodyBytes, served, splitAt } from './frame-cases.ts';
import { closeFrame, codeOf, type Frame, fragments, frame, opcodes } from './frames.ts';
import { openRaw, type RawSocket, upgradeRequest } from './raw-socket.ts';
import { socketsOpen } from './open-sockets.ts';

const { text, binary, close, ping } = opcodes;

let node: FakeUpstream;
const programs = new Map<boolean, Program>();
beforeAll(async () => {
  node = await startFakeUpstream();
  const start = (tls?: object): Promise<Program> =>
    startProgram({
      config: {
        ...quiet,
        server: { workers: 1, max_body_bytes: `${maxBodyBytes}B`, tls },
        limits: { default: 'none' },
        upstreams: [{ url: node.url }],
      },
    });
  programs.set(false, await start());
  programs.set(true, await withCertificate(start));
});
afterAll(async () => {
  await Promise.all([...programs.values()].map((program) => program.stop()));
  await node.close();
});

const told = (frames: (Frame | undefined)[]): string[] =>
  frames.map((each) => (each === undefined ? 'end' : `${each.opcode} ${each.payload.toString('latin1')}`));

/** An error is told by its code alone. */
function briefly({ opcode, payload }: Frame): string {
  const said = payload.toString('latin1');
  const code = /"error":\{"code":(-?\d+)/.exec(said)?.[1];
  return `${opcode} ${code ?? said}`;
}

describe.each([
  ['plain', false],
  ['TLS', true],
])('%s', (_name, tls) => {
  const target = (): Target => ({ port: programs.get(tls)!.port, tls });
  const opened: RawSocket[] = [];
  const connect = async (pieces?: Buffer[]): Promise<RawSocket> => {
    const raw = await openRaw(target(), pieces);
    opened.push(raw);
    return raw;
  };
  it('the handshake is answered as RFC 6455 says, 1.3', async () => {
    const { head } = await connect();
    expect(head).toMatch(/^HTTP\/1\.1 101 /);
    expect(head).toMatch(/^Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=$/im);
    expect(head).not.toMatch(/^Sec-WebSocket-(?:Extensions|Protocol):/im);
  });

  it.each(faults)('%s closes with %i', async (_what, code, bytes) => {
    const raw = await connect();
    raw.write(Buffer.concat(bytes));
    // Whatever is said after a fault is heard by nobody.
    raw.write(frame(text, call('after the fault')));
    const frames = await raw.rest();
    expect(frames.map(({ opcode }) => opcode)).toEqual([close]);
    expect(codeOf(frames[0]!)).toBe(code);
    expect(node.bodies.filter((body) => body.includes('after the fault'))).toEqual([]);
  });

  it.each(served)('%s is served', async (_what, bytes, answers) => {
    const raw = await connect();
    raw.write(Buffer.concat(bytes));
    const frames: Frame[] = [];
    for (let k = 0; k < answers.length; k++) frames.push((await raw.next())!);
    expect(frames.map(briefly)).toEqual(answers);
    for (const each of frames) expect(each).toMatchObject({ fin: true, reserved: 0, masked: false });
    raw.socket.destroy();
  });

  it.each([1000, 1001, 1003, 1007, 1011, 1014, 3000, 4000, 4999])(
    'a close with %i is answered with the same code, and the connection ends',
    async (code) => {
      const raw = await connect();
      raw.write(closeFrame(code, 'à bientôt'));
      const frames = await raw.rest();
      expect(frames.map(({ opcode }) => opcode)).toEqual([close]);
      expect(codeOf(frames[0]!)).toBe(code);
    },
  );

  it('a close without a code is answered with one without a code', async () => {
    const raw = await connect();
    raw.write(closeFrame());
    expect(told(await raw.rest())).toEqual(['8 ']);
  });

  it('what comes after a close is not heard', async () => {
    const raw = await connect();
    raw.write(Buffer.concat([closeFrame(1000), frame(text, call('after the close')), frame(ping, 'p')]));
    expect((await raw.rest()).map(({ opcode }) => opcode)).toEqual([close]);
    expect(node.bodies.filter((body) => body.includes('after the close'))).toEqual([]);
  });

  it('an end without a close frame ends the socket', async () => {
    const raw = await connect();
    raw.write(frame(ping, 'p'));
    expect(told([await raw.next()])).toEqual(['10 p']);
    raw.socket.end();
    await raw.rest();
    expect(raw.socket.readableEnded || raw.socket.destroyed).toBe(true);
  });

  it('a client that has ended its side after its close frame still gets ours', async () => {
    const raw = await connect();
    raw.socket.end(closeFrame(1000));
    const frames = await raw.rest();
    expect(frames.map(codeOf)).toEqual([1000]);
  });

  it('an end in the middle of a frame ends the socket', async () => {
    const raw = await connect();
    raw.socket.end(frame(text, call('a')).subarray(0, 20));
    await raw.rest();
    expect(raw.frames.filter(({ opcode }) => opcode === text)).toEqual([]);
  });

  it('frames that come with the upgrade request are served', async () => {
    const raw = await connect([
      Buffer.concat([upgradeRequest(), frame(ping, 'early'), frame(text, call('early')), closeFrame(1000)]),
    ]);
    const frames = await raw.rest();
    expect(frames[0]!.payload.toString()).toBe('early');
    expect(codeOf(frames.at(-1)!)).toBe(1000);
    const second = await connect([Buffer.concat([upgradeRequest(), frame(text, call('early'))])]);
    expect(told([await second.next()])).toEqual([`1 ${answerOf('early')}`]);
  });

  it('wherever a connection is cut into packets, it is understood the same', async () => {
    const request = upgradeRequest();
    const whole = Buffer.concat([
      request,
      frame(ping, 'p'),
      ...fragments(text, splitAt(call('split é'), 'é')),
      frame(binary, callOf(130)),
    ]);
    const expected = [
      '10 p',
      `1 ${latin1(answerOf('split é'))}`,
      `1 ${answerOf('x'.repeat(130 - call('').length))}`,
    ];
    const check = async (pieces: Buffer[]): Promise<void> => {
      const raw = await openRaw(target(), pieces);
      const frames = [await raw.next(), await raw.next(), await raw.next()];
      raw.write(closeFrame(1000));
      const rest = await raw.rest();
      raw.socket.destroy();
      // Two calls at once: answers come as they are ready.
      expect(told(frames).toSorted()).toEqual(expected.toSorted());
      expect(rest.map(codeOf)).toEqual([1000]);
    };
    const places = Array.from({ length: whole.length - 1 }, (_, k) => k + 1);
    await inParallel(places, 16, (at) => check([whole.subarray(0, at), whole.subarray(at)]));
    await check([...whole].map((byte) => Buffer.of(byte)));
  });

  it('a client that never answers our close frame is dropped, and nothing is left of any of them', async () => {
    for (const { socket } of opened) socket.destroy();
    const program = programs.get(tls)!;
    const raw = await connect();
    raw.write(frame(text, call('a'), { masked: false }));
    // We end our side at once, and the rest after the time a client has to answer.
    expect((await raw.rest()).map(codeOf)).toEqual([1002]);
    await expect.poll(() => socketsOpen(program), { timeout: 8000 }).toBe(0);
    raw.socket.destroy();
    const after = await connect();
    after.write(frame(text, call('after')));
    expect(told([await after.next()])).toEqual([`1 ${answerOf('after')}`]);
    after.socket.destroy();
    expect(program.logs().filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  });
});
