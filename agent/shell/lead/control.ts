import type { Clock } from '../../../common/clock.js';
import type { FailoverReport, OrderRequest, PolicyRequest } from '../../../common/failover/report.js';
import { orderText } from '../../../common/failover/order-text.js';
import type { FailoverOrder, Policy } from '../../../common/failover/shapes.js';
import type { Snapshot } from '../../../common/failover/snapshot.js';
import type { Transaction } from '../../../common/failover/transaction.js';
import type { Random } from '../../../common/random.js';
import type { Log } from '../../../common/runtime/log.js';
import { judgeRequest } from '../../core/lead/asked.js';
import type { Peer, ReadShared } from '../../core/lead/model.js';
import type { Unanswered, Written } from '../../lease-port.js';
import type { FailoverControl, Told } from '../../ports.js';
import type { ServiceLead } from './service-lead.js';
import { sharedOf } from './shared.js';

/** Whoever asked waits so long for Consul and for the other agents, in ms. */
const deadlineMs = 5_000;

export interface LeadControlOptions {
  readonly leads: ReadonlyMap<string, ServiceLead>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** What operators ask of the services whose roles are moved here: it is put into Consul, and the agents carry it out. */
export class LeadControl implements FailoverControl {
  private orders = 0;

  constructor(private readonly options: LeadControlOptions) {}

  get services(): ReadonlySet<string> {
    return new Set(this.options.leads.keys());
  }

  async report(service: string): Promise<FailoverReport> {
    const lead = this.lead(service);
    await lead.fresh();
    return lead.report();
  }

  async history(service: string): ReturnType<FailoverControl['history']> {
    const listed = await this.lead(service).parts.events.list(AbortSignal.timeout(deadlineMs));
    if (listed.kind !== 'answered') return unavailable(listed);
    const { events, unreadable } = listed;
    return { kind: 'done', events, unreadable };
  }

  async order(
    service: string,
    request: OrderRequest,
    from: string,
  ): Promise<Told<{ readonly order?: FailoverOrder }>> {
    const lead = this.lead(service);
    if (request.kind === 'stopping') lead.stopping();
    const found = await this.read(lead);
    if (found.kind === 'refused') return found;
    const { snapshot, shared } = found;
    const id = this.newId(lead);
    const { config } = lead.parts;
    const members = request.kind === 'withdraw' ? new Map<string, Peer>() : await this.membersOf(lead);
    const judged = judgeRequest(request, id, {
      config,
      shared,
      policy: policyIn(shared, lead),
      members,
      handedOverForMs: lead.handedOverForMs(shared.order.value?.id),
    });
    if (judged.kind === 'refuse') {
      this.options.log.warn({ from, request }, `refused: ${judged.why}`);
      return { kind: 'refused', code: judged.code, why: judged.why };
    }
    if (judged.kind === 'stands') return { kind: 'done', order: judged.order };
    const transaction: Transaction =
      judged.kind === 'place'
        ? { kind: 'placeOrder', was: snapshot, order: judged.order }
        : { kind: 'removeOrder', was: snapshot };
    const written = await this.write(lead, transaction);
    if (written.kind !== 'done') return written;
    const order = judged.kind === 'place' ? judged.order : undefined;
    this.options.log.info({ from }, `${from} ordered: ${order ? orderText(order) : 'take the order back'}`);
    return { kind: 'done', ...(order ? { order } : {}) };
  }

