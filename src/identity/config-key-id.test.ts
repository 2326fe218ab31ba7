import { describe, expect, it } from 'vitest';
import { configKeyId } from './config-key-id.ts';
import { uuidBytes, uuidText } from './uuid.ts';

describe('the id of a key of the config', () => {
  it('follows from its name, for ever: usage is kept under it', () => {
    expect(uuidText(configKeyId('acme'))).toBe('8c0d035b-b1b3-822b-9de7-6744a71d2026');
    expect(uuidText(configKeyId('acme'))).not.toBe(uuidText(configKeyId('Acme')));
  });

  it('is a UUID of version 8', () => {
    for (const name of ['', 'a', 'ключ', 'x'.repeat(200)])
      expect(uuidText(configKeyId(name))).toMatch(
        /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      );
  });
});

describe('a UUID', () => {
  it('is the same as bytes and as text', () => {
    const text = '01234567-89ab-cdef-fedc-ba9876543210';
    expect(uuidText(uuidBytes(text))).toBe(text);
    expect(uuidText(uuidBytes(text.toUpperCase()))).toBe(text);
    for (const wrong of ['', text.slice(1), `${text}0`, text.replace('0', 'g')])
      expect(() => uuidBytes(wrong)).toThrow(RangeError);
  });
});
