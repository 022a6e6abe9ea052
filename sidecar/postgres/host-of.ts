import pg from 'pg';

/** The host this configuration means, read as pg reads it: URL, `host`, PGHOST. Empty when pg could not read it either. */
export function hostOf(config: object): string {
  try {
    return new pg.Client(config).host ?? '';
  } catch {
    // A plain pool says what is wrong with it when it connects.
    return '';
  }
}
