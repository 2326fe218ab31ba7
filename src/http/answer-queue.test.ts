import * as fc from 'fast-check';
import type { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { AnswerQueue } from './answer-queue.ts';
import { LaneReply } from './lane-reply.ts';

function createSink(): { socket: Socket; written: () => string } {
  let text = '';
  const write = (part: string | Buffer): boolean => {
    text += typeof part === 'string' ? part : part.toString('latin1');
    return true;
  };
  return { socket: { write, cork() {}, uncork() {} } as unknown as Socket, written: () => text };
}

it('answers made in any order, as text or bytes, leave in the order of their requests', () => {
  const order = fc.uniqueArray(fc.nat({ max: 19 }), { minLength: 20, maxLength: 20 });
  fc.assert(
    fc.property(order, fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }), (places, inBytes) => {
      const queue = new AnswerQueue();
      const sink = createSink();
      const answered = (length: number): void => {
        queue.made(length);
        queue.collect();
      };
      const owner = { gone: false, endsWith: () => false, answered };
      const replies = Array.from({ length: 20 }, () => new LaneReply(owner));
      for (const reply of replies) queue.push(reply);
      let bytes = 0;
      for (const [k, place] of places.entries()) {
        const body = `<${place}>`;
        replies[place]!.send(200, '', inBytes[place] ? Buffer.from(body) : body);
        if (k % 3 === 0) bytes += queue.write(sink.socket);
      }
      bytes += queue.write(sink.socket);
      expect(sink.written().match(/<\d+>/g)).toEqual(replies.map((_, k) => `<${k}>`));
      expect(bytes).toBe(sink.written().length);
      expect(queue).toMatchObject({ waiting: 0, heldBytes: 0 });
    }),
  );
});

it('a second answer to one request is none', () => {
  const queue = new AnswerQueue();
  const sink = createSink();
  const reply = new LaneReply({ gone: false, endsWith: () => true, answered: () => queue.collect() });
  queue.push(reply);
  reply.send(204, 'X: y\r\n', '');
  reply.send(200, '', 'more');
  queue.write(sink.socket);
  expect(sink.written()).toMatch(
    /^HTTP\/1\.1 204 No Content\r\nDate: [^\r]+ GMT\r\nX: y\r\nConnection: close\r\n\r\n$/,
  );
});
