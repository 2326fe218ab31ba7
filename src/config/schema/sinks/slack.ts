import { record } from '../containers.ts';
import { guardedFields, sinkFields } from './sink-fields.ts';
import { sinkUrl } from './sink-url.ts';

export const slackSink = record('A message to a Slack channel, by an incoming webhook.', {
  ...sinkFields('slack', 'Messages to Slack.'),
  url: sinkUrl('Of the incoming webhook: `https://hooks.slack.com/services/…`.'),
  ...guardedFields,
});
