import { refusals, type Refusal, type RefusalCode, type ServiceAction } from '../../common/agent/control.js';
import { assertNever } from '../../common/assert-never.js';
import type { ServiceSlot } from '../ports.js';
import type { Authorisation } from './authorisation.js';
import { routes, rowFor } from './routes.js';

export interface AskedFor {
  readonly method: string;
  /** With or without a query, which says nothing here. */
  readonly path: string;
  readonly authorisation: Authorisation;
}

export type Route =
  | { readonly kind: 'text' }
  | { readonly kind: 'status' }
  | { readonly kind: 'leave' }
  | { readonly kind: 'act'; readonly service: string; readonly action: ServiceAction }
  | { readonly kind: 'report' | 'history' | 'order' | 'policy'; readonly service: string }
  | {
      readonly kind: 'refuse';
      readonly status: number;
      readonly refusal: Refusal;
      readonly headers: Readonly<Record<string, string>>;
    };

/** What to do about a request, by the table of routes. */
export function route(
  asked: AskedFor,
  slots: ReadonlyMap<string, ServiceSlot>,
  managed: ReadonlySet<string>,
): Route {
  const found = rowFor(asked.path.split('?')[0]!);
  if (!found)
    return refuse(
      'no-such-path',
      `not found; there are ${routes.map(({ methods, path }) => `${methods[0]} ${path}`).join(', ')}`,
    );
  const { does, methods, needsSecret } = found.row;
  if (!methods.includes(asked.method))
    return refuse('no-such-method', `only ${methods.join(' and ')}`, { allow: methods.join(', ') });
  const stranger = needsSecret ? refuseStranger(asked.authorisation) : undefined;
  if (stranger) return stranger;
  switch (does.kind) {
    case 'text':
    case 'status':
    case 'leave':
      return does;
    case 'act':
      return routeAction(found.service ?? '', does.action, slots);
    case 'report':
    case 'history':
    case 'order':
    case 'policy':
      return routeFailover(found.service ?? '', does.kind, slots, managed);
    default:
      return assertNever(does);
  }
}

function refuseStranger(authorisation: Authorisation): Route | undefined {
  switch (authorisation) {
    case 'right':
      return undefined;
    case 'unconfigured':
      return refuse(
        'no-secret',
        'this agent changes nothing, as it was given no secret: set http.secretFile in its configuration',
      );
    case 'missing':
      return refuse('secret-missing', 'this needs the header "Authorization: Bearer SECRET"', {
        'www-authenticate': 'Bearer realm="hotspare"',
      });
    case 'wrong':
      return refuse('secret-wrong', 'that is not the secret in the file http.secretFile of this agent', {
        'www-authenticate': 'Bearer realm="hotspare", error="invalid_token"',
      });
  }
}

const noSuchService = (service: string, slots: ReadonlyMap<string, ServiceSlot>) =>
  refuse(
    'no-such-service',
    `this box has no service ${service}; it has ${[...slots.keys()].join(', ') || 'none'}`,
  );

function routeFailover(
  service: string,
  kind: 'report' | 'history' | 'order' | 'policy',
  slots: ReadonlyMap<string, ServiceSlot>,
  managed: ReadonlySet<string>,
): Route {
  if (!slots.has(service)) return noSuchService(service, slots);
  return managed.has(service)
    ? { kind, service }
    : refuse(
        'not-managed',
        `${service} has no failover here: set failover: in its entry of the agent's configuration`,
      );
}

function routeAction(service: string, action: ServiceAction, slots: ReadonlyMap<string, ServiceSlot>): Route {
  const slot = slots.get(service);
  if (!slot) return noSuchService(service, slots);
  switch (slot.kind) {
    case 'no-unit':
      return refuse(
        'no-unit',
        `${service} has no unit here: set unit: in its entry of the agent's configuration`,
      );
    case 'busy':
      return refuse('busy', `${service} is in the middle of a ${slot.action}; ask again after it`);
    case 'free':
      return { kind: 'act', service, action };
  }
}

export function refuse(
  code: RefusalCode,
  error: string,
  headers: Readonly<Record<string, string>> = {},
): Extract<Route, { kind: 'refuse' }> {
  return { kind: 'refuse', status: refusals[code], refusal: { code, error }, headers };
}
