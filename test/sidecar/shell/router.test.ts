import { expect, test } from 'vitest';
import { AwakeClock } from '../../../common/awake-clock.js';
import { targetKey } from '../../../common/names.js';
import type { Trouble } from '../../../sidecar/core/model.js';
import type { Proposal } from '../../../sidecar/ports.js';
import { noListeners } from '../../../sidecar/shell/router-parts.js';
import { Router } from '../../../sidecar/shell/router.js';
import { ManualClock } from '../../fakes/manual-clock.js';
import { config, found, member } from '../core/story.js';

const target = member('a');

/** A router that has proven one primary, and the reasons that one session to it has heard. */
function started() {
  let propose: (proposal: Proposal) => void = () => {};
  const clock = new ManualClock();
  const router = new Router({
    listeners: noListeners,
    discovery: {
      subscribe: (listener) => ((propose = listener), () => {}),
      refresh: () => {},
      remember: () => {},
    },
    monitors: {
      start: () => ({
        probe: () => {},
        whereabouts: null,
        askWhereabouts: () => Promise.resolve(null),
        askWaiting: () => Promise.resolve(null),
        stop: () => {},
      }),
    },
    clock,
    patience: new AwakeClock(clock),
    random: () => 0,
    inFlight: () => null,
    onCrowd: () => {},
    config: { ...config, tickMs: 1_000, patienceMs: 2_000, ackTimeoutMs: 5_000 },
  });
  router.start();
  propose({ role: 'primary', lookup: found('a'), source: 'dns' });
  router.report({ type: 'proved', target, role: 'primary' });
  const heard: string[] = [];
  router.register({
    target,
    live: true,
    destroy: (why) => heard.push(why.message),
    reconsider: () => {},
    bytesRead: () => 0,
  });
  return { router, heard };
}

test.each<[Trouble, 'session' | 'monitor', string]>([
  [{ kind: 'crashed' }, 'session', 'crashed'],
  [{ kind: 'timed-out' }, 'monitor', 'does not answer in time'],
  [{ kind: 'unreachable' }, 'monitor', 'cannot be reached'],
])('sessions of a member that is given up hear what became of it: %j', (trouble, by, what) => {
  const { router, heard } = started();
  router.report({ type: 'failed', target, trouble, by });
  expect(heard).toEqual([`${targetKey(target)} ${what}: its connections were given up`]);
});
