import { assertNever } from '../../common/assert-never.js';
import type { AgentStatus, MemberState, ServiceStatus, TemplateStatus } from '../../common/agent-status.js';
import type { Kind } from '../../common/names.js';
import { plainTexts } from '../../common/plain-text.js';
import type { ServiceState } from '../core/model.js';
import { stateText, warningTexts } from '../core/sentences.js';
import { roleOf } from '../core/state.js';
import type { Link } from './catalogue.js';

export interface StatusInput {
  readonly box: string;
  readonly version: string;
  readonly startedMs: number;
  readonly services: readonly {
    readonly name: string;
    readonly kind: Kind;
    readonly address: string;
    readonly port: number;
    readonly state: ServiceState;
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
  const { state, name, kind, address, port } = service;
  // What an earlier run of the agent saw is no proof.
  const role = state.kind === 'unseen' ? undefined : roleOf(state);
  const warnings = warningTexts(state);
  return {
    name,
    kind,
    address,
    port,
    state: memberState(state),
    ...(role ? { role } : {}),
    since: iso(state.kind === 'unseen' ? startedMs : state.sinceMs),
    detail: stateText(state),
    ...(warnings.length > 0 ? { warnings } : {}),
    ...figures(state),
  };
}

function memberState(state: ServiceState): MemberState {
  switch (state.kind) {
    case 'passing':
    case 'critical':
      return state.kind;
    case 'unseen':
    case 'unknown':
      return 'unknown';
    default:
      return assertNever(state);
  }
}

/** Figures are of now, so only a member that was just seen has them. */
function figures(state: ServiceState): Partial<ServiceStatus> {
  if (state.kind !== 'passing') return {};
  const { facts } = state;
  switch (facts.kind) {
    case 'http':
      return {};
    case 'postgres': {
      const { kind: _, role: __, warnings: ___, ...rest } = facts;
      return rest;
    }
    default:
      return assertNever(facts);
  }
}

function iso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
