import { ConfigError } from '../common/errors.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** What libpq takes as a list in places where pg reads a single value: a name that nobody has, and the first of the ports. */
const lists = { host: 'PGHOST', port: 'PGPORT' } as const;

const elsewhere =
  'several members stand in the URL (postgres://a:5432,b:5433/db) or in `hotspare.hosts`, each with its port';

/**
 * Refuses a list of hosts or of ports as an option, in PG* or as a parameter of the URL. Not the hosts of the URL itself: see
 * several-hosts.ts.
 *
 * @throws ConfigError that names where the list stands.
 */
export function refuseLists(config: object, environment: Environment): void {
  for (const key of ['host', 'port'] as const) {
    const [where, name, value] = newest(config, key, environment);
    // A folder of sockets may be called what it likes.
    if (typeof value === 'string' && value.includes(',') && !value.startsWith('/'))
      throw new ConfigError(where, name, value, `one ${key}`, elsewhere);
  }
}

/** Whose word counts with pg: the URL's, then the option's, then the environment's. Nothing said is no word. */
function newest(
  config: object,
  key: keyof typeof lists,
  environment: Environment,
): [where: string, name: string, value: unknown] {
  const given = (config ?? {}) as Readonly<Record<string, unknown>>;
  const inUrl = ofUrl(given['connectionString'], key);
  if (inUrl) return ['connection URL', key, inUrl];
  if (given[key]) return ['pool options', key, given[key]];
  return ['environment', lists[key], environment[lists[key]]];
}

/** Of what pg reads as a URL; what it cannot read it refuses itself. */
function ofUrl(connectionString: unknown, key: keyof typeof lists): string | null {
  if (typeof connectionString !== 'string') return null;
  if (connectionString.startsWith('/')) return key === 'host' ? connectionString : null;
  try {
    const url = new URL(connectionString, 'postgres://base');
    if (url.protocol === 'socket:') return key === 'host' ? url.pathname : null;
    const own = connectionString.includes('://') ? { host: url.hostname, port: url.port } : null;
    return url.searchParams.get(key) || own?.[key] || null;
  } catch {
    return null;
  }
}
