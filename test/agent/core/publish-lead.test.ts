import { expect, test } from 'vitest';
import { decide } from '../../../agent/core/decide.js';
import type { LeadWord } from '../../../agent/core/model.js';
import { down, model, observation, passing, present, state } from '../builders.js';
import { unseen } from '../builders.js';

/** What is written of a member that is managed: its role is the lead's word, and its health is the probe's. */
function written(lead: LeadWord, probe = passing('primary'), tags: readonly string[] = []) {
  const meta = { ...model.meta };
  const seen = observation({ lead, probe, catalogue: present({ tags, meta }) });
  const { actions } = decide(state(unseen), seen, model);
  return actions.flatMap((action) =>
    action.kind === 'register' ? [{ tags: action.registration.tags, meta: action.registration.meta }] : [],
  )[0];
}

const word = (role: LeadWord['role'], more: Partial<LeadWord> = {}): LeadWord => ({
  role,
  epoch: undefined,
  timeline: undefined,
  ...more,
});

test('a member that is writable and may not be the primary has no role', () => {
  expect(written(word('none'), passing('primary'), ['primary'])?.tags).toEqual([]);
});

test('the role is the lead’s before the next probe has seen it', () => {
  expect(written(word('primary'), passing('replica'), ['replica'])?.tags).toEqual(['primary']);
});

test('a role is retracted while the member is critical, too', () => {
  expect(written(word('none'), down, ['primary'])?.tags).toEqual([]);
});

test('while nothing is decided the role that stands there stays, also when the probe sees another', () => {
  expect(written(word('unchanged'), passing('primary'), ['replica'])).toBeUndefined();
});

test('what is only observed is published as it is seen', () => {
  expect(written(word('as-seen'), passing('primary'), ['replica'])?.tags).toEqual(['primary']);
});

test('the newest promotion stands in the meta', () => {
  const { meta } = written(word('primary', { epoch: 7, timeline: 9 })) ?? {};
  expect(meta).toMatchObject({ 'hotspare-epoch': '7', 'hotspare-timeline': '9' });
});
