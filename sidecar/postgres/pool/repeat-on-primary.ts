import type { Clock } from '../../../common/clock.js';
import { ConnectionLostError, ReadOnlyError } from '../../errors.js';
import type { Router } from '../../shell/router.js';
import type { Repeat } from './session-pool.js';

/** A write that came to a replica was not executed: it goes to the primary if there is one, now or soon. */
export function repeatOnPrimary(router: Router, writeWaitMs: number, awake: Clock): Repeat {
  return (error, session) => {
    if (error instanceof ConnectionLostError) return Promise.resolve();
    if (!(error instanceof ReadOnlyError) || session.role !== 'replica') return null;
    if (router.state.mode === 'read-write') return Promise.resolve();
    if (writeWaitMs === 0) return null;
    return router.target('primary', awake.nowMs() + writeWaitMs, awake).then(() => {});
  };
}
