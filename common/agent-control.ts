import type { UnitStatus } from './service-manager.js';

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
  /** Something is being done to the service already. */
  busy: 409,
  /** No end within the deadline; it may still be carried out. */
  late: 504,
  /** systemd refused, or tried in vain. */
  failed: 500,
} as const;
export type RefusalCode = keyof typeof refusals;
export const refusalCodes = Object.keys(refusals) as readonly RefusalCode[];
