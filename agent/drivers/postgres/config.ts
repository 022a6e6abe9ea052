import type { ConfigReader } from '../../../common/config-reader.js';
import type { Secret } from '../../../common/secret.js';
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
}

export const postgresKeys = ['dataDir', 'minFreeBytes'] as const;

export function parsePostgresService(
  service: (key: string) => ConfigReader,
): Pick<PostgresServiceConfig, 'probe' | 'dataDir' | 'minFreeBytes'> {
  const probe = service('probe').mapping([
    'user',
    'passwordFile',
    'database',
    'ssl',
    'intervalMs',
    'timeoutMs',
  ]);
  const ssl = parseTls(probe('ssl'));
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
    ...(dataDir === undefined ? {} : { dataDir }),
    minFreeBytes: service('minFreeBytes').or(postgresDefaults.minFreeBytes, (bytes) =>
      bytes.integer('bytes', 0, Number.MAX_SAFE_INTEGER),
    ),
  };
}
