import { describe, expect, it } from 'vitest';
import { eventuallyMs } from '../support/patience.js';
import { waitFor } from '../support/wait.js';

// Plain JavaScript of the page, without types.
const load = async (name: string) => import(new URL(`../../todomvc/public/${name}`, import.meta.url).href);
const { withChanges, visible, filterOf, counts } = await load('todos.js');
const { backLine, bannerLines, itemsLeft, servedLine } = await load('sentences.js');
const { Outbox } = await load('outbox.js');

type Change = Record<string, unknown>;
const todo = (id: string, more: object = {}) => ({ id, title: id, completed: false, order: null, ...more });

describe('what the page shows', () => {
  const stored = [todo('a'), todo('b', { completed: true })];

  it.each([
    ['nothing under way', [], stored],
    ['a new one', [{ kind: 'create', id: 'c', title: 'c' }], [...stored, todo('c')]],
    ['a new one that arrived already', [{ kind: 'create', id: 'a', title: 'a' }], stored],
    [
      'a new one that waits',
      [{ kind: 'create', id: 'c', title: 'c', waiting: 'why' }],
      [...stored, todo('c', { unsaved: true })],
    ],
    [
      'a change',
      [{ kind: 'update', id: 'a', patch: { title: 'A' } }],
      [todo('a', { title: 'A' }), stored[1]],
    ],
    ['a change to what is gone', [{ kind: 'update', id: 'z', patch: { title: 'Z' } }], stored],
    ['a removal', [{ kind: 'remove', id: 'a' }], [stored[1]]],
    ['clear completed', [{ kind: 'clear-completed' }], [stored[0]]],
    [
      'several, in their order',
      [
        { kind: 'create', id: 'c', title: 'c' },
        { kind: 'update', id: 'c', patch: { completed: true } },
        { kind: 'clear-completed' },
      ],
      [stored[0]],
    ],
  ])('%s', (_name, changes, shown) => {
    expect(withChanges(stored, changes)).toEqual(shown);
  });

  it('filters and counts', () => {
    expect(['', '#/', '#/active', '#/completed', '#/other'].map(filterOf)).toEqual([
      'all',
      'all',
      'active',
      'completed',
      'all',
    ]);
    expect(['all', 'active', 'completed'].map((filter) => visible(stored, filter).length)).toEqual([2, 1, 1]);
    expect(counts(stored)).toEqual({ all: 2, active: 1, completed: 1 });
    expect([0, 1, 2].map(itemsLeft)).toEqual(['items left', 'item left', 'items left']);
  });
});

describe('what the page says', () => {
  const now = new Date(2030, 0, 2, 15, 0, 0);
  const fine = {
    mode: 'read-write',
    since: null,
    reason: '',
    live: true,
    unsaved: { count: 0, why: '' },
    notice: '',
    nothingRead: false,
    readFailures: 0,
  };
  const titles = (state: object) =>
    bannerLines({ ...fine, ...state }, now).map(({ title }: { title: string }) => title);

  it('is nothing while all is well', () => expect(titles({})).toEqual([]));

  it('names mode and time, and the date when it was another day', () => {
    const today = new Date(2030, 0, 2, 13, 5, 12);
    const time = today.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
    expect(titles({ mode: 'read-only', since: today })).toEqual([`Read-only since ${time}`]);
    const yesterday = new Date(2030, 0, 1, 13, 5, 12);
    expect(titles({ mode: 'down', since: yesterday })[0]).toContain(yesterday.toLocaleDateString());
  });

  it('names everything that is wrong at once', () => {
    expect(titles({ mode: 'read-only', live: false, unsaved: { count: 2, why: 'x' }, notice: 'y' })).toEqual([
      'Read-only',
      'Reconnecting',
      '2 changes are not saved yet',
      'Not done',
    ]);
    expect(titles({ unsaved: { count: 1, why: 'x' } })).toEqual(['1 change is not saved yet']);
  });

  it.each([
    ['down', { mode: 'down' }, 'You see what was read last'],
    ['down', { mode: 'down', nothingRead: true }, 'has not read the list yet'],
    ['read-only', { mode: 'read-only' }, 'You see the hot spare’s copy'],
    ['read-only', { mode: 'read-only', readFailures: 1 }, 'You see what was read last'],
    ['read-only', { mode: 'read-only', nothingRead: true, readFailures: 1 }, 'has not been read yet'],
    ['read-write', { readFailures: 2 }, 'You see what was read last'],
    ['read-write', { readFailures: 2, nothingRead: true }, 'do not show yet'],
  ])('is true of the list that is shown: %s %j', (_mode, state, words) => {
    expect(bannerLines({ ...fine, ...state }, now)[0].text).toContain(words);
  });

  it('is silent about one read that failed, and about those of a page that reconnects', () => {
    expect(titles({ readFailures: 1 })).toEqual([]);
    expect(titles({ readFailures: 5, live: false })).toEqual(['Reconnecting']);
  });

  it('says for ears when writing works again, since the banner just goes', () => {
    const [readWrite, readOnly] = [fine, { ...fine, mode: 'read-only' }];
    expect(backLine(readOnly, readWrite)).toBe('The database can be written again.');
    expect(backLine(readWrite, readOnly)).toBe('');
    expect([backLine(undefined, readWrite), backLine(readOnly, readOnly)]).toEqual([null, null]);
  });

  it('says who served it', () => {
    expect(
      servedLine({ servedBy: 'nginx1', mode: 'read-only', readFrom: '10.0.0.2:5432', readRole: 'replica' }),
    ).toBe('Served by nginx1 · read-only · read from 10.0.0.2:5432 (hot spare)');
    expect(servedLine({ mode: 'read-write' })).toBe('read-write');
  });
});

