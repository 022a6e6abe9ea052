import { expect, test } from 'vitest';
import { authorisation, type Authorisation } from '../../../agent/http/authorisation.js';
import { route } from '../../../agent/http/route.js';
import type { ServiceSlot } from '../../../agent/ports.js';
import { Secret } from '../../../common/secret.js';

const slots = new Map<string, ServiceSlot>([
  ['web', { kind: 'free' }],
  ['pg', { kind: 'busy', action: 'restart' }],
  ['lone', { kind: 'no-unit' }],
]);

const rows: readonly [method: string, path: string, Authorisation, outcome: string][] = [
  ['GET', '/', 'missing', 'text'],
  ['HEAD', '/v1/status?x', 'unconfigured', 'status'],
  ['POST', '/v1/status', 'right', '405 no-such-method'],
  ['GET', '/v2/status', 'right', '404 no-such-path'],
  ['POST', '/v1/leave', 'right', 'leave'],
  ['GET', '/v1/leave', 'right', '405 no-such-method'],
  ['POST', '/v1/leave', 'missing', '401 secret-missing'],
  ['POST', '/v1/leave', 'wrong', '401 secret-wrong'],
  ['POST', '/v1/leave', 'unconfigured', '403 no-secret'],
  ['POST', '/v1/services/web/start', 'right', 'start web'],
  ['POST', '/v1/services/web/stop?now', 'right', 'stop web'],
  ['POST', '/v1/services/web/restart', 'right', 'restart web'],
  ['GET', '/v1/services/web/stop', 'right', '405 no-such-method'],
  ['OPTIONS', '/v1/services/web/stop', 'missing', '405 no-such-method'],
  ['POST', '/v1/services/web/explode', 'right', '404 no-such-path'],
  ['POST', '/v1/services/web/stop/', 'right', '404 no-such-path'],
  ['POST', '/v1/services/%2e%2e/stop', 'right', '404 no-such-path'],
  ['POST', '/v1/services/web/stop', 'unconfigured', '403 no-secret'],
  ['POST', '/v1/services/web/stop', 'missing', '401 secret-missing'],
  ['POST', '/v1/services/web/stop', 'wrong', '401 secret-wrong'],
  ['GET', '/v1/services/pg/failover', 'missing', 'report pg'],
  ['GET', '/v1/services/pg/history', 'missing', 'history pg'],
  ['GET', '/v1/services/web/failover', 'missing', '409 not-managed'],
  ['GET', '/v1/services/nobody/failover', 'missing', '404 no-such-service'],
  ['POST', '/v1/services/pg/order', 'wrong', '401 secret-wrong'],
  ['POST', '/v1/services/pg/order', 'right', 'order pg'],
  ['POST', '/v1/services/pg/policy', 'right', 'policy pg'],
  ['POST', '/v1/services/web/policy', 'right', '409 not-managed'],
  // A stranger is not told which services there are.
  ['POST', '/v1/services/nobody/stop', 'wrong', '401 secret-wrong'],
  ['POST', '/v1/services/lone/stop', 'missing', '401 secret-missing'],
  ['POST', '/v1/services/nobody/stop', 'right', '404 no-such-service'],
  ['POST', '/v1/services/constructor/stop', 'right', '404 no-such-service'],
  ['POST', '/v1/services/lone/stop', 'right', '409 no-unit'],
  ['POST', '/v1/services/pg/stop', 'right', '409 busy'],
];

test.each(rows)('%s %s, secret %s: %s', (method, path, judged, outcome) => {
  const decided = route({ method, path, authorisation: judged }, slots, new Set(['pg']));
  const shown =
    decided.kind === 'refuse'
      ? `${decided.status} ${decided.refusal.code}`
      : decided.kind === 'act'
        ? `${decided.action} ${decided.service}`
        : 'service' in decided
          ? `${decided.kind} ${decided.service}`
          : decided.kind;
  expect(shown).toBe(outcome);
});

test('a refusal for want of the secret says how to give it, and every refusal is a sentence', () => {
  const refusals = rows.flatMap(([method, path, judged]) => {
    const decided = route({ method, path, authorisation: judged }, slots, new Set(['pg']));
    return decided.kind === 'refuse' ? [decided] : [];
  });
  for (const { headers, refusal, status } of refusals) {
    expect([status, 'www-authenticate' in headers]).toEqual([status, status === 401]);
    expect([status, 'allow' in headers]).toEqual([status, status === 405]);
    expect(refusal.error).toMatch(/ /);
  }
});

const secret = new Secret('correct-horse-battery');
test.each([
  [undefined, 'missing'],
  ['', 'missing'],
  ['Bearer', 'missing'],
  ['Bearer ', 'missing'],
  ['Basic Y29ycmVjdA==', 'missing'],
  ['Bearer correct-horse-battery', 'right'],
  ['bearer  correct-horse-battery ', 'right'],
  ['Bearer correct-horse-batter', 'wrong'],
  ['Bearer correct-horse-battery!', 'wrong'],
  ['Bearer correct-horse-battery correct-horse-battery', 'missing'],
  [`Bearer ${'x'.repeat(8_000)}`, 'wrong'],
])('Authorization: %s is %s', (header, judged) => {
  expect(authorisation(header, secret)).toBe(judged);
  expect(authorisation(header, undefined)).toBe('unconfigured');
});
