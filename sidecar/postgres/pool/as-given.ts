/** What pg reads of a query config. */
const keys = [
  ...['text', 'values', 'name', 'types', 'rowMode', 'rows'],
  ...['queryMode', 'binary', 'portal', 'query_timeout'],
];

const isPlain = (config: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(config);
  return prototype === Object.prototype || prototype === null;
};

/**
 * A list of parameters as it is now. A statement may be sent later, and more than once; whoever fills the list again meanwhile
 * must not change it. Shallow: contents of Buffers and of nested objects stay shared.
 */
export function valuesAsGiven(values: unknown): unknown {
  return Array.isArray(values) ? (values as unknown[]).slice() : values;
}

/** The same of a query config; a text is its own, and a Submittable is used up by being sent. */
export function queryAsGiven(query: unknown): unknown {
  if (typeof query !== 'object' || query === null) return query;
  if (typeof (query as { submit?: unknown }).submit === 'function') return query;
  const copy = isPlain(query) ? { ...query } : evaluated(query);
  const { values } = copy as { values?: unknown };
  if (values !== undefined) (copy as { values: unknown }).values = valuesAsGiven(values);
  return copy;
}

/** Of a class of the app's own: what its getters say now, which may come from anything. */
function evaluated(query: object): object {
  const copy = Object.create(
    Object.getPrototypeOf(query) as object,
    Object.getOwnPropertyDescriptors(query),
  ) as object;
  for (const key of keys.filter((one) => one in query))
    Object.defineProperty(copy, key, {
      value: (query as Record<string, unknown>)[key],
      ...{ writable: true, enumerable: true, configurable: true },
    });
  return copy;
}
