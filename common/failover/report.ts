import { history } from '../keeper/protocol.js';
import {
  bool,
  integer,
  list,
  number,
  object,
  oneOf,
  optional,
  text,
  union,
  type Of,
} from '../keeper/shape.js';
import { leader, order, policy, record } from './shapes.js';

/** A member, as its keeper sees it; agent/core/lead/model.ts says what each field means. */
export const self = union('kind', {
  unknown: { why: text },
  known: {
    managed: bool,
    data: oneOf('none', 'present', 'half-done'),
    process: oneOf('running', 'stopped'),
    writable: bool,
    gate: union('kind', {
      closed: { proven: bool },
      hold: {},
      open: { proven: bool, standbys: optional(list(text)) },
      unknown: { why: text },
    }),
    draining: bool,
    busy: optional(text),
    incarnation: text,
    origin: optional(text),
    history: optional(history),
    position: optional(text),
    statements: optional(number),
    source: optional(
      object({
        address: text,
        port: optional(number),
        streaming: bool,
        timeline: optional(number),
        heardMs: optional(number),
      }),
    ),
    feeds: list(object({ name: text, position: optional(text) })),
    slots: list(text),
    replayPaused: bool,
    checkpointed: bool,
  },
});

/**
 * What `GET /v1/services/NAME/failover` of an agent answers: its member, what it decided last, and what it sees in Consul. The
 * other agents decide from it, and `hotspare status` shows it.
 */
export const failoverReport = object({
  service: text,
  member: text,
  /** The highest epoch of a record on this member's disk. */
  epoch: integer(0, Number.MAX_SAFE_INTEGER),
  /** The highest revision of that record there; absent: it has not changed within its epoch. */
  revision: optional(integer(0, Number.MAX_SAFE_INTEGER)),
  self,
  /** Whether it may be promoted, as far as its own box knows. */
  eligible: object({ ok: bool, why: optional(text) }),
  /** The row of docs/FAILOVER.md that decided last, what is being done, and the role that it may have. */
  row: text,
  sentence: text,
  publish: oneOf('primary', 'replica', 'none', 'as-seen', 'unchanged'),
  /** Whether this agent's own session holds the lease. */
  holdsLease: bool,
  shared: union('kind', {
    unread: { why: text },
    read: {
      /** What stands in the leader key; also of one who let go. */
      leader: optional(leader),
      /** Whether some session holds the lease. */
      isHeld: bool,
      epoch: integer(0, Number.MAX_SAFE_INTEGER),
      record: optional(record),
      /** In force: Consul's, or the first one of the agent's configuration. */
      policy,
      order: optional(order),
    },
  }),
  /** Things to look at, as sentences; what to do follows a semicolon. */
  warnings: list(text),
});
export type FailoverReport = Of<typeof failoverReport>;

/** Body of `POST /v1/services/NAME/order`. */
export const orderRequest = union('kind', {
  /** Without `to`: the one other member; refused where there are several. */
  switchover: { to: optional(text) },
  promote: { to: text, oldPrimaryIsOff: optional(bool), recordLost: optional(bool) },
  /** `rewind`: follow again, rewound where needed; `basebackup`: made anew from the holder. */
  rejoin: { member: text, method: oneOf('rewind', 'basebackup') },
  /**
   * The server of the member that is asked is about to be stopped: with `promotion: auto` its standby takes over first, and what is
   * stopped is left alone by its agent. Refused where there is nothing to hand over, or by policy.
   */
  stopping: {},
  /** Takes back the order that stands, while it can be; with `id`: only that one. */
  withdraw: { id: optional(text) },
});
export type OrderRequest = Of<typeof orderRequest>;

/** Body of `POST /v1/services/NAME/policy`: what is left out stays as it is. */
export const policyRequest = object({
  roles: optional(oneOf('observe', 'managed')),
  promotion: optional(oneOf('manual', 'auto')),
  durability: optional(oneOf('async', 'sync')),
  strict: optional(bool),
  paused: optional(bool),
  maxFailovers: optional(integer(0, 1_000)),
});
export type PolicyRequest = Of<typeof policyRequest>;
