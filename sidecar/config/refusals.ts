import { ConfigError } from '../../common/errors.js';

/** What the messages of a ConfigError begin with. */
export const where = 'hotspare options';

/** Without the value: of a key that nobody knows nobody knows either whether it is a secret. */
export function refuseUnknown(given: object, path: string, known: readonly string[]): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const expected = `no such key; known are ${known.join(', ')}`;
  throw new ConfigError(where, `${path}.${unknown}`, undefined, expected, `there is ${expected}`);
}
