import { assertNever } from '../../../common/assert-never.js';
import type { Of } from '../../../common/keeper/shape.js';
import type { gateFacts } from '../../../common/keeper/protocol.js';
import { bootId, monotonicMs } from '../../../common/runtime/machine/boot-time.js';
import type { ProcessInfo } from '../../../common/runtime/processes/proc.js';
import type { Box } from '../../box.js';

/** The gate by the keeper's own files; whether Postgres has taken it is what `gate` proves (G1). */
export function gateFactsOf(box: Box, postmaster: ProcessInfo | undefined): Of<typeof gateFacts> {
  const { gate } = box.state;
  if (!gate) return { kind: 'unknown', why: 'this keeper has never set one' };
  switch (gate.kind) {
    case 'closed':
      return {
        kind: 'closed',
        name: gate.name,
        sinceStart: gate.proven || (postmaster !== undefined && postmaster.startTicks > gate.closedAtTicks),
      };
    case 'hold':
      return {
        kind: 'hold',
        name: gate.name,
        leftMs: gate.boot === bootId() ? Math.max(0, gate.untilMs - monotonicMs()) : 0,
      };
    case 'open':
      // While an earlier opening may be on its way, a commit that returned proves nothing of a standby.
      return {
        kind: 'open',
        standbys: gate.standbys,
        proven: gate.proven && (gate.standbys === '' || gate.settled),
      };
    default:
      return assertNever(gate);
  }
}
