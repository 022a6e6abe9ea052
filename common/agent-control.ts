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

/** What it answers with every other HTTP status than success. */
export interface Refusal {
  readonly code: RefusalCode;
  /** A sentence. */
  readonly error: string;
}

export const refusalCodes = [
  /** 404: no such path. */
  'no-such-path',
  /** 405 */
  'no-such-method',
  /** 403: this agent was given no secret, so it changes nothing. */
  'no-secret',
  /** 401 */
  'secret-missing',
  /** 401 */
  'secret-wrong',
  /** 413: the body, which nobody reads, is too long. */
  'too-long',
  /** 404: the box has no such service. */
  'no-such-service',
  /** 409: the service has no unit. */
  'no-unit',
  /** 409: something is being done to the service already. */
  'busy',
  /** 504: no end within the deadline; systemd may still carry it out. */
  'late',
  /** 500: systemd refused, or tried in vain. */
  'failed',
] as const;
export type RefusalCode = (typeof refusalCodes)[number];
