import { isIP } from 'node:net';
import dns2 from 'dns2';
import { withDeadline, type Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { targetKey, type Role, type Target } from '../../common/names.js';
import { tagsOf } from '../../common/role-tags.js';
import type { Lookup } from '../core/model.js';
import type { Directory } from '../ports.js';
import { overTcp, overUdp, question, type Reply } from './exchange.js';

const { TYPE, RCODE } = dns2.Packet;

export interface DnsDirectoryOptions {
  readonly server: Target;
  readonly service: string;
  readonly domain: string;
  /** For the whole lookup. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** So many addresses are asked for at a time. */
const atOnce = 16;

interface SrvRecord {
  readonly target: string;
  readonly port: number;
}

/** Looks roles up as SRV records of `TAG.SERVICE.service.DOMAIN`. */
export class DnsDirectory implements Directory {
  /** The tag under which somebody was found last is asked for first. */
  readonly #found = new Map<Role, string>();

  constructor(private readonly options: DnsDirectoryOptions) {}

  async lookup(role: Role): Promise<Lookup> {
    const { server, service, domain, timeoutMs, clock } = this.options;
    let what = `DNS at ${targetKey(server)}`;
    try {
      return await withDeadline(clock, timeoutMs, 'the lookup', async (signal) => {
        const first = this.#found.get(role);
        const tags =
          first === undefined ? tagsOf[role] : [first, ...tagsOf[role].filter((tag) => tag !== first)];
        for (const tag of tags) {
          const name = `${tag}.${service}.service.${domain}`;
          what = `DNS at ${targetKey(server)}, ${name}`;
          const lookup = await this.#lookup(name, signal);
          if (lookup.kind === 'found') this.#found.set(role, tag);
          // Nobody plays the role only if nobody does under any tag.
          if (lookup.kind !== 'empty') return lookup;
        }
        return { kind: 'empty' };
      });
    } catch (error) {
      return { kind: 'unavailable', why: `${what}: ${messageOf(error)}` };
    }
  }

  async #lookup(name: string, signal: AbortSignal): Promise<Lookup> {
    const reply = await this.#ask(name, 'SRV', signal);
    const verdict = judge(reply);
    if (verdict) return verdict;
    const services = records<SrvRecord>(reply.answers, TYPE.SRV).filter(
      ({ port, target }) => port > 0 && typeof target === 'string',
    );
    // A "yes" without a usable record is no knowledge of anything.
    if (services.length === 0)
      return { kind: 'unavailable', why: `${name}: the answer has no usable SRV record` };
    const found: (Target | undefined)[] = [];
    for (let first = 0; first < services.length; first += atOnce)
      found.push(
        ...(await Promise.all(
          services.slice(first, first + atOnce).map(async ({ target, port }) => {
            const host = isIP(target) ? target : await this.#address(target, reply, signal);
            return host === undefined ? undefined : { host, port };
          }),
        )),
      );
    const targets = unique(found.filter((target) => target !== undefined));
    return targets.length > 0
      ? { kind: 'found', targets }
      : { kind: 'unavailable', why: `${name}: no address for ${services[0]!.target}` };
  }

  async #address(name: string, reply: Reply, signal: AbortSignal): Promise<string | undefined> {
    const near = addressOf(name, [...reply.additionals, ...reply.answers]);
    if (near !== undefined) return near;
    for (const type of ['A', 'AAAA'] as const) {
      const own = await this.#ask(name, type, signal);
      const address = judge(own) ? undefined : addressOf(name, own.answers);
      if (address !== undefined) return address;
    }
    return undefined;
  }

  async #ask(name: string, type: 'SRV' | 'A' | 'AAAA', signal: AbortSignal): Promise<Reply> {
    const asked = question(name, type);
    const reply = await overUdp(this.options.server, asked, this.options.clock, signal);
    return reply.header.tc === 1 ? overTcp(this.options.server, asked, signal) : reply;
  }
}

/** Null: there is an answer to read. */
function judge(reply: Reply): Lookup | null {
  const code = reply.header.rcode;
  if (code === RCODE.NXDOMAIN) return { kind: 'empty' };
  if (code !== RCODE.NOERROR) return { kind: 'unavailable', why: `the server said ${rcodeName(code)}` };
  // Half an answer must not pass for all of it.
  if (reply.errors.length > 0)
    return { kind: 'unavailable', why: `the answer is damaged: ${reply.errors[0]!.message}` };
  if (reply.header.tc === 1) return { kind: 'unavailable', why: 'the answer is cut, over TCP too' };
  return reply.answers.length === 0 ? { kind: 'empty' } : null;
}

function rcodeName(code: number): string {
  return Object.entries(RCODE).find(([, value]) => value === code)?.[0] ?? `rcode ${code}`;
}

function records<T>(from: readonly { type: number }[], type: number): T[] {
  return from.filter((record) => record.type === type) as unknown as T[];
}

function addressOf(name: string, from: readonly { type: number; name: string }[]): string | undefined {
  const own = from.filter((record) => record.name.toLowerCase() === name.toLowerCase());
  return [...records<{ address: string }>(own, TYPE.A), ...records<{ address: string }>(own, TYPE.AAAA)].find(
    ({ address }) => isIP(address) !== 0,
  )?.address;
}

/** Sorted, so that the same answer in another order is the same answer. */
function unique(targets: readonly Target[]): readonly Target[] {
  const byKey = new Map(targets.map((target) => [targetKey(target), target]));
  return [...byKey.keys()].sort().map((key) => byKey.get(key)!);
}
