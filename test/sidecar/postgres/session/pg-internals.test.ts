import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { Connection } from '../../../../sidecar/postgres/session/pg-internals/client.js';
import {
  activeStatement,
  newestStatement,
  putBack,
  takeStatements,
} from '../../../../sidecar/postgres/session/pg-internals/statements.js';

/** sidecar/postgres/session/pg-internals/client.ts says why hotspare leans on these. A release of pg that moves one must fail here. */
describe('what hotspare uses of pg beyond its documentation', () => {
  const client = new pg.Client({ host: 'x', port: 1, user: 'u', database: 'd', password: 'p' });
  const own = client as unknown as Record<string, unknown>;

  test.each([
    '_errorAllQueries',
    '_handleErrorMessage',
    '_handleErrorEvent',
    '_pulseQueryQueue',
    'cancel',
    '_connect',
    '_getPassword',
    '_handleAuthSASLContinue',
  ])('Client method %s', (name) => {
    expect(typeof own[name]).toBe('function');
    expect(Object.hasOwn(pg.Client.prototype, name)).toBe(true);
  });

  test.each([
    ['_ending', false],
    ['_ended', false],
    ['_connecting', false],
    ['_connected', false],
    ['_connectionError', false],
    ['_queryable', true],
  ])('Client field %s', (name, initial) => {
    expect(own[name]).toBe(initial);
  });

  test('Client fields that hold statements', () => {
    expect(own).toMatchObject({ _activeQuery: null, _queryQueue: [], _sentQueryQueue: [] });
    const [one, two, three] = [1, 2, 3].map(() => ({ handleError: () => {} }));
    Object.assign(client, { _activeQuery: one, _sentQueryQueue: [two], _queryQueue: [three] });
    expect(takeStatements(client)).toEqual({ sent: [one, two], unsent: [three] });
    expect(own).toMatchObject({ _activeQuery: null, _queryQueue: [], _sentQueryQueue: [] });
    const old = { activeQuery: one, queryQueue: [two] };
    expect(takeStatements(old)).toEqual({ sent: [one], unsent: [two] });
    expect(old).toEqual({ activeQuery: null, queryQueue: [] });
  });

  test('Client: what a query_timeout says, and to whom; the Promise it makes', () => {
    const source = String((pg.Client.prototype as unknown as { query: unknown }).query);
    expect(source).toContain("new Error('Query read timeout')");
    expect(source).toMatch(/process\.nextTick\(\(\) => \{\s*query\.handleError\(error, this\.connection\)/);
    expect(own['_Promise']).toBe(Promise);
  });

  test('newest and active statement, and putting back', () => {
    const [one, two] = [1, 2].map(() => ({ handleError: () => {} }));
    const busy = { _activeQuery: one, _sentQueryQueue: [], _queryQueue: [] as object[] };
    expect([activeStatement(busy), newestStatement(busy)]).toEqual([one, one]);
    putBack(busy, [two!]);
    expect(newestStatement(busy)).toBe(two);
    expect(busy._queryQueue).toEqual([two]);
    expect(activeStatement({ activeQuery: one, queryQueue: [] })).toBe(one);
    expect(newestStatement({ _activeQuery: null, _queryQueue: [] })).toBeUndefined();
  });

  test('Client: host, port, connectionParameters, connection.stream and connection.ssl decide where it goes', () => {
    expect(client).toMatchObject({ host: 'x', port: 1, connectionParameters: { host: 'x', port: 1 } });
    expect(own['connection']).toMatchObject({ ssl: false });
    expect(typeof (own['connection'] as { stream: { destroy: unknown } }).stream.destroy).toBe('function');
    const renewed = new Connection({
      ssl: false,
      keepAlive: false,
      keepAliveInitialDelayMillis: 0,
      encoding: 'utf8',
    });
    expect(renewed.constructor).toBe((own['connection'] as object).constructor);
  });

  test.each(['_remove', '_pulseQueue', '_release'])('Pool method %s', (name) => {
    expect(typeof (pg.Pool.prototype as unknown as Record<string, unknown>)[name]).toBe('function');
  });

  test('Pool fields _idle and _clients, and that _release removes what comes with an error', async () => {
    const pool = new pg.Pool({ Client: pg.Client });
    expect(pool).toMatchObject({ _idle: [], _clients: [], _pendingQueue: [], Promise });
    expect(typeof (pool as unknown as { log: unknown }).log).toBe('function');
    const source = String((pg.Pool.prototype as unknown as { _release: unknown })._release);
    expect(source).toMatch(/_release\(client, idleListener, err\)/);
    expect(source).toMatch(/err \|\|.*!client\._queryable/);
    await pool.end();
  });
});
