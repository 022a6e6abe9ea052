/** The words of the project (docs/ARCHITECTURE.md, "Words") as types and constants. */

/**
 * What a member of a service with roles is. Published as a Consul tag of the same name.
 *
 * @category Types
 */
export type Role = 'primary' | 'replica';

/**
 * What an app can do with its database now.
 *
 * - `read-write`: there is a proven primary.
 * - `read-only`: there is none, and at least one replica serves reads.
 * - `down`: nobody answers, or all who do are too far behind or out of date; also before the first member has answered.
 *
 * @category Types
 */
export type Mode = 'read-write' | 'read-only' | 'down';

/**
 * A place to connect to.
 *
 * @category Types
 */
export interface Target {
  /** An IP address, or a name the system's resolver knows. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** One text per target, for maps and messages: `10.0.0.1:5432`, `[::1]:5432`. */
export function targetKey(target: Target): string {
  return target.host.includes(':') ? `[${target.host}]:${target.port}` : `${target.host}:${target.port}`;
}

export function sameTarget(a: Target, b: Target): boolean {
  return a.host === b.host && a.port === b.port;
}

/** What Consul says of a check. */
export type CheckStatus = 'passing' | 'warning' | 'critical';

/** Standard ports; the lab adds HOTSPARE_PORT_OFFSET to each. */
export const ports = {
  consulServer: 8300,
  consulSerf: 8301,
  consulHttp: 8500,
  consulDns: 8600,
  postgres: 5432,
  agentHttp: 8008,
  todomvc: 3000,
} as const;

/** Keys of the service meta that the agent writes in Consul and others read. */
export const serviceMeta = {
  /** Which box registered it: lets an agent find its own ghosts. */
  box: 'hotspare-box',
  /** Base URL of that box's agent. */
  agent: 'hotspare-agent',
  /** Of a Postgres: the system identifier, which all members of one database share and no other database has. */
  system: 'hotspare-system',
  /** Of a managed Postgres: number and timeline of the newest promotion, as the agent knows them (see `publishedHistory`). */
  epoch: 'hotspare-epoch',
  timeline: 'hotspare-timeline',
  /** Which agent that is, and when it started: lets two under one box's name find out. */
  instance: 'hotspare-instance',
  started: 'hotspare-started',
} as const;
