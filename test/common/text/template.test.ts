import { describe, expect, test } from 'vitest';
import { compileTemplate } from '../../../common/text/template.js';

describe('templates', () => {
  test('values are put in as they are, without HTML escapes', () => {
    expect(compileTemplate('{{a}} {{json b}}')({ a: '<&>', b: ['x'] })).toBe('<&> ["x"]');
  });
  test('a name the context lacks is an error', () => {
    expect(() => compileTemplate('{{missing}}')({})).toThrow(/missing/);
  });
});
