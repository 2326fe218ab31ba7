/**
 * What services publish of the messages they take, in our own words. Strict: a member that a service does not name is a
 * fault of ours.
 */
import * as z from 'zod';

const mrkdwn = (max: number) =>
  z.strictObject({
    type: z.literal('mrkdwn'),
    text: z.string().min(1).max(max),
    verbatim: z.boolean().optional(),
  });
const plain = (max: number) =>
  z.strictObject({
    type: z.literal('plain_text'),
    text: z.string().min(1).max(max),
    emoji: z.boolean().optional(),
  });
const textObject = (max: number) => z.union([mrkdwn(max), plain(max)]);

/** https://docs.slack.dev/reference/block-kit/blocks: of the kinds we use. */
const slackBlock = z.discriminatedUnion('type', [
  z
    .strictObject({
      type: z.literal('section'),
      text: textObject(3000).optional(),
      fields: z.array(textObject(2000)).min(1).max(10).optional(),
    })
    .refine(({ text, fields }) => text !== undefined || fields !== undefined),
  z.strictObject({ type: z.literal('header'), text: plain(150) }),
  z.strictObject({ type: z.literal('context'), elements: z.array(textObject(2000)).min(1).max(10) }),
  z.strictObject({ type: z.literal('divider') }),
]);

/** https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks, and for attachments https://docs.slack.dev/reference/messaging/payload */
export const slackMessageSchema = z.strictObject({
  text: z.string().min(1).max(40_000),
  attachments: z
    .array(
      z.strictObject({
        color: z.string().regex(/^#[0-9a-f]{6}$/),
        fallback: z.string(),
        blocks: z.array(slackBlock).min(1).max(50),
      }),
    )
    .max(100),
});

/** https://discord.com/developers/docs/resources/webhook#execute-webhook and …/message#embed-object-embed-limits */
export const discordMessageSchema = z
  .strictObject({
    content: z.string().max(2000).optional(),
    username: z.string().min(1).max(80).optional(),
    allowed_mentions: z.strictObject({ parse: z.array(z.enum(['roles', 'users', 'everyone'])) }),
    embeds: z
      .array(
        z.strictObject({
          title: z.string().max(256),
          description: z.string().max(4096),
          timestamp: z.iso.datetime(),
          color: z.int().min(0).max(0xffffff),
          fields: z
            .array(
              z.strictObject({
                name: z.string().trim().min(1).max(256),
                value: z.string().trim().min(1).max(1024),
                inline: z.boolean(),
              }),
            )
            .max(25),
          footer: z.strictObject({ text: z.string().max(2048) }),
        }),
      )
      .min(1)
      .max(10),
  })
  .refine(({ embeds }) => discordLength(embeds) <= 6000, 'more than 6000 characters in all embeds');

function discordLength(
  embeds: {
    title: string;
    description: string;
    fields: { name: string; value: string }[];
    footer: { text: string };
  }[],
): number {
  return embeds
    .flatMap(({ title, description, fields, footer }) => [
      title,
      description,
      footer.text,
      ...fields.flatMap(({ name, value }) => [name, value]),
    ])
    .reduce((sum, { length }) => sum + length, 0);
}

/** https://developer.pagerduty.com/docs/send-alert-event; at most 512 KB in all. */
export const pagerdutyMessageSchema = z.discriminatedUnion('event_action', [
  z.strictObject({
    routing_key: z.string().length(32),
    event_action: z.literal('trigger'),
    dedup_key: z.string().min(1).max(255),
    client: z.string().optional(),
    client_url: z.url().optional(),
    payload: z.strictObject({
      summary: z.string().min(1).max(1024),
      source: z.string().min(1),
      severity: z.enum(['critical', 'error', 'warning', 'info']),
      timestamp: z.iso.datetime().optional(),
      component: z.string().optional(),
      group: z.string().optional(),
      class: z.string().optional(),
      custom_details: z.record(z.string(), z.unknown()).optional(),
    }),
  }),
  z.strictObject({
    routing_key: z.string().length(32),
    event_action: z.enum(['acknowledge', 'resolve']),
    dedup_key: z.string().min(1).max(255),
  }),
]);
