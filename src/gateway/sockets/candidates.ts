import type { UpgradeRequest } from '../../http/index.ts';
import type { RefusalCode, RefusalDetail } from '../../jsonrpc/index.ts';
import type { ToHub } from '../../websocket/index.ts';
import type { Arrival } from '../read-calls.ts';
import type { Visitor } from './visitors.ts';

/** What main may take to say whether a socket may open. */
const ADMISSION_MS = 5000;

/** An upgrade that waits for main's word. */
export interface Candidate {
  readonly request: UpgradeRequest;
  readonly arrival: Arrival;
  readonly visitor: Visitor;
}

/** Upgrades of one worker that wait for main, which alone knows how many sockets a caller has in all workers. */
export interface Candidates {
  readonly size: number;
  /** @param number of the socket to be */
  ask(number: number, candidate: Candidate): void;
  /** Main has said. */
  hear(number: number, admitted: boolean): void;
  /** No socket is opened any more: those that wait are told. */
  refuseAll(): void;
}

export function createCandidates(options: {
  tell: (message: ToHub) => void;
  refuse: (code: RefusalCode, arrival: Arrival, data?: RefusalDetail['data']) => void;
  /** False: its client is gone. */
  open: (number: number, candidate: Candidate) => boolean;
  /** One of them waits no more, and was not opened. */
  left: () => void;
}): Candidates {
  const { tell, refuse } = options;
  const waiting = new Map<number, Candidate & { timer: NodeJS.Timeout; gone: () => void }>();
  let closed = false;

  function take(number: number): Candidate | undefined {
    const candidate = waiting.get(number);
    if (candidate === undefined) return undefined;
    waiting.delete(number);
    clearTimeout(candidate.timer);
    candidate.request.socket.off('close', candidate.gone);
    return candidate;
  }

  /** Main counted it from when it was asked. */
  function giveUp(number: number): void {
    const totals = { messages: 0, events: 0, bytesIn: 0, bytesOut: 0 };
    tell({ type: 'socket-close', socket: number, code: 1006, reason: '', totals });
    options.left();
  }

  function hear(number: number, admitted: boolean): void {
    const candidate = take(number);
    if (candidate === undefined) return;
    if (admitted && !closed) {
      if (!options.open(number, candidate)) giveUp(number);
      return;
    }
    giveUp(number);
    const { arrival, visitor } = candidate;
    if (closed) return refuse('overloaded', arrival);
    const { policy, caller } = visitor.context;
    const { connections } = policy.keySet(caller.ruleSet).bounds;
    refuse('too_many_sockets', arrival, { policy: 'websocket:connections', limit: connections });
  }

  return {
    hear,
    get size() {
      return waiting.size;
    },
    ask(number, candidate) {
      const { request, arrival, visitor } = candidate;
      const { caller, policy, socketId } = visitor.context;
      const gone = (): void => {
        if (take(number) !== undefined) giveUp(number);
      };
      const late = (): void => {
        gone();
        refuse('overloaded', arrival);
      };
      waiting.set(number, { ...candidate, gone, timer: setTimeout(late, ADMISSION_MS) });
      request.socket.once('close', gone);
      tell({
        type: 'socket-open',
        socket: number,
        about: {
          id: socketId ?? '',
          caller: caller.kind === 'key' ? `key:${caller.keyNumber}` : `address:${caller.address}`,
          keyNumber: caller.keyNumber,
          keyPrefix: caller.keyPrefix,
          address: caller.address,
          network: visitor.networkName,
          openedAtMs: visitor.openedAtMs,
        },
        maxSockets: policy.keySet(caller.ruleSet).bounds.connections,
      });
    },
    refuseAll() {
      closed = true;
      for (const number of [...waiting.keys()]) hear(number, false);
    },
  };
}
