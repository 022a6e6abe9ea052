import pg from 'pg';
import type { Target } from '../../../common/names.js';

/** Where this configuration means, read as pg reads it: URL, `host`, PGHOST. An empty host when pg could not read it either. */
export function configuredTarget(config: object): Target {
  try {
    const { host, port } = new pg.Client(config);
    return { host: host ?? '', port };
  } catch {
    // A plain pool says what is wrong with it when it connects.
    return { host: '', port: standardPort };
  }
}

/** What pg and every ORM fill in where nothing was said: as good as no port. */
export const standardPort = 5432;
