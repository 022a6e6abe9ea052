import { sleep, type Clock } from '../../../common/clock.js';
import { refusal } from '../../../common/consul/failure.js';
import { list, record, text } from '../../../common/text/json.js';
import type { Answered, Outcome } from '../../lease-port.js';
import type { Got, LeaseClient, Undertaking } from './client.js';
import { parseSession, type SessionReply } from './replies.js';

export interface SessionsOptions {
  readonly client: LeaseClient;
  /** Like `pg@pg1`: the registered service that the agent's sign of life is a check of. */
  readonly serviceId: string;
  /** How long after the last sign of life the session ends, in ms. */
  readonly aliveTtlMs: number;
  /** How long `openSession` waits for Consul's agent to bring a new check to its servers, in ms. */
  readonly deadlineMs: number;
  readonly clock: Clock;
}

type Opened = { readonly kind: 'open'; readonly id: string; readonly takenUp: boolean };
const pauseMs = 50;

/**
 * Sessions of one member. The sign of life is a check of the service, not of the box: a critical check of a box takes all its
 * services out of DNS.
 */
export class Sessions {
  readonly #name: string;
  readonly #checkId: string;

  constructor(private readonly options: SessionsOptions) {
    this.#name = `hotspare ${options.serviceId}`;
    this.#checkId = `alive:${options.serviceId}`;
  }

  async open(remembered: string | undefined, signal?: AbortSignal): Promise<Outcome<Opened>> {
    const alive = await this.#ensureCheck(signal);
    if (alive.kind !== 'done') return alive;
    const found = await this.#find(remembered, signal);
    if (found.kind !== 'got') return found;
    if (found.value !== undefined) return { kind: 'open', id: found.value, takenUp: true };
    const { clock, deadlineMs } = this.options;
    const untilMs = clock.nowMs() + deadlineMs;
    let sentAgain = false;
    for (;;) {
      const made = await this.#create(signal);
      if (made.kind !== 'unconfirmed' || !isCheckOnItsWay(made.why)) return made;
      if (clock.nowMs() >= untilMs || signal?.aborted) return { ...made, kind: 'failed' };
      await sleep(clock, pauseMs, { signal }).catch(() => {});
      if (!sentAgain && isCheckMissing(made.why)) {
        sentAgain = true;
        // The servers may have been restored from a backup that does not know it. Their agent believes that they have it, and
        // would look only at its next full comparison, a minute later; what is registered anew it sends at once.
        const registered = await this.#register(signal);
        if (registered.kind !== 'done') return registered;
      }
    }
  }

