import {
  serviceActions,
  type Refusal,
  type RefusalCode,
  type ServiceAction,
} from '../../common/agent-control.js';
import type { ServiceSlot } from '../ports.js';
import type { Authorisation } from './authorisation.js';

export interface AskedFor {
  readonly method: string;
  /** With or without a query, which says nothing here. */
  readonly path: string;
  readonly authorisation: Authorisation;
}

export type Route =
  | { readonly kind: 'text' }
  | { readonly kind: 'status' }
  | { readonly kind: 'act'; readonly service: string; readonly action: ServiceAction }
  | {
      readonly kind: 'refuse';
      readonly status: number;
      readonly refusal: Refusal;
      readonly headers: Readonly<Record<string, string>>;
    };

/**
 * What to do about a request. Reading is open. What changes something is refused in this order: no such path, method,
 * secret, service, unit, busy; so a stranger learns nothing of the services here.
 */
export function route(asked: AskedFor, slots: ReadonlyMap<string, ServiceSlot>): Route {
  const path = asked.path.split('?')[0]!;
  const reads = asked.method === 'GET' || asked.method === 'HEAD';
  if (path === '/' || path === '/v1/status') {
    if (reads) return { kind: path === '/' ? 'text' : 'status' };
    return refuse(405, 'no-such-method', 'only GET and HEAD', { allow: 'GET, HEAD' });
  }
  const [, service, verb] = /^\/v1\/services\/([A-Za-z0-9-]+)\/([a-z]+)$/.exec(path) ?? [];
  const action = serviceActions.find((one) => one === verb);
  if (service === undefined || action === undefined)
    return refuse(
      404,
      'no-such-path',
      `not found; there are /, /v1/status and, to POST to, /v1/services/NAME/ with ${serviceActions.join(', ')}`,
    );
  if (asked.method !== 'POST')
    return refuse(405, 'no-such-method', `to ${action} a service, POST`, { allow: 'POST' });
  return refuseStranger(asked.authorisation) ?? routeAction(service, action, slots);
}

function refuseStranger(authorisation: Authorisation): Route | undefined {
  switch (authorisation) {
    case 'right':
      return undefined;
    case 'unconfigured':
      return refuse(
        403,
        'no-secret',
        'this agent changes nothing, as it was given no secret: set http.secretFile in its configuration',
      );
    case 'missing':
      return refuse(401, 'secret-missing', 'this needs the header "Authorization: Bearer SECRET"', {
        'www-authenticate': 'Bearer realm="hotspare"',
      });
    case 'wrong':
      return refuse(401, 'secret-wrong', 'that is not the secret in the file http.secretFile of this agent', {
        'www-authenticate': 'Bearer realm="hotspare", error="invalid_token"',
      });
  }
}

function routeAction(service: string, action: ServiceAction, slots: ReadonlyMap<string, ServiceSlot>): Route {
  const slot = slots.get(service);
  if (!slot) {
    const known = [...slots.keys()].join(', ') || 'none';
    return refuse(404, 'no-such-service', `this box has no service ${service}; it has ${known}`);
  }
  switch (slot.kind) {
    case 'no-unit':
      return refuse(
        409,
        'no-unit',
        `${service} has no unit here: set unit: in its entry of the agent's configuration`,
      );
    case 'busy':
      return refuse(409, 'busy', `${service} is in the middle of a ${slot.action}; ask again after it`);
    case 'free':
      return { kind: 'act', service, action };
  }
}

export function refuse(
  status: number,
  code: RefusalCode,
  error: string,
  headers: Readonly<Record<string, string>> = {},
): Extract<Route, { kind: 'refuse' }> {
  return { kind: 'refuse', status, refusal: { code, error }, headers };
}
