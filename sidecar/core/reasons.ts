import { assertNever } from '../../common/assert-never.js';
import { targetKey, type Target } from '../../common/names.js';
import type { Trouble } from './model.js';

/** Why the mode is what it is. */
export type Reason =
  | { readonly kind: 'starting' }
  | { readonly kind: 'primary-proven'; readonly target: Target }
  | { readonly kind: 'no-primary-known'; readonly consulSaysNone: boolean }
  | { readonly kind: 'primary-lost'; readonly target: Target; readonly trouble: Trouble }
  | { readonly kind: 'primary-became-replica'; readonly target: Target }
  /** A member says it is primary, of an older timeline than one already seen. */
  | { readonly kind: 'primary-superseded'; readonly target: Target; readonly timeline: number }
  | { readonly kind: 'replicas-too-far-behind'; readonly limitBytes: number }
  | { readonly kind: 'nobody-known'; readonly consul: 'lists-nobody' | 'does-not-answer' }
  | { readonly kind: 'nothing-answers'; readonly members: number }
  /** Some are there, and refuse the log-in; of the others, nobody answers. */
  | { readonly kind: 'nobody-lets-in'; readonly members: number; readonly refusals: readonly Refusal[] };

export interface Refusal {
  readonly target: Target;
  /** SQLSTATE, or null when the server did not say: an error of TLS. */
  readonly code: string | null;
}

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
    case 'replicas-too-far-behind':
      return `no primary, and every replica is more than ${reason.limitBytes} bytes behind`;
    case 'nobody-known':
      return reason.consul === 'lists-nobody'
        ? 'Consul lists no member of the service'
        : 'Consul does not answer and no member is remembered';
    case 'nothing-answers':
      return `${noneOf(reason.members)} answers`;
    case 'nobody-lets-in':
      return `${noneOf(reason.members)} lets us in (${reason.refusals.map(refusal).join(', ')})`;
    default:
      return assertNever(reason);
  }
}

const noneOf = (members: number) => `none of ${members} known member${members === 1 ? '' : 's'}`;

const refusal = ({ target, code }: Refusal) => targetKey(target) + (code === null ? '' : `: ${code}`);

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
    case 'rejected':
      return of.code === null ? 'does not let us in' : `does not let us in (${of.code})`;
    default:
      return assertNever(of);
  }
}
