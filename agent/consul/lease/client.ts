import type { Answer, ConsulConnection, Order, Question } from '../../../common/consul/connection.js';
import { ConsulFailure } from '../../../common/consul/failure.js';
import type { Secret } from '../../../common/secret.js';
import type { Outcome, Unanswered } from '../../lease-port.js';
import type { Kept } from '../../ports.js';
import { askFor, readPrefix } from './prefix.js';

export interface LeaseClientOptions {
  readonly connection: Pick<ConsulConnection, 'get' | 'put'>;
  /** What the connection sends; read again once Consul refuses it. */
  readonly token?: Kept<Secret> | undefined;
  /** Bound of each call, in ms. */
  readonly deadlineMs: number;
  /** For sentences, like `Consul at http://127.0.0.1:8500`. */
  readonly name: string;
}

type Unconfirmed = { readonly kind: 'unconfirmed'; readonly why: string };
export type Got<T> = { readonly kind: 'got'; readonly value: T };

/** What is asked: `what` is part of a sentence, like `reading the lease of pg`; `right` what Consul wants for it. */
export interface Undertaking<T> {
  readonly what: string;
  readonly right: string;
  /** A TypeError of it means that something else than Consul answered. `forbidden`: a refusal within an answer. */
  readonly parse: (answer: Answer) => T | 'forbidden';
  readonly signal?: AbortSignal | undefined;
}
type Asked<Q> = Omit<Q, 'deadlineMs' | 'signal'>;

/** Asks Consul so that each end is a value. */
export class LeaseClient {
  readonly connection: LeaseClientOptions['connection'];

  constructor(private readonly options: LeaseClientOptions) {
    this.connection = options.connection;
  }

  async get<T>(question: Asked<Question>, undertaking: Undertaking<T>): Promise<Got<T> | Unanswered> {
    const { connection, deadlineMs } = this.options;
    const { signal } = undertaking;
    const got = await this.#ask(undertaking, () => connection.get({ ...question, deadlineMs, signal }));
    // A read that was not answered changed nothing.
    return got.kind === 'unconfirmed' ? { ...got, kind: 'failed' } : got;
  }

  /** As `get`, of all keys below a prefix; `guard` is one of them. */
  async list<T>(
    question: Asked<Question>,
    guard: string,
    undertaking: Undertaking<T>,
  ): Promise<Got<T> | Unanswered> {
    const { deadlineMs } = this.options;
    const { signal } = undertaking;
    const got = await this.#ask(undertaking, () =>
      readPrefix(this.connection, { ...question, deadlineMs, signal }, { key: guard, deadlineMs }),
    );
    return got.kind === 'unconfirmed' ? { ...got, kind: 'failed' } : got;
  }

  /** As `list`, for a watch, whose questions take their time. */
  listing(guard: string): Pick<ConsulConnection, 'get'> {
    const { deadlineMs } = this.options;
    return {
      get: (question) =>
        this.#withNewToken(() => readPrefix(this.connection, question, { key: guard, deadlineMs })),
    };
  }

  /** A reading transaction. Where it finds nothing, `guard` is asked for, as for a list. */
  async readAll<T>(
    order: Asked<Order>,
    guard: string,
    undertaking: Undertaking<T> & { readonly isEmpty: (answer: Answer) => boolean },
  ): Promise<Got<T> | Unanswered> {
    const { connection, deadlineMs } = this.options;
    const { signal } = undertaking;
    const got = await this.#ask(undertaking, async () => {
      const answer = await connection.put({ ...order, deadlineMs, signal });
      if (undertaking.isEmpty(answer)) await askFor(connection, { key: guard, deadlineMs, signal });
      return answer;
    });
    return got.kind === 'unconfirmed' ? { ...got, kind: 'failed' } : got;
  }

  async put<T>(order: Asked<Order>, undertaking: Undertaking<T>): Promise<Outcome<Got<T>>> {
    const { connection, deadlineMs } = this.options;
    const { signal } = undertaking;
    return this.#ask(undertaking, () => connection.put({ ...order, deadlineMs, signal }));
  }

  /** A failure of a watch, which has no deadline of its own. */
  explain(failure: ConsulFailure, undertaking: Pick<Undertaking<unknown>, 'what' | 'right'>): Unanswered {
    const explained = this.#explained(failure, undertaking);
    return explained.kind === 'unconfirmed' ? { ...explained, kind: 'failed' } : explained;
  }

  async #ask<T>(undertaking: Undertaking<T>, ask: () => Promise<Answer>): Promise<Outcome<Got<T>>> {
    const { what, signal } = undertaking;
    if (signal?.aborted) return { kind: 'failed', why: `${what}: stopped before it was sent` };
    const answered = async (): Promise<Got<T>> => {
      const value = undertaking.parse(await ask());
      if (value === 'forbidden') throw new ConsulFailure('forbidden', 'Permission denied', 403);
      return { kind: 'got', value };
    };
    const got = await this.#withNewToken(answered).catch((error: unknown): ConsulFailure => {
      if (error instanceof ConsulFailure) return error;
      if (signal?.aborted) return new ConsulFailure('late', 'stopped before the answer came');
      if (error instanceof TypeError) return new ConsulFailure('garbage', 'what answers there is not Consul');
      throw error;
    });
    return got instanceof ConsulFailure ? this.#explained(got, undertaking) : got;
  }

  /** What was refused was not done, and may be sent once more. */
  async #withNewToken<T>(call: () => Promise<T>): Promise<T> {
    const { token } = this.options;
    const used = token?.current();
    return call().catch(async (error: unknown) => {
      if (!token || !isForbidden(error)) throw error;
      // Another call may have found the new one already.
      if (token.current() === used && !(await token.reread())) throw error;
      return call();
    });
  }

  #explained(
    failure: ConsulFailure,
    { what, right }: Pick<Undertaking<unknown>, 'what' | 'right'>,
  ): Unanswered | Unconfirmed {
    const why = `${this.options.name}: ${what}: ${failure.message}`;
    if (failure.kind === 'forbidden') return { kind: 'refused', why: `${why}; the token needs ${right}` };
    return { kind: isCertainlyNotDone(failure) ? 'failed' : 'unconfirmed', why };
  }
}

const isForbidden = (error: unknown) => error instanceof ConsulFailure && error.kind === 'forbidden';

/**
 * Consul answers 500 as well when it lost its leader with the change on its way, which the next one may keep. Nothing was done for certain
 * only where it had not a leader to hand it to, or did not reach it; or could not read the change, or is too busy (4xx).
 */
function isCertainlyNotDone({ kind, message, status = 500 }: ConsulFailure): boolean {
  if (kind !== 'failed') return kind === 'refused';
  return (status >= 400 && status < 500) || /No cluster leader|rpc error getting client/.test(message);
}