describe('the outbox', () => {
  /** `outcomes` in turn, the last one for ever. */
  function outbox(...outcomes: object[]) {
    const sent: string[] = [];
    const told: string[] = [];
    const box = new Outbox(
      async (change: Change) => {
        sent.push(String(change['id']));
        return outcomes.length > 1 ? outcomes.shift() : outcomes[0];
      },
      {
        onUpdate: () => {},
        onDone: ({ id }: Change) => told.push(`done ${id}`),
        onRefused: ({ id }: Change, why: string) => told.push(`refused ${id}: ${why}`),
      },
    );
    return { box, sent, told };
  }
  const create = (id: string) => ({ kind: 'create', id, title: id });
  const done = { kind: 'done', todo: null };
  const again = { kind: 'again', why: 'lost' };

  it('sends one after the other, in order', async () => {
    const { box, sent, told } = outbox(done);
    for (const id of ['a', 'b', 'c']) box.add(create(id));
    await waitFor('all to be told', eventuallyMs, () => told.length === 3);
    expect([sent, told]).toEqual([
      ['a', 'b', 'c'],
      ['done a', 'done b', 'done c'],
    ]);
    expect(box.changes).toEqual([]);
  });

  it('keeps what could not be stored, and everything behind it, and sends the same again', async () => {
    const { box, sent, told } = outbox(again, done);
    box.add(create('a'));
    box.add(create('b'));
    await waitFor('both to wait', eventuallyMs, () => box.unsaved.count === 2);
    expect(box.unsaved.why).toBe('lost');
    expect(sent).toEqual(['a']);
    box.retryNow();
    await waitFor('both to be told', eventuallyMs, () => told.length === 2);
    expect([sent, told]).toEqual([
      ['a', 'a', 'b'],
      ['done a', 'done b'],
    ]);
    expect(box.unsaved.count).toBe(0);
  });

  it('tries again by itself', async () => {
    const { box, told } = outbox(again, again, done);
    box.add(create('a'));
    await waitFor('the third try', eventuallyMs, () => told.length === 1);
  });

  it('drops what is refused, and goes on', async () => {
    const { box, told } = outbox({ kind: 'refused', why: 'too long' }, done);
    box.add(create('a'));
    box.add(create('b'));
    await waitFor('both to be told', eventuallyMs, () => told.length === 2);
    expect(told).toEqual(['refused a: too long', 'done b']);
  });

  it.each([
    ['may have been stored', again, true],
    ['was not stored', { ...again, notStored: true }, false],
  ])('takes back what %s', async (_name, outcome, maybeStored) => {
    const { box } = outbox(outcome);
    box.add(create('a'));
    await waitFor('it to wait', eventuallyMs, () => box.unsaved.count === 1);
    expect(box.discard('a')).toBe(maybeStored);
    expect(box.changes).toEqual([]);
  });
});
