import { describe, expect, it } from 'vitest';
import { parseDraft, parseId, parsePatch, titleLimit } from '../../../todomvc/core/todo.js';

const id = '0B0E7F3A-0000-4000-8000-00000000000f';

describe('a todo as it comes in', () => {
  it.each([
    ['a title alone', { title: 'x' }, { title: 'x', completed: false, order: null }],
    [
      'everything',
      { id, title: 'x', completed: true, order: 5 },
      { id: id.toLowerCase(), title: 'x', completed: true, order: 5 },
    ],
    [
      'fields it does not have',
      { title: 'x', url: 'y', extra: [] },
      { title: 'x', completed: false, order: null },
    ],
    [
      'no order and no id, said as null',
      { id: null, title: 'x', order: null },
      { title: 'x', completed: false, order: null },
    ],
    ['blanks around the words', { title: ' x ' }, { title: ' x ', completed: false, order: null }],
    [
      'the longest title',
      { title: 'x'.repeat(titleLimit) },
      { title: 'x'.repeat(titleLimit), completed: false, order: null },
    ],
  ])('takes %s', (_name, json, value) => {
    expect(parseDraft(json)).toEqual({ ok: true, value });
  });

  it.each([
    ['nothing', undefined, /object/],
    ['null', null, /object/],
    ['a list', [{ title: 'x' }], /object/],
    ['a text', 'x', /object/],
    ['no title', {}, /"title" is missing/],
    ['a title that is null', { title: null }, /"title" must be a text/],
    ['a title that is a number', { title: 1 }, /"title" must be a text/],
    ['an empty title', { title: '' }, /empty/],
    ['a blank title', { title: ' \t\n' }, /empty/],
    ['an overlong title', { title: 'x'.repeat(titleLimit + 1) }, /at most 500/],
    ['a NUL', { title: 'a\0b' }, /NUL/],
    ['half a character', { title: 'a\ud800b' }, /Unicode/],
    ['completed that is a text', { title: 'x', completed: 'true' }, /"completed"/],
    ['completed that is null', { title: 'x', completed: null }, /"completed"/],
    ['order that is a text', { title: 'x', order: '1' }, /"order"/],
    ['order with a fraction', { title: 'x', order: 1.5 }, /"order"/],
    ['order beyond the column', { title: 'x', order: 2 ** 31 }, /"order"/],
    ['an id that is no UUID', { title: 'x', id: 'mine' }, /"id"/],
    ['an id that is a number', { title: 'x', id: 7 }, /"id"/],
  ])('refuses %s', (_name, json, why) => {
    const parsed = parseDraft(json);
    expect(parsed.ok).toBe(false);
    expect(parsed.ok ? '' : parsed.why).toMatch(why);
  });

  it('a patch may be empty, and follows the same rules', () => {
    expect(parsePatch({})).toEqual({ ok: true, value: {} });
    expect(parsePatch({ order: null })).toEqual({ ok: true, value: { order: null } });
    expect(parsePatch({ title: '' }).ok).toBe(false);
    expect(parsePatch([]).ok).toBe(false);
  });

  it('an id has one spelling', () => {
    expect(parseId(id)).toBe(id.toLowerCase());
    expect(parseId(`${id}0`)).toBeUndefined();
    expect(parseId('../../etc/passwd')).toBeUndefined();
  });
});
