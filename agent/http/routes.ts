import { serviceActions, type RefusalCode, type ServiceAction } from '../../common/agent/control.js';

/** What is done for a request that is let through. */
export type Doing =
  | { readonly kind: 'text' }
  | { readonly kind: 'status' }
  | { readonly kind: 'leave' }
  /** Of a service with a failover. */
  | { readonly kind: 'report' | 'history' | 'order' | 'policy' }
  | { readonly kind: 'act'; readonly action: ServiceAction };

/** One thing that can be asked of the agent by HTTP. */
export interface RouteRow {
  /** `NAME` stands for the name of a service. */
  readonly path: string;
  readonly methods: readonly string[];
  readonly needsSecret: boolean;
  readonly does: Doing;
  /** The HTTP status when it is done. */
  readonly status: number;
  /** What it may be refused with besides, in the order in which that is looked at. */
  readonly refusals: readonly RefusalCode[];
}

/** HTTP status of whatever was done. */
export const done = 200;

const reading = {
  methods: ['GET', 'HEAD'],
  needsSecret: false,
  status: done,
  refusals: ['no-such-method'],
} as const;

/**
 * All of them; the server dispatches from here, and docs/AGENT.md is held to it. What changes something is refused in this order:
 * method, secret, service, unit, busy; so a stranger learns nothing of the services here.
 */
export const routes: readonly RouteRow[] = [
  { path: '/', does: { kind: 'text' }, ...reading },
  { path: '/v1/status', does: { kind: 'status' }, ...reading },
  {
    path: '/v1/leave',
    methods: ['POST'],
    needsSecret: true,
    does: { kind: 'leave' },
    status: done,
    refusals: ['no-such-method', 'no-secret', 'secret-missing', 'secret-wrong', 'too-long', 'late'],
  },
  ...(['failover', 'history'] as const).map((what): RouteRow => ({
    path: `/v1/services/NAME/${what}`,
    ...reading,
    does: { kind: what === 'failover' ? 'report' : 'history' },
    refusals: [
      'no-such-method',
      'no-such-service',
      'not-managed',
      ...(what === 'history' ? (['unavailable', 'late'] as const) : []),
    ],
  })),
  ...(['order', 'policy'] as const).map((what): RouteRow => ({
    path: `/v1/services/NAME/${what}`,
    methods: ['POST'],
    needsSecret: true,
    does: { kind: what },
    status: done,
    refusals: [
      'no-such-method',
      'no-secret',
      'secret-missing',
      'secret-wrong',
      'no-such-service',
      'not-managed',
      'too-long',
      'bad-body',
      'unsafe',
      'conflict',
      'unavailable',
      'late',
    ],
  })),
  ...serviceActions.map((action): RouteRow => ({
    path: `/v1/services/NAME/${action}`,
    methods: ['POST'],
    needsSecret: true,
    does: { kind: 'act', action },
    status: done,
    refusals: [
      'no-such-method',
      'no-secret',
      'secret-missing',
      'secret-wrong',
      'no-such-service',
      'no-unit',
      'busy',
      'too-long',
      'failed',
      'late',
    ],
  })),
];

const serviceName = '([A-Za-z0-9-]+)';
const patterns = routes.map((row) => ({
  row,
  pattern: new RegExp(`^${row.path.replace('NAME', serviceName)}$`),
}));

/** The row for a path, and the service that is named in it. */
export function rowFor(path: string): { row: RouteRow; service: string | undefined } | undefined {
  for (const { row, pattern } of patterns) {
    const match = pattern.exec(path);
    if (match) return { row, service: match[1] };
  }
  return undefined;
}
