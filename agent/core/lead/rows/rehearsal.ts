import { isDownRehearsed, isLossRehearsed, isRehearsing } from '../auto/rehearsal.js';
import { patienceMs } from '../auto/auto.js';
import type { Row } from '../row.js';

/** `promotion: auto` on trial: nothing is touched. */
export const rehearsalRows: readonly Row[] = [
  {
    id: 'rehearsal-lost',
    rules: ['L3', 'L4'],
    in: ['unmanaged'],
    lease: 'any',
    condition:
      'the policy says roles: observe and promotion: auto, and the primary that this standby followed has been silent for as long as that takes',
    when: isLossRehearsed,
    doing: 'nothing; say what would be done, in log, status and history',
    wakeAfterMs: 1_000,
    says: (view) => {
      const primary = view.state.rehearsal?.primary ?? '';
      const peer = view.seen.peers.get(primary);
      const why = peer?.kind === 'unknown' ? peer.why : `its agent answers, and sees no primary that serves`;
      return `rehearsal: ${primary} is lost (${why}, for at least ${patienceMs(view, primary)} ms): with roles=managed this member would be promoted now, if the record named it`;
    },
  },
  {
    id: 'rehearsal-down',
    rules: ['L4', 'O2'],
    in: ['unmanaged'],
    lease: 'any',
    condition:
      'the same policy, and this was the primary, does not run, or has not served for 2 seconds, and a standby streamed from it',
    when: isDownRehearsed,
    doing: 'nothing; say what would be done, in log, status and history',
    wakeAfterMs: 1_000,
    says: ({ self, state }) =>
      `rehearsal: it ${self.process === 'stopped' ? 'does not run' : 'runs and does not serve'}: with roles=managed ${state.rehearsal?.heirs.join(' or ')} would take its place`,
  },
  {
    id: 'rehearsal',
    rules: ['L3', 'L4'],
    in: ['unmanaged'],
    lease: 'any',
    condition: 'the policy says roles: observe and promotion: auto',
    when: isRehearsing,
    doing: 'nothing; look whether the primary is alive',
    wakeAfterMs: 500,
    says: ({ state, me }) =>
      state.rehearsal === undefined
        ? 'rehearsal: roles are observed, and no primary was seen yet'
        : `rehearsal: roles are observed; ${state.rehearsal.primary === me ? `this is the primary, and ${state.rehearsal.heirs.join(' or ') || 'no standby'} would take its place` : `it would take the place of ${state.rehearsal.primary}`}`,
  },
];
