import { sleep, type Clock } from '../../../common/clock.js';
import { sameTarget } from '../../../common/names.js';
import { ConnectionLostError, ReadOnlyError } from '../../errors.js';
import type { Router } from '../../shell/router.js';
import type { PooledSession, Repeat } from './session-pool.js';

/**
 * Each process of a server reads a changed setting at its own time: for so long a session may know of a switchover that the
 * monitor's does not know of, in ms.
 */
const reloadMs = 250;

/**
 * A write that came to a replica was not executed: it goes to the primary if there is one, now or soon. Nor was one that came
 * to a primary which a switchover had told to read only.
 */
export function repeatOnPrimary(router: Router, writeWaitMs: number, awake: Clock): Repeat {
  const again = async () => {
    if (router.state.mode !== 'read-write')
      await router.target('primary', awake.nowMs() + writeWaitMs, awake);
  };
  const inSwitchover = async ({ target }: PooledSession, error: Error) => {
    const untilMs = awake.nowMs() + reloadMs;
    for (;;) {
      await router.judgeWriter();
      const { writer } = router.state;
      if (!writer || !target || !sameTarget(writer, target)) return again();
      // It writes all the same: the app itself has asked this session to read.
      if (awake.nowMs() >= untilMs) throw error;
      await sleep(awake, reloadMs / 10);
    }
  };
  return (error, session) => {
    if (error instanceof ConnectionLostError) return Promise.resolve();
    if (!(error instanceof ReadOnlyError)) return null;
    if (session.role !== 'replica')
      return router.state.managed && session.toldReadOnly ? inSwitchover(session, error) : null;
    return router.state.mode !== 'read-write' && writeWaitMs === 0 ? null : again();
  };
}
