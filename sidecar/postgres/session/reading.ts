import type { Role } from '../../../common/names.js';
import { textOf } from './given.js';
import { readingSetting as setting } from '../proof/standing.js';

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
  /** Whether the server has said that new transactions only read. A pooler may have dropped the option that asks for it. */
  ensured = false;

  constructor(private readonly wanted: boolean) {
    this.#only = wanted;
  }

  /** Until now. On a replica nothing else is possible, whatever was set. */
  only(role: Role | null): boolean {
    return this.#only && (this.ensured || role !== 'primary');
  }

  /** It was to read only, and may have done more, or may do so now that its server is a primary. */
  loosened(role: Role | null): boolean {
    return this.wanted && !this.only(role);
  }

  /** Of a new connection. */
  reset(): void {
    this.#only = this.wanted;
    this.ensured = false;
  }

  told(parameter: string, value: string): void {
    if (parameter === setting && value !== 'on') this.#only = false;
  }

  /** Before a statement is sent: a string, a query config, or a Submittable. */
  sends(statement: unknown): void {
    if (!this.#only) return;
    const text = textOf(statement);
    if (text !== null && asksForMore.test(text)) this.#only = false;
  }
}
