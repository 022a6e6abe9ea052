import type { Clock } from '../../common/clock.js';
import type { ConfigReader } from '../../common/text/config-reader.js';
import type { Random } from '../../common/random.js';
import type { Secret } from '../../common/secret.js';
import type { TlsConfig } from '../config/files.js';
import type { ServiceCommon, Timings } from '../config/service.js';
import type { Driver, Kept, TlsOptions } from '../ports.js';

/** A service of one kind, as its configuration was read. */
export interface ServiceOf<Kind extends string> extends ServiceCommon {
  readonly kind: Kind;
  readonly probe: Timings;
}

/** What a driver is given besides its service. */
export interface Surroundings {
  readonly box: string;
  readonly clock: Clock;
  readonly random: Random;
  /** A password of the service's that may be replaced in its file while the agent runs. */
  readonly keptPassword: (file: string, first: Secret) => Kept<Secret>;
  readonly keptTls: (tls: TlsConfig) => Kept<TlsOptions>;
}

/** One kind of service: how its configuration is read, and who probes it. */
export interface DriverKind<S extends ServiceOf<string>> {
  /** Its keys besides those that every service has: name, kind, address, port, unit, probe. */
  readonly keys: readonly string[];
  /** Reads those keys and `probe`. Refuses with a ConfigError. */
  readonly parse: (service: (key: string) => ConfigReader) => Omit<S, keyof ServiceCommon | 'kind'>;
  readonly create: (service: S, around: Surroundings) => Driver;
}
