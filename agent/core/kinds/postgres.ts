import type { Role } from '../../../common/names.js';
import type { KindOf } from './kind.js';

export interface PostgresFacts {
  readonly kind: 'postgres';
  readonly role: Role;
  /** Written (primary) or replayed (replica), like `0/3000060`. */
  readonly lsn?: string;
  readonly timeline?: number;
  /** Which database it is; absent when it does not say. */
  readonly systemId?: string;
  /** Replica: bytes known to be written on the primary and not replayed here. */
  readonly lagBytes?: number;
  /** Replica: whether WAL is streaming in. */
  readonly streaming?: boolean;
  /** Primary: who streams from it. */
  readonly replicas?: readonly ReplicaFacts[];
  readonly freeBytes?: number;
  /** What is not well though the member serves. */
  readonly warnings: readonly PostgresWarning[];
}

export interface ReplicaFacts {
  readonly name: string;
  readonly address?: string;
  readonly state: string;
  readonly lagBytes?: number;
}

export type PostgresWarning =
  | { readonly kind: 'disk-low'; readonly minFreeBytes: number }
  | { readonly kind: 'disk-unread'; readonly dataDir: string }
  /** The agent's own table could not be written, for a reason of that table's. */
  | { readonly kind: 'write-untested'; readonly why: string }
  /** Another session holds a lock on the agent's own table. */
  | { readonly kind: 'heartbeat-locked' }
  /** New sessions start read-only: in that database, or, without one, in all. */
  | { readonly kind: 'read-only-default'; readonly database?: string }
  /** A replica receives WAL and does not apply it; `state` in Postgres' words. */
  | { readonly kind: 'replay-paused'; readonly state: string }
  /** Commits wait for more standbys than there are. */
  | { readonly kind: 'sync-missing'; readonly wanted: number; readonly streaming: number }
  /** Every connection slot is taken; seen through the session the agent holds. */
  | { readonly kind: 'slots-full' };

export type PostgresTrouble =
  /** Postgres 57P03: starting up, shutting down, in recovery; its own words. */
  | { readonly kind: 'not-accepting'; readonly text: string }
  | { readonly kind: 'cannot-write'; readonly sqlState: string; readonly text: string }
  /** Postgres fails inside: a file it cannot read, a corruption (SQLSTATE classes 58 and XX). */
  | { readonly kind: 'failing'; readonly sqlState: string; readonly text: string };

export type PostgresObstacle =
  | { readonly kind: 'login-refused'; readonly sqlState: string; readonly text: string }
  /** The two sides do not agree on TLS, or on who they are. */
  | { readonly kind: 'tls-refused'; readonly text: string }
  | { readonly kind: 'slots-full' }
  | { readonly kind: 'query-refused'; readonly sqlState: string; readonly text: string };

export interface PostgresWords {
  readonly facts: PostgresFacts;
  readonly trouble: PostgresTrouble;
  readonly obstacle: PostgresObstacle;
  readonly warning: PostgresWarning;
}

export const postgres: KindOf<PostgresWords> = {
  troubles: {
    'not-accepting': ({ text }) => `not accepting connections: ${text}`,
    'cannot-write': ({ text, sqlState }) => `it cannot write: ${text} (${sqlState})`,
    failing: ({ text, sqlState }) => `it runs, but fails: ${text} (${sqlState})`,
  },
  obstacles: {
    'login-refused': {
      text: ({ text, sqlState }) =>
        `it runs, but refuses the agent's login: ${text} (${sqlState}); check probe.user, probe.passwordFile, probe.ssl and pg_hba.conf`,
      hasAnswered: true,
    },
    'tls-refused': {
      text: ({ text }) =>
        `it runs, but the agent gets no TLS connection to it: ${text}; check probe.ssl in agent.yaml, and the server's certificate`,
      hasAnswered: true,
    },
    'slots-full': {
      text: () =>
        'it runs, but every connection slot is taken (53300): end sessions, or raise max_connections',
      hasAnswered: true,
    },
    'query-refused': {
      text: ({ text, sqlState }) => `it runs, but refuses the agent's query: ${text} (${sqlState})`,
      hasAnswered: true,
    },
  },
  warnings: {
    'disk-low': ({ minFreeBytes }) =>
      `less than ${Math.round(minFreeBytes / 1048576)} MB free on the disk of the data directory`,
    'disk-unread': ({ dataDir }) => `free space of ${dataDir} cannot be read: check dataDir in agent.yaml`,
    'write-untested': ({ why }) =>
      `writing is not tested, as the agent's own table hotspare.heartbeat refuses it: ${why}; give the agent's role SELECT, INSERT and UPDATE there and take away what else refuses (a trigger, a constraint), or provision again`,
    'heartbeat-locked': () =>
      "writing is not tested: another session holds a lock on the agent's own table; its pid is in pg_locks, WHERE relation = 'hotspare.heartbeat'::regclass",
    'read-only-default': ({ database }) =>
      `new sessions ${database === undefined ? '' : `in database ${database} `}start read-only: default_transaction_read_only is on`,
    'replay-paused': ({ state }) =>
      `it applies no WAL, so its data gets older: pg_get_wal_replay_pause_state() says ${JSON.stringify(state)}. Either a setting like max_connections is lower here than on the primary, which its log says: raise it and restart it; or somebody called pg_wal_replay_pause(): call pg_wal_replay_resume()`,
    'sync-missing': ({ wanted, streaming }) =>
      `commits wait: synchronous_standby_names asks for ${wanted} in sync, and ${streaming} ${streaming === 1 ? 'is' : 'are'}; bring the standbys back`,
    'slots-full': () =>
      'every connection slot is taken (53300), so new sessions are refused: end sessions, or raise max_connections',
  },
  // A log-in is late on a busy machine, and a primary out of DNS costs every write. The deadline is long, so half of it must
  // do to confirm.
  policy: { missesToBelieve: 2, confirmingShare: 0.5 },
  passingText: () => 'accepts connections and answers; a primary also writes',
  figures: ({ kind: _, role: __, warnings: ___, ...rest }) => rest,
};