  async setPolicy(
    service: string,
    request: PolicyRequest,
    from: string,
  ): Promise<Told<{ readonly policy: Policy }>> {
    const lead = this.lead(service);
    const found = await this.read(lead);
    if (found.kind === 'refused') return found;
    const before = policyIn(found.shared, lead);
    const policy = { ...before, ...request } as Policy;
    const refused = refusedPolicy(policy) ?? refusedChange(before, policy, found.shared);
    if (refused !== undefined) return { kind: 'refused', code: 'unsafe', why: refused };
    const written = await this.write(lead, { kind: 'setPolicy', was: found.snapshot, policy });
    if (written.kind !== 'done') return written;
    const changed = Object.entries(request).map(([key, value]) => `${key}=${String(value)}`);
    this.options.log.info({ from, policy }, `${from} set ${changed.join(', ')}`);
    lead.parts.events.append({
      kind: 'policy',
      member: lead.parts.config.member,
      epoch: found.shared.epoch.value ?? 0,
      rule: 'O1',
      cause: `an operator at ${from}`,
      changed: changed.join(', ') || 'nothing',
    });
    return { kind: 'done', policy };
  }

  private lead(service: string): ServiceLead {
    const lead = this.options.leads.get(service);
    if (!lead) throw new Error(`no lead for ${service}`);
    return lead;
  }

  private newId({ parts }: ServiceLead): string {
    const { clock, random } = this.options;
    return `${parts.config.member}-${Math.round(clock.wallMs())}-${(this.orders += 1)}${Math.floor(random() * 1e6)}`;
  }

  private async read(
    lead: ServiceLead,
  ): Promise<
    | { readonly kind: 'found'; readonly snapshot: Snapshot; readonly shared: ReadShared }
    | Extract<Told<object>, { kind: 'refused' }>
  > {
    const read = await lead.parts.lease.read({ consistent: true, signal: AbortSignal.timeout(deadlineMs) });
    if (read.kind !== 'answered') return unavailable(read);
    const shared = sharedOf(read.snapshot);
    return shared.kind === 'read'
      ? { kind: 'found', snapshot: read.snapshot, shared }
      : { kind: 'refused', code: 'unavailable', why: `what stands in Consul cannot be read: ${shared.why}` };
  }

  private async write(lead: ServiceLead, transaction: Transaction): Promise<Told<object>> {
    const written = await lead.parts.lease.write(transaction, AbortSignal.timeout(deadlineMs));
    lead.wake();
    return toldOf(written);
  }

  private async membersOf(lead: ServiceLead): Promise<Map<string, Peer>> {
    const { config, peers } = lead.parts;
    const signal = AbortSignal.timeout(deadlineMs);
    await lead.fresh();
    const asked = [...config.members.keys()].map(async (name): Promise<[string, Peer]> => [
      name,
      name === config.member ? lead.asPeer : await peers.ask(name, signal),
    ]);
    return new Map(await Promise.all(asked));
  }
}

const policyIn = (shared: ReadShared, lead: ServiceLead): Policy => shared.policy.value ?? lead.policy;

/** What no agent could keep. */
function refusedPolicy({ promotion, durability }: Policy): string | undefined {
  return promotion === 'auto' && durability === 'async'
    ? 'promotion=auto needs durability=sync: with async, acknowledged commits could be lost without an operator having said so. Set both, or durability=async with promotion=manual'
    : undefined;
}

/** Only the holder changes durability, so that there must be one (R8). */
function refusedChange(before: Policy, { durability }: Policy, { leader }: ReadShared): string | undefined {
  if (durability === before.durability || before.roles === 'observe' || leader.session !== undefined)
    return undefined;
  return `durability is changed by the primary, and no member leads now: bring it back, or "hotspare promote" another member first`;
}

function unavailable({ why }: Unanswered): Extract<Told<object>, { kind: 'refused' }> {
  return { kind: 'refused', code: 'unavailable', why };
}

function toldOf(written: Written): Told<object> {
  switch (written.kind) {
    case 'applied':
      return { kind: 'done' };
    case 'conflict':
      return {
        kind: 'refused',
        code: 'conflict',
        why: `something else was quicker: ${written.conflicts[0].why}`,
      };
    case 'unconfirmed':
      return { kind: 'refused', code: 'late', why: `${written.why}; it may still be done` };
    default:
      return unavailable(written);
  }
}
