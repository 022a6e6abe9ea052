/** What an app gives to `query`, as far as anybody here looks into it: a config, or a Submittable. Anything may be anything. */
export interface Given {
  readonly text?: unknown;
  readonly values?: unknown;
  readonly query_timeout?: unknown;
  readonly callback?: unknown;
  readonly submit?: unknown;
  readonly handleError?: unknown;
}

const nothing: Given = {};

/** For looking into it; of a text, there is nothing to see. */
export const given = (query: unknown): Given =>
  typeof query === 'object' && query !== null ? query : nothing;

/** A Submittable sends itself, once: a cursor, or a Query of pg. */
export const isSubmittable = (query: unknown): boolean => typeof given(query).submit === 'function';

/** The SQL of a query, however it was given; null: it is not seen. */
export function textOf(query: unknown): string | null {
  const text = typeof query === 'string' ? query : given(query).text;
  return typeof text === 'string' ? text : null;
}
