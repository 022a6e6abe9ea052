/** Keys whose value is somebody's secret, or may hold one. */
const secretKey = /tok|pass|pwd|secret|auth|cred|key|header/i;
/** Where a secret lies is none: `tokenFile`. */
const place = /file$/i;

/** What is shown in place of a secret. */
export const hidden = '(hidden)';

/**
 * A copy for people to see: without what stands before the `@` of anything like a URL, and without the values of keys that
 * sound like a secret, at any depth. What cannot be copied (a circle) is told in words.
 */
export function redacted(value: unknown): unknown {
  if (typeof value === 'string') return redactedText(value);
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return value;
  try {
    return JSON.parse(
      JSON.stringify(value, (key, inner: unknown) => {
        if (secretKey.test(key) && !place.test(key)) return hidden;
        if (typeof inner === 'string') return redactedText(inner);
        return typeof inner === 'bigint' ? String(inner) : inner;
      }),
    ) as unknown;
  } catch {
    return 'an object that cannot be shown';
  }
}

/** A key whose value itself is never shown. */
export const namesSecret = (key: string): boolean =>
  /tok|pass|pwd|secret|auth|cred|header/i.test(key) && !place.test(key);

/** Up to the last `@`: nobody knows whether those before it are part of a password. */
export function redactedText(text: string): string {
  const at = text.lastIndexOf('@');
  return withoutAssignments(at < 0 ? text : `${schemeOf(text.slice(0, at))}***${text.slice(at)}`);
}

function schemeOf(text: string): string {
  const found = /[a-z][a-z0-9+.-]*:\/\//i.exec(text);
  return found ? text.slice(0, found.index + found[0].length) : '';
}

/** `password=…` of a URL's query, or of a connection string of libpq's own kind. */
const withoutAssignments = (text: string): string =>
  text.replace(
    /([\w-]*(?:tok|pass|pwd|secret|auth|cred|key)[\w-]*\s*=\s*)('[^']*'|"[^"]*"|[^\s&;]+)/gi,
    (all, name: string) => (/file\s*=\s*$/i.test(name) ? all : `${name}***`),
  );

/** The same object, which shows itself without secrets where it is printed or sent as JSON. */
export function discreet<T extends object>(value: T): T {
  const shown = { value: () => redacted({ ...value }), enumerable: false };
  return Object.defineProperties(value, { toJSON: shown, [Symbol.for('nodejs.util.inspect.custom')]: shown });
}
