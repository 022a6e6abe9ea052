/** Reading JSON of others. Each gives the value in its type and throws a TypeError when it has another shape. */

export function record(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError('not an object');
  return value as Record<string, unknown>;
}

export function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new TypeError('not a list');
  return value;
}

export function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('not a text');
  return value;
}

export function number(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError('not a number');
  return value;
}
