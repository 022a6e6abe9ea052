/**
 * What a terminal, a page or a reader of a log could mistake for something else than text: control characters (escape
 * sequences begin with one), separators of lines, and marks that turn the direction of writing.
 */
const unplain = /[\p{Cc}\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/u;
const lineEnds =
  /[\t\n\v\f\r\u0085\u2028\u2029 ]*[\t\n\v\f\r\u0085\u2028\u2029][\t\n\v\f\r\u0085\u2028\u2029 ]*/gu;
const everyUnplain = new RegExp(unplain.source, 'gu');

/** Whether a text is one line without anything that acts. */
export const isPlain = (text: string): boolean => !unplain.test(text);

/**
 * A text from outside as one line that can be shown: line ends and tabs become a space, anything else that acts becomes
 * U+FFFD. Plain text stays as it is.
 */
export function plainText(text: string): string {
  if (isPlain(text)) return text;
  return text.replace(lineEnds, ' ').replace(everyUnplain, '\ufffd');
}

/** Lines of others as lines: their ends and tabs stay, anything else that acts becomes U+FFFD. */
export function plainLines(lines: string): string {
  return lines.replace(everyUnplain, (found) => (found === '\n' || found === '\t' ? found : '\ufffd'));
}

/** The same as `plainText` for every text in a value that came as JSON, keys included, at any depth. */
export function plainTexts<T>(value: T): T {
  return plained(value) as T;
}

function plained(value: unknown): unknown {
  if (typeof value === 'string') return plainText(value);
  if (Array.isArray(value)) return value.map(plained);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [plainText(key), plained(inner)]));
}

/** A line of JSON, or of any text with such escapes, in which nothing acts: what JSON itself leaves unescaped. */
export function escapedLine(line: string): string {
  const body = line.endsWith('\n') ? line.slice(0, -1) : line;
  const end = line.length > body.length ? '\n' : '';
  return (
    body.replace(everyUnplain, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`) + end
  );
}
