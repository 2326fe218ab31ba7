import type { Reply } from '../http/index.ts';
import {
  describeFault,
  type Fault,
  faultDetail,
  KIND_BATCH,
  MessageScan,
  methodName,
  type RefusalCode,
  type RefusalDetail,
  refusals,
  scanBatch,
  scanRequest,
} from '../jsonrpc/index.ts';
import type { Session } from '../websocket/index.ts';
import { type Admission, addressRefused } from './admit.ts';
import { Call } from './call.ts';
import type { CallContext } from './context.ts';
import { Exchange, type ExchangeSink } from './exchange.ts';
import type { RequestIds } from './request-id.ts';

/** What brought a text: an HTTP request or a message of a WebSocket. */
export interface Arrival {
  readonly context: CallContext;
  readonly callerRequestId: string | undefined;
  readonly reply: Reply;
  /** null over HTTP. */
  readonly session: Session | null;
}

/** A text that is no sound request, and the id to answer with. */
interface FaultyText {
  id: string;
  fault: Fault;
  bytes: Buffer;
}

/** Whose fault is not told. */
type NamedText = Pick<FaultyText, 'id'> & Partial<FaultyText>;

export interface CallReader {
  /** Reads one JSON-RPC text, a call or a batch, and sends its calls through the stages; refuses one that is not sound. */
  read(bytes: Buffer, start: number, end: number, arrival: Arrival): void;
  /** Refuses a text as a whole, under its id where it is a sound call. */
  turnAway(bytes: Buffer, arrival: Arrival, why: MessageRefusal): void;
  /** Answers what brought no text to read. Whoever asks for it has asked before whether the address is refused. */
  refuse(code: RefusalCode, arrival: Arrival, data?: RefusalDetail['data']): void;
}

export interface MessageRefusal {
  code: RefusalCode;
  data: RefusalDetail['data'];
  retryAfterMs: number;
}

export interface CallReaderOptions {
  requestIds: RequestIds;
  pipeline: (call: Call) => void;
  /** What reaches no pipeline is refused by it, too: who is banned is told nothing of what is wrong with a text. */
  admission: Pick<Admission, 'admit' | 'turnsAway'>;
  /** Gives back what the call's quotas hold for it. */
  refund: (call: Call) => void;
  sink: ExchangeSink;
  /** Monotonic microseconds. */
  now: () => number;
  /** Why the next call is to be noted although it passes: bits of `sampled`. */
  sample: () => number;
}

