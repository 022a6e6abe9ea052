import type { ActionAnswer, HistoryAnswer, ServiceAction } from '../common/agent/control.js';
import type { AgentStatus } from '../common/agent/status.js';
import type { HealthEntry } from '../common/consul/json.js';
import type { FailoverReport, OrderRequest, PolicyRequest } from '../common/failover/report.js';
import type { FailoverOrder, Policy } from '../common/failover/shapes.js';
import type { Secret } from '../common/secret.js';
import type {
  CatalogueEntry,
  CheckStatus,
  ProbeReading,
  ProbeResult,
  Registration,
  Remembered,
} from './core/model.js';
import type { ConsulTrouble } from './core/publish/attempt.js';

/**
 * What the agent needs of a kind of service. One implementation per kind under `drivers/`. The verbs of failover
 * (promote, demote, follow, fence) join this port when decisions exist that call them.
 */
export interface Driver {
  /**
   * One bounded look at the service. Rejects only with a fault of its own, and never takes much longer than that share of its deadline; default
   * 1. Not called again before it has resolved. `mayWrite` (default true): whether it may test that a primary writes.
   */
  probe(deadlineShare?: number, mayWrite?: boolean): Promise<ProbeResult>;
  /**
   * Who is told when something suggests that a probe is due at once, such as a held connection that closed. `seen`: what was seen
   * of the service besides, and counts like a probe's result.
   */
  onAlarm(listener: (seen?: ProbeReading) => void): void;
  /** Gives every connection back. No alarm follows. */
  close(): Promise<void>;
}

/** This box's Consul agent. Every call is bounded by a deadline and rejects with a ConsulError only. */
export interface ConsulPort {
  /** Every service on this Consul agent the token may see. `refreshedMs` of the checks is not known here. */
  services(): Promise<CatalogueEntry[]>;
  register(registration: Registration): Promise<void>;
  /** Also refreshes the check's time to live. */
  updateCheck(serviceId: string, status: CheckStatus, text: string): Promise<void>;
  /** A service that is not there counts as done. */
  deregister(serviceId: string): Promise<void>;
  /**
   * Follows the entries of a service, healthy or not, in the whole data center, until the signal fires. An empty list is
   * an answer; no answer is `onUnavailable`, after which it goes on trying. `waitMs`: how long Consul may hold back an
   * answer while nothing changes; default 10000. So long a watch may be deaf after the restoring of a snapshot.
   */
  watchService(
    service: string,
    watcher: ServiceWatcher,
    signal: AbortSignal,
    options?: { readonly waitMs?: number },
  ): Promise<void>;
  /** Who is told when a token that Consul refused was replaced in its file: what was refused may be tried again at once. */
  onNewToken(listener: () => void): void;
}

export interface ServiceWatcher {
  onEntries(entries: readonly HealthEntry[]): void;
  /** Called once per outage, and again only after `onEntries`. */
  onUnavailable(why: ConsulError): void;
}

/** A password, a token, certificates: kept in files that may be replaced while the agent runs. */
export interface Kept<T> {
  current(): T;
  /** For who was refused with it: looks into the files, at most once a second; true when something else is there now. Never rejects. */
  reread(): Promise<boolean>;
}

/** As Node takes them, and `pg` as its `ssl`. Empty: what a server shows must be signed by an authority the system knows. */
export interface TlsOptions {
  readonly rejectUnauthorized?: boolean;
  /** The name the certificate must have, when the server is reached by an address. */
  readonly servername?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: Secret;
}

/**
 * The last state of each service by name, so that "since" survives a restart of the agent. It is never a proof of
 * anything, and no trouble with it stops the agent or makes it wait: neither call ever rejects.
 */
export interface Memory {
  /** Empty when nothing was kept or nothing can be read. */
  read(): Promise<MemoryContent>;
  /** Keeps the newest content soon, and returns at once. */
  write(content: MemoryContent): void;
}

export type MemoryContent = Readonly<Record<string, Remembered>>;

/** Shows the status to whoever asks, until it is closed. Rejects with a UserError when it cannot be shown there. */
export type ServeStatus = (served: {
  readonly status: () => AgentStatus;
  readonly leave: Leave;
  readonly failover: FailoverControl;
}) => Promise<StatusServer>;

/** Takes this box's services out of the catalogue until the agent is started anew. Never rejects. `from`: the address of who asked. */
export type Leave = (from: string) => Promise<LeaveOutcome>;

/** `failed`: not all of them within the deadline, for that reason, a sentence; it goes on trying. */
export type LeaveOutcome =
  | { readonly kind: 'done'; readonly left: readonly string[] }
  | { readonly kind: 'failed'; readonly why: string };

export interface StatusServer {
  close(): Promise<void>;
}

/** What may be done to this box's services by whoever may. */
export interface ServiceControl {
  /** Every service of this box by name. */
  slots(): ReadonlyMap<string, ServiceSlot>;
  /** Only for a service whose slot is free at this moment. Never rejects. `from`: the address of who asked. */
  perform(service: string, action: ServiceAction, from: string): Promise<ActionOutcome>;
  /** Somebody without the secret asked for that path. */
  refused(path: string, from: string): void;
}

/** `no-unit`: nothing can be done to it. `busy`: something is being done to it. */
export type ServiceSlot =
  | { readonly kind: 'no-unit' }
  | { readonly kind: 'busy'; readonly action: ServiceAction }
  | { readonly kind: 'free' };

export type ActionOutcome =
  | { readonly kind: 'done'; readonly unit: string; readonly state: ActionAnswer['state'] }
  /** `late`: no end within the deadline. `why`: a sentence. */
  | { readonly kind: 'failed'; readonly late: boolean; readonly why: string };

/** Tells the box's service manager how the agent is. No call throws or makes the agent wait. */
export interface Notifier {
  /** Whoever waits for signs of life ends the agent without one for so long, in ms; undefined: nobody waits. */
  readonly watchdogMs: number | undefined;
  ready(): void;
  status(sentence: string): void;
  stopping(): void;
  /** One sign of life. */
  alive(): void;
}

/** What may be seen of the services whose roles are moved here, and what may be told to them. No call rejects or throws. */
export interface FailoverControl {
  /** Names of the services that have a failover in the agent's configuration. */
  readonly services: ReadonlySet<string>;
  /** Only for one of those, as every call here. What was seen of this member is at most a second old, as long as its keeper answers. */
  report(service: string): Promise<FailoverReport>;
  history(
    service: string,
  ): Promise<
    Told<{ readonly events: HistoryAnswer['events']; readonly unreadable: HistoryAnswer['unreadable'] }>
  >;
  /** Puts the order into Consul, or takes it out; the agents carry it out. `from`: the address of who asked. */
  order(
    service: string,
    request: OrderRequest,
    from: string,
  ): Promise<Told<{ readonly order?: FailoverOrder }>>;
  setPolicy(
    service: string,
    request: PolicyRequest,
    from: string,
  ): Promise<Told<{ readonly policy: Policy }>>;
}

/** `code` as in the refusals of common/agent/control.ts; `why`: a sentence. `late`: it may still be done. */
export type Told<T> =
  | ({ readonly kind: 'done' } & T)
  | {
      readonly kind: 'refused';
      readonly code: 'unsafe' | 'conflict' | 'unavailable' | 'late';
      readonly why: string;
    };

export class ConsulError extends Error {
  constructor(
    readonly kind: ConsulTrouble,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'ConsulError';
  }
}
