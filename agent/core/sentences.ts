import { assertNever } from '../../common/assert-never.js';
import { roleOf } from './health.js';
import { obstacleText, troubleText, warningText } from './kinds/index.js';
import type { Health, Reason } from './model.js';
import type { ConsulTrouble } from './publish/attempt.js';

/** What an operator reads of a service; the sentences of a kind's own words stand in `kinds/`. */

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
      return 'it cannot be reached';
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
