import { assertNever } from '../../../common/assert-never.js';
import { targetKey } from '../../../common/names.js';
import type { Reason, Refusal, Trouble } from '../model.js';
import { moveAfterMs } from '../members/moving.js';

/** The one place where a reason becomes the sentence that people read. */
export function sentence(reason: Reason): string {
  switch (reason.kind) {
    case 'starting':
      return 'no member has answered yet';
    case 'primary-proven':
      return `${targetKey(reason.target)} proved that it is the primary`;
    case 'no-primary-known':
      return reason.consulSaysNone
        ? 'Consul lists no primary and no member says it is one'
        : 'no member says it is the primary';
    case 'primary-lost':
      return `the primary ${targetKey(reason.target)} ${trouble(reason.trouble)}`;
    case 'primary-became-replica':
      return `${targetKey(reason.target)} is a replica now and no other member says it is the primary`;
    case 'primary-superseded':
      return `${targetKey(reason.target)} calls itself primary, but timeline ${reason.timeline} was seen elsewhere: it is out of date`;
    case 'primary-untold':
      return `${targetKey(reason.target)} calls itself primary, but does not tell its timeline, and others have told theirs: the app's role needs the right to EXECUTE pg_current_wal_lsn and pg_walfile_name there`;
    case 'primary-barred':
      return `the primary ${targetKey(reason.target)} ${barred(reason.bar)}`;
    case 'primary-unregistered':
      return `${targetKey(reason.target)} calls itself primary, below timeline ${reason.floor.timeline} of epoch ${reason.floor.epoch}, which is registered in Consul: it is out of date`;
    case 'torn':
      return `members of ${reason.systemIds.length} databases are found (system identifiers ${few(reason.systemIds)}): set systemId to the one that is meant`;
    case 'none-of-ours':
      return 'no known member belongs to our database';
    case 'moved':
      return `moved to the database with system identifier ${reason.to}${reason.from === null ? '' : ` (before: ${reason.from})`}: Consul's HTTP API has listed no other for ${moveAfterMs / 1000} s`;
    case 'replicas-too-far-behind':
      return `no primary, and every replica is more than ${reason.limitBytes} bytes behind`;
    case 'nobody-known':
      return reason.consul === 'lists-nobody'
        ? 'Consul lists no member of the service'
        : 'Consul does not answer and no member is remembered';
    case 'nothing-answers':
      return `${noneOf(reason.members)} answers`;
    case 'nobody-lets-in':
      return `${noneOf(reason.members)} lets us in (${few(reason.refusals.map(refusal))})`;
    default:
      return assertNever(reason);
  }
}

const bars = {
  drained: 'only reads: it is being left in a switchover',
  gated: 'acknowledges no write: its gate is closed',
  stalled: 'does not acknowledge writes in time: they wait for a standby',
} as const;

/** Goes after a target's name. */
export const barred = (bar: keyof typeof bars): string => bars[bar];

const named = 5;

/** As many as people read. */
export const few = (texts: readonly string[]): string =>
  texts.slice(0, named).join(', ') + (texts.length > named ? ` and ${texts.length - named} more` : '');

const noneOf = (members: number) => `none of ${members} known member${members === 1 ? '' : 's'}`;

const refusal = ({ target, code }: Refusal) => targetKey(target) + (code === null ? '' : `: ${code}`);

/** What a member refused to answer; goes after its name. The refusal begins with its SQLSTATE. */
export const withheldText = (refusal: string): string =>
  `does not tell all: ${refusal}${refusal.startsWith('42501:') ? " (the app's role needs the right to EXECUTE it)" : ''}`;

/** Goes after a target's name. */
export function trouble(of: Trouble): string {
  switch (of.kind) {
    case 'refused':
      return 'refuses connections';
    case 'unreachable':
      return 'cannot be reached';
    case 'timed-out':
      return 'does not answer in time';
    case 'closed':
      return 'closes connections';
    case 'crashed':
      return 'crashed';
    case 'not-ready':
      return 'is starting up or shutting down';
    case 'held-up':
      return 'is not reached: the app takes too long with a password, a stream or the look-up of a name';
    case 'own-side':
      return `is not reached: this process or its machine lacks what a connection needs (${of.code})`;
    case 'rejected':
      return of.code === null ? 'does not let us in' : `does not let us in (${of.code})`;
    default:
      return assertNever(of);
  }
}
