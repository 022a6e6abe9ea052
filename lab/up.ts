import { systemClock } from '../common/runtime/clock.js';
import { filesOf } from '../provision/files.js';
import { makeFolder, writeFiles } from '../provision/write.js';
import { openLab, templateFolder, type Lab } from './lab.js';
import { labFiles, type LabSettings } from './layout.js';
import { withLock } from './lock.js';
import { checkDisk, checkPorts, checkPostgresAccount, prepareDirectory } from './preflight/checks.js';
import type { Progress } from './progress.js';
import { consulUp } from './steps/consul.js';
import { waitUntilHealthy } from './steps/health.js';
import { postgresUp } from './steps/postgres.js';
import { startUnit } from './steps/start.js';
import { instancesOf } from './units.js';

/**
 * Brings all boxes up and waits until they are healthy. What runs already is left alone, so a second call, or one after
 * a call that was killed half-way, finishes the work. Rejects with a UserError; what was started stays.
 */
export async function up(settings: LabSettings, progress: Progress, signal: AbortSignal): Promise<Lab> {
  prepareDirectory(settings);
  return withLock(labFiles(settings.directory).lock, 'hotspare lab up', async () => {
    checkDisk(settings);
    let lab = openLab(settings);
    checkPostgresAccount(lab);
    await checkPorts(lab);
    writeBoxFiles(lab);
    // Opened again: the units read some of the files just written.
    lab = openLab(settings);
    const startedMs = systemClock.nowMs();
    await allOrFirstError([consulUp(lab, progress, signal), postgresUp(lab, progress, signal)]);
    await progress.step('agents, load balancers and web apps', () => startRest(lab, signal));
    await progress.step('wait until everything is healthy', () => waitUntilHealthy(lab, signal));
    progress.note(`  all healthy after ${((systemClock.nowMs() - startedMs) / 1000).toFixed(1)} s`);
    return lab;
  });
}

function writeBoxFiles(lab: Lab): void {
  const { site } = lab;
  for (const box of site.topology.boxes) {
    const paths = site.pathsOf(box);
    for (const folder of [paths.consulData, paths.agentState]) makeFolder(folder, undefined, 0o700);
    if (box.services.includes('nginx')) makeFolder(paths.nginxState, undefined);
    if (box.services.includes('todomvc')) makeFolder(paths.appCache, undefined, 0o700);
    writeFiles(filesOf(site, box, templateFolder), site.postgresAccount);
  }
}

async function startRest(lab: Lab, signal: AbortSignal): Promise<void> {
  const rest = instancesOf(lab.site).filter(({ program }) => program !== 'consul' && program !== 'pg');
  await Promise.all(
    rest.map(async ({ unit }) => {
      signal.throwIfAborted();
      await startUnit(lab, unit);
    }),
  );
}

/** Like Promise.all, but leaves nothing running behind the first error. */
async function allOrFirstError(work: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
