import type { Facts } from '../../common/keeper/protocol.js';

type Answering = Extract<Facts['sql'], { state: 'answers' }>;

/** Settings that an operator should know of, a sentence each; what to do follows a semicolon. Pure. */
export function notesOf(sql: Answering | undefined): string[] {
  if (!sql) return [];
  const { overrides, pendingRestart } = sql;
  return [
    ...(pendingRestart.length === 0
      ? []
      : [
          `Postgres has to be restarted for ${pendingRestart.join(', ')} to take effect; on the primary that is a short pause: switch over first`,
        ]),
    // A standby has the same ones.
    ...(sql.inRecovery ? [] : overrides.flatMap((override) => noteOf(override) ?? [])),
  ];
}

function noteOf(override: string): string | undefined {
  const [, who = '', name = '', value = ''] = /^(.*): (\w+)=(.*)$/s.exec(override) ?? [];
  if (name === 'synchronous_commit' && /^(off|local|remote_write|false|no|0)$/.test(value))
    return `commits of ${who} have synchronous_commit=${value}: ${
      value === 'remote_write'
        ? 'a crash of the standby may lose them'
        : 'they wait for no gate and no standby, so that a switchover may lose them'
    }; ALTER ROLE or ALTER DATABASE … RESET synchronous_commit`;
  if (name === 'default_transaction_read_only' && /^(off|false|no|0)$/.test(value))
    return `sessions of ${who} have default_transaction_read_only=${value}: a switchover does not make them read-only, and ends what they write; ALTER ROLE or ALTER DATABASE … RESET default_transaction_read_only`;
  return undefined;
}
