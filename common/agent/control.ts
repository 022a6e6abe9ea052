import type { FailoverEvent, FailoverOrder, Policy } from '../failover/shapes.js';
import type { UnitStatus } from '../service-manager.js';

/** What `POST /v1/services/NAME/ACTION` of an agent may be asked for. */
export const serviceActions = ['start', 'stop', 'restart'] as const;
export type ServiceAction = (typeof serviceActions)[number];

/** What it answers when the action was carried out. Fields are added, never renamed or removed, within `/v1`. */
export interface ActionAnswer {
  readonly service: string;
  readonly unit: string;
  readonly action: ServiceAction;
  /** The unit's state afterwards; `unknown` when it could not be read. */
  readonly state: UnitStatus['state'] | 'unknown';
}

/** What `POST /v1/leave` answers when no service of the box is in the catalogue any more. */
export interface LeaveAnswer {
  /** The names of the box's services. */
  readonly left: readonly string[];
}

/** What `POST /v1/services/NAME/order` answers once the order stands in Consul; absent: it was withdrawn. */
export interface OrderAnswer {
  readonly service: string;
  readonly order?: FailoverOrder;
}

/** What `POST /v1/services/NAME/policy` answers: the whole policy in force. */
export interface PolicyAnswer {
  readonly service: string;
  readonly policy: Policy;
}

/** What `GET /v1/services/NAME/history` answers, oldest first. */
export interface HistoryAnswer {
  readonly service: string;
  readonly events: readonly FailoverEvent[];
  /** Keys of what stands there and is not an event, each with why. */
  readonly unreadable: readonly { readonly key: string; readonly why: string }[];
}

/** What it answers with every other HTTP status than success. */
export interface Refusal {
  readonly code: RefusalCode;
  /** A sentence. */
  readonly error: string;
}

/** Every refusal, with its HTTP status. docs/AGENT.md says why each is given. */
export const refusals = {
  'no-such-path': 404,
  'no-such-method': 405,
  /** This agent was given no secret, so it changes nothing. */
  'no-secret': 403,
  'secret-missing': 401,
  'secret-wrong': 401,
  /** The body, which nobody reads. */
  'too-long': 413,
  'no-such-service': 404,
  'no-unit': 409,
  /** Its roles are not managed by this agent: it has no `failover` in its configuration. */
  'not-managed': 409,
  /** The body is not what is expected there. */
  'bad-body': 400,
  /** It would lose data, or cannot work: the sentence says why, and what to do instead. */
  unsafe: 409,
  /** Another order stands, or what it builds on has changed. */
  conflict: 409,
  /** Consul cannot be asked, or refuses. */
  unavailable: 503,
  /** Something is being done to the service already. */
  busy: 409,
  /** No end within the deadline; it may still be carried out. */
  late: 504,
  /** systemd refused, or tried in vain. */
  failed: 500,
} as const;
export type RefusalCode = keyof typeof refusals;
export const refusalCodes = Object.keys(refusals) as readonly RefusalCode[];
