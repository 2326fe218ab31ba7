import { record } from '../containers.ts';
import { sinkFields } from './sink-fields.ts';

export const stdoutSink = record('Standard output: the event as JSON, one a line.', {
  ...sinkFields('stdout', 'Standard output, one event a line.'),
});
