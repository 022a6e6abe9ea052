import { passingTextOf, policyOf } from '../core/kinds/index.js';
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
    passingText: passingTextOf(service),
    ...policyOf(service.kind),
    refreshMs,
    checkTtlMs,
    probeStaleMs,
  };
}
