import { expect, test } from 'vitest';
import type { ServiceStatus } from '../../common/agent/status.js';
import { missingMembers, notStreaming, type ConsulEntry } from '../../status/index.js';
import { agent, entries, entry, silent } from './readings.js';

test.each<[string, Partial<ServiceStatus>, boolean]>([
  ['a spare that streams', { role: 'replica', streaming: true }, true],
  ['a spare to which nothing streams', { role: 'replica', streaming: false }, false],
  ['a spare of which that is not known', { role: 'replica' }, false],
  ['a primary', { role: 'primary' }, true],
  ['a web app', { kind: 'http' }, true],
])('%s', (_, more, isWell) => {
  const missing = notStreaming('pg2', agent('pg2', more));
  expect(missing.length).toBe(isWell ? 0 : 1);
  for (const sentence of missing) expect(sentence).toContain('pg on pg2 receives no WAL');
});

test('whether a spare streams is not known where its agent is silent', () => {
  expect(notStreaming('pg2', silent('pg2'))).toEqual(['pg2: its agent does not answer']);
});

const away = 'pg on pg2 is not healthy in Consul';
const noPrimary = 'no member of pg has the role primary';

test.each<[string, ConsulEntry[], boolean, string[]]>([
  ['all well', [entry('pg1'), entry('pg2')], true, []],
  ['one is not listed', [entry('pg1')], true, [away]],
  ['one is critical', [entry('pg1'), entry('pg2', { status: 'critical' })], true, [away]],
  ['one cannot be judged', [entry('pg1'), entry('pg2', { status: 'warning' })], true, [away]],
  ['no primary', [entry('pg1', { role: 'replica' }), entry('pg2')], true, [noPrimary]],
  ['a service without roles', [entry('pg1', { role: undefined }), entry('pg2')], false, []],
  [
    'a primary that is critical is not the one that is wanted',
    [entry('pg1', { status: 'critical' }), entry('pg2')],
    true,
    ['pg on pg1 is not healthy in Consul', noPrimary],
  ],
])('%s', (_, list, hasPrimary, missing) => {
  const wanted = { service: 'pg', boxes: ['pg1', 'pg2'], hasPrimary };
  expect(missingMembers(wanted, entries(...list))).toEqual(missing);
});

test('a Consul that does not answer is what is missing', () => {
  const wanted = { service: 'pg', boxes: ['pg1'], hasPrimary: true };
  expect(missingMembers(wanted, { kind: 'failed', why: 'Consul is away' })).toEqual(['Consul is away']);
});
