const setting = 'default_transaction_read_only';

/** Options of a connection's start, with that default added to those of the app. */
export const readingOnly = (options: string | undefined): string =>
  [options, `-c ${setting}=on`].filter(Boolean).join(' ');

/** What an app must write to be allowed more than reading where reading is the default. Too often is harmless here. */
const asksForMore = /\bread\s+write\b|transaction_read_only/i;

/**
 * Whether a session that was opened to read does nothing else. `default_transaction_read_only` is a default, and SQL may ask for
 * more. Postgres tells when the setting changes (14 and newer); a transaction's own mode it does not tell, so the text of
 * statements is looked at. What is lost on a session that may have written is no harmless read any more.
 */
export class Reading {
  #only: boolean;

  constructor(private readonly wanted: boolean) {
    this.#only = wanted;
  }

  /** Until now. */
  get only(): boolean {
    return this.#only;
  }

  /** It was to read only, and may have done more. */
  get loosened(): boolean {
    return this.wanted && !this.#only;
  }

  /** Of a new connection. */
  reset(): void {
    this.#only = this.wanted;
  }

  told(parameter: string, value: string): void {
    if (parameter === setting && value !== 'on') this.#only = false;
  }

  /** Before a statement is sent: a string, a query config, or a Submittable. */
  sends(statement: unknown): void {
    if (!this.#only) return;
    const text = typeof statement === 'string' ? statement : (statement as { text?: unknown } | null)?.text;
    if (typeof text === 'string' && asksForMore.test(text)) this.#only = false;
  }
}
