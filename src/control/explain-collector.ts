/** One question to all workers, one answer from each. */
export interface ExplainCollector<R> {
  /** Resolves when all of `workers` have answered, or after the bound with what came. Never rejects. */
  ask(requestId: string): Promise<{ records: R[]; asked: number; answered: number }>;
  /** A worker's answer; late and unknown ones are dropped. */
  answered(slot: number, ask: number, records: readonly R[]): void;
}

export interface ExplainCollectorOptions {
  workers(): readonly number[];
  send(message: { type: 'explain'; ask: number; requestId: string }): void;
  /** Milliseconds. A worker in the middle of long work answers late; the others should still be heard. */
  boundMs: number;
}

interface Question<R> {
  missing: Set<number>;
  records: R[];
  done(): void;
}

/** Collects decision records from the workers, which alone hold them. */
export function createExplainCollector<R>(options: ExplainCollectorOptions): ExplainCollector<R> {
  const open = new Map<number, Question<R>>();
  let last = 0;
  return {
    async ask(requestId) {
      const workers = options.workers();
      if (workers.length === 0) return { records: [], asked: 0, answered: 0 };
      const ask = ++last;
      const question: Question<R> = { missing: new Set(workers), records: [], done: () => {} };
      await new Promise<void>((resolve) => {
        const bound = setTimeout(resolve, options.boundMs);
        question.done = () => {
          clearTimeout(bound);
          resolve();
        };
        open.set(ask, question);
        options.send({ type: 'explain', ask, requestId });
      });
      open.delete(ask);
      return {
        records: question.records,
        asked: workers.length,
        answered: workers.length - question.missing.size,
      };
    },
    answered(slot, ask, records) {
      const question = open.get(ask);
      if (question === undefined || !question.missing.delete(slot)) return;
      question.records.push(...records);
      if (question.missing.size === 0) question.done();
    },
  };
}
