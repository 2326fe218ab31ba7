import { record } from '../containers.ts';
import { guardedFields, sinkFields } from './sink-fields.ts';
import { sinkUrl } from './sink-url.ts';

export const discordSink = record('A message to a Discord channel, by a webhook. It mentions nobody.', {
  ...sinkFields('discord', 'Messages to Discord.'),
  url: sinkUrl(
    'Of the webhook: `https://discord.com/api/webhooks/…`. With `?thread_id=…` it writes to a thread.',
  ),
  ...guardedFields,
});
