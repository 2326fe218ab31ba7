import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeGateways, startTestGateway } from '../../src/gateway/testing/gateway.ts';
import { type FakeUpstream, startFakeUpstream } from '../fakes/upstream.ts';
import { type Program, startProgram } from '../program.ts';
import { withCertificate } from './certificate.ts';
import { exchange, inParallel, type Target } from './connection.ts';
import { createCorpus } from './corpus.ts';
import { judgeAnswers, judgeNode } from './judge.ts';
import { quiet } from '../quiet.ts';

interface Subject extends Target {
  node: FakeUpstream;
  close(): Promise<unknown>;
}

const config = {
  ...quiet,
  limits: { default: 'none' },
  // What the node is asked is counted: no checks among it.
  server: { workers: 1, header_timeout: '3s', request_timeout: '4s' },
};

async function program(tls: boolean): Promise<Subject> {
  const node = await startFakeUpstream();
  const start = (tlsFiles?: object): Promise<Program> =>
    startProgram({
      config: { ...config, server: { ...config.server, tls: tlsFiles }, upstreams: [{ url: node.url }] },
    });
  const running = await (tls ? withCertificate(start) : start());
  // The program looked whether the node is itself.
  node.bodies.length = node.heads.length = 0;
  return { node, port: running.port, tls, close: () => Promise.all([running.stop(), node.close()]) };
}

async function withOwnReads(): Promise<Subject> {
  const gateway = await startTestGateway(config, { sharedReads: false });
  return { node: gateway.node, port: gateway.port, close: closeGateways };
}

describe.each<[string, () => Promise<Subject>]>([
  ['plain, reading into one buffer', () => program(false)],
  ['plain, each socket with its own reads', withOwnReads],
  ['TLS', () => program(true)],
])('hostile requests: %s', (_name, start) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await start();
  });
  afterAll(() => subject.close());

  it('runs the calls that were authorised and no other', async () => {
    const corpus = createCorpus();
    expect(corpus.length).toBeGreaterThan(500);
    const complaints: string[] = [];
    await inParallel(corpus, 24, async (each) => {
      const wrong = await exchange(subject, each.pieces)
        .then((text) => judgeAnswers(each, text))
        .catch((error: Error) => [error.message]);
      complaints.push(...wrong.map((complaint) => `${each.name}: ${complaint}`));
    });
    complaints.push(...judgeNode(corpus, subject.node));
    expect(complaints).toEqual([]);
  });
});
