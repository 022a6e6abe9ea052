import { assertNever } from '../../common/assert-never.js';
import type { Obstacle, Reason, Health, Trouble, Warning } from './model.js';
import type { ConsulTrouble } from './publish/attempt.js';
import { roleOf } from './health.js';

/** Every sentence about a service that an operator reads comes from here. */

/** Also the check's text in Consul, so it must stay the same while the trouble does. */
export function troubleText(trouble: Trouble): string {
  switch (trouble.kind) {
    case 'refused':
      return 'connection refused: nothing listens there';
    case 'unreachable':
      return `not reachable (${trouble.code})`;
    case 'no-answer':
      return `no answer within ${trouble.deadlineMs} ms`;
    case 'closed':
      return 'it closed the connection before it answered';
    case 'garbage':
      return 'what answers there speaks another protocol';
    case 'http-status':
      return `it answers with HTTP status ${trouble.status}`;
    case 'not-accepting':
      return `not accepting connections: ${trouble.text}`;
    case 'cannot-write':
      return `it cannot write: ${trouble.text} (${trouble.sqlState})`;
    case 'failing':
      return `it runs, but fails: ${trouble.text} (${trouble.sqlState})`;
    default:
      return assertNever(trouble);
  }
}

export function obstacleText(obstacle: Obstacle): string {
  switch (obstacle.kind) {
    case 'login-refused':
      return `it runs, but refuses the agent's login: ${obstacle.text} (${obstacle.sqlState}); check probe.user, probe.passwordFile, probe.ssl and pg_hba.conf`;
    case 'tls-refused':
      return `it runs, but the agent gets no TLS connection to it: ${obstacle.text}; check probe.ssl in agent.yaml, and the server's certificate`;
    case 'slots-full':
      return 'it runs, but every connection slot is taken (53300): end sessions, or raise max_connections';
    case 'query-refused':
      return `it runs, but refuses the agent's query: ${obstacle.text} (${obstacle.sqlState})`;
    case 'agent-late':
      return 'the agent itself did not get the processor in time to judge';
    case 'agent-side':
      return `the agent could not probe: ${obstacle.text}`;
    default:
      return assertNever(obstacle);
  }
}

/** Whether the member itself answered, if only to say no: then it runs. */
export function hasAnswered(obstacle: Obstacle): boolean {
  switch (obstacle.kind) {
    case 'login-refused':
    case 'tls-refused':
    case 'slots-full':
    case 'query-refused':
      return true;
    case 'agent-late':
    case 'agent-side':
      return false;
    default:
      return assertNever(obstacle);
  }
}

function warningText(warning: Warning): string {
  switch (warning.kind) {
    case 'disk-low':
      return `less than ${Math.round(warning.minFreeBytes / 1048576)} MB free on the disk of the data directory`;
    case 'disk-unread':
      return `free space of ${warning.dataDir} cannot be read: check dataDir in agent.yaml`;
    case 'write-untested':
      return `writing is not tested, as the agent's own table hotspare.heartbeat refuses it: ${warning.why}; give the agent's role SELECT, INSERT and UPDATE there and take away what else refuses (a trigger, a constraint), or provision again`;
    case 'heartbeat-locked':
      return "writing is not tested: another session holds a lock on the agent's own table; its pid is in pg_locks, WHERE relation = 'hotspare.heartbeat'::regclass";
    case 'read-only-default':
      return `new sessions ${warning.database === undefined ? '' : `in database ${warning.database} `}start read-only: default_transaction_read_only is on`;
    case 'replay-paused':
      return `it applies no WAL, so its data gets older: pg_get_wal_replay_pause_state() says ${JSON.stringify(warning.state)}. Either a setting like max_connections is lower here than on the primary, which its log says: raise it and restart it; or somebody called pg_wal_replay_pause(): call pg_wal_replay_resume()`;
    case 'sync-missing':
      return `commits hang: synchronous_standby_names asks for ${warning.wanted} in sync, and ${warning.streaming} ${warning.streaming === 1 ? 'is' : 'are'}; bring the standbys back, or ask for fewer there and reload`;
    case 'slots-full':
      return 'every connection slot is taken (53300), so new sessions are refused: end sessions, or raise max_connections';
    default:
      return assertNever(warning);
  }
}

/** What is not well with a member that serves. */
export function warningTexts(state: Health): string[] {
  if (state.kind !== 'passing' || !('warnings' in state.facts)) return [];
  return state.facts.warnings.map(warningText);
}

export function stateText(state: Health): string {
  switch (state.kind) {
    case 'unseen':
      return 'not probed yet';
    case 'passing': {
      const role = roleOf(state);
      return role ? `serving as ${role}` : 'serving';
    }
    case 'critical':
      return troubleText(state.trouble);
    case 'unknown': {
      const role = roleOf(state);
      const last = state.last
        ? `; last seen ${state.last.kind}${role ? ` as ${role}` : ''}, and kept so in Consul`
        : '';
      return obstacleText(state.obstacle) + last;
    }
    default:
      return assertNever(state);
  }
}

function unreadText(why: 'not-yet' | ConsulTrouble): string {
  switch (why) {
    case 'not-yet':
      return 'it was not read yet';
    case 'refused':
      return 'nothing listens there';
    case 'unreachable':
      return 'there is no way to it';
    case 'late':
      return 'it does not answer in time';
    case 'cut-off':
      return 'it closed the connection before it answered';
    case 'forbidden':
      return 'it does not let this agent read';
    case 'failed':
      return 'it answered with an error';
    case 'garbage':
      return 'what answers there is not Consul';
    default:
      return assertNever(why);
  }
}

export function reasonText(reason: Reason): string {
  switch (reason.kind) {
    case 'steady':
      return 'Consul holds what is true';
    case 'first-probe-pending':
      return 'waiting for the first probe; an existing registration is left alone until then';
    case 'probe-stale':
      return 'no probe has ended for so long that nothing is vouched for; its check in Consul is left to run out';
    case 'consul-unread':
      return `what Consul holds is not known, as ${unreadText(reason.why)}; nothing is published until it is`;
    case 'backing-off':
      return 'Consul said no, and is asked again only after a pause';
    case 'not-registered':
      return 'Consul has no such service';
    case 'check-missing':
      return 'the service has lost its check in Consul';
    case 'catalogue-differs':
      return `the catalogue of Consul's servers ${reason.isMissing ? 'lacks it' : 'holds something else'}, though the agent of Consul on this box holds it`;
    case 'entry-differs':
      return `Consul holds other ${reason.what}`;
    case 'status-differs':
      return `Consul says ${reason.from}, and it is ${reason.to}`;
    case 'text-differs':
      return 'the check says something else in Consul';
    case 'refresh-due':
      return 'the check is due for its refresh';
    case 'superseded':
      return 'another agent has taken this box over; nothing is written';
    case 'leaving':
      return 'the box was told to leave the catalogue';
    case 'left':
      return 'it has left the catalogue, as it was told';
    case 'stopping':
      return 'the agent is stopping';
    default:
      return assertNever(reason);
  }
}
