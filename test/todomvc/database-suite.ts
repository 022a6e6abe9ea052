import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../../todomvc/database.js';
import { eventuallyMs } from '../support/patience.js';
import { waitFor } from '../support/wait.js';

/** What every implementation of the port must do. `open` gives one that is read-write; it is emptied first. */
export function databaseSuite(name: string, open: () => Database): void {
  describe(`the database port: ${name}`, () => {
    let database: Database;
    const draft = (title: string, more: { completed?: boolean; order?: number | null } = {}) => ({
      id: randomUUID(),
      title,
      completed: false,
      order: null,
      ...more,
    });
    const titles = async () => (await database.list()).value.map(({ title }) => title);

    beforeEach(async () => {
      database = open();
      await database.removeAll({});
    });

    it('is read-write, and says since when and why', () => {
      expect(database.mode.mode).toBe('read-write');
      expect(database.mode.since).toBeInstanceOf(Date);
      expect(database.mode.reason).toMatch(/\w/);
    });

    it('gives back what was stored, by list and by id, and says where it was read', async () => {
      const wanted = draft('naïve ✓ "quoted" \\ \t 日本 🎉', { completed: true, order: -7 });
      expect(await database.create(wanted)).toEqual({ outcome: 'created', todo: wanted });
      const list = await database.list();
      expect(list.value).toEqual([wanted]);
      expect(list.from).toMatchObject({ role: 'primary', target: { port: expect.any(Number) as number } });
      expect((await database.find(wanted.id)).value).toEqual(wanted);
    });

    it('shows what was stored before a token to whoever reads with it', async () => {
      const wanted = draft('with a token');
      await database.create(wanted);
      // A plain connection has none: it has one server.
      const after = [(await database.readToken()) ?? 'none'];
      expect((await database.list(after)).value).toEqual([wanted]);
      expect((await database.find(wanted.id, [...after, 'garbage'])).value).toEqual(wanted);
    });

    it('says where an empty list and a missing todo were read', async () => {
      expect(await database.list()).toMatchObject({ value: [], from: { role: 'primary' } });
      expect(await database.find(randomUUID())).toMatchObject({
        value: undefined,
        from: { role: 'primary' },
      });
    });

    it('stores the same thing only once', async () => {
      const wanted = draft('once');
      await database.create(wanted);
      expect(await database.create(wanted)).toEqual({ outcome: 'already there', todo: wanted });
      expect(await database.create({ ...wanted, title: 'other' })).toEqual({ outcome: 'id taken' });
      expect(await titles()).toEqual(['once']);
    });

    it('stores the same thing only once when asked many times at once', async () => {
      const wanted = draft('race');
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => database.create(wanted)));
      expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual([
        ...Array.from({ length: 7 }, () => 'already there'),
        'created',
      ]);
      expect(await titles()).toEqual(['race']);
    });

    it('lists by order, those without one last, otherwise as they came', async () => {
      for (const [title, order] of [
        ['x', null],
        ['b', 2],
        ['y', null],
        ['a', 1],
        ['b too', 2],
      ] as const)
        await database.create(draft(title, { order }));
      expect(await titles()).toEqual(['a', 'b', 'b too', 'x', 'y']);
    });

    it('changes only the fields that are given', async () => {
      const stored = draft('before', { order: 3 });
      await database.create(stored);
      expect(await database.update(stored.id, { title: 'after' })).toEqual({ ...stored, title: 'after' });
      expect(await database.update(stored.id, { completed: true })).toMatchObject({
        title: 'after',
        order: 3,
      });
      expect(await database.update(stored.id, { order: null })).toMatchObject({
        completed: true,
        order: null,
      });
      expect(await database.update(stored.id, {})).toMatchObject({ title: 'after', completed: true });
    });

    it('knows when there is nothing to change or to remove', async () => {
      expect(await database.update(randomUUID(), { completed: true })).toBeUndefined();
      expect(await database.remove(randomUUID())).toBe(false);
    });

    it('removes one, the completed ones, or all', async () => {
      const [one, two, three] = [draft('1'), draft('2', { completed: true }), draft('3')];
      for (const todo of [one, two, three]) await database.create(todo);
      expect(await database.remove(one.id)).toBe(true);
      expect(await titles()).toEqual(['2', '3']);
      await database.removeAll({ completed: true });
      expect(await titles()).toEqual(['3']);
      await database.removeAll({});
      expect(await titles()).toEqual([]);
    });

    it('tells of every change, until told to stop', async () => {
      let heard = 0;
      const end = database.onChange(() => (heard += 1));
      await database.create(draft('told'));
      await waitFor('the notice of a change', eventuallyMs, () => heard > 0);
      end();
      const before = heard;
      let others = 0;
      const endOthers = database.onChange(() => (others += 1));
      await database.create(draft('not told'));
      await waitFor('the notice to the other listener', eventuallyMs, () => others > 0);
      endOthers();
      expect(heard).toBe(before);
    });
  });
}
