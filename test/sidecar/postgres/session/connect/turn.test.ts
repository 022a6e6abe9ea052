import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../fakes/manual-clock.js';
import { Turn } from '../../../../../sidecar/postgres/session/connect/turn.js';

describe('whose turn it is in a log-in', () => {
  function logIn() {
    const sent: string[] = [];
    const _send = (bytes: unknown) => sent.push(String(bytes));
    const connection = Object.assign(new EventEmitter(), { stream: new EventEmitter(), _send });
    const own = { clock: new ManualClock(), hold: () => () => {}, mostMs: 1_000 };
    const turn = new Turn({ connection, host: '10.0.0.11' } as never, own, () => {});
    return { turn, connection, sent, _send };
  }

  it('is ours from each question until the answer is sent', () => {
    const { turn, connection, sent } = logIn();
    connection.stream.emit('connect');
    expect(turn.ours).toBe(false);
    connection.emit('authenticationSASL');
    expect(turn.ours).toBe(true);
    connection._send('answer');
    expect(turn.ours).toBe(false);
    expect(sent).toEqual(['answer']);
  });

  it('takes no part in what is sent afterwards, with every statement', () => {
    const { turn, connection, _send } = logIn();
    turn.over();
    expect(connection._send).toBe(_send);
  });
});
