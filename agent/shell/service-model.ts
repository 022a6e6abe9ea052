import { assertNever } from '../../common/assert-never.js';
import { serviceMeta, targetKey, type Target } from '../../common/names.js';
import type { ServiceModel } from '../core/model.js';
import type { ServiceConfig } from '../config.js';

/** Consul calls a check critical when no agent refreshed it for so long, in ms. */
const checkTtlMs = 10_000;
/** The check is refreshed when it is so old, in ms: two refreshes may be lost. */
const refreshMs = 3_000;

/** What decisions about a configured service are made with. */
export function modelOf(service: ServiceConfig, box: string, statusAt: Target): ServiceModel {
  return {
    id: `${service.name}@${box}`,
    name: service.name,
    address: service.address,
    port: service.port,
    meta: { [serviceMeta.box]: box, [serviceMeta.agent]: `http://${targetKey(statusAt)}` },
    passingText: passingText(service),
    missesToBelieve: missesToBelieve(service),
    refreshMs,
    checkTtlMs,
  };
}

/**
 * A web app stalls at times, and taking it out of a balancer costs a reload there: only a second miss in a row counts.
 * An app with a stalled database has nothing to gain from waiting.
 */
function missesToBelieve(service: ServiceConfig): number {
  switch (service.kind) {
    case 'http':
      return 2;
    case 'postgres':
      return 1;
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
