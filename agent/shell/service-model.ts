import { assertNever } from '../../common/assert-never.js';
import type { ServiceModel } from '../core/model.js';
import { metaOf, type Run } from '../core/rivals.js';
import type { ServiceConfig } from '../config.js';

/** Consul calls a check critical when no agent refreshed it for so long, in ms. */
const checkTtlMs = 10_000;
/** The check is refreshed when it is so old, in ms: two refreshes may be lost. */
const refreshMs = 3_000;
/** A probe that was asked so long ago, in ms, and no newer one: something hangs. Longer than the two slowest probes in a row. */
const probeStaleMs = 15_000;

/** What decisions about a configured service are made with. */
export function modelOf(service: ServiceConfig, self: Run): ServiceModel {
  return {
    id: `${service.name}@${self.box}`,
    name: service.name,
    address: service.address,
    port: service.port,
    meta: metaOf(self),
    passingText: passingText(service),
    ...believing(service),
    refreshMs,
    checkTtlMs,
    probeStaleMs,
  };
}

/**
 * Only a second miss in a row counts: a web app stalls at times, and taking it out of a balancer costs a reload there; a
 * log-in to Postgres is late on a busy machine, and a primary out of DNS costs every write. Postgres has the longer deadline,
 * so half of it must do to confirm.
 */
function believing(service: ServiceConfig): Pick<ServiceModel, 'missesToBelieve' | 'confirmingShare'> {
  switch (service.kind) {
    case 'http':
      return { missesToBelieve: 2, confirmingShare: 1 };
    case 'postgres':
      return { missesToBelieve: 2, confirmingShare: 0.5 };
    default:
      return assertNever(service);
  }
}

function passingText(service: ServiceConfig): string {
  switch (service.kind) {
    case 'http':
      return `GET ${service.probe.path} is answered with success`;
    case 'postgres':
      return 'accepts connections and answers; a primary also writes';
    default:
      return assertNever(service);
  }
}
