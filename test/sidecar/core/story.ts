import { formatLsn } from '../../../common/postgres/lsn.js';
import type { Role, Target } from '../../../common/names.js';
import type { Effect, Event, Lookup, RouteConfig, State, Trouble } from '../../../sidecar/core/model.js';
import { sentence } from '../../../sidecar/core/words/reasons.js';
import { route, startOf } from '../../../sidecar/core/route.js';

/** Members of the stories have one letter; that is their host. */
export const member = (name: string): Target => ({ host: name, port: 5432 });

export const config: RouteConfig = {
  maxReplicaLagBytes: Infinity,
  forgetAfterMs: 60_000,
  freshMs: 500,
  systemId: null,
};

export const found = (...names: string[]): Lookup => ({ kind: 'found', targets: names.map(member) });
export const empty: Lookup = { kind: 'empty' };
export const unavailable: Lookup = { kind: 'unavailable', why: 'timeout' };

export const says = (role: Role, lookup: Lookup, source: 'dns' | 'cache' | 'http' = 'dns'): Event => ({
  type: 'proposal',
  role,
  lookup,
  source,
});

export const primary = (name: string, timeline = 1, lsn = 100n, systemId = 'sys'): Event => ({
  type: 'heartbeat',
  target: member(name),
  role: 'primary',
  systemId,
  timeline,
  withheld: null,
  lsn,
  receivedLsn: null,
  replayAgeMs: null,
});

export const replica = (name: string, lsn = 100n, receivedLsn = lsn, systemId = 'sys'): Event => ({
  type: 'heartbeat',
  target: member(name),
  role: 'replica',
  systemId,
  timeline: null,
  withheld: null,
  lsn,
  receivedLsn,
  replayAgeMs: 5,
});

export const proved = (name: string, role: Role): Event => ({ type: 'proved', target: member(name), role });

export const fails = (
  name: string,
  kind: Exclude<Trouble['kind'], 'rejected' | 'own-side'>,
  by: 'monitor' | 'session' = 'monitor',
): Event => ({ type: 'failed', target: member(name), trouble: { kind }, by, sessionsLive: false });

export const rejects = (
  name: string,
  code: string,
  by: 'monitor' | 'session' = 'monitor',
  sessionsLive = false,
): Event => ({
  type: 'failed',
  target: member(name),
  trouble: { kind: 'rejected', code },
  by,
  sessionsLive,
});

/** This process or its machine lacks what a connection needs. */
export const lacks = (
  name: string,
  code: string,
  by: 'monitor' | 'session' = 'monitor',
  sessionsLive = false,
): Event => ({
  type: 'failed',
  target: member(name),
  trouble: { kind: 'own-side', code },
  by,
  sessionsLive,
});

export const lost = (name: string, by: 'monitor' | 'session' = 'monitor'): Event => ({
  type: 'lost',
  target: member(name),
  by,
});

/** The app was given a session. */
export const served = (name: string): Event => ({ type: 'served', target: member(name) });

export const tick: Event = { type: 'tick' };

/** Time goes on by 100 ms with each event, or by what a number in the story says. */
export function play(
  events: readonly (Event | number)[],
  own: Partial<RouteConfig> = {},
): { state: State; effects: readonly Effect[]; lines: string[] } {
  let state = startOf({ ...config, ...own }, 0);
  let effects: readonly Effect[] = [];
  let nowMs = 0;
  const lines: string[] = [];
  for (const event of events) {
    if (typeof event === 'number') {
      nowMs += event;
      continue;
    }
    nowMs += 100;
    ({ state, effects } = route(state, event, nowMs, { ...config, ...own }));
    const writer = state.writer ? ` writes ${state.writer.host}` : '';
    lines.push(
      `${describe(event)} -> ${state.mode}${writer}${effects.map((effect) => `; ${tell(effect)}`).join('')}`,
    );
  }
  return { state, effects, lines };
}

function describe(event: Event): string {
  switch (event.type) {
    case 'proposal': {
      const { lookup, role, source } = event;
      const names = lookup.kind === 'found' ? lookup.targets.map(({ host }) => host).join(' ') : lookup.kind;
      return `${source}: ${role} ${names}`;
    }
    case 'heartbeat':
      return `${event.target.host} is ${event.role}${event.timeline ? ` t${event.timeline}` : ''} at ${event.lsn === null ? '?' : formatLsn(event.lsn)}`;
    case 'proved':
      return `a session to ${event.target.host} says ${event.role}`;
    case 'lost':
      return `${event.by} of ${event.target.host} ended`;
    case 'failed':
      return `${event.by} to ${event.target.host}: ${event.trouble.kind}`;
    case 'write-refused':
      return `${event.target.host} refused a write`;
    case 'acknowledgements':
      return `${event.target.host} ${event.missing ? 'lets writes wait' : 'acknowledges again'}`;
    case 'served':
      return `a session to ${event.target.host} is served`;
    case 'tick':
      return 'tick';
  }
}

function tell(effect: Effect): string {
  switch (effect.do) {
    case 'mode':
      return `mode ${effect.mode} (${sentence(effect.reason)})`;
    case 'retire':
    case 'lookup':
    case 'confirm':
      return effect.do;
    case 'remember':
      return `remember ${effect.systemId}`;
    default:
      return `${effect.do} ${effect.target.host}`;
  }
}
