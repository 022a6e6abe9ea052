import { describe, expect, test } from 'vitest';
import { Overdue } from '../../../../../sidecar/postgres/session/loss/query-timeout.js';

describe('a statement that timed out', () => {
  const timeout = new Error('Query read timeout');
  const setup = () => {
    const statement = { handleError: (_error: Error) => {} };
    const client = { _activeQuery: null as object | null, _queryQueue: [], _sentQueryQueue: [] };
    const overdue = new Overdue(client);
    const start = () => {
      client._activeQuery = statement;
    };
    return { statement, client, overdue, start };
  };

  test('makes its session busy until it is answered', () => {
    const { statement, client, overdue, start } = setup();
    overdue.watch(['SELECT 1', []], start);
    expect(overdue.busy).toBe(false);
    statement.handleError(timeout);
    expect(overdue.busy).toBe(true);
    client._activeQuery = null;
    expect(overdue.busy).toBe(false);
  });

  test('is noticed before its callback runs', () => {
    const { overdue, start } = setup();
    let busy: boolean | undefined;
    let callback: ((error: Error) => void) | undefined;
    overdue.watch(['SELECT 1', [], () => (busy = overdue.busy)], (_query, _values, done) => {
      callback = done as typeof callback;
      start();
    });
    callback!(timeout);
    expect(busy).toBe(true);
  });

  test('other errors mean nothing, nor does a timeout while it waited behind another', () => {
    const { statement, client, overdue, start } = setup();
    overdue.watch(['SELECT 1', []], start);
    statement.handleError(new Error('division by zero'));
    expect(overdue.busy).toBe(false);
    client._activeQuery = { handleError: () => {} };
    statement.handleError(timeout);
    expect(overdue.busy).toBe(false);
  });
});
