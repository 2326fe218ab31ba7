import {
  type MailContentType,
  mailContentTypes,
  placeholderFault,
  placeholders,
  templateFault,
} from '../../mail-template.ts';
import { namedMap, record } from '../containers.ts';
import { choice, text, wrong } from '../fields.ts';
import { headerKey, headerValue } from '../header-field.ts';
import { guardedFields, sinkFields } from './sink-fields.ts';
import { sinkUrl } from './sink-url.ts';

const BODY_MAX = 65_536;
const known = placeholders.map((name) => `\`{{${name}}}\``).join(', ');

export const emailSink = record('A mail, by the HTTP API of a mail service.', {
  ...sinkFields('email', 'Mails by a service’s HTTP API.'),
  url: sinkUrl('Where the service takes mails.'),
  method: choice({ values: ['POST', 'PUT'], default: 'POST', about: 'How.' }),
  headers: namedMap(headerKey, headerValue, {
    type: 'map of headers',
    about: 'Sent along, the service’s key among them; placeholders are filled in.',
  }),
  content_type: choice({
    values: mailContentTypes,
    default: 'application/json',
    about:
      'What `body` is, and so how what fills its placeholders is escaped: as in a JSON string, as in a form, or not at all.',
  }),
  body: text<string>({
    type: 'text',
    about: `What is sent, with placeholders: ${known}.`,
    bounds: `at most ${BODY_MAX} characters`,
    expected: `text with placeholders such as {{title}} and {{text}}, at most ${BODY_MAX} characters`,
    parse(written) {
      if (written.trim() === '' || written.length > BODY_MAX) return undefined;
      const fault = placeholderFault(written);
      return fault === null ? written : wrong(fault);
    },
  }),
  ...guardedFields,
});

/** What is wrong with the body as what it says it is. */
export function emailFault(sink: {
  content_type: MailContentType;
  body: string;
}): { message: string; suggestion: string } | null {
  return templateFault(sink.body, sink.content_type);
}
