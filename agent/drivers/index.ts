import type { ConfigReader } from '../../common/text/config-reader.js';
import type { ServiceCommon } from '../config/service.js';
import type { Driver } from '../ports.js';
import { parseHttpService, type HttpServiceConfig } from './http/config.js';
import { HttpDriver } from './http/driver.js';
import type { DriverKind, ServiceOf, Surroundings } from './kind.js';
import { parsePostgresService, postgresKeys, type PostgresServiceConfig } from './postgres/config.js';
import { PostgresDriver } from './postgres/driver.js';

export type { Surroundings } from './kind.js';

/** Every kind of service: one entry a folder beside. */
interface Services {
  http: HttpServiceConfig;
  postgres: PostgresServiceConfig;
}
const drivers: { readonly [K in keyof Services]: DriverKind<Services[K]> } = {
  http: { keys: [], parse: parseHttpService, create: HttpDriver.of },
  postgres: { keys: postgresKeys, parse: parsePostgresService, create: PostgresDriver.of },
};

export type ServiceConfig = Services[keyof Services];

export const kindNames = Object.keys(drivers) as (keyof Services)[];
/** Keys that some kind has and not every service. */
export const someKeys: readonly string[] = kindNames.flatMap((kind) => drivers[kind].keys);
export const keysOf = (kind: keyof Services): readonly string[] => drivers[kind].keys;

export function serviceOf(
  common: ServiceCommon,
  kind: keyof Services,
  service: (key: string) => ConfigReader,
): ServiceConfig {
  return { ...common, kind, ...drivers[kind].parse(service) } as ServiceConfig;
}

export function createDriver(service: ServiceConfig, around: Surroundings): Driver {
  const { create } = drivers[service.kind] as unknown as DriverKind<ServiceOf<string>>;
  return create(service, around);
}
