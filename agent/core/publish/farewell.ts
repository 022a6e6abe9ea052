import type { Observation } from '../model.js';
import { nothing, type Publication } from './publication.js';

/** So long, in ms, the other boxes have to hear that a service is going, before it is removed. */
export const farewellMs = 300;
const farewellText = 'this box was told to leave the catalogue';

/**
 * Others doubt what just vanishes, so an entry is called critical first, and removed once that had the time to reach
 * them.
 */
export function farewell({ catalogue, nowMs }: Observation, id: string): Publication {
  switch (catalogue.kind) {
    case 'unread':
      return nothing({ kind: 'consul-unread', why: catalogue.why });
    case 'absent':
      return nothing({ kind: 'left' });
    case 'present': {
      const { check } = catalogue.entry;
      const reason = { kind: 'leaving' } as const;
      if (check && check.status !== 'critical')
        return {
          actions: [{ kind: 'update-check', id, status: 'critical', text: farewellText }],
          reason,
          wakeAtMs: undefined,
        };
      const knownMs = check?.text === farewellText ? (check.refreshedMs ?? nowMs) + farewellMs : nowMs;
      if (nowMs < knownMs) return nothing(reason, knownMs);
      return { actions: [{ kind: 'deregister', id }], reason, wakeAtMs: undefined };
    }
  }
}
