import { ConfigError } from '../../common/errors.js';
import type { DiscoveryOptions } from '../discovery-options.js';
import { where } from './refusals.js';

export interface Timings {
  readonly dnsTimeoutMs: number;
  readonly refreshMs: number;
  readonly heartbeatIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
  readonly reconnectMs: number;
  readonly connectDeadlineMs: number;
  readonly forgetAfterMs: number;
}

export const defaultTimings: Timings = {
  dnsTimeoutMs: 800,
  refreshMs: 15_000,
  heartbeatIntervalMs: 250,
  heartbeatTimeoutMs: 550,
  reconnectMs: 120,
  connectDeadlineMs: 2_000,
  forgetAfterMs: 600_000,
};

export const timingKeys = Object.keys(defaultTimings) as (keyof Timings)[];

export function timings(given: DiscoveryOptions): Timings {
  const values = Object.fromEntries(
    timingKeys.map((key) => {
      const value = given[key] ?? defaultTimings[key];
      if (typeof value !== 'number' || !Number.isFinite(value) || value < 1)
        throw new ConfigError(where, `hotspare.${key}`, value, 'a number of milliseconds, 1 or more');
      return [key, value];
    }),
  );
  return values as unknown as Timings;
}
