import type { KeyValue } from '../../../common/failover/snapshot.js';
import { list, number, record, text } from '../../../common/text/json.js';
import type { ConflictCause } from '../../lease-port.js';
import type { Operation } from './operations.js';

/** Consul's JSON as values. Each throws a TypeError on anything that is not Consul's. */

/** An entry of `/v1/kv`, or of a transaction that read it. */
export function parseKeyValue(value: unknown): KeyValue {
  const { Key, Value, ModifyIndex, Session } = record(value);
  return {
    key: text(Key),
    text: Buffer.from(text(Value ?? ''), 'base64').toString('utf8'),
    index: number(ModifyIndex),
    session: Session === undefined || Session === '' ? undefined : text(Session),
  };
}

export type TransactionReply =
  /** `read`: in the order of the operations. A write and a check show their key without its value; what reads it comes after them. */
  | { readonly kind: 'applied'; readonly read: readonly KeyValue[] }
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'conflict'; readonly errors: readonly { readonly at: number; readonly what: string }[] };

/** The body of `/v1/txn`, of status 200 and 409. */
export function parseReply(status: number, body: unknown): TransactionReply {
  const { Results, Errors } = record(body);
  if (status === 200) {
    return { kind: 'applied', read: list(Results ?? []).map((each) => parseKeyValue(record(each)['KV'])) };
  }
  const errors = list(Errors).map((each) => {
    const { OpIndex, What } = record(each);
    return { at: number(OpIndex), what: text(What) };
  });
  if (errors.length === 0) throw new TypeError('no error');
  // Consul says so operation by operation, not with status 403.
  return errors.some(({ what }) => /permission denied|acl not found/i.test(what))
    ? { kind: 'forbidden' }
    : { kind: 'conflict', errors };
}

/** What the failure of an operation means. */
export function causeOf({ verb }: Operation, what: string): ConflictCause {
  if (verb === 'check-session' || verb === 'unlock') return 'not-held';
  if (verb !== 'lock') return 'changed';
  // Else another holds it, or held it with a lock delay of its own.
  return /session/.test(what) ? 'session-gone' : 'held';
}

export interface SessionReply {
  readonly id: string;
  readonly name: string;
  /** When it was made, on Consul's count. */
  readonly index: number;
}

/** Of `/v1/session/list` and `/v1/session/renew/:id`. */
export function parseSession(value: unknown): SessionReply {
  const { ID, Name, CreateIndex } = record(value);
  return { id: text(ID), name: text(Name), index: number(CreateIndex) };
}
