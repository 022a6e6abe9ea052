import type { ConfigReader } from '../../common/text/config-reader.js';

/** What every service of a box has, whatever its kind. */
export interface ServiceCommon {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** The systemd unit that runs it. Absent: the agent can't start or stop it. */
  readonly unit?: string;
}

/** Of every probe, in ms: start to start, and until it is given up. */
export interface Timings {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/**
 * The check in Consul is refreshed by the same rhythm, so an interval has an upper bound; and a probe ends before the
 * next is due.
 */
export function timings(probe: (key: string) => ConfigReader | undefined, fallback: Timings): Timings {
  const intervalMs = probe('intervalMs')?.integer('milliseconds', 100, 5_000) ?? fallback.intervalMs;
  const timeout = probe('timeoutMs');
  const timeoutMs =
    timeout?.integer('milliseconds, no more than intervalMs', 50, intervalMs) ??
    Math.min(fallback.timeoutMs, Math.floor(intervalMs * 0.9));
  return { intervalMs, timeoutMs };
}

export function present(reader: ConfigReader): ConfigReader | undefined {
  return reader.present ? reader : undefined;
}

export function optionalMapping(
  reader: ConfigReader,
  known: readonly string[],
): (key: string) => ConfigReader | undefined {
  if (!reader.present) return () => undefined;
  const mapping = reader.mapping(known);
  return (key) => present(mapping(key));
}
