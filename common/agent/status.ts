import type { Role } from '../names.js';

/** What `GET /v1/status` of a box's agent answers. Fields are added, never renamed or removed, within `/v1`. */
export interface AgentStatus {
  readonly box: string;
  readonly version: string;
  /** When this agent started, ISO 8601. */
  readonly startedAt: string;
  readonly services: readonly ServiceStatus[];
  readonly consul: {
    readonly reachable: boolean;
    /** Since when that is so, ISO 8601. */
    readonly since: string;
    /** A sentence, when something is wrong between this agent and Consul. */
    readonly detail?: string;
  };
  /** The files it keeps from the catalogue; absent when there are none. */
  readonly templates?: readonly TemplateStatus[];
}

export interface TemplateStatus {
  /** The file. */
  readonly destination: string;
  /**
   * `waiting`: Consul has not answered yet, and the file is as it was. `failing`: the newest text is not in force; `detail`
   * says why.
   */
  readonly state: 'waiting' | 'current' | 'failing';
  readonly detail?: string;
  /** A sentence for each entry of the catalogue that cannot be used. */
  readonly leftOut?: readonly string[];
  /** A sentence for each instance that is missing in the catalogue and still listed, because that is doubted. */
  readonly doubted?: readonly string[];
}

/** `unknown`: the agent could not find out, which says nothing about the member. */
export type MemberState = 'passing' | 'critical' | 'unknown';

export interface ServiceStatus {
  readonly name: string;
  /** The sort of a service, and so the driver that probes it: `http`, `postgres`. */
  readonly kind: string;
  readonly address: string;
  readonly port: number;
  readonly state: MemberState;
  /** The role last proven by the member itself. Absent for services without roles. */
  readonly role?: Role;
  /** Since when state and role are what they are, ISO 8601. */
  readonly since: string;
  /** An operator's sentence. */
  readonly detail: string;
  /** Things to look at that do not make the member critical, as sentences. */
  readonly warnings?: readonly string[];
  /** WAL position, like `0/3000060`: written (primary) or replayed (replica). */
  readonly lsn?: string;
  /** Replica: bytes known to be written on the primary and not replayed here yet. */
  readonly lagBytes?: number;
  readonly timeline?: number;
  /** Replica: whether WAL is streaming in now. */
  readonly streaming?: boolean;
  /** Primary: who streams from it. */
  readonly replicas?: readonly ReplicaStatus[];
  /** Free bytes on the disk of the data directory. */
  readonly freeBytes?: number;
}

export interface ReplicaStatus {
  /** application_name of the standby. */
  readonly name: string;
  readonly address?: string;
  /** As in pg_stat_replication: `streaming`, `catchup`, … */
  readonly state: string;
  /** Bytes written on the primary and not replayed there yet; absent when unknown. */
  readonly lagBytes?: number;
}
