import { expect, test } from 'vitest';
import type { ClientInternals } from '../../../../../sidecar/postgres/session/pg-internals/client.js';
import { monitorClient } from '../../../../../sidecar/postgres/session/monitor/monitor-client.js';
import { SharedPasswords } from '../../../../../sidecar/postgres/session/monitor/shared-passwords.js';
import { ManualClock } from '../../../../fakes/manual-clock.js';

const target = { host: '10.0.0.1', port: 5433 };
const passwords = new SharedPasswords(new ManualClock(), 1_000);
const made = (options: object) =>
  monitorClient(options, target, passwords) as unknown as ClientInternals & { user: string };

test('goes to the member, whatever the URL names, and looks passwords up for the name in it', () => {
  const client = made({
    connectionString: 'postgres://me:secret@pg.service.consul:5555/app?sslmode=no-verify',
  });
  expect(client).toMatchObject({ ...target, user: 'me', password: 'secret' });
  expect(client.connectionParameters).toMatchObject({
    host: 'pg.service.consul',
    port: 5555,
    database: 'app',
  });
  expect(client.connection.ssl).toEqual({ rejectUnauthorized: false, servername: 'pg.service.consul' });
  expect(made({ host: '10.9.9.9' }).connectionParameters).toMatchObject(target);
});

test.each([
  ['in the URL', (options: string) => ({ connectionString: `postgres://me@db/app?${options}` })],
  ['as options', (options: string) => Object.fromEntries(new URLSearchParams(options))],
])('what shapes the statements of an app is left out, %s', (_, given) => {
  const limits = 'statement_timeout=1&lock_timeout=2&idle_in_transaction_session_timeout=3&query_timeout=4';
  const rest =
    'application_name=mine&fallback_application_name=other&replication=database&options=-c+work_mem%3D1MB';
  const client = made(given(`${limits}&${rest}`)) as unknown as {
    getStartupConf(): object;
    pipeline: boolean;
  };
  const startup = client.getStartupConf();
  expect(startup).toMatchObject({ application_name: 'hotspare-monitor', options: '-c work_mem=1MB' });
  expect(Object.keys(startup).sort()).toEqual(['application_name', 'database', 'options', 'user']);
  expect((client as never as ClientInternals).connectionParameters.query_timeout).toBe(0);
});
