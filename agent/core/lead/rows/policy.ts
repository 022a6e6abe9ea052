import type { Row } from '../row.js';

/** What an operator's policy leaves to be done. */
export const policyRows: readonly Row[] = [
  {
    id: 'let-go',
    rules: ['R6'],
    in: ['empty', 'half-rejoined', 'stopped', 'standby', 'gated', 'open'],
    lease: 'any',
    condition: 'the policy says roles: observe, and Consul holds no record any more',
    when: ({ policy, record }) => policy.roles === 'observe' && !record,
    does: () => ({ kind: 'release-management' }),
    doing: 'let the member go',
    says: () => 'roles are observed only: the member is let go',
  },
  {
    id: 'observe',
    rules: ['R6'],
    in: 'any',
    lease: 'any',
    condition: 'the policy says roles: observe',
    when: ({ policy }) => policy.roles === 'observe',
    doing: 'nothing',
    says: () => 'roles are observed, not managed',
  },
  {
    id: 'paused',
    rules: ['O1'],
    in: 'any',
    lease: 'any',
    condition: 'an operator has paused the service',
    when: ({ policy }) => policy.paused,
    doing: 'nothing but publishing',
    says: () => 'paused by an operator: "hotspare resume" goes on',
  },
];

/** What has to be on disk whatever comes next. */
export const noteRows: readonly Row[] = [
  {
    id: 'note-epoch',
    rules: ['D5', 'R6'],
    in: 'any',
    lease: 'any',
    condition: 'the record is of an epoch that is not on this disk yet',
    when: ({ record, seen }) => record !== undefined && record.epoch > seen.ledger.seenEpoch,
    does: ({ record, seen }) => ({
      kind: 'remember',
      ledger: { ...seen.ledger, seenEpoch: record?.epoch ?? seen.ledger.seenEpoch },
    }),
    doing: 'write the epoch to disk',
    says: ({ record }) => `epoch ${record?.epoch} is written to disk`,
  },
];
