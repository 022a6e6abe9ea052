import { sleep } from '../../common/clock.js';
import { UserError } from '../../common/errors.js';
import { systemClock } from '../../common/runtime/clock.js';
import { whatDoesNotStream, whatIsMissing } from '../../provision/site/health.js';
import type { Lab } from '../lab.js';
import { instancesOf } from '../units.js';
import { isManaged } from './postgres.js';
import { lastWords } from './start.js';

const timeoutMs = 60_000;

/** Waits until Consul shows every service healthy, every spare streams and every balancer serves a todo list that can be changed. */
export async function waitUntilHealthy(lab: Lab, signal: AbortSignal): Promise<void> {
  const deadline = systemClock.nowMs() + timeoutMs;
  const admin = lab.site.topology.boxes[0];
  for (;;) {
    const missing = admin
      ? (await Promise.all([whatIsMissing(lab.site, admin), whatDoesNotStream(lab.site)])).flat()
      : [];
    if (missing.length === 0) return;
    if (systemClock.nowMs() > deadline) {
      throw new UserError(
        `not healthy after ${timeoutMs / 1000} s:\n${missing.map((line) => `  ${line}`).join('\n')}`,
      );
    }
    for (const { unit, program, box } of instancesOf(lab.site)) {
      // A managed one may be stopped for a rejoin; its agent starts it.
      if (program === 'pg' && isManaged(lab, box)) continue;
      const { state } = await lab.services.status(unit);
      if (state === 'failed') throw new UserError(`${unit} has ended. ${lastWords(lab, unit)}`);
    }
    await sleep(systemClock, 80, { signal });
  }
}
