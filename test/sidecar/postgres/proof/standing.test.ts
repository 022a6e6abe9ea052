import { expect, test } from 'vitest';
import { troubleOf } from '../../../../sidecar/postgres/proof/trouble.js';
import { optionRefused, readStanding } from '../../../../sidecar/postgres/proof/standing.js';

const said = (code: string, message: string) => Object.assign(new Error(message), { code });

test.each<[string, Error, boolean]>([
  ['PgBouncer', said('08P01', 'unsupported startup parameter: options'), true],
  [
    'a newer one',
    said('08P01', 'unsupported startup parameter in options: default_transaction_read_only'),
    true,
  ],
  [
    'RDS Proxy',
    said('0A000', 'Feature not supported: RDS Proxy currently doesn’t support command-line options.'),
    true,
  ],
  ['a PgBouncer without a server', said('08P01', 'server login has been failing, try again later'), false],
  ['another feature', said('0A000', 'cannot do that'), false],
  ['a password', said('28P01', 'password authentication failed'), false],
])('whether the start-up option was refused: %s', (_, error, refused) => {
  const answer = optionRefused('10.0.0.1:6432', error);
  expect(answer?.message ?? '').toMatch(
    refused ? /10\.0\.0\.1:6432 .*default_transaction_read_only=on/ : /^$/,
  );
  expect(answer?.cause).toBe(refused ? error : undefined);
});

test('a pooler without a server is not ready; one that refuses an option will not be', () => {
  expect(troubleOf(said('08P01', 'server login has been failing'))).toEqual({ kind: 'not-ready' });
  expect(troubleOf(said('08P01', 'unsupported startup parameter: options')).kind).toBe('rejected');
});

test('the answer of a session', () => {
  expect(readStanding(['t', 'off'])).toEqual({ role: 'replica', reads: false });
  expect(readStanding(['f', 'on'])).toEqual({ role: 'primary', reads: true });
  expect(readStanding(undefined)).toEqual({ role: 'primary', reads: false });
});
