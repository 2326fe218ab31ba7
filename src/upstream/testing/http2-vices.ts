import { constants, type OutgoingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import { batchVices, type FakeExchange, type Vice, vices } from '../../../test/fakes/upstream.ts';
import type { Http2Request, Http2Vice } from './http2-node.ts';

type Entry = { vice: Http2Vice; answers: 'never' | 'always' | 'sometimes' };

/** Those of HTTP/1.1 that are in what is said, or when, rather than in its framing. */
const shared = [
  'never answers',
  'closes without an answer',
  'resets without an answer',
  'truncates the body',
  'resets in the body',
  'hangs in the body',
  'announces too large an answer',
  'sends too large an answer',
  'counts too few bytes',
  'counts too many bytes',
  'answers with another id',
  'answers with the id as a string',
  'answers with the id as a fraction',
  'answers without an id',
  'answers with id null and an error',
  'puts the id in twice',
  'answers with HTML',
  'answers 502 with HTML',
  'answers 500 with a right answer',
  'answers 200 with garbage',
  'answers with nothing',
  'answers with invalid UTF-8',
  'answers with result and error',
  'says it is compressed',
];

function reset(code: number): Http2Vice {
  return (x) => x.stream.close(code);
}

/** Ways of a node to misbehave over HTTP/2: what becomes of a call then is written beside it. */
export const http2Vices: Record<string, Entry> = {
  ...Object.fromEntries(shared.map((name) => [name, over(vices[name]!)])),
  'refuses each stream': { vice: reset(constants.NGHTTP2_REFUSED_STREAM), answers: 'never' },
  'cancels each stream': { vice: reset(constants.NGHTTP2_CANCEL), answers: 'never' },
  'fails each stream': { vice: reset(constants.NGHTTP2_INTERNAL_ERROR), answers: 'never' },
  'wants HTTP/1.1': { vice: reset(constants.NGHTTP2_HTTP_1_1_REQUIRED), answers: 'never' },
  'says GOAWAY to each call': {
    vice(x) {
      if (!x.session.destroyed) x.session.goaway(constants.NGHTTP2_NO_ERROR, 0);
    },
    answers: 'never',
  },
  'says GOAWAY and answers': {
    vice(x) {
      if (!x.session.destroyed) x.session.goaway(constants.NGHTTP2_NO_ERROR, x.stream.id);
      x.send();
    },
    answers: 'sometimes',
  },
  'says GOAWAY with an error': {
    vice(x) {
      if (!x.session.destroyed) x.session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    },
    answers: 'never',
  },
  'sends interim answers without end': {
    vice(x) {
      for (let i = 0; i < 50 && !x.stream.destroyed; i++)
        x.stream.additionalHeaders({ ':status': 103, link: `<${i}>` });
    },
    answers: 'never',
  },
  'sends interim answers first': {
    vice(x) {
      x.stream.additionalHeaders({ ':status': 103, link: '</>' });
      x.send();
    },
    answers: 'always',
  },
  'drips too slowly': {
    vice(x) {
      let at = 0;
      x.stream.respond({ ':status': 200 });
      const timer = setInterval(() => {
        if (x.stream.destroyed || at >= x.answer.length) clearInterval(timer);
        else x.stream.write(x.answer[at++]!, 'latin1');
      }, 40);
    },
    answers: 'never',
  },
  'floods the head': {
    vice: (x) =>
      x.send(
        x.answer,
        Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`x-${at}`, 'y'.repeat(200)])),
      ),
    answers: 'never',
  },
  'answers in many frames, with a trailer': {
    vice(x) {
      x.stream.respond({ ':status': 200 }, { waitForTrailers: true });
      x.stream.on('wantTrailers', () => x.stream.sendTrailers({ 'x-last': 'y' }));
      for (const char of x.answer) x.stream.write(char, 'latin1');
      x.stream.end();
    },
    answers: 'always',
  },
};

export const http2BatchVices: Record<string, Entry> = Object.fromEntries(
  Object.entries(batchVices).map(([name, entry]) => [name, over(entry)]),
);

/** A vice of HTTP/1.1, each of whose answers is put on the stream as it would be on the socket. */
function over({ vice, answers }: { vice: Vice; answers: Entry['answers'] }): Entry {
  return { vice: (x) => vice.request?.(exchangeOver(x)), answers };
}

function exchangeOver(x: Http2Request): FakeExchange {
  const socket = {
    end: (text?: string) =>
      text === undefined ? x.stream.close(constants.NGHTTP2_CANCEL) : put(x, text, true),
    resetAndDestroy: () => x.socket.resetAndDestroy(),
  };
  return {
    socket: socket as unknown as Socket,
    body: x.body,
    place: x.place,
    calls: [],
    answer: x.answer,
    http: (text = x.answer, { status = '200 OK', headers = '', length = text.length } = {}) =>
      text === '' && status === '200 OK'
        ? 'HTTP/1.1 204 No Content\r\n\r\n'
        : `HTTP/1.1 ${status}\r\n${headers}Content-Length: ${length}\r\n\r\n${text}`,
    send: (text) => put(x, text, false),
  };
}

/** `last`: nothing comes after it, whatever length it announced. */
function put({ stream }: Http2Request, text: string, last: boolean): void {
  if (stream.destroyed) return;
  const headEnd = text.indexOf('\r\n\r\n');
  const [statusLine, ...lines] = text.slice(0, headEnd).split('\r\n');
  const body = Buffer.from(text.slice(headEnd + 4), 'latin1');
  const headers: OutgoingHttpHeaders = { ':status': Number(statusLine!.split(' ')[1]) };
  for (const line of lines)
    headers[line.slice(0, line.indexOf(':')).toLowerCase()] = line.slice(line.indexOf(':') + 2);
  stream.respond(headers);
  stream.write(body);
  if (last || body.length >= Number(headers['content-length'] ?? 0)) stream.end();
}
