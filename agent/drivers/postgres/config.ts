import type { ConfigReader } from '../../../common/text/config-reader.js';
import type { Secret } from '../../../common/secret.js';
import { parseFailover, type FailoverConfig } from '../../config/failover.js';
import { parseTls, pathOf, readSecret, type TlsConfig } from '../../config/files.js';
import { present, timings, type Timings } from '../../config/service.js';
import type { ServiceOf } from '../kind.js';

export const postgresDefaults = {
  database: 'postgres',
  intervalMs: 1_000,
  timeoutMs: 900,
  /** Below this the status warns, in bytes. */
  minFreeBytes: 100 * 1024 * 1024,
} as const;

export interface PostgresServiceConfig extends ServiceOf<'postgres'> {
  readonly probe: Timings & {
    readonly user: string;
    readonly password: Secret;
    readonly passwordFile: string;
    readonly database: string;
    /** Absent: without TLS. */
    readonly ssl?: TlsConfig;
  };
  readonly dataDir?: string;
  readonly minFreeBytes: number;
  /** Absent: roles are only observed. */
  readonly failover?: FailoverConfig;
}

export const postgresKeys = ['dataDir', 'minFreeBytes', 'failover'] as const;

export function parsePostgresService(
  service: (key: string) => ConfigReader,
): Pick<PostgresServiceConfig, 'probe' | 'dataDir' | 'minFreeBytes' | 'failover'> {
  const probe = service('probe').mapping([
    'user',
    'passwordFile',
    'database',
    'ssl',
    'intervalMs',
    'timeoutMs',
  ]);
  const ssl = parseTls(probe('ssl'));
  const failover = parseFailover(service('failover'));
  const dataDir = service('dataDir').or(undefined, pathOf);
  return {
    probe: {
      user: probe('user').text('the name of a database role'),
      passwordFile: pathOf(probe('passwordFile')),
      password: readSecret(probe('passwordFile'), 'the password'),
      database: probe('database').or(postgresDefaults.database, (name) =>
        name.text('the name of a database'),
      ),
      ...(ssl === undefined ? {} : { ssl }),
      ...timings((key) => present(probe(key)), postgresDefaults),
    },
    ...(failover === undefined ? {} : { failover }),
    ...(dataDir === undefined ? {} : { dataDir }),
    minFreeBytes: service('minFreeBytes').or(postgresDefaults.minFreeBytes, (bytes) =>
      bytes.integer('bytes', 0, Number.MAX_SAFE_INTEGER),
    ),
  };
}
