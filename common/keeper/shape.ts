/** Shapes of JSON values: each reads a value strictly, and its type follows from it. What they describe, docs/KEEPER.md names. */
export interface Shape<T> {
  /** Throws a TypeError that says where, and what was expected. */
  read(value: unknown, where: string): T;
  /** Names of the keys in it, at any depth. */
  readonly keys: readonly string[];
}
export type Of<S> = S extends Shape<infer T> ? T : never;

const bad = (where: string, expected: string): never => {
  throw new TypeError(`${where}: expected ${expected}`);
};
const leaf = <T>(expected: string, is: (value: unknown) => value is T): Shape<T> => ({
  keys: [],
  read: (value, where) => (is(value) ? value : bad(where, expected)),
});

export const bool = leaf('true or false', (value): value is boolean => typeof value === 'boolean');
export const number = leaf('a number', (value): value is number => Number.isFinite(value));
/** A text of at most 4,000 characters, none of them a control character. */
export const text = leaf(
  'a text without control characters',
  (value): value is string => typeof value === 'string' && value.length <= 4_000 && !/[\0-\x1f]/.test(value),
);
export const matching = (pattern: RegExp, expected: string): Shape<string> =>
  leaf(expected, (value): value is string => typeof value === 'string' && pattern.test(value));
export const integer = (min: number, max: number): Shape<number> =>
  leaf(
    `a whole number from ${min} to ${max}`,
    (value): value is number => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
  );
export const oneOf = <const T extends readonly (string | boolean)[]>(...values: T): Shape<T[number]> =>
  leaf(`one of ${values.join(', ')}`, (value): value is T[number] => values.includes(value as T[number]));

export const list = <T>(item: Shape<T>): Shape<T[]> => ({
  keys: item.keys,
  read: (value, where) =>
    Array.isArray(value)
      ? value.map((each, index) => item.read(each, `${where}[${index}]`))
      : bad(where, 'a list'),
});

/** Present or not; what is absent is undefined. */
export interface Optional<T> extends Shape<T | undefined> {
  readonly optional: true;
}
export const optional = <T>(shape: Shape<T>): Optional<T> => ({
  keys: shape.keys,
  optional: true,
  read: (value, where) => (value === undefined ? undefined : shape.read(value, where)),
});

type Fields = Record<string, Shape<unknown>>;
type Simplify<T> = { readonly [K in keyof T]: T[K] };
export type ObjectOf<F extends Fields> = Simplify<
  { [K in keyof F as F[K] extends Optional<unknown> ? never : K]: Of<F[K]> } & {
    [K in keyof F as F[K] extends Optional<unknown> ? K : never]?: Of<F[K]>;
  }
>;

/** Exactly these keys: one too many is refused as well. */
export function object<F extends Fields>(fields: F): Shape<ObjectOf<F>> {
  return {
    keys: Object.entries(fields).flatMap(([key, { keys }]) => [key, ...keys]),
    read(value, where) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return bad(where, 'an object');
      for (const key of Object.keys(value))
        if (!(key in fields))
          throw new TypeError(`${where}.${key}: no such key; known are ${Object.keys(fields).join(', ')}`);
      const read: Record<string, unknown> = {};
      for (const [key, shape] of Object.entries(fields)) {
        const each = shape.read((value as Record<string, unknown>)[key], `${where}.${key}`);
        if (each !== undefined) read[key] = each;
      }
      return read as ObjectOf<F>;
    },
  };
}

/** The variant whose `tag` the value has. */
export function union<K extends string, V extends Record<string, Fields>>(
  tag: K,
  variants: V,
): Shape<{ [N in keyof V]: Simplify<{ [T in K]: N } & ObjectOf<V[N]>> }[keyof V]> {
  const shapes = Object.entries(variants).map(
    ([name, fields]) => [name, object({ [tag]: oneOf(name), ...fields })] as const,
  );
  const byName = new Map<unknown, Shape<unknown>>(shapes);
  return {
    keys: [...new Set(shapes.flatMap(([, { keys }]) => keys))],
    read(value, where) {
      const name = (value as Record<string, unknown> | null)?.[tag];
      const shape = byName.get(name);
      return (shape ?? bad(`${where}.${tag}`, `one of ${[...byName.keys()].join(', ')}`)).read(
        value,
        where,
      ) as never;
    },
  };
}
