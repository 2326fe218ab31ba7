// A sink of your own: each event as a line of a file. In the config:
//
//   events:
//     sinks:
//       - name: audit
//         type: module
//         path: ./append-to-file.js
//         settings: { file: /var/log/polymorph/events.jsonl }
//
// docs/events-sinks.md explains the port.
import { appendFile } from 'node:fs/promises';

/** Called as the sink is set up. What is thrown here stands in the log and in /readyz, and it is tried again. */
export function createSink({ settings }) {
  const { file } = settings;
  if (typeof file !== 'string') throw new Error('settings.file is missing: the path of a file');

  return {
    // Deliveries in one call; 1 unless it is given.
    batchMax: 100,

    /** One result for each delivery, in order. Throwing means: try all of them again. */
    async deliver(deliveries) {
      await appendFile(file, deliveries.map(({ body }) => `${body}\n`).join(''));
      return deliveries.map(() => ({ kind: 'delivered' }));
    },

    /** When the config no longer has the sink, and when the gateway ends. */
    async close() {},
  };
}
