import { MessageScan, methodName, scanRequest } from '../../jsonrpc/index.ts';
import type { AnswerCall, AnswerFailure, AnswerSource, SentCall } from '../ports.ts';

/** How a call ended. */
export interface Ended {
  /** The whole answer with the caller's id; '' where it failed. Latin1. */
  text: string;
  isError: boolean;
  failure: AnswerFailure | null;
  /** When, by the clock it was given. */
  at: number;
}

const scan = new MessageScan();

/** One caller's call as the gateway makes it, and what it was told. */
export class Caller implements AnswerCall<string> {
  bytes: Buffer;
  start: number;
  end: number;
  idStart: number;
  idEnd: number;
  paramsStart: number;
  paramsEnd: number;
  method: string;
  safe = true;
  cheap = true;
  retry: SentCall<string>['retry'] = 'safe';
  critical = false;
  caller = 7;
  traced = false;
  text = '';
  idAt = -1;
  idTo = -1;
  via = -1;
  attempts = 0;
  sentAt = 0;
  trace: string | null = null;
  source: AnswerSource = 'upstream';
  readonly startedAt: number;
  readonly id: string;
  /** As JSON text; '' for none. */
  readonly sentParams: string;
  readonly ended: Ended[] = [];
  private readonly now: () => number;

  /** `request` is JSON text of a whole call. */
  constructor(request: string, now: () => number = () => 0) {
    this.now = now;
    this.startedAt = now();
    this.bytes = Buffer.from(`  ${request}  `, 'latin1');
    if (!scanRequest(this.bytes, 0, this.bytes.length, scan)) throw new Error(`no call: ${request}`);
    this.start = scan.start;
    this.end = scan.end;
    this.idStart = scan.idStart;
    this.idEnd = scan.idEnd;
    this.paramsStart = scan.paramsStart;
    this.paramsEnd = scan.paramsEnd;
    this.sentParams =
      scan.paramsStart < 0 ? '' : this.bytes.toString('latin1', scan.paramsStart, scan.paramsEnd);
    this.method = methodName(this.bytes, scan);
    this.id = scan.idStart < 0 ? '' : this.bytes.toString('latin1', scan.idStart, scan.idEnd);
  }

  /** What it got; throws unless it was told exactly once. */
  get outcome(): Ended {
    if (this.ended.length !== 1) throw new Error(`told ${this.ended.length} times`);
    return this.ended[0]!;
  }

  answered(
    bytes: Buffer,
    start: number,
    end: number,
    idStart: number,
    idEnd: number,
    isError: boolean,
  ): void {
    const before = bytes.toString('latin1', start, idStart);
    this.answeredText(before, bytes.toString('latin1', idEnd, end), isError);
  }

  answeredText(before: string, after: string, isError: boolean): void {
    this.ended.push({ text: before + this.id + after, isError, failure: null, at: this.now() });
  }

  failed(failure: AnswerFailure): void {
    this.ended.push({ text: '', isError: false, failure, at: this.now() });
  }
}

/** JSON text of a call; `params` undefined: none. */
export function callText(id: string, method: string, params?: string): string {
  const member = params === undefined ? '' : `,"params":${params}`;
  return `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}${member}}`;
}
