import { assertNever } from '../../common/assert-never.js';
import type { AgentStatus, MemberState, ServiceStatus, TemplateStatus } from '../../common/agent/status.js';
import { plainTexts } from '../../common/text/plain-text.js';
import { figuresOf } from '../core/kinds/index.js';
import type { Health } from '../core/model.js';
import { stateText, warningTexts } from '../core/sentences.js';
import { roleOf } from '../core/health.js';
import type { Link } from './catalogue.js';

export interface StatusInput {
  readonly box: string;
  readonly version: string;
  readonly startedMs: number;
  readonly services: readonly {
    readonly name: string;
    readonly kind: string;
    readonly address: string;
    readonly port: number;
    readonly health: Health;
  }[];
  readonly link: Link;
  readonly complaint: string | undefined;
  readonly templates?: readonly TemplateStatus[];
}

export function agentStatus(input: StatusInput): AgentStatus {
  const { box, version, startedMs, link, complaint, templates = [] } = input;
  // Servers, standbys and whoever registers services put their words into it.
  return plainTexts({
    box,
    version,
    startedAt: iso(startedMs),
    services: input.services.map((service) => serviceStatus(service, startedMs)),
    consul: {
      reachable: link.kind === 'reachable',
      since: iso(link.sinceMs),
      ...(complaint === undefined ? {} : { detail: complaint }),
    },
    ...(templates.length === 0 ? {} : { templates }),
  });
}

function serviceStatus(service: StatusInput['services'][number], startedMs: number): ServiceStatus {
  const { health, name, kind, address, port } = service;
  // What an earlier run of the agent saw is no proof.
  const role = health.kind === 'unseen' ? undefined : roleOf(health);
  const warnings = warningTexts(health);
  return {
    name,
    kind,
    address,
    port,
    state: memberState(health),
    ...(role ? { role } : {}),
    since: iso(health.kind === 'unseen' ? startedMs : health.sinceMs),
    detail: stateText(health),
    ...(warnings.length > 0 ? { warnings } : {}),
    // Figures are of now, so only a member that was just seen has them.
    ...(health.kind === 'passing' ? figuresOf(health.facts) : {}),
  };
}

function memberState(health: Health): MemberState {
  switch (health.kind) {
    case 'passing':
    case 'critical':
      return health.kind;
    case 'unseen':
    case 'unknown':
      return 'unknown';
    default:
      return assertNever(health);
  }
}

function iso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
