import type { Clock } from '../../../common/clock.js';
import type { ConsulConnection } from '../../../common/consul/connection.js';
import type { Random } from '../../../common/random.js';
import type { Secret } from '../../../common/secret.js';
import type { EventsPort, LeasePort } from '../../lease-port.js';
import type { Kept } from '../../ports.js';
import { LeaseClient } from './client.js';
import { EventsStore } from './events.js';
import { Sessions } from './sessions.js';
import { LeaseStore } from './store.js';

export interface LeaseOptions {
  /** To the Consul agent of this box: session and sign of life are its node's. */
  readonly connection: Pick<ConsulConnection, 'get' | 'put'>;
  /** What the connection sends, where it sends one; read again once Consul refuses it. */
  readonly token?: Kept<Secret> | undefined;
  /** For sentences, like `Consul at http://127.0.0.1:8500`. */
  readonly name: string;
  readonly service: string;
  /** Like `pg@pg1`, as it is registered. */
  readonly serviceId: string;
  /** How long after the agent's last sign of life the lease is free, in ms. Default 10000: longer than its restart takes. */
  readonly aliveTtlMs?: number;
  /** Bound of each call, in ms. */
  readonly deadlineMs: number;
  /** How long Consul may hold back the answer to a watch while nothing changes, in ms. Default 10000. */
  readonly watchWaitMs?: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** What one member shares with the others in Consul. */
export function leaseOf(options: LeaseOptions): { readonly lease: LeasePort; readonly events: EventsPort } {
  const { aliveTtlMs = 10_000 } = options;
  const client = new LeaseClient(options);
  const sessions = new Sessions({ ...options, client, aliveTtlMs });
  return {
    lease: new LeaseStore({ ...options, client, sessions }),
    events: new EventsStore({ ...options, client }),
  };
}
