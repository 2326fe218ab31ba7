import { z } from 'zod';

const expected = { error: 'expected the id of an event: 36 characters' };

export const eventId = z
  .string(expected)
  .toLowerCase()
  .regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, expected);
