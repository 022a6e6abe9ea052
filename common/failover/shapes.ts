import { history } from '../keeper/protocol.js';
import {
  bool,
  integer,
  list,
  matching,
  number,
  object,
  oneOf,
  optional,
  text,
  union,
  type Of,
} from '../keeper/shape.js';

/** The values under `hotspare/<service>/`. Unknown keys are refused: an older agent does not act on what it does not know. */

const member = matching(/^[a-z][a-z0-9-]{0,30}$/, 'a member');
const epoch = integer(0, Number.MAX_SAFE_INTEGER);
/** Opaque but for the driver that compares two of them; for Postgres `TIMELINE/LSN`, such as `3/0/5000148`. */
const position = matching(/^[0-9A-Za-z/._-]{1,60}$/, 'a position');

/**
 * Value of the leader key. A holder that lets go of the lease leaves `released`: how far it wrote, and whether it can still
 * acknowledge (F2).
 */
export const leader = object({
  member,
  epoch,
  released: optional(object({ fenced: bool, position: optional(position) })),
});
export type Leader = Of<typeof leader>;

/** Who has every acknowledged commit, and so may be promoted (R1-R9). */
export const record = object({
  /** Of the promotion that wrote it. */
  epoch,
  /** How often its members or durability were changed in this epoch: an older record of the same epoch can be told from it (R6). */
  revision: optional(integer(0, Number.MAX_SAFE_INTEGER)),
  durability: oneOf('async', 'sync'),
  /** The holder first. In `async` it alone. */
  members: list(object({ name: member, incarnation: matching(/^[a-z0-9]{1,40}$/, 'an incarnation') })),
  /** Known to be flushed by all of them (R5). In `async` shown only. */
  floor: optional(position),
  /** When members were promoted by themselves in the last minutes, in ms since 1970 by the clock of their boxes (L7). */
  failovers: optional(list(number)),
  /** How a follower tells its own history from another (D4). */
  history,
});
export type Record = Of<typeof record>;

export const policy = object({
  roles: oneOf('observe', 'managed'),
  promotion: oneOf('manual', 'auto'),
  durability: oneOf('async', 'sync'),
  strict: bool,
  /** Nothing but publishing goes on. */
  paused: bool,
  /** After so many failovers in 10 minutes an operator is asked (L7); absent: 3. */
  maxFailovers: optional(integer(0, 1_000)),
});
export type Policy = Of<typeof policy>;

/** What an operator wants. One at a time; whoever carries it out removes it. `id` tells two that read alike apart. */
export const order = union('kind', {
  /** `handedOver`: the old holder has let go; the target may take the lease. */
  switchover: { id: text, from: member, to: member, handedOver: bool },
  /** The fence of the old holder was confirmed by its keeper, or the operator said that it is off (O1). */
  promote: { id: text, to: member, oldPrimaryIsOff: bool, recordLost: bool },
  rejoin: { id: text, member, method: oneOf('rewind', 'basebackup') },
});
export type FailoverOrder = Of<typeof order>;

/** One line of the history. */
export const event = object({
  id: text,
  /** ms since 1970, by the clock of the box that wrote it. */
  atMs: number,
  kind: oneOf(
    'promoted',
    'handed-over',
    'taken-over',
    'demoted',
    'rejoined',
    'quarantined',
    'record',
    'policy',
    'refused',
    'gave-up',
    'rehearsed',
  ),
  member,
  epoch,
  /** Id of the order that it comes of. */
  order: optional(text),
  /** The rule that decided, as in docs/FAILOVER.md. */
  rule: text,
  /** What led to it, and what was seen. */
  cause: text,
  evidence: optional(text),
  changed: optional(text),
  /** Acknowledged or not: WAL that only this member had. */
  bytes: optional(number),
});
export type FailoverEvent = Of<typeof event>;