/** From the text of a request or message to calls in the pipeline: the one way in, whatever the transport. */
export function createCallReader(options: CallReaderOptions): CallReader {
  const { admission } = options;
  const scan = new MessageScan();

  function exchangeOf({ context, callerRequestId, reply, session }: Arrival): Exchange {
    const count = options.requestIds.next();
    const requestId = options.requestIds.text(count);
    const id = { request: count, requestId, callerRequestId, startedAt: options.now() };
    return new Exchange(context, id, options.sink, reply, session);
  }

  /** Answers a text in which no call was found, and notes it. */
  function refuse(code: RefusalCode, arrival: Arrival, text?: NamedText, data?: RefusalDetail['data']): void {
    const exchange = exchangeOf(arrival);
    const { context, session } = arrival;
    const { requestId } = exchange;
    const fault = text?.fault && text.bytes && describeFault(text.bytes, text.fault);
    const detail = fault ? faultDetail(fault, requestId) : { requestId, data };
    const body = context.policy.errorAnswer(text?.id ?? 'null', code, detail);
    const call = new Call(exchange, -1, 0);
    call.refusal = code;
    const denial = data === addressRefused ? context.standing.denial : null;
    call.reason = fault?.what ?? denial ?? context.caller.refusedBecause;
    options.sink.turnedAway(call);
    session?.refused();
    const allow = code === 'http_method_unsupported' ? 'Allow: POST, OPTIONS\r\n' : '';
    const type = `Content-Type: application/json\r\nX-Request-Id: ${requestId}\r\n`;
    arrival.reply.send(refusals[code].http, `${type}${allow}${context.corsLines}`, body);
  }

  /**
   * A fault of ours, in the stages: nothing comes of this call, and what its quotas hold is given back. Who brought it ends: the socket,
   * whose other calls go on and count once they are answered; over HTTP the worker.
   */
  function run(call: Call): void {
    try {
      options.pipeline(call);
    } catch (error) {
      if (isWithoutAnswer(call) && call.attempts === 0) options.refund(call);
      throw error;
    }
  }

  /** The calls of a batch before the one that failed end with the worker, unless a socket brought them. */
  function runBatch(calls: readonly Call[], session: Session | null, runAll: () => void): void {
    try {
      runAll();
    } catch (error) {
      if (session === null) for (const call of calls) if (isWithoutAnswer(call)) options.refund(call);
      throw error;
    }
  }

  /** Answers a text that is no sound request. */
  function refuseText(code: RefusalCode, arrival: Arrival, text: FaultyText): void {
    if (admission.turnsAway(arrival.context)) refuse('forbidden', arrival, { id: text.id }, addressRefused);
    else refuse(code, arrival, text);
  }

  function readBatch(bytes: Buffer, start: number, end: number, arrival: Arrival): void {
    const { maxBatchSize } = arrival.context.policy.snapshot.server;
    const found = scanBatch(bytes, start, end, maxBatchSize);
    if (!('items' in found))
      return refuseText('invalid_request', arrival, { id: 'null', fault: found, bytes });
    const exchange = exchangeOf(arrival);
    const calls = found.items.map((_item, k) => new Call(exchange, k, options.sample()));
    exchange.expect(calls);
    options.sink.request(arrival.context.lane, calls.length);
    const readItem = (item: (typeof found.items)[number], k: number): void => {
      const call = calls[k]!;
      if (item.fault === 0) {
        call.read(bytes, item, methodName(bytes, item));
        run(call);
        call.release();
      } else {
        call.id = item.idStart < 0 ? 'null' : bytes.toString('latin1', item.idStart, item.idEnd);
        if (!admission.admit(call)) return;
        const fault = describeFault(bytes, item);
        const { data, message } = faultDetail(fault, exchange.requestId);
        call.refuse('invalid_request', fault.what, data, message);
      }
    };
    runBatch(calls, arrival.session, () => found.items.forEach(readItem));
  }

  return {
    read(bytes, start, end, arrival) {
      if (!scanRequest(bytes, start, end, scan)) {
        if (scan.fault === 0 && scan.kind === KIND_BATCH) return readBatch(bytes, start, end, arrival);
        const id = scan.idStart < 0 ? 'null' : bytes.toString('latin1', scan.idStart, scan.idEnd);
        return refuseText(describeFault(bytes, scan).refusal, arrival, { id, fault: scan, bytes });
      }
      const call = new Call(exchangeOf(arrival), -1, options.sample());
      call.read(bytes, scan, methodName(bytes, scan));
      options.sink.request(arrival.context.lane, null);
      run(call);
      call.release();
    },
    turnAway(bytes, arrival, { code, data, retryAfterMs }) {
      const call = new Call(exchangeOf(arrival), -1, 0);
      if (scanRequest(bytes, 0, bytes.length, scan)) call.read(bytes, scan, methodName(bytes, scan));
      else call.id = 'null';
      call.retryAfterMs = retryAfterMs;
      options.sink.request(arrival.context.lane, null);
      if (admission.admit(call)) call.refuse(code, 'too many messages', data);
      call.release();
    },
    refuse: (code, arrival, data) => refuse(code, arrival, undefined, data),
  };
}

/** Nothing of it was recorded: no usage, and no refund. */
function isWithoutAnswer({ answeredAt }: Call): boolean {
  return answeredAt === 0;
}
