import { ConfigError } from '../common/errors.js';

const where = 'connection URL';
const key = 'target_session_attrs';

/** What our default is: the primary, and while there is none a replica. */
const wanted = ['read-write', 'primary'];
/** What `pool.read` is for. */
const reading = ['any', 'standby', 'prefer-standby', 'read-only'];

interface Given {
  readonly connectionString?: unknown;
  readonly hotspare?: unknown;
}

/** `scheme://`, user and password, hosts, and the rest. Neither `/`, `?` nor `#` stands in a password as it is. */
const parts = /^(postgres(?:ql)?:\/\/)((?:[^/?#]*@)?)([^/?#]*)(.*)$/is;

/**
 * A configuration whose URL names several hosts, as libpq knows it (`postgres://a:5432,b:5433/db`), in the words of pg and of
 * ours: a URL with a host that stands for none, and these as static members. Any other stays as it is. No message shows a password.
 */
export function withStaticHosts<T extends object>(config: T): T {
  // pg takes null for no configuration.
  const { connectionString, hotspare } = (config ?? {}) as Given;
  const match = typeof connectionString === 'string' ? parts.exec(connectionString) : null;
  if (!match) return config;
  const [, scheme, user, authority, rest] = match as unknown as [string, string, string, string, string];
  const hosts = authority.split(',').map(decode);
  if (hosts.length === 1) return config;
  const { left, attributes } = withoutAttributes(rest);
  check(attributes);
  refuseParameters(left);
  const own = (hotspare ?? {}) as { hosts?: unknown; subscribe?: unknown };
  if (own.hosts !== undefined || typeof own.subscribe === 'function')
    throw new ConfigError(where, 'hotspare.hosts', hosts.join(','), expectedHosts, conflict);
  return Object.defineProperties(
    {},
    {
      ...Object.getOwnPropertyDescriptors(config),
      connectionString: {
        value: `${scheme}${user}localhost${left}`,
        enumerable: true,
        configurable: true,
        writable: true,
      },
      hotspare: { value: { ...own, hosts }, enumerable: true, configurable: true, writable: true },
    },
  ) as T;
}

const expectedHosts = 'a list with at least one "host:port"';
const conflict = 'the members are named in the `hotspare` option as well; name them in one place';

function check(attributes: string | null): void {
  if (attributes === null || wanted.includes(attributes)) return;
  const problem = reading.includes(attributes)
    ? 'use `pool.read` for what only reads, and leave this out'
    : 'expected read-write or primary; for what only reads there is `pool.read`';
  throw new ConfigError(where, 'target_session_attrs', attributes, wanted.join(' or '), problem);
}

/** pg and libpq would both take these instead of the hosts before them. */
function refuseParameters(rest: string): void {
  const parameters = new URLSearchParams(rest.split(/\?(.*)/s)[1]);
  for (const name of ['host', 'port']) {
    const value = parameters.get(name);
    if (value)
      throw new ConfigError(
        where,
        name,
        value,
        'left out',
        'the hosts, each with its port, are named before it',
      );
  }
}

/** pg does not know the parameter. */
function withoutAttributes(rest: string): { left: string; attributes: string | null } {
  const [path = '', query] = rest.split(/\?(.*)/s);
  if (query === undefined) return { left: rest, attributes: null };
  const pairs = query.split('&');
  const mine = pairs.find((pair) => pair.startsWith(`${key}=`));
  const others = pairs.filter((pair) => pair !== mine).join('&');
  return {
    left: others === '' ? path : `${path}?${others}`,
    attributes: mine === undefined ? null : decode(mine.slice(key.length + 1)),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
