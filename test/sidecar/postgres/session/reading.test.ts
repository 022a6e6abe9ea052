import { describe, expect, test } from 'vitest';
import { Reading } from '../../../../sidecar/postgres/session/reading.js';

describe('whether a session only reads', () => {
  test.each([
    [true, 'primary', true],
    [true, 'replica', true],
    [false, 'primary', false],
    [false, 'replica', true],
  ] as const)('its server said so: %s, and is a %s', (ensured, role, only) => {
    const reading = new Reading(true);
    reading.ensured = ensured;
    expect(reading.only(role)).toBe(only);
    expect(reading.loosened(role)).toBe(!only);
    reading.told('default_transaction_read_only', 'off');
    expect(reading.only(role)).toBe(false);
  });
});
