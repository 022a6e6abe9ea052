import type { AgentStatus, ServiceStatus } from '../../common/agent/status.js';
import type { ConsulEntry, Readings } from '../../status/index.js';

export const options = { maxLagBytes: 1_000 };

export const primary: Partial<ServiceStatus> = {
  role: 'primary',
  timeline: 1,
  lsn: '0/3',
  since: '2026-01-01T00:00:00.000Z',
};
export const replica: Partial<ServiceStatus> = {
  role: 'replica',
  timeline: 1,
  lagBytes: 0,
  streaming: true,
  since: '2026-01-01T00:00:05.000Z',
};
export const dead: Partial<ServiceStatus> = {
  role: 'primary',
  state: 'critical',
  detail: 'connection refused',
  since: '2026-01-02T00:00:00.000Z',
};

export const address = (box: string) => (box === 'pg1' ? '10.0.0.1' : '10.0.0.2');
export const url = (box: string) => `http://${address(box)}:8008`;

export function agent(box: string, service: Partial<ServiceStatus>, more: Partial<AgentStatus> = {}) {
  const status: AgentStatus = {
    box,
    version: '1',
    startedAt: '2026-01-01T00:00:00.000Z',
    services: [
      {
        name: 'pg',
        kind: 'postgres',
        address: address(box),
        port: 5432,
        state: 'passing',
        since: '2026-01-01T00:00:00.000Z',
        detail: `serving as ${service.role}`,
        ...service,
      },
    ],
    consul: { reachable: true, since: '2026-01-01T00:00:00.000Z' },
    ...more,
  };
  return { kind: 'read', url: url(box), status } as const;
}

export function entry(box: string, more: Partial<ConsulEntry> = {}): ConsulEntry {
  return {
    box,
    address: address(box),
    port: 5432,
    role: box === 'pg1' ? 'primary' : 'replica',
    status: 'passing',
    text: 'well',
    heard: true,
    agentUrl: url(box),
    ...more,
  };
}

export function readings(more: Partial<Readings> = {}): Readings {
  return {
    service: 'pg',
    consul: { kind: 'read', entries: [entry('pg1'), entry('pg2')] },
    agents: [agent('pg1', primary), agent('pg2', replica)],
    ...more,
  };
}

export const expired = (box: string) => entry(box, { status: 'critical', text: 'TTL expired', heard: false });
export const entries = (...list: ConsulEntry[]) => ({ kind: 'read', entries: list }) as const;
export const silent = (box: string) =>
  ({ kind: 'failed', url: url(box), why: 'its agent does not answer' }) as const;
