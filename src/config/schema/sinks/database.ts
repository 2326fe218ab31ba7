import { record } from '../containers.ts';
import { sinkFields } from './sink-fields.ts';

export const databaseSink = record('A row of `billing_events` in `store` for each event.', {
  ...sinkFields('database', 'Rows of `billing_events`.'),
});
