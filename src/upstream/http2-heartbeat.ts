import type { ClientHttp2Session } from 'node:http2';

/** A node that is silent for so long while it owes answers is asked whether it is there. */
const SILENCE_MS = 5000;

/** Is the other end of a connection still there? Times are coarse milliseconds. */
export class Http2Heartbeat {
  heardMs: number;
  /** -1: no PING is on its way. */
  private pingedMs = -1;

  constructor(nowMs: number) {
    this.heardMs = nowMs;
  }

  heard(nowMs: number): void {
    this.heardMs = nowMs;
  }

  /** To be asked now and then while answers are due. False once a PING has not been answered for `patienceMs`. */
  isThere(session: ClientHttp2Session, nowMs: number, patienceMs: number): boolean {
    if (this.pingedMs >= 0) return nowMs - this.pingedMs < patienceMs;
    if (nowMs - this.heardMs < SILENCE_MS || session.destroyed) return true;
    const sent = session.ping((error) => {
      if (error === null) this.heard(Math.max(this.heardMs, this.pingedMs));
      this.pingedMs = -1;
    });
    if (sent) this.pingedMs = nowMs;
    return true;
  }
}
