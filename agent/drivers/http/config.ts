import type { ConfigReader } from '../../../common/text/config-reader.js';
import { optionalMapping, timings, type Timings } from '../../config/service.js';
import type { ServiceOf } from '../kind.js';

export const httpDefaults = { path: '/', intervalMs: 500, timeoutMs: 300 } as const;

export interface HttpServiceConfig extends ServiceOf<'http'> {
  readonly probe: Timings & { readonly path: string };
}

export function parseHttpService(service: (key: string) => ConfigReader): Pick<HttpServiceConfig, 'probe'> {
  const probe = optionalMapping(service('probe'), ['path', 'intervalMs', 'timeoutMs']);
  const path = probe('path')?.text('a path that begins with /', /^\/[^\s]*$/) ?? httpDefaults.path;
  return { probe: { path, ...timings(probe, httpDefaults) } };
}
