import type { CheckStatus } from '../../common/names.js';

/**
 * The order of a decision's actions is a contract. Only the first is performed: how it ended is part of the next
 * observation, and the next decision derives the rest again, from what is true by then.
 *
 * 1. `update-check` to something worse: what is no longer true is retracted first.
 * 2. `register`: address, meta and role tags. Consul keeps a check's status and text across it; a new entry starts with the
 *    status it has, as one that began critical would be taken out of every list that knows it from before.
 * 3. `update-check` to something better, or the same as a refresh: only once the tags are true.
 *
 * `deregister` always stands alone, a moment after the check was called critical.
 */
export type Action =
  | {
      readonly kind: 'update-check';
      readonly id: string;
      readonly status: CheckStatus;
      readonly text: string;
    }
  | { readonly kind: 'register'; readonly registration: Registration }
  | { readonly kind: 'deregister'; readonly id: string };

export interface Registration {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  readonly checkTtlMs: number;
  /** The check's status should Consul not know the check yet. */
  readonly initialStatus: CheckStatus;
}
