import { integer, type Shape } from '../keeper/shape.js';
import {
  event,
  leader,
  order,
  policy,
  record,
  type FailoverEvent,
  type FailoverOrder,
  type Leader,
  type Policy,
  type Record,
} from './shapes.js';

/** The values under `hotspare/<service>/` as the text that stands there, and back. */

export type Parsed<T> =
  { readonly kind: 'value'; readonly value: T } | { readonly kind: 'unreadable'; readonly why: string };

export interface Format<T> {
  /** Never throws: anything may stand there. */
  parse(text: string): Parsed<T>;
  /** Throws a TypeError for what `parse` would not read. */
  print(value: T): string;
}

function format<T>(name: string, shape: Shape<T>): Format<T> {
  return {
    parse(text) {
      try {
        return { kind: 'value', value: shape.read(JSON.parse(text), name) };
      } catch (error) {
        const why = error instanceof TypeError ? error.message : `${name}: not JSON`;
        return { kind: 'unreadable', why };
      }
    },
    print: (value) => JSON.stringify(shape.read(value, name) ?? null),
  };
}

export const leaderFormat: Format<Leader> = format('leader', leader);
export const epochFormat: Format<number> = format('epoch', integer(0, Number.MAX_SAFE_INTEGER));

export const policyFormat: Format<Policy> = format('policy', policy);
export const eventFormat: Format<FailoverEvent> = format('event', event);

/**
 * Undefined where one stood and does not any more. The key stays then, with `null` in it: one that is removed counts from the start
 * again, and what was sent long ago and arrives now would stand a second time.
 */
const orNothing = <T>({ keys, read }: Shape<T>): Shape<T | undefined> => ({
  keys,
  read: (value, where) => (value === null || value === undefined ? undefined : read(value, where)),
});

export const orderFormat: Format<FailoverOrder | undefined> = format('order', orNothing(order));
export const recordFormat: Format<Record | undefined> = format('record', orNothing(record));
