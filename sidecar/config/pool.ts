import { ConfigError } from '../../common/errors.js';
import type { Mode } from '../../common/names.js';
import type { HotspareOptions } from '../options.js';
import { refuseUnknown, where } from './refusals.js';

declare const parsed: unique symbol;

/** Only `parseLimits` makes one. */
export interface PoolLimits {
  readonly [parsed]: true;
  readonly writeWaitMs: number;
  readonly ackTimeoutMs: number;
  readonly maxReplicaLagBytes: number;
  readonly warmSpare: boolean;
  readonly readYourWrites: boolean;
  /** How long a read waits for a replica. */
  readonly readWaitMs: number;
}

const defaultReadWaitMs = 100;
const ownNames = [
  'hotspare',
  'writeWaitMs',
  'ackTimeoutMs',
  'maxReplicaLagBytes',
  'warmSpare',
  'readYourWrites',
];

/** A misspelt name beside pg's own cannot be told from one of pg's, or of an app's own Client. This much can. */
function refuseOtherCase(options: object): void {
  for (const given of Object.keys(options)) {
    const meant = ownNames.find((name) => name !== given && name.toLowerCase() === given.toLowerCase());
    if (meant) throw new ConfigError(where, given, undefined, meant, `there is no such key; write ${meant}`);
  }
}

/** Checks `writeWaitMs`, `ackTimeoutMs`, `maxReplicaLagBytes`, `warmSpare` and `readYourWrites`. */
export function parseLimits(options: HotspareOptions): PoolLimits {
  refuseOtherCase(options);
  const { writeWaitMs = 0, ackTimeoutMs = 5_000 } = options;
  const { maxReplicaLagBytes = Infinity, warmSpare = true } = options;
  if (typeof writeWaitMs !== 'number' || !(writeWaitMs >= 0) || writeWaitMs === Infinity)
    throw new ConfigError(where, 'writeWaitMs', writeWaitMs, 'a number of milliseconds, 0 or more');
  if (typeof ackTimeoutMs !== 'number' || !(ackTimeoutMs >= 100))
    throw new ConfigError(
      where,
      'ackTimeoutMs',
      ackTimeoutMs,
      'a number of milliseconds, 100 or more, or Infinity',
    );
  if (typeof maxReplicaLagBytes !== 'number' || !(maxReplicaLagBytes >= 0))
    throw new ConfigError(where, 'maxReplicaLagBytes', maxReplicaLagBytes, 'a number of bytes, 0 or more');
  if (typeof warmSpare !== 'boolean') throw new ConfigError(where, 'warmSpare', warmSpare, 'true or false');
  const limits: Omit<PoolLimits, typeof parsed> = {
    ...{ writeWaitMs, ackTimeoutMs, maxReplicaLagBytes, warmSpare },
    ...readingOwnWrites(options),
  };
  return limits as PoolLimits;
}

function readingOwnWrites({ readYourWrites: given = false }: HotspareOptions) {
  if (typeof given === 'boolean') return { readYourWrites: given, readWaitMs: defaultReadWaitMs };
  const expected = 'true, false or { waitMs }';
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new ConfigError(where, 'readYourWrites', given, expected);
  refuseUnknown(given, 'readYourWrites', ['waitMs']);
  return {
    readYourWrites: true,
    readWaitMs: readWait(given.waitMs ?? defaultReadWaitMs, 'readYourWrites.waitMs'),
  };
}

/** Throws ConfigError. */
export function readWait(waitMs: unknown, key: string): number {
  if (typeof waitMs !== 'number' || !(waitMs >= 1 && waitMs <= 60_000))
    throw new ConfigError(where, key, waitMs, 'a number of milliseconds from 1 to 60000');
  return waitMs;
}

const modes: readonly Mode[] = ['read-write', 'read-only', 'down'];

/** Throws ConfigError. */
export function modesToWaitFor(wanted: unknown): readonly Mode[] {
  const list: readonly unknown[] = Array.isArray(wanted) ? [...(wanted as unknown[])] : [wanted];
  if (list.length === 0 || !list.every((mode) => modes.includes(mode as Mode)))
    throw new ConfigError(where, 'mode', wanted, `${modes.join(', ')}, or a list of them`);
  return list as readonly Mode[];
}

/** Throws ConfigError. */
export function modeWait(timeoutMs: unknown): void {
  if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0))
    throw new ConfigError(where, 'timeoutMs', timeoutMs, 'a number of milliseconds, 0 or more, or Infinity');
}
