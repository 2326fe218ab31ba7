import { z } from 'zod';
import { isUuid } from '../../store/index.ts';

const expected = { error: 'expected the id of an event: 36 characters' };

export const eventId = z.string(expected).toLowerCase().refine(isUuid, expected);