  async signOfLife(signal?: AbortSignal): Promise<Outcome<{ kind: 'done' | 'missing' }>> {
    const passed = await this.options.client.put(
      { path: `agent/check/pass/${encodeURIComponent(this.#checkId)}`, answers: [404, 500] },
      this.#writing(signal, ({ status, body }) => {
        if (status === 200) return 'done' as const;
        // 1.8 answers 500 and has words of its own without access control; later releases answer 404.
        if (/unknown check|does not have associated TTL/i.test(String(body))) return 'missing' as const;
        throw refusal(status, String(body));
      }),
    );
    return passed.kind === 'got' ? { kind: passed.value } : passed;
  }

  async lookUp(id: string, signal?: AbortSignal): Promise<Answered<{ state: 'valid' | 'gone' }>> {
    const found = await this.#renew(id, signal);
    if (found.kind !== 'got') return found;
    return { kind: 'answered', state: found.value ? 'valid' : 'gone' };
  }

  async destroy(id: string, signal?: AbortSignal): Promise<Outcome<{ kind: 'done' }>> {
    const gone = await this.options.client.put(
      { path: `session/destroy/${encodeURIComponent(id)}` },
      {
        what: `ending session ${id}`,
        right: 'session:write for its node',
        signal,
        parse: ({ body }) => body === true,
      },
    );
    return gone.kind === 'got' ? { kind: 'done' } : gone;
  }

  /** Of one without a TTL it only asks for it. Unlike `session/info` it does not pass a missing right off as a missing session. */
  async #renew(id: string, signal?: AbortSignal) {
    const asked = await this.options.client.put(
      { path: `session/renew/${encodeURIComponent(id)}`, answers: [404] },
      {
        what: `asking for session ${id}`,
        right: 'session:write for its node',
        signal,
        parse: ({ status, body }): SessionReply | undefined => {
          if (status === 200) return list(body).map(parseSession)[0];
          if (/session id .* not found/i.test(String(body))) return undefined;
          throw new TypeError('another 404');
        },
      },
    );
    return asked.kind === 'unconfirmed' ? { ...asked, kind: 'failed' as const } : asked;
  }

  async #find(
    remembered: string | undefined,
    signal?: AbortSignal,
  ): Promise<Got<string | undefined> | Exclude<Outcome<never>, never>> {
    if (remembered !== undefined && isSessionId(remembered)) {
      const known = await this.#renew(remembered, signal);
      if (known.kind !== 'got') return known;
      if (known.value?.name === this.#name) return { kind: 'got', value: remembered };
    }
    // One whose making was not answered, or whose id was lost with the disk.
    const all = await this.options.client.get(
      { path: 'session/list', query: { consistent: '' } },
      {
        what: `looking for a session of ${this.options.serviceId}`,
        right: 'session:read',
        signal,
        parse: ({ body }) => list(body).map(parseSession),
      },
    );
    if (all.kind !== 'got') return all;
    const own = all.value.filter(({ name }) => name === this.#name).sort((a, b) => a.index - b.index);
    return { kind: 'got', value: own[0]?.id };
  }

  async #create(signal?: AbortSignal): Promise<Outcome<Opened>> {
    const made = await this.options.client.put(
      {
        path: 'session/create',
        body: {
          Name: this.#name,
          NodeChecks: ['serfHealth'],
          ServiceChecks: [{ ID: this.#checkId }],
          Behavior: 'release',
          LockDelay: '0s',
        },
      },
      {
        what: `making a session for ${this.options.serviceId}`,
        right: 'session:write for its node',
        signal,
        parse: ({ body }) => text(record(body)['ID']),
      },
    );
    return made.kind === 'got' ? { kind: 'open', id: made.value, takenUp: false } : made;
  }

  /** A check that is there keeps its state across a registration; so the sign of life comes first, and once more after it. */
  async #ensureCheck(signal?: AbortSignal): Promise<Outcome<{ kind: 'done' }>> {
    const there = await this.signOfLife(signal);
    return there.kind === 'missing' ? this.#register(signal) : (there as Outcome<{ kind: 'done' }>);
  }

  async #register(signal?: AbortSignal): Promise<Outcome<{ kind: 'done' }>> {
    const { client, serviceId, aliveTtlMs } = this.options;
    const registered = await client.put(
      {
        path: 'agent/check/register',
        body: {
          ID: this.#checkId,
          Name: 'hotspare: the agent is alive',
          ServiceID: serviceId,
          TTL: `${aliveTtlMs}ms`,
          Status: 'passing',
        },
      },
      this.#writing(signal, () => true),
    );
    if (registered.kind !== 'got') return registered;
    const alive = await this.signOfLife(signal);
    if (alive.kind !== 'missing') return alive as Outcome<{ kind: 'done' }>;
    return { kind: 'failed', why: `the check ${this.#checkId} was registered and is not there` };
  }

  #writing<T>(signal: AbortSignal | undefined, parse: Undertaking<T>['parse']): Undertaking<T> {
    const { serviceId } = this.options;
    return {
      what: `the agent's sign of life for ${serviceId}`,
      right: `service:write for ${serviceId.split('@')[0]}`,
      signal,
      parse,
    };
  }
}

const isSessionId = (id: string) => /^[0-9a-f-]{36}$/.test(id);

/** Consul's agent brings a new check, and one that passes again, to the servers in its own time. */
const isCheckOnItsWay = (why: string) => isCheckMissing(why) || /is in critical state/.test(why);
const isCheckMissing = (why: string) => /Missing check '/.test(why);
