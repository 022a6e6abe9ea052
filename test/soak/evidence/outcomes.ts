import { codeOf } from '../../../common/errors.js';

/** How an operation may end while servers die: well, or with one of the errors that are promised. */
export type Outcome = 'done' | 'read-only' | 'lost' | 'unknown' | 'down';

const byCode: Readonly<Record<string, Exclude<Outcome, 'done'>>> = {
  '25006': 'read-only',
  '08006': 'lost',
  '08007': 'unknown',
  '57P03': 'down',
};

/** The promised error that this is, or undefined: then it must not have come. */
export const outcomeOf = (thrown: unknown): Exclude<Outcome, 'done'> | undefined =>
  byCode[codeOf(thrown) ?? ''];
