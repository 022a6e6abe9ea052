import type { FailoverEvent } from '../../../common/failover/shapes.js';
import { assertNever } from '../../../common/assert-never.js';
import type { LeadDecision, Outcome, ReadShared } from './model.js';

/** An event, but for what whoever writes it down adds. */
export type NewEvent = Omit<FailoverEvent, 'id' | 'atMs'>;

/** What the decision was made from and about. */
export interface Deed {
  readonly member: string;
  readonly decision: Pick<LeadDecision, 'row' | 'sentence'>;
  readonly outcome: Outcome;
  /** Consul as the decision saw it; undefined: it was not read. */
  readonly shared: ReadShared | undefined;
}

/**
 * What the history says of an action that was carried out; undefined: nothing. What failed is tried again, and stands in the log alone.
 * `rule` is the row that decided.
 */
export function eventOf(deed: Deed): NewEvent | undefined {
  const { outcome, shared } = deed;
  if (outcome.kind !== 'done') return undefined;
  const { action } = outcome;
  const say = (
    kind: NewEvent['kind'],
    more: Partial<Pick<NewEvent, 'epoch' | 'changed' | 'evidence' | 'bytes' | 'cause'>> = {},
  ): NewEvent => {
    const order = shared?.order.value?.id;
    return {
      kind,
      member: deed.member,
      epoch: shared?.record.value?.epoch ?? shared?.epoch.value ?? 0,
      rule: deed.decision.row,
      cause: deed.decision.sentence,
      ...(order === undefined ? {} : { order }),
      ...more,
    };
  };
  switch (action.kind) {
    case 'acquire':
      if (action.first) return say('record', { epoch: action.epoch, changed: 'the first record' });
      return deed.decision.row === 'take-over'
        ? say('taken-over', { epoch: action.epoch, changed: 'it holds the lease' })
        : undefined;
    case 'write-record': {
      const { epoch, members, history } = action.record;
      const isPromotion = shared?.record.value !== undefined && epoch > shared.record.value.epoch;
      return say(isPromotion ? 'promoted' : 'record', {
        epoch,
        changed: `members ${members.map(({ name }) => name).join(', ')}; timeline ${history.timeline}`,
      });
    }
    case 'change-record': {
      const { durability, members } = action.record;
      return say('record', {
        changed: `members ${members.map(({ name }) => name).join(', ')}; durability ${durability}`,
      });
    }
    case 'release':
      return say(action.handOver ? 'handed-over' : 'demoted', {
        changed: action.released.fenced ? 'the lease is free; this member is fenced' : 'the lease is free',
        ...(action.released.position === undefined
          ? {}
          : { evidence: `written up to ${action.released.position}` }),
      });
    case 'fence':
      return say('demoted', { changed: 'Postgres was stopped at once' });
    case 'drop-order':
      // The rejoin itself said so already.
      if (deed.decision.row === 'reinit-done') return undefined;
      return say(deed.decision.row === 'order-refused' ? 'refused' : 'gave-up', { cause: action.why });
    case 'rejoin':
      return say('rejoined', {
        changed: `${action.method} from ${action.from.address}`,
        ...(outcome.kept === undefined
          ? {}
          : { bytes: outcome.kept.bytes, evidence: `WAL of its own is kept in ${outcome.kept.folder}` }),
      });
    case 'let-service-go':
      return say('record', {
        changed: 'the record and the lease are given up: roles are observed from now on',
      });
    case 'manage':
      return say('record', { changed: 'taken into management' });
    case 'release-management':
      return say('record', { changed: 'let go: roles are observed only' });
    case 'remember':
    case 'open-session':
    case 'end-session':
    case 'confirm':
    case 'refresh-record':
    case 'close-gate':
    case 'hold-gate':
    case 'finalise-gate':
    case 'open-gate':
    case 'add-standby':
    case 'drain':
    case 'end-drain':
    case 'promote':
    case 'follow':
    case 'checkpoint':
    case 'keep-slots':
    case 'start-process':
      return undefined;
    default:
      return assertNever(action);
  }
}
