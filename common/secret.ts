import { inspect } from 'node:util';

/** What a file with one secret holds, without a byte order mark and without blanks and line ends behind it. */
export function secretText(content: string): string {
  return content.replace(/^\uFEFF/, '').trimEnd();
}

/** A password or token. Shows as `***` wherever it is printed, logged or serialised; only `reveal` gives it away. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }

  [inspect.custom](): string {
    return '***';
  }
}
