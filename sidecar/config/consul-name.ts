import { ConfigError } from '../../common/errors.js';
import { redactedText } from '../../common/text/redact.js';
import { where } from './refusals.js';

/** One part of a name in DNS. */
export const label = /^[A-Za-z0-9]([A-Za-z0-9-_]*[A-Za-z0-9])?$/;

/**
 * The service of a host like `pg.service.consul` or `pg.service.dc2.consul`, with its domain; null for a host that is
 * not Consul's. Asking for the primary by its tag (`primary.pg…`, `_pg._primary…`, Patroni's `master.pg…`) means the same. Any other tag is a
 * ConfigError: a Pool cannot be limited to it, and a plain connection would never fail over.
 */
export function consulName(host: string, domain = 'consul'): { service: string; domain: string } | null {
  const match = /^(.+?)\.service\.(.+)$/i.exec(host.replace(/\.$/, ''));
  if (!match) return null;
  const [, names, rest] = match as unknown as [string, string, string];
  const ends = rest.toLowerCase() === domain || rest.toLowerCase().endsWith(`.${domain}`);
  const { service, tag } = tagged(names.split('.'));
  if (!ends || !label.test(service)) return null;
  if (tag === null || /^(primary|master)$/i.test(tag)) return { service, domain: rest };
  const plain = `${service}.service.${rest}`;
  throw new ConfigError(where, 'host', host, plain, refusal(tag, plain));
}

/** `tag.service`, or `_service._tag` of RFC 2782, whose `_tcp` is no tag. */
function tagged(names: readonly string[]): { service: string; tag: string | null } {
  const [first = '', second = ''] = names;
  if (names.length === 2 && first.startsWith('_') && second.startsWith('_'))
    return { service: first.slice(1), tag: second === '_tcp' ? null : second.slice(1) };
  return { service: names.at(-1) ?? '', tag: names.slice(0, -1).join('.') || null };
}

const refusal = (tag: string, plain: string): string =>
  tag.toLowerCase() === 'replica'
    ? `write ${plain}, and read from pool.read (or pool.connectTo('replica'))`
    : `the tag "${redactedText(tag)}" is unknown; write ${plain}: sessions prove who is primary`;
