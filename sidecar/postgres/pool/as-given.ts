import { isSubmittable } from '../session/given.js';

/** What pg reads of a query config. */
const keys = [
  ...['text', 'values', 'name', 'types', 'rowMode', 'rows'],
  ...['queryMode', 'binary', 'portal', 'query_timeout'],
];

const isPlain = (config: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(config);
  return (prototype === Object.prototype || prototype === null) && !Object.hasOwn(config, '__proto__');
};

/**
 * A list of parameters as it is now. A statement may be sent later, and more than once; whoever fills the list again meanwhile
 * must not change it. Shallow: contents of Buffers and of nested objects stay shared.
 */
export function valuesAsGiven(values: unknown): unknown {
  if (!Array.isArray(values)) return values;
  const list: readonly unknown[] = values;
  return list.slice();
}

/** The same of a query config; a text is its own, and a Submittable is used up by being sent. */
export function queryAsGiven(query: unknown): unknown {
  if (typeof query !== 'object' || query === null || isSubmittable(query)) return query;
  // Not by spreading: V8 makes a slow object of such a copy as soon as pg adds its callback, 1 µs a statement.
  const copy: { values?: unknown } = isPlain(query) ? Object.assign({}, query) : evaluated(query);
  if (copy.values !== undefined) copy.values = valuesAsGiven(copy.values);
  return copy;
}

/** Of a class of the app's own: what its getters say now, which may come from anything. */
function evaluated(query: object): object {
  const shape = Object.getOwnPropertyDescriptors(query);
  const copy = Object.create(Reflect.getPrototypeOf(query), shape) as object;
  for (const key of keys.filter((one) => one in query)) {
    const value: unknown = Reflect.get(query, key);
    Object.defineProperty(copy, key, { value, writable: true, enumerable: true, configurable: true });
  }
  return copy;
}
